//! Peak memory of the program, as the system counts it: bounded by `-M`, whatever the number of threads.

mod common;

use std::process::Child;
use std::time::Duration;

use common::{Folder, table};

/// The peak of the resident set of a running child, in MiB; none where the system does not say, or when it
/// has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib >> 10)
}

/// Runs to the end and gives the last peak seen.
fn run(f: &Folder, args: &[&str]) -> u64 {
    let mut child = f.command(args).spawn().unwrap();
    let mut last = 0;
    let status = loop {
        last = peak(&child).unwrap_or(last);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{args:?}");
    last
}

#[test]
fn threads_are_reduced_to_stay_below_the_memory() {
    if !cfg!(target_os = "linux") {
        println!("skipped: peak memory is measured on Linux only");
        return;
    }
    let f = Folder::new();
    // A key segment and ten others, with tables of 60 MiB each.
    f.write("x", &table(110_000));
    let peak = |memory| {
        let args = ["-5fq", "-T16", "--segment", "256K", "-M", memory, "x"];
        let packed = run(&f, &args);
        let tested = run(&f, &["-tq", "-T16", "-M", memory, "x.vxc"]);
        (packed, tested)
    };
    let (packed, tested) = peak("256");
    assert!(packed <= 256 && tested <= 256, "{packed} and {tested} MiB with -M 256");
    // It is the limit that holds them down.
    let (free, free_tested) = peak("4G");
    assert!(free > 256 && free_tested > 256, "{free} and {free_tested} MiB with -M 4G");
}
