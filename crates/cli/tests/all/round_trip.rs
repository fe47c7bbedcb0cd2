//! What goes in comes out: by files, by pipes, through tar, at every level, for odd inputs.

use std::process::Command;

use crate::common::{Folder, Outcome, have, table, text};

#[test]
fn files_and_pipes_give_every_byte_back() {
    let f = Folder::new();
    let jets = table(3000);
    f.write("jets.bin", &jets);
    for level in ["-1", "-2", "-3", "-4", "-5", "-6"] {
        f.run(&[level, "-f", "jets.bin"]).good();
        assert!(f.read("jets.bin.vxc").len() < jets.len());
        f.run(&["-d", "jets.bin.vxc", "-o", "back", "-f"]).good();
        assert_eq!(f.read("back"), jets);
        let coded = f.pipe(&[level], &jets).good();
        assert!(coded.err.is_empty(), "{}", coded.err);
        assert_eq!(f.pipe(&["-d"], &coded.out).good().out, jets);
    }
}

#[test]
fn a_named_pipe_works_as_a_pipe_does() {
    if !have("mkfifo") {
        return;
    }
    let f = Folder::new();
    let raw = text(400);
    Command::new("mkfifo").arg(f.path("fifo")).status().unwrap();
    let through = |args: &[&str], bytes: &[u8]| {
        let (path, bytes) = (f.path("fifo"), bytes.to_vec());
        let writer = std::thread::spawn(move || std::fs::write(path, bytes).unwrap());
        let done = f.run(args).good();
        writer.join().unwrap();
        done.out
    };
    let coded = through(&["-3", "-c", "fifo"], &raw);
    assert_eq!(coded, f.pipe(&["-3"], &raw).good().out);
    assert_eq!(through(&["-dc", "fifo"], &coded), raw);
    through(&["-3", "fifo", "-o", "out.vxc"], &raw);
    assert_eq!(f.run(&["-dc", "out.vxc"]).good().out, raw);
}

#[test]
fn commands_and_flags_do_the_same() {
    let f = Folder::new();
    let raw = text(400);
    f.write("a", &raw);
    f.run(&["compress", "-3", "a"]).good();
    let by_command = f.read("a.vxc");
    f.run(&["-3", "-f", "a"]).good();
    assert_eq!(f.read("a.vxc"), by_command);
    assert_eq!(f.run(&["c", "-3", "-c", "a"]).good().out, by_command);
    for args in [&["d", "-c", "a.vxc"][..], &["-dc", "a.vxc"], &["decompress", "--stdout", "a.vxc"]]
    {
        assert_eq!(f.run(args).good().out, raw);
    }
    for args in [&["t", "a.vxc"][..], &["-t", "a.vxc"], &["test", "a.vxc"]] {
        assert!(f.run(args).good().text().contains("OK"));
    }
}

#[test]
fn small_and_odd_inputs() {
    let f = Folder::new();
    let jets = table(60);
    let noise: Vec<u8> = {
        let mut next = crate::common::noise(1);
        (0..4000).map(|_| next() as u8).collect()
    };
    let mut inputs: Vec<Vec<u8>> = vec![vec![], vec![0; 5000], noise, vec![0xFF; 3]];
    inputs.extend([1, 2, 3, 7, 23, 24, 25, 100, 500, 1024].map(|n| jets[..n].to_vec()));
    inputs.extend([1, 10, 800].map(|n| text(50)[..n].to_vec()));
    for (i, raw) in inputs.iter().enumerate() {
        for level in ["-1", "-5"] {
            f.write("x", raw);
            f.run(&[level, "-f", "x"]).good();
            let size = f.read("x.vxc").len();
            assert!(size <= raw.len() + raw.len() / 1000 + 1024, "input {i}: {size}");
            f.run(&["-df", "x.vxc"]).good();
            assert_eq!(&f.read("x"), raw, "input {i}");
        }
    }
}

#[test]
fn several_files_each_and_concatenated() {
    let f = Folder::new();
    let (a, b) = (table(200), text(100));
    f.write("a", &a);
    f.write("b", &b);
    let line = f.run(&["-1", "a", "b"]).good().err;
    assert_eq!(line.lines().count(), 3, "{line}");
    assert!(line.contains("2 files compressed"));
    assert_eq!(f.run(&["-dc", "a.vxc", "b.vxc"]).good().out, [a.clone(), b.clone()].concat());
    // Archives one after the other decode to their contents one after the other.
    let both = f.run(&["-1c", "a", "b"]).good().out;
    assert_eq!(f.pipe(&["-d"], &both).good().out, [a, b].concat());
}

#[test]
fn tar_packs_and_unpacks_through_it() {
    if !have("tar") {
        return;
    }
    let f = Folder::new();
    std::fs::create_dir(f.path("run")).unwrap();
    f.write("run/jets.bin", &table(500));
    f.write("run/log", &text(50));
    let tar = |args: &[&str]| {
        let mut command = Command::new("tar");
        command.arg("-I").arg(env!("CARGO_BIN_EXE_vxc")).args(args).current_dir(f.path("."));
        let done = Outcome::of(&mut command).good();
        assert!(done.err.is_empty(), "{}", done.err);
    };
    tar(&["-cf", "run.tar.vxc", "run"]);
    std::fs::remove_dir_all(f.path("run")).unwrap();
    tar(&["-xf", "run.tar.vxc"]);
    assert_eq!(f.read("run/jets.bin"), table(500));
    assert_eq!(f.read("run/log"), text(50));
}

#[test]
fn neither_threads_nor_instruction_set_change_the_archive() {
    let f = Folder::new();
    // More than one segment.
    f.write("x", &table(220_000));
    let args = |t| ["-1", "-c", "--verify", "none", "-T", t, "x"];
    let one = f.run(&args("1")).good().out;
    assert!(f.run(&args("2")).good().out == one, "threads");
    let mut scalar = f.command(&args("0"));
    assert!(Outcome::of(scalar.env("VXC_ISA", "scalar")).good().out == one, "scalar");
    for threads in ["1", "2"] {
        f.pipe(&["-t", "-T", threads], &one).good();
    }
    f.write("y", &table(2000));
    let best = f.run(&["-5", "-c", "y"]).good().out;
    let mut scalar = f.command(&["-5", "-c", "-T1", "y"]);
    assert!(Outcome::of(scalar.env("VXC_ISA", "scalar")).good().out == best, "scalar at -5");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let f = Folder::new();
    f.write("x", &table(100_000));
    f.run(&["-1", "--verify", "none", "x"]).good();
    for args in
        [&["-dc", "x.vxc"][..], &["-1c", "--verify", "none", "x"], &["l", "--json", "x.vxc"]]
    {
        let mut child = f.command(args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn what_shrinks_beyond_the_formats_limit_survives_files_and_pipes() {
    let f = Folder::new();
    let raw = vec![0; 4_000_000];
    f.write("zeros", &raw);
    for level in ["-1", "-3"] {
        let piped = f.run(&[level, "-c", "zeros"]).good().out;
        assert!(f.pipe(&["-d"], &piped).good().out == raw, "{level}");
        f.run(&[level, "-f", "zeros"]).good();
    }
}
