//! HDF5 files written anew: the same content by our own reader and by h5py, the same bytes when written again.

use crate::common::Numbers;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use vxc_data::hdf5::rewrite::rewrite;
use vxc_data::hdf5::{Dataset, Hdf5File};
use vxc_data::{DataError, Limits};

/// Files that can be written anew, and those that hold what cannot be carried over, with a word of the reason.
const WHOLE: [&str; 6] = ["whole", "whole_latest", "camels", "filters", "filters_latest", "ftag"];
const REFUSED: [(&str, &str); 5] = [
    ("indexes", "virtual"),
    ("mixed", "virtual"),
    ("mixed_latest", "virtual"),
    ("types", "other files"),
    ("types_latest", "references"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("fixtures/hdf5").join(name).with_extension("h5")).unwrap()
}

fn rewritten(bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::new();
    rewrite(&Hdf5File::open(Cursor::new(bytes.to_vec()))?, &mut out)?;
    Ok(out)
}

#[test]
fn what_is_read_is_the_same() {
    for name in WHOLE {
        let old = fixture(name);
        let new = rewritten(&old).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(rewritten(&new).unwrap() == new, "{name}: written again, it is another file");
        let [old, new] = [old, new].map(|bytes| Hdf5File::open(Cursor::new(bytes)).unwrap());
        let [mut a, mut b] = [&old, &new].map(|file| file.entries().unwrap());
        // Objects with several names are listed by the first one, which may be another.
        a.sort_by(|x, y| x.path.cmp(&y.path));
        b.sort_by(|x, y| x.path.cmp(&y.path));
        assert_eq!(a.len(), b.len(), "{name}");
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.path, b.path, "{name}");
            let (a, b) = match (&a.dataset, &b.dataset) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(_), Err(_)) => continue,
                (one, other) => panic!("{name} {}: {one:?} and {other:?}", a.path),
            };
            let what = |d: &Dataset| {
                (d.dtype.clone(), d.shape.clone(), d.max_shape.clone(), d.filters.clone())
            };
            assert_eq!(what(a), what(b), "{name} {}", a.path);
            assert_eq!((&a.chunk_shape, &a.fill), (&b.chunk_shape, &b.fill), "{name} {}", a.path);
            let stored = |file: &Hdf5File, d: &Dataset| -> Vec<_> {
                let chunks = file.raw_chunks(d).unwrap();
                let stored = |c| file.stored_chunk(c).unwrap();
                chunks.iter().map(|c| (c.position.clone(), c.filter_mask, stored(c))).collect()
            };
            assert!(stored(&old, a) == stored(&new, b), "{name} {}", a.path);
        }
    }
}

#[test]
fn what_h5py_sees_is_the_same() {
    let python = std::env::var("VXC_PYTHON").unwrap_or_else(|_| "python3".into());
    let there = Command::new(&python).args(["-c", "import h5py"]).output();
    if !there.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {python} has no h5py");
        return;
    }
    let work = tempfile::tempdir().unwrap();
    for name in WHOLE {
        let [old, new] = ["old.h5", "new.h5"].map(|n| work.path().join(n));
        std::fs::write(&old, fixture(name)).unwrap();
        std::fs::write(&new, rewritten(&fixture(name)).unwrap()).unwrap();
        let run = Command::new(&python)
            .arg(folder().join("python/same_hdf5.py"))
            .args([&old, &new])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&run.stderr));
        assert!(text.contains(" entries, 0 differ"), "{name}: {text}");
    }
}

#[test]
fn what_cannot_be_carried_over_is_said() {
    for (name, word) in REFUSED {
        match rewritten(&fixture(name)) {
            Err(DataError::Unsupported(why)) => assert!(why.contains(word), "{name}: {why}"),
            other => panic!("{name}: {:?}", other.map(|bytes| bytes.len())),
        }
    }
}

#[test]
fn damaged_files_are_errors_or_files() {
    let limits = Limits { max_basket: 1 << 20, max_object: 1 << 20, ..Limits::default() };
    let mut numbers = Numbers(5);
    for name in ["whole", "whole_latest"] {
        let good = fixture(name);
        for _ in 0..400 {
            let mut bytes = good.clone();
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(bytes.len());
                bytes[at] = if numbers.below(2) == 0 { 0xff } else { numbers.next() as u8 };
            }
            let Ok(file) = Hdf5File::open_with(Cursor::new(bytes), limits) else { continue };
            let mut out = Vec::new();
            if rewrite(&file, &mut out).is_ok() {
                assert!(out.len() < 4 * good.len(), "{name}");
            }
        }
    }
}
