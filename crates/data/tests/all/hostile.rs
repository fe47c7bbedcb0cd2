//! Damaged files: bytes flipped and ends cut off, by seeds that do not change. Whatever comes out, it is a result.

use crate::common::Numbers;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use vxc_data::root::RootFile;
use vxc_data::{DataError, Limits};

/// Small, so that a false size costs no time.
const LIMITS: Limits = Limits {
    max_basket: 4 << 20,
    max_object: 4 << 20,
    max_values: 200_000,
    max_keys: 1_000,
    max_column: 8 << 20,
    max_depth: 40,
};

/// Reads all that can be read; the number of columns that were.
fn read(bytes: &[u8]) -> Result<usize, DataError> {
    let mut file = RootFile::open_with(Cursor::new(bytes), LIMITS)?;
    let mut columns = 0;
    for record in file.records().unwrap_or_default() {
        let _ = file.record_payload(&record);
    }
    for path in file.trees() {
        let Ok(tree) = file.tree(&path) else { continue };
        for branch in &tree.branches {
            if let Some(Ok(Some(raw))) = branch.baskets.first().map(|b| file.raw_basket(b)) {
                let _ = raw.blocks();
            }
            columns += usize::from(file.column(branch).is_ok());
        }
    }
    for path in file.ntuples() {
        let Ok(ntuple) = file.ntuple(&path) else { continue };
        for column in &ntuple.columns {
            columns += usize::from(file.ntuple_column(&ntuple, column).is_ok());
        }
    }
    Ok(columns)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/root");
    std::fs::read(folder.join(name)).unwrap()
}

/// One to four bytes changed: to any value, by one bit, or to one that sizes and signs turn on.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(out.len());
        out[at] = match numbers.below(4) {
            0 => numbers.next() as u8,
            1 => out[at] ^ (1 << numbers.below(8)),
            2 => 0xff,
            _ => 0,
        };
    }
    out
}

const NAMES: [&str; 6] =
    ["stored.root", "zlib.root", "lzma.root", "lz4.root", "zstd.root", "ntuple.root"];

#[test]
fn flipped_bytes() {
    for (seed, name) in NAMES.iter().enumerate() {
        let bytes = fixture(name);
        let all = read(&bytes).unwrap();
        assert!(all > 15, "{name}: {all} columns");
        let mut numbers = Numbers(seed as u64);
        for _ in 0..400 {
            let _ = read(&damaged(&bytes, &mut numbers));
        }
    }
}

/// The first bytes hold what all else is found by, and so do the last ones.
#[test]
fn flipped_bytes_of_the_structure() {
    for name in ["stored.root", "ntuple.root"] {
        let bytes = fixture(name);
        let n = bytes.len();
        for at in (0..300).chain(n.saturating_sub(700)..n) {
            for value in [0, 0x7f, 0xff] {
                let mut bad = bytes.clone();
                bad[at] = value;
                let _ = read(&bad);
            }
        }
    }
}

#[test]
fn cut_off() {
    for name in NAMES {
        let bytes = fixture(name);
        for cut in (0..300).chain((300..bytes.len()).step_by(211)) {
            assert!(read(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
}

/// Files of other writers, where the shared data is at hand: they hold classes that the fixtures have not.
#[test]
fn flipped_bytes_of_real_files() {
    let folder = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    for (seed, name) in ["uproot-issue-816.root", "uproot-HZZ-uncompressed.root"].iter().enumerate()
    {
        let Ok(bytes) = std::fs::read(folder.join("originals").join(name)) else {
            eprintln!("SKIPPED: no {name} in {}", folder.display());
            continue;
        };
        let mut numbers = Numbers(1000 + seed as u64);
        for _ in 0..100 {
            let _ = read(&damaged(&bytes, &mut numbers));
        }
    }
}
