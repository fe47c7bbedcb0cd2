//! A hostile system: calls that fail, full disks, folders that cannot be written, links, pipes, two programs at once, and
//! files that change while they are read. The destination is absent or complete, the source is never touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::common::{Folder, Outcome, fixture, have, table, text};

const VXC: &str = env!("CARGO_BIN_EXE_vxc");

/// Runs the program under strace with a fault injected into the call of `kind` with this number.
fn injected(f: &Folder, args: &[&str], kind: &str, error: &str, number: u32) -> Outcome {
    let mut command = Command::new("strace");
    let inject = format!("inject={kind}:error={error}:when={number}");
    command.args(["-f", "-qq", "-o", "trace", "-e", &format!("trace={kind}"), "-e", &inject, VXC]);
    command.args(args).current_dir(f.path(".")).stdin(Stdio::null());
    Outcome::of(&mut command)
}

/// Every call that brings a file to the disk fails once.
#[test]
fn every_call_to_the_system_may_fail() {
    if !have("strace") {
        return;
    }
    let f = Folder::new();
    let raw = table(600);
    f.write("x", &raw);
    if injected(&f, &["--version"], "fsync", "EIO", 1).code != Some(0) {
        println!("skipped: strace may not trace here");
        return;
    }
    f.run(&["-1", "x", "-o", "whole"]).good();
    f.run(&["compress-weights", "x", "-o", "weights"]).good();
    let (archive, weights) = (f.read("whole"), f.read("weights"));
    let (mut failures, mut harmless, mut replaced) = (0, 0, 0);
    // Onto nothing, and with -f onto a file that is there.
    for (args, old, wanted) in [
        (&["-1", "-T1", "x", "-o", "out"][..], None, &archive),
        (&["-d", "-T1", "whole", "-o", "out"], None, &raw),
        (&["-1f", "-T1", "x", "-o", "out"], Some(b"old"), &archive),
        (&["-df", "-T1", "whole", "-o", "out"], Some(b"old"), &raw),
        (&["-d", "--keep-going", "-T1", "whole", "-o", "out"], None, &raw),
        (&["compress-weights", "-T1", "x", "-o", "out"], None, &weights),
        (&["decompress-weights", "-T1", "weights", "-o", "out"], None, &raw),
    ] {
        for (kind, error) in [
            ("write", "ENOSPC"),
            ("read", "EIO"),
            ("fsync", "EIO"),
            ("lseek", "EIO"),
            ("openat", "EMFILE"),
            ("fchmod", "EPERM"),
            // Whichever of these publishes.
            ("linkat,renameat,renameat2,rename", "EIO"),
        ] {
            let mut hits = 0;
            // The loop ends where no call of that number is made.
            for number in 1.. {
                match old {
                    Some(old) => f.write("out", old),
                    None => drop(fs::remove_file(f.path("out"))),
                }
                let done = injected(&f, args, kind, error, number);
                let hit = fs::read_to_string(f.path("trace")).unwrap().contains("(INJECTED)");
                let what = format!("{args:?} {kind} {number}: {:?}", done.err);
                assert!(matches!(done.code, Some(0..=2) | Some(127) | None), "{what}");
                // All of the new content, or what was there before; where the program says that it is done, the new.
                let there = fs::read(f.path("out")).ok();
                let new = there.as_ref() == Some(wanted);
                let kept = there.as_deref() == old.map(|old| &old[..]);
                assert!(new || kept, "{what}: a part was published");
                assert!(new || done.code != Some(0), "{what}: nothing was written");
                failures += u32::from(hit && done.code != Some(0));
                harmless += u32::from(hit && done.code == Some(0));
                replaced += u32::from(!hit && old.is_some() && new);
                hits += u32::from(hit);
                let left: Vec<String> =
                    f.names().into_iter().filter(|n| n.ends_with(".tmp")).collect();
                assert!(left.is_empty(), "{what}: {left:?} is left");
                assert!(
                    f.read("x") == raw
                        && f.read("whole") == archive
                        && f.read("weights") == weights,
                    "{what}: an input changed"
                );
                if !hit {
                    break;
                }
            }
            // A list that lacks the call in use would prove nothing. Decompression need not seek.
            assert!(hits > 0 || kind == "lseek", "{args:?}: no call of {kind} was made");
        }
    }
    assert!(replaced > 0);
    println!("{failures} failures, {harmless} calls that may fail");
    assert!(failures > 20);
}

/// Each write in turn puts a wrong byte on the disk: the archive is read again before it is published.
#[test]
fn what_the_disk_takes_wrongly_is_not_published() {
    if !have("strace") {
        return;
    }
    let f = Folder::new();
    f.write("x", &table(600));
    let wrong = |args: &[&str], number: usize| {
        let inject = format!("inject=write:poke_enter=@arg2=ff:when={number}");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "trace", "-e", "trace=write", "-e", &inject, VXC]);
        command.args(args).current_dir(f.path(".")).stdin(Stdio::null());
        Outcome::of(&mut command)
    };
    if wrong(&["--version"], 99).code != Some(0) {
        println!("skipped: strace may not trace here, or cannot change what is written");
        return;
    }
    f.run(&["-1", "x", "-o", "archive"]).good();
    f.run(&["compress-weights", "x", "-o", "weights"]).good();
    for (args, old, wanted) in [
        (&["-1", "-T1", "x", "-o", "out"][..], None, f.read("archive")),
        (&["-1f", "-T1", "x", "-o", "out"], Some(b"old"), f.read("archive")),
        (&["compress-weights", "-T1", "x", "-o", "out"], None, f.read("weights")),
    ] {
        let mut refused = 0;
        for number in 1.. {
            match old {
                Some(old) => f.write("out", old),
                None => drop(fs::remove_file(f.path("out"))),
            }
            let done = wrong(args, number);
            if done.code == Some(0) {
                // What was hit is a message.
                assert!(f.read("out") == wanted, "{args:?}, write {number}");
            } else {
                done.bad(1, &["verification failed, nothing was written"]);
                let there = fs::read(f.path("out")).ok();
                assert_eq!(there.as_deref(), old.map(|old| &old[..]), "{args:?}, write {number}");
                assert!(!f.names().iter().any(|n| n.ends_with(".tmp")));
                refused += 1;
            }
            let calls = fs::read_to_string(f.path("trace")).unwrap();
            if calls.lines().filter(|l| l.contains("write(")).count() < number {
                break;
            }
        }
        assert!(refused > 0, "{args:?}");
    }
}

/// A limit on the size of files, as a full disk or a quota has it.
#[test]
fn a_full_disk_leaves_nothing() {
    let f = Folder::new();
    let raw = text(20_000);
    f.write("x", &raw);
    f.run(&["-1", "x", "-o", "whole.vxc"]).good();
    let blocks = (f.read("whole.vxc").len() / 1024 / 2).max(1);
    for run in ["-1 x -o out", "-d whole.vxc -o out", "compress-weights x -o out"] {
        // Blocks of 1024 bytes in sh's ulimit of some shells, 512 in others: below the result in both.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{VXC}' {run}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(f.path("."));
        Outcome::of(&mut command).bad(2, &["cannot write"]);
        assert_eq!(f.names(), ["whole.vxc", "x"], "{run}");
    }
    assert!(f.read("x") == raw);
}

/// A file system without room: a small one in memory, in a namespace that goes with the test.
#[test]
fn a_full_file_system_keeps_no_part() {
    if !have("unshare") {
        return;
    }
    let f = Folder::new();
    let raw = text(20_000);
    f.write("x", &raw);
    f.run(&["-1", "x", "-o", "whole.vxc"]).good();
    fs::create_dir(f.path("small")).unwrap();
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        let script = format!("mount -t tmpfs -o size=64k none small && {script}");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
        Outcome::of(command.current_dir(f.path(".")).stdin(Stdio::null()))
    };
    let room = inside("df small");
    if room.code != Some(0) {
        println!("skipped: nothing can be mounted here: {}", room.err);
        return;
    }
    assert!(f.read("whole.vxc").len() > 64 << 10, "it would fit");
    for run in
        ["-1 x -o", "-d whole.vxc -o", "-d --keep-going whole.vxc -o", "compress-weights x -o"]
    {
        let done = inside(&format!("'{VXC}' {run} small/out; code=$?; ls -A small; exit $code"));
        assert_eq!(done.text(), "", "{run}: something is left");
        done.bad(2, &["no space left"]);
    }
    assert!(f.read("x") == raw);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let f = Folder::new();
    fs::create_dir(f.path("locked")).unwrap();
    f.write("locked/x", &text(50));
    fs::set_permissions(f.path("locked"), PermissionsExt::from_mode(0o555)).unwrap();
    let mut command = Command::new("setpriv");
    // The superuser may write everywhere: somebody else is asked.
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", VXC, "locked/x"]);
    let done = match fs::write(f.path("locked/probe"), b"") {
        Err(_) => f.run(&["locked/x"]),
        Ok(()) if have("setpriv") => {
            fs::remove_file(f.path("locked/probe")).unwrap();
            fs::set_permissions(f.path("."), PermissionsExt::from_mode(0o755)).unwrap();
            Outcome::of(command.current_dir(f.path(".")).stdin(Stdio::null()))
        }
        Ok(()) => return,
    };
    if done.code == Some(127) || done.err.contains("setpriv") {
        println!("skipped: {}", done.err);
        return;
    }
    done.bad(2, &["locked/x", "permission denied"]);
    assert_eq!(fs::read_dir(f.path("locked")).unwrap().count(), 1);
}

#[test]
fn links() {
    let f = Folder::new();
    let raw = text(100);
    f.write("x", &raw);
    symlink("x", f.path("link")).unwrap();
    f.run(&["link"]).good();
    f.run(&["-dc", "link.vxc"]).good();
    // A link in the place of the output, to a file or to nothing: kept without -f, replaced with it, its target never touched.
    f.write("precious", b"precious");
    symlink("precious", f.path("out")).unwrap();
    symlink("nothing", f.path("dangling")).unwrap();
    for out in ["out", "dangling"] {
        f.run(&["x", "-o", out]).bad(2, &["exists already"]);
        f.run(&["-f", "x", "-o", out]).good();
        assert!(!fs::symlink_metadata(f.path(out)).unwrap().is_symlink());
        assert_eq!(f.run(&["-dc", out]).good().out, raw);
    }
    assert_eq!(f.read("precious"), b"precious");
    assert!(!f.has("nothing"));
    // Of an input that is a link, --rm removes the link.
    f.run(&["-f", "--rm", "link"]).good();
    assert!(!f.has("link") && f.read("x") == raw);
}

#[test]
fn pipes_with_names() {
    if !have("mkfifo") {
        return;
    }
    let f = Folder::new();
    let raw = table(500);
    f.write("x", &raw);
    for pipe in ["in", "out"] {
        assert!(Command::new("mkfifo").arg(f.path(pipe)).status().unwrap().success());
    }
    let (from, to) = (f.path("in"), f.path("out"));
    let feed = std::thread::spawn(move || fs::copy(from.with_file_name("x"), from).unwrap());
    let drain = std::thread::spawn(move || fs::read(to).unwrap());
    f.run(&["-3", "in", "-o", "out"]).good();
    feed.join().unwrap();
    let archive = drain.join().unwrap();
    assert!(f.pipe(&["-dc"], &archive).good().out == raw);
    assert_eq!(f.names(), ["in", "out", "x"]);
}

#[test]
fn two_programs_and_one_output() {
    let f = Folder::new();
    f.write("a", &table(2000));
    f.write("b", &text(3000));
    f.run(&["-1", "a", "-o", "whole_a"]).good();
    f.run(&["-1", "b", "-o", "whole_b"]).good();
    let (whole_a, whole_b) = (f.read("whole_a"), f.read("whole_b"));
    for force in [false, true] {
        for _ in 0..12 {
            let start = |input| {
                let mut args = vec!["-1", input, "-o", "out"];
                args.extend(force.then_some("-f"));
                f.command(&args).spawn().unwrap()
            };
            let codes =
                [start("a"), start("b")].map(|mut child| child.wait().unwrap().code().unwrap());
            let out = f.read("out");
            assert!(out == whole_a || out == whole_b, "a mixture was published");
            match force {
                // One was first; the other has not replaced it.
                false => assert!(codes == [0, 2] || codes == [2, 0], "{codes:?}"),
                true => assert_eq!(codes, [0, 0]),
            }
            fs::remove_file(f.path("out")).unwrap();
        }
    }
    assert_eq!(f.names(), ["a", "b", "whole_a", "whole_b"]);
}

/// Bytes are replaced, added and cut off while the program reads: what is published decodes to bytes that were there, and
/// the input is not removed.
#[test]
fn files_that_change_while_they_are_read() {
    use std::io::{Seek, SeekFrom, Write};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    let f = Folder::new();
    for (name, raw) in [("table", table(4000)), ("hdf5", fixture("hdf5/filters_latest.h5"))] {
        let mut outcomes = [0; 2];
        for round in 0..8u64 {
            f.write("x", &raw);
            let stop = AtomicBool::new(false);
            let code = std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut file = fs::File::options().write(true).open(f.path("x")).unwrap();
                    let mut n = round;
                    while !stop.load(Relaxed) {
                        n += 1;
                        match round % 3 {
                            0 => {
                                let at = n * 7919 % raw.len() as u64;
                                file.seek(SeekFrom::Start(at)).unwrap();
                                file.write_all(&[n as u8]).unwrap();
                            }
                            1 => {
                                file.seek(SeekFrom::End(0)).unwrap();
                                file.write_all(&[n as u8]).unwrap();
                            }
                            _ => file.set_len(raw.len() as u64 * (n % 3 + 1) / 4).unwrap(),
                        }
                        std::thread::sleep(std::time::Duration::from_micros(300));
                    }
                });
                let done = f.run(&["-4f", "--rm", "x", "-o", "out"]);
                stop.store(true, Relaxed);
                done.code.unwrap()
            });
            assert!(matches!(code, 0..=2), "{name} {round}: code {code}");
            if !f.has("x") {
                // The writer came too late: nothing had changed, and everything is in the archive.
                assert_eq!(code, 0);
                assert!(f.run(&["-dc", "out"]).good().out == raw, "{name} {round}: removed");
            }
            if f.has("out") {
                f.run(&["-t", "out"]).good();
                fs::remove_file(f.path("out")).unwrap();
            }
            outcomes[usize::from(code == 0)] += 1;
            assert!(f.names().iter().all(|n| !n.ends_with(".tmp")));
        }
        println!("{name}: {outcomes:?} refused and kept, compressed");
        assert!(outcomes[0] > 0, "{name}: nothing was disturbed");
    }
}

/// A sparse file: `VXC_SPARSE=8G` makes it eight gibibytes.
#[test]
fn sparse_files() {
    let f = Folder::new();
    let size: u64 =
        match std::env::var("VXC_SPARSE").ok().and_then(|s| s.trim_end_matches('G').parse().ok()) {
            Some(gib) => {
                let gib: u64 = gib;
                gib << 30
            }
            None => 24 << 20,
        };
    let file = fs::File::create(f.path("x")).unwrap();
    file.set_len(size).unwrap();
    drop(file);
    f.run(&["-1", "x"]).good();
    let len = fs::metadata(f.path("x.vxc")).unwrap().len();
    assert!(len < size / 1000 + 4096, "{len} of {size} bytes");
    let done = f.run(&["-t", "x.vxc"]).good();
    assert!(done.text().contains(&format!("({size} bytes")), "{}", done.text());
}
