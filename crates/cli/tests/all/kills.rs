//! Kills at random moments: the destination is absent, as before, or complete; the source is never touched.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::{Folder, noise, table};

/// Kills of each command.
fn kills() -> u32 {
    std::env::var("VXC_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

/// Runs the program and kills it after so long, if it is not done.
fn killed(f: &Folder, args: &[&str], after: Duration) {
    let mut child = f.command(args).spawn().unwrap();
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

/// What a killed program leaves is its temporary file, which nobody takes for a result.
fn remove_temporaries(f: &Folder) {
    for name in f.names().iter().filter(|n| n.ends_with(".tmp")) {
        fs::remove_file(f.path(name)).unwrap();
    }
}

/// Kills at random moments, of what writes archives, contents and weights; `VXC_KILLS` is their number for each command.
#[test]
fn kills_at_random_moments() {
    let kills = kills();
    let f = Folder::new();
    let raw = table(6000);
    f.write("x", &raw);
    f.run(&["-1", "x", "-o", "whole"]).good();
    f.run(&["compress-weights", "x", "-o", "weights"]).good();
    let (archive, weights) = (f.read("whole"), f.read("weights"));
    let mut next = noise(5);
    let mut all = [0u32; 2];
    for (args, old, wanted) in [
        (&["-1", "x", "-o", "out"][..], None, &archive),
        (&["-d", "whole", "-o", "out"], None, &raw),
        (&["-d", "--keep-going", "whole", "-o", "out"], None, &raw),
        (&["compress-weights", "x", "-o", "out"], None, &weights),
        (&["decompress-weights", "weights", "-o", "out"], None, &raw),
        (&["-1f", "x", "-o", "out"], Some(b"old"), &archive),
        (&["-df", "whole", "-o", "out"], Some(b"old"), &raw),
        (&["decompress-weights", "-f", "weights", "-o", "out"], Some(b"old"), &raw),
    ] {
        let before = || match old {
            Some(old) => f.write("out", old),
            None => drop(fs::remove_file(f.path("out"))),
        };
        before();
        let start = Instant::now();
        f.run(args).good();
        let whole = start.elapsed();
        let (mut absent, mut complete) = (0, 0);
        for _ in 0..kills {
            before();
            killed(&f, args, whole * (next() % 1000) as u32 / 900);
            match fs::read(f.path("out")).ok() {
                Some(bytes) if bytes == *wanted => complete += 1,
                there => {
                    // What was there before, or nothing where nothing was.
                    let kept = there.as_deref() == old.map(|old| &old[..]);
                    assert!(kept, "{args:?}: a part was published");
                    absent += 1;
                }
            }
            remove_temporaries(&f);
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("{args:?}: {absent} absent or as before, {complete} complete");
        all = [all[0] + absent, all[1] + complete];
        assert!(f.read("x") == raw && f.read("whole") == archive && f.read("weights") == weights);
    }
    // Kills that all came too early or too late would prove nothing.
    assert!(all.iter().all(|&n| n > 0), "{all:?}");
}

/// With `--rm`, one of both is there at every moment.
#[test]
fn killed_while_inputs_are_removed() {
    let kills = kills();
    let f = Folder::new();
    let raw = table(6000);
    f.write("whole", &raw);
    f.run(&["-1", "whole", "-o", "packed"]).good();
    let archive = f.read("packed");
    let mut next = noise(6);
    for (args, input, result) in [
        (&["-1", "--rm", "x", "-o", "out"][..], &raw, None),
        (&["-d", "--rm", "x", "-o", "out"], &archive, Some(&raw)),
    ] {
        let before = || {
            f.write("x", input);
            drop(fs::remove_file(f.path("out")));
        };
        before();
        let start = Instant::now();
        f.run(args).good();
        let whole = start.elapsed();
        assert!(!f.has("x") && f.has("out"));
        let mut removed = 0;
        for _ in 0..kills {
            before();
            killed(&f, args, whole * (next() % 1000) as u32 / 900);
            let (kept, out) = (fs::read(f.path("x")).ok(), fs::read(f.path("out")).ok());
            // Archives hold the time of their input.
            let whole = match out {
                Some(_) if result.is_none() => f.run(&["-dc", "out"]).out == raw,
                ref out => out.as_ref().is_none_or(|out| Some(out) == result),
            };
            assert!(whole, "{args:?}: a part");
            match kept {
                Some(kept) => assert!(kept == *input),
                None => assert!(out.is_some(), "{args:?}: neither is there"),
            }
            removed += u32::from(!f.has("x"));
            remove_temporaries(&f);
        }
        println!("{args:?}: {removed} of {kills} inputs removed");
    }
}
