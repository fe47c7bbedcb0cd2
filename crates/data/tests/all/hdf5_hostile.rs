//! Damaged HDF5 files: bytes flipped and ends cut off, by seeds that do not change. Whatever comes out, it is a result.

use crate::common::Numbers;
use std::io::Cursor;
use std::path::Path;
use vxc_data::hdf5::Hdf5File;
use vxc_data::{DataError, Limits};

/// Small, so that a false size costs no time.
const LIMITS: Limits = Limits {
    max_basket: 1 << 20,
    max_object: 1 << 20,
    max_values: 200_000,
    max_keys: 1_000,
    max_column: 1 << 20,
    max_depth: 40,
};

/// Reads all that can be read; the number of datasets that were.
fn read(bytes: Vec<u8>) -> Result<usize, DataError> {
    let file = Hdf5File::open_with(Cursor::new(bytes), LIMITS)?;
    let mut datasets = 0;
    for entry in file.entries()? {
        let Ok(dataset) = entry.dataset else { continue };
        let _ = dataset.layout();
        let _ = file.raw_chunks(&dataset);
        datasets += usize::from(file.values(&dataset).is_ok());
        // Values beyond the limit of a whole: some slabs of them.
        if let Ok(rows) = file.rows(&dataset) {
            for slab in rows.take(2) {
                let _ = slab;
            }
        }
    }
    let _ = file.tables();
    Ok(datasets)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hdf5");
    std::fs::read(folder.join(name).with_extension("h5")).unwrap()
}

/// One to four bytes changed: to any value, by one bit, or to one that sizes and signs turn on.
fn damaged(bytes: &[u8], numbers: &mut Numbers, below: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(below.min(out.len()));
        out[at] = match numbers.below(4) {
            0 => numbers.next() as u8,
            1 => out[at] ^ (1 << numbers.below(8)),
            2 => 0xff,
            _ => 0,
        };
    }
    out
}

/// Fixtures, and the datasets that are read from them.
const NAMES: [(&str, usize); 9] = [
    ("types", 34),
    ("types_latest", 34),
    ("filters", 15),
    ("filters_latest", 45),
    ("indexes", 30),
    ("mixed", 4),
    ("mixed_latest", 11),
    ("ftag", 2),
    ("camels", 5),
];

#[test]
fn flipped_bytes() {
    for (seed, (name, datasets)) in NAMES.iter().enumerate() {
        let bytes = fixture(name);
        assert_eq!(read(bytes.clone()).unwrap(), *datasets, "{name}");
        let mut numbers = Numbers(seed as u64);
        for round in 0..ROUNDS {
            // Every other time near the start, where more of the structure is.
            let below = if round % 2 == 0 { bytes.len() } else { 8192 };
            let _ = read(damaged(&bytes, &mut numbers, below));
        }
    }
}

const ROUNDS: usize = 1500;

#[test]
fn cut_off() {
    for (name, _) in NAMES {
        let bytes = fixture(name);
        for cut in (0..300).step_by(7).chain((300..bytes.len()).step_by(997)) {
            assert!(read(bytes[..cut].to_vec()).is_err(), "{name} cut at {cut}");
        }
    }
}
