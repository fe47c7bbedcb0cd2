//! Bad input and bad usage: one clear line, the right exit code, nothing lost and nothing left behind.

use std::path::Path;
use std::process::Command;

use crate::common::{Folder, Outcome, have, table, text};

#[test]
fn archives_that_are_none() {
    let f = Folder::new();
    f.write("x", &table(300));
    f.run(&["-1", "x"]).good();
    let good = f.read("x.vxc");
    std::fs::remove_file(f.path("x")).unwrap();
    let check = |bytes: &[u8], words: &[&str]| {
        f.write("y.vxc", bytes);
        for mode in ["-d", "-t"] {
            f.run(&[mode, "y.vxc"]).bad(1, &[&["y.vxc"], words].concat());
        }
        assert_eq!(f.names(), ["x.vxc", "y.vxc"]);
    };
    check(b"", &["truncated"]);
    check(b"\x1f\x8b\x08\0 something else entirely", &["signature"]);
    check(&[&good[..], b"garbage"].concat(), &["after the archive's end"]);
    for cut in [1, 8, 20, good.len() / 2, good.len() - 70, good.len() - 1] {
        check(&good[..cut], &["truncated"]);
    }
    for at in (0..good.len()).step_by(good.len() / 25) {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        check(&flipped, &[]);
    }
    assert_eq!(f.read("x.vxc"), good);
}

#[test]
fn inputs_that_are_no_files() {
    let f = Folder::new();
    f.write("good", &text(30));
    f.run(&["nothing"]).bad(2, &["nothing: no such file"]);
    f.run(&["-d", "nothing.vxc"]).bad(2, &["nothing.vxc: no such file"]);
    std::fs::create_dir(f.path("folder")).unwrap();
    f.run(&["folder"]).bad(2, &["folder: is a directory"]);
    f.run(&["-l", "folder"]).bad(2, &["folder: is a directory"]);
    if Path::new("/dev/zero").exists() {
        f.run(&["-c", "/dev/zero"]).bad(2, &["/dev/zero: is neither a regular file nor a pipe"]);
    }
    if have("mkfifo") {
        // Told without waiting for somebody to write.
        Command::new("mkfifo").arg(f.path("fifo")).status().unwrap();
        f.run(&["fifo"]).bad(2, &["fifo: a pipe has no name", "-o"]);
        f.run(&["-l", "fifo"]).bad(2, &["fifo: is a pipe"]);
    }
    // The others are still handled.
    let one = f.run(&["nothing", "good", "folder"]);
    assert_eq!(one.code, Some(2));
    assert!(f.has("good.vxc"));
    let two = f.run(&["-t", "nothing.vxc", "good.vxc"]);
    assert_eq!(two.code, Some(2));
    assert!(two.text().contains("good.vxc : OK"));
}

#[test]
fn the_first_failure_gives_the_code() {
    let f = Folder::new();
    f.write("bad.vxc", b"no archive at all");
    f.run(&["-t", "bad.vxc"]).bad(1, &[]);
    f.run(&["-l", "bad.vxc"]).bad(1, &["no .vxc archive"]);
    assert_eq!(f.run(&["-t", "bad.vxc", "missing.vxc"]).code, Some(1));
    assert_eq!(f.run(&["-t", "missing.vxc", "bad.vxc"]).code, Some(2));
}

#[test]
fn usage() {
    let f = Folder::new();
    f.write("x", &text(30));
    f.write("y", &text(30));
    for (args, words) in [
        (&["--foo"][..], &["--foo"][..]),
        (&["-19", "x"], &["level 19"]),
        (&["x", "y", "-o", "z"], &["-o takes one input"]),
        (&["-c", "x", "-o", "z"], &["-o"]),
        (&["-d", "x"], &["x", ".vxc"]),
        (&["-", "-"], &["standard input"]),
        (&["-l"], &["pipe"]),
        (&["-d", "-t", "x"], &["cannot be used"]),
        (&["-M", "many", "x"], &["size"]),
        (&["-T", "2000", "x"], &["2000"]),
        (&["--record", "0", "x"], &["--record", "1..=1048576"]),
        (&["--record", "4294967296", "x"], &["--record", "1..=1048576"]),
        (&["--segment", "0", "x"], &["--segment", "above zero"]),
        (&["-M", "0", "x"], &["--memory", "above zero"]),
        (&["--pure", "-5", "x"], &["--pure", "-7"]),
        (&["--json", "x"], &["--list"]),
        (&["--rm", "--verify", "none", "x"], &["--rm"]),
        (&["--embed-model", "x"], &["--model"]),
        (&["fit", "x"], &["--output"]),
        (&["-o", "nowhere/z", "x"], &["nowhere/z", "no such file"]),
        (&["-o", "..", "x"], &[".."]),
        (&["--layout", "missing.json", "x"], &["missing.json", "no such file"]),
        (&["--layout", "y", "x"], &["layout y"]),
    ] {
        f.run(args).bad(2, words);
        assert_eq!(f.names(), ["x", "y"], "{args:?}");
    }
    let mut unknown = f.command(&["x"]);
    Outcome::of(unknown.env("VXC_ISA", "abacus")).bad(2, &["VXC_ISA", "abacus"]);
    assert_eq!(f.names(), ["x", "y"]);
}

#[test]
fn models_that_are_none() {
    let f = Folder::new();
    f.write("x", &table(30));
    f.write("not.vxm", &text(3));
    f.run(&["--model", "missing.vxm", "x"]).bad(3, &["missing.vxm", "no such file"]);
    f.run(&["--model", "not.vxm", "x"]).bad(3, &["not.vxm"]);
    f.run(&["-d", "--model", "not.vxm", "x.vxc"]).bad(3, &["not.vxm"]);
    assert_eq!(f.names(), ["not.vxm", "x"]);
}

#[test]
fn limits() {
    let f = Folder::new();
    let raw = table(2000);
    f.write("x", &raw);
    f.run(&["-5", "x"]).good();
    for args in
        [&["-t", "--max-output", "10K"][..], &["-dc", "--max-output", "10K"], &["-t", "-M", "100K"]]
    {
        f.run(&[args, &["x.vxc"]].concat()).bad(4, &["x.vxc", "limit"]);
    }
    f.run(&["-t", "--max-output", &format!("{}b", raw.len()), "x.vxc"]).good();
}

#[test]
fn what_takes_more_memory_than_asked_is_said() {
    let f = Folder::new();
    f.write("x", &table(2000));
    let done = f.run(&["-5", "-M", "1M", "x"]).good();
    let warning = done.err.lines().next().unwrap();
    assert!(warning.contains("warning") && warning.contains("-M: "), "{}", done.err);
    // And so it is.
    f.run(&["-t", "-M", "1M", "x.vxc"]).bad(4, &["x.vxc", "limit"]);
    assert!(!f.run(&["-5f", "x"]).good().err.contains("warning"));
}

#[test]
fn unreadable_and_unwritable() {
    use std::os::unix::fs::PermissionsExt;
    let f = Folder::new();
    f.write("secret", b"x");
    std::fs::set_permissions(f.path("secret"), PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(f.path("secret")).is_ok() {
        println!("skipped: the superuser can read everything");
    } else {
        f.run(&["secret"]).bad(2, &["secret: permission denied"]);
    }
    if Path::new("/dev/full").exists() {
        f.write("x", &text(10_000));
        f.run(&["x", "-o", "/dev/full"]).bad(2, &["no space"]);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        Outcome::of(f.command(&["-c", "x"]).stdout(full)).bad(2, &["no space"]);
    }
}

#[test]
fn terminals_get_no_binary() {
    if !have("script") {
        return;
    }
    let f = Folder::new();
    f.write("x", &table(40));
    f.write("text", &text(5));
    f.run(&["-q", "x", "text"]).good();
    let vxc = env!("CARGO_BIN_EXE_vxc");
    let terminal = |args: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{vxc} {args}"), "/dev/null"]);
        command.current_dir(f.path(".")).stdin(std::process::Stdio::null());
        Outcome::of(&mut command)
    };
    for args in ["-c x", "-dc x.vxc"] {
        let refused = terminal(args);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.text().contains("terminal"), "{refused:?}");
        assert_eq!(terminal(&format!("-f {args}")).code, Some(0));
    }
    // Text may be shown; what a person types is not taken for data.
    assert!(terminal("-dc text.vxc").good().text().contains("P 4 "));
    let typed = terminal("-5");
    assert!(typed.code == Some(2) && typed.text().contains("terminal"), "{typed:?}");
}

#[cfg(not(feature = "train"))]
#[test]
fn training_that_is_not_built_in_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vxc"))
        .args(["train", "x.bin", "-o"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("--features train") && said.lines().count() == 1, "{said}");
}
