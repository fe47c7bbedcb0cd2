//! Real ROOT and HDF5 files through the unpacked form and back: the committed fixtures of `vxc-data`, and the shared originals
//! where they are there.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use vxc_remake::form::before_gap;
use vxc_remake::{Limits, RemakeError, Tally, pack, scan, unpack, unpack_damaged};

fn form(file: &[u8]) -> Option<(Vec<u8>, Tally)> {
    let mut input = Cursor::new(file);
    let plan = scan(Cursor::new(file.to_vec())).unwrap()?;
    let mut form = Vec::new();
    let tally = pack(&mut input, &plan, |group| {
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    });
    Some((form, tally.unwrap()))
}

fn round_trip(path: &Path) -> Tally {
    let file = fs::read(path).unwrap();
    let (form, tally) = form(&file).unwrap();
    let mut back = Vec::new();
    let n = unpack(&form[..], &mut back, Limits::of_file(u64::MAX)).unwrap();
    assert_eq!(n, back.len() as u64);
    assert!(back == file, "{}", path.display());
    assert_eq!(tally.form_bytes, form.len() as u64);
    tally
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|p| p.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)))
        .collect();
    files.sort();
    files
}

#[test]
fn fixtures_come_back() {
    for (format, blocks) in [("root", 9), ("hdf5", 100)] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures");
        let files = files(&folder.join(format), &["root", "h5"]);
        assert!(files.len() >= 5);
        let mut remade = 0;
        for path in files {
            let tally = round_trip(&path);
            println!("{}: {tally:?}", path.display());
            remade += tally.remade;
        }
        assert!(remade >= blocks, "{format}: {remade}");
    }
}

/// Of a form with a gap comes the beginning of the file, and never a wrong byte.
#[test]
fn damaged_forms_give_the_beginning() {
    const PLACES: usize = 24;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures");
    let mut gz = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
    (0..60_000u32).for_each(|n| writeln!(gz, "{} {}", n, n.wrapping_mul(2_654_435_761)).unwrap());
    let mut inputs = vec![("text.gz".into(), gz.finish().unwrap())];
    for path in files(&fixtures.join("root"), &["root"])
        .into_iter()
        .chain(files(&fixtures.join("hdf5"), &["h5"]))
    {
        inputs.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    let mut shares = Vec::new();
    for (name, file) in inputs {
        let Some((form, _)) = form(&file) else { continue };
        let mut share = 0;
        for place in 0..PLACES {
            let gap = form.len() * place / PLACES;
            let gap = gap..(gap + 40).min(form.len());
            let mut bytes = form.clone();
            bytes[gap.clone()].fill(0);
            let lost = gap.start as u64..gap.end as u64;
            let intact = |range| before_gap(std::slice::from_ref(&lost), range);
            let mut back = Vec::new();
            let whole =
                unpack_damaged(&bytes[..], intact, &mut back, Limits::of_file(u64::MAX)).unwrap();
            assert!(!whole && file.starts_with(&back), "{name}: {gap:?}");
            share += back.len();
            // Cut short there, it gives no more than that.
            let mut beginning = Vec::new();
            let no_gap = |range| before_gap(&[], range);
            let ended = unpack_damaged(
                &form[..gap.start],
                no_gap,
                &mut beginning,
                Limits::of_file(u64::MAX),
            )
            .unwrap();
            assert!(!ended || place == 0, "{name}: {gap:?}");
            assert!(back.starts_with(&beginning), "{name}: {gap:?}");
        }
        let share = share * 100 / file.len() / PLACES;
        println!("{name}: {share} %");
        shares.push(share);
    }
    println!("{} forms of {} files", 2 * PLACES * shares.len(), shares.len());
    // The text comes back up to the gap but for what its encoder still holds: half of it on the average.
    assert!(shares[0] >= 30, "{shares:?}");
    assert!(shares.iter().filter(|share| **share >= 10).count() * 2 >= shares.len(), "{shares:?}");
}

#[test]
fn originals_come_back() {
    let folder = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let mut files = files(&folder.join("originals"), &["root", "h5", "hdf5"]);
    files.extend(self::files(&folder.join("atlas"), &["h5"]));
    if files.is_empty() {
        eprintln!("skipped: no shared data in {}", folder.display());
        return;
    }
    for path in &files {
        let tally = round_trip(path);
        println!("{}: {tally:?}", path.display());
    }
}
