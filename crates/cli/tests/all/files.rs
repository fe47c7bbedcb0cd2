//! Files are never harmed: no clobbering, time and permissions, names, `--rm`, interruption at any time.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::common::{Folder, table, text};

fn set_time(f: &Folder, name: &str, time: SystemTime) {
    fs::File::options().write(true).open(f.path(name)).unwrap().set_modified(time).unwrap();
}

fn looks(f: &Folder, name: &str) -> (u32, SystemTime) {
    let meta = fs::metadata(f.path(name)).unwrap();
    (meta.permissions().mode() & 0o7777, meta.modified().unwrap())
}

#[test]
fn nothing_is_replaced_without_force() {
    let f = Folder::new();
    f.write("x", &text(50));
    f.write("x.vxc", b"mine");
    f.run(&["x"]).bad(2, &["x: x.vxc exists already"]);
    assert_eq!(f.read("x.vxc"), b"mine");
    f.run(&["-f", "x"]).good();
    f.write("x", b"changed");
    f.run(&["-d", "x.vxc"]).bad(2, &["x.vxc: x exists already"]);
    assert_eq!(f.read("x"), b"changed");
    f.run(&["-df", "x.vxc"]).good();
    assert_eq!(f.read("x"), text(50));
    assert_eq!(f.names(), ["x", "x.vxc"]);
}

#[test]
fn the_destination_outlives_every_failure() {
    let f = Folder::new();
    f.write("out", b"precious");
    f.run(&["-f", "missing", "-o", "out"]).bad(2, &["missing"]);
    f.write("bad.vxc", b"no archive");
    f.run(&["-df", "bad.vxc", "-o", "out"]).bad(1, &["bad.vxc"]);
    assert_eq!(f.read("out"), b"precious");
    // The output is the input, by its name, another name, a link.
    let raw = table(100);
    f.write("x", &raw);
    fs::hard_link(f.path("x"), f.path("hard")).unwrap();
    std::os::unix::fs::symlink("x", f.path("soft")).unwrap();
    for other in ["x", "./x", "hard", "soft"] {
        f.run(&["-f", "x", "-o", other]).bad(2, &["the input itself"]);
        assert_eq!(f.read("x"), raw);
    }
    fs::create_dir(f.path("folder")).unwrap();
    f.run(&["-f", "x", "-o", "folder"]).bad(2, &["is a directory"]);
}

#[test]
fn devices_are_written_to_and_stay() {
    let f = Folder::new();
    f.write("x", &text(50));
    f.run(&["-f", "x", "-o", "/dev/null"]).good();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let out = f.run(&["x", "-o", "/dev/stdout"]).good().out;
    assert_eq!(f.pipe(&["-d", "-o", "-"], &out).good().out, text(50));
}

#[test]
fn time_and_permissions_come_back() {
    let f = Folder::new();
    f.write("x", &table(100));
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    set_time(&f, "x", time);
    fs::set_permissions(f.path("x"), Permissions::from_mode(0o640)).unwrap();
    f.run(&["x"]).good();
    assert_eq!(looks(&f, "x.vxc"), (0o640, time));
    // What the archive's own file looks like does not matter.
    fs::set_permissions(f.path("x.vxc"), Permissions::from_mode(0o600)).unwrap();
    set_time(&f, "x.vxc", SystemTime::now());
    f.run(&["-d", "x.vxc", "-o", "y"]).good();
    assert_eq!(looks(&f, "y"), (0o640, time));

    f.run(&["-f", "--no-name", "x"]).good();
    let list = f.run(&["list", "--json", "x.vxc"]).good();
    let json: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    for key in ["name", "mtime_ns", "mode"] {
        assert!(json[0][key].is_null(), "{key}");
    }
    // From a pipe: an ordinary new file.
    f.write("ordinary", b"");
    f.pipe(&["-o", "piped.vxc"], &table(100)).good();
    assert_eq!(looks(&f, "piped.vxc").0, looks(&f, "ordinary").0);
}

#[test]
fn stored_names() {
    let f = Folder::new();
    f.write("x", &text(20));
    f.run(&["x"]).good();
    fs::rename(f.path("x.vxc"), f.path("other")).unwrap();
    fs::remove_file(f.path("x")).unwrap();
    f.run(&["-dN", "other"]).good();
    assert_eq!(f.read("x"), text(20));
    // A hostile name goes nowhere: the name is changed in place and its checksum repaired by the format.
    let mut hostile = Vec::new();
    let header = vxc::Header { name: Some(b"../evil".to_vec()), ..vxc::Header::default() };
    header.write(&mut hostile).unwrap();
    f.write("hostile", &hostile);
    f.run(&["-dN", "hostile"]).bad(2, &["hostile", "../evil"]);
    assert_eq!(f.names(), ["hostile", "other", "x"]);
}

#[test]
fn names_need_not_be_utf8() {
    let f = Folder::new();
    let name = OsStr::from_bytes(b"j\xFFts \n.bin");
    if fs::write(f.path(name), table(50)).is_err() {
        println!("skipped: the file system takes UTF-8 only");
        return;
    }
    let done = f.run(&[name]).good();
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    let archive = OsStr::from_bytes(b"j\xFFts \n.bin.vxc");
    fs::remove_file(f.path(name)).unwrap();
    f.run(&[OsStr::new("-d"), archive]).good();
    assert_eq!(f.read(name), table(50));
    f.run(&[OsStr::new("-l"), archive]).good();
    f.run(&[OsStr::new("list"), OsStr::new("--json"), archive]).good();
    fs::remove_file(f.path(name)).unwrap();
    f.run(&[OsStr::new("-dN"), archive]).good();
    assert_eq!(f.read(name), table(50));
}

#[test]
fn inputs_are_kept_unless_asked() {
    let f = Folder::new();
    f.write("x", &text(50));
    f.run(&["x"]).good();
    assert_eq!(f.names(), ["x", "x.vxc"]);
    f.run(&["--rm", "x"]).bad(2, &["exists already"]);
    assert!(f.has("x"));
    f.run(&["--rm", "-f", "x"]).good();
    assert_eq!(f.names(), ["x.vxc"]);
    for device in [
        &["--rm", "-f", "-o", "/dev/null", "-d", "x.vxc"][..],
        &["compress", "--rm", "-o", "/dev/null", "x.vxc"],
    ] {
        let done = f.run(device).good();
        assert!(done.err.contains("not removed"), "{}", done.err);
        assert_eq!(f.names(), ["x.vxc"]);
    }
    f.run(&["-d", "--rm", "x.vxc"]).good();
    assert_eq!(f.names(), ["x"]);
    // A result in a pipe is not safe on a disk.
    let piped = f.run(&["--rm", "-c", "x"]).good();
    assert!(piped.err.contains("warning"), "{}", piped.err);
    assert_eq!(f.names(), ["x"]);
    f.run(&["--rm", "-k", "x"]).good();
    assert_eq!(f.names(), ["x", "x.vxc"]);
    let mut broken = f.read("x.vxc");
    let at = broken.len() / 2;
    broken[at] ^= 1;
    f.write("broken.vxc", &broken);
    f.run(&["-d", "--rm", "broken.vxc"]).bad(1, &["broken.vxc"]);
    assert_eq!(f.names(), ["broken.vxc", "x", "x.vxc"]);
}

#[test]
fn killed_at_any_time_the_destination_is_absent_or_complete() {
    let f = Folder::new();
    f.write("x", &table(10_000));
    let start = Instant::now();
    f.run(&["-1", "x"]).good();
    let whole = start.elapsed();
    let complete = f.read("x.vxc");
    let (mut absent, mut done) = (0, 0);
    for i in 0..16u32 {
        fs::remove_file(f.path("x.vxc")).ok();
        let mut child = f.command(&["-1", "x"]).spawn().unwrap();
        std::thread::sleep(whole * i / 12);
        // On a busy machine all would come too early: the last run ends by itself.
        if i < 15 {
            // It may be gone by now.
            let _ = child.kill();
        }
        child.wait().unwrap();
        if f.has("x.vxc") {
            assert!(f.read("x.vxc") == complete, "kill {i} left a part");
            done += 1;
        } else {
            absent += 1;
        }
    }
    assert!(absent > 0 && done > 0, "absent {absent}, complete {done}: the kills hit nothing");
    // With force: the old file or the new one.
    f.write("x.vxc", b"old");
    for i in 0..8u32 {
        let mut child = f.command(&["-1f", "x"]).spawn().unwrap();
        std::thread::sleep(whole * i / 6);
        let _ = child.kill();
        child.wait().unwrap();
        let now = f.read("x.vxc");
        assert!(now == b"old" || now == complete, "kill {i} left a part");
    }
    assert_eq!(f.read("x"), table(10_000));
}

/// Starts a compression of a pipe into `out` and waits until its temporary file is there.
fn started(f: &Folder, flag: &str, first: &[u8], shell: Option<&str>) -> Child {
    let mut command = match shell {
        None => f.command(&[flag, "-o", "out"]),
        Some(before) => {
            let mut command = Command::new("sh");
            let run = format!("{before}; exec '{}' {flag} -o out", env!("CARGO_BIN_EXE_vxc"));
            command.args(["-c", &run]).current_dir(f.path(".")).stderr(Stdio::piped());
            command
        }
    };
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(first).unwrap();
    let start = Instant::now();
    while !f.names().iter().any(|n| n.ends_with(".tmp")) {
        assert!(start.elapsed() < Duration::from_secs(20), "no temporary file appeared");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Whether this process, and so its children, ignore a signal.
fn ignored(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok())
        .is_some_and(|m| m >> (number - 1) & 1 == 1)
}

#[test]
fn signals_remove_the_temporary_file_and_kill() {
    let f = Folder::new();
    let xs = vec![b'x'; 2 << 20];
    let whole = f.pipe(&["-1c"], &text(20_000)).good().out;
    let begun = &whole[..whole.len() / 2];
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        if ignored(number) {
            eprintln!("skipped: SIG{name} is ignored here, as in a shell's background");
            continue;
        }
        for (flag, first) in [("-1", &xs[..]), ("-d", begun)] {
            let mut child = started(&f, flag, first, None);
            // Waiting closes the pipe, and at its end the program may be done before the signal is.
            let pipe = child.stdin.take();
            signal(&child, name);
            let status = child.wait().unwrap();
            drop(pipe);
            assert_eq!(status.signal(), Some(number.cast_signed()), "{status:?}");
            assert_eq!(f.names(), [""; 0]);
        }
    }
}

#[test]
fn ignored_signals_stay_ignored() {
    let f = Folder::new();
    let mut child = started(&f, "-1", &[b'x'; 2 << 20], Some("trap '' INT HUP"));
    signal(&child, "INT");
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(50));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(f.names(), ["out"]);
    assert_eq!(f.run(&["-dc", "out"]).good().out.len(), 2 << 20);
}

/// What is private stays private while it is written.
#[test]
fn nobody_else_reads_what_is_being_written() {
    use std::os::unix::fs::MetadataExt;
    let f = Folder::new();
    f.write("x", &text(40_000));
    std::fs::set_permissions(f.path("x"), PermissionsExt::from_mode(0o600)).unwrap();
    for args in [&["-6", "-T1", "x"][..], &["-d", "-T1", "x.vxc", "-o", "y"]] {
        let mut child = f.command(args).spawn().unwrap();
        let mut modes = Vec::new();
        let status = loop {
            for name in f.names().iter().filter(|n| n.ends_with(".tmp")) {
                // It may have got its name meanwhile.
                modes.extend(std::fs::metadata(f.path(name)).map(|m| m.mode() & 0o777));
            }
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        assert!(status.success() && !modes.is_empty(), "{args:?}");
        assert!(modes.iter().all(|mode| mode & 0o077 == 0), "{args:?}: {modes:?}");
    }
    assert_eq!(std::fs::metadata(f.path("y")).unwrap().mode() & 0o777, 0o600);
}
