//! The fuzz targets without a fuzzer: seeds, every file that once crashed a target, and a fixed number of mutations.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use vxc_fuzz::mutate::{Random, mutate};
use vxc_fuzz::{seeds, targets};

#[test]
fn seeds_pass() {
    for (name, target) in targets::ALL {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|(_, bytes)| target(bytes));
    }
}

#[test]
fn regressions_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let target = targets::named(name).expect("a folder is named as its target");
        for file in fs::read_dir(&path).unwrap() {
            let file = file.unwrap().path();
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
            files += 1;
        }
    }
    println!("{files} files");
    assert!(files > 0, "nothing was replayed");
}

/// Archives one behind the other: whole, the first cut, the second cut, and something between them.
#[test]
fn archives_behind_each_other_pass() {
    let seeds = seeds::of("archive");
    let target = targets::named("archive").unwrap();
    let mut random = Random::new(77);
    for _ in 0..60 {
        let (_, first) = &seeds[random.below(seeds.len())];
        let (_, second) = &seeds[random.below(seeds.len())];
        let (to, from) = (random.below(first.len()), random.below(second.len()));
        target(&[&first[..], second].concat());
        target(&[&first[..to], second].concat());
        target(&[&first[..], &second[..from]].concat());
        target(&[&first[..], &second[from..]].concat());
        target(&[&first[..], b"between", second].concat());
    }
}

/// Mutations of each seed, the same in every run; more with `VXC_FUZZ_RUNS`.
#[test]
fn mutated_seeds_pass() {
    let runs = std::env::var("VXC_FUZZ_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let next = AtomicUsize::new(0);
    let work = || {
        let take = || {
            let number = next.fetch_add(1, Relaxed);
            Some((number, targets::ALL.get(number)?))
        };
        while let Some((number, (name, target))) = take() {
            let seeds = seeds::of(name);
            let mut random = Random::new(number as u64);
            for _ in 0..runs {
                let (_, bytes) = &seeds[random.below(seeds.len())];
                let (_, other) = &seeds[random.below(seeds.len())];
                target(&mutate(bytes, other, &mut random));
            }
            println!("{name}: {runs} runs");
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
}
