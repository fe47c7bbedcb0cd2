//! Real ROOT and HDF5 files through the unpacked form and back: the committed fixtures of `vxc-data`, and the shared originals
//! where they are there.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use vxc_remake::{RemakeError, Tally, pack, scan, unpack};

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
    let n = unpack(&form[..], &mut back, u64::MAX).unwrap();
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
