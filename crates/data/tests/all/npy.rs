//! The NumPy fixtures against what NumPy reads from them (`fixtures/npy/npy.tsv`), and damaged ones.

use crate::common::Numbers;
use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use vxc_data::npy::{NpyHeader, NpyReader, NpzArchive};
use vxc_data::{DataError, DtypeKind, Limits};

/// Rows of the table.
const EQUAL: usize = 58;
const REFUSED: usize = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/npy")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// Header and values.
fn read(mut array: NpyReader<impl Read>) -> Result<(NpyHeader, Vec<u8>), DataError> {
    let header = array.header().clone();
    let _ = header.layout();
    let mut values = Vec::new();
    for slab in array.by_ref().take(4) {
        values.extend(slab?.bytes);
    }
    Ok((header, values))
}

fn member(archive: &[u8], name: &str) -> Result<(NpyHeader, Vec<u8>), DataError> {
    let mut archive = NpzArchive::open(Cursor::new(archive))?;
    let at = archive.members()?.iter().position(|member| member.name == name).unwrap();
    read(archive.array(at)?)
}

#[test]
fn every_array_is_equal() {
    let table = std::fs::read_to_string(folder().join("npy.tsv")).unwrap();
    let (mut equal, mut refused) = (0, 0);
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<&str> = line.split('\t').collect();
        let bytes = fixture(row[0]);
        let found = match row[1] {
            "" => NpyReader::open(Cursor::new(&bytes)).and_then(read),
            name => member(&bytes, name),
        };
        if row[5] == "refused" {
            assert!(matches!(found, Err(DataError::Unsupported(_))), "{line}: {found:?}");
            refused += 1;
            continue;
        }
        let (header, values) = found.unwrap_or_else(|error| panic!("{line}: {error}"));
        let shape: Vec<String> = header.shape.iter().map(u64::to_string).collect();
        let hash = Blake2b::<U8>::digest(&values);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let found = [
            shape.join(","),
            header.dtype.bytes.to_string(),
            header.record_bytes().to_string(),
            hash,
        ];
        assert_eq!(found.as_slice(), &row[2..], "{} {}", row[0], row[1]);
        if row[1].is_empty() {
            assert!(bytes[header.data_offset as usize..] == values, "{}", row[0]);
        }
        equal += 1;
    }
    println!("arrays: {equal} equal, {refused} refused as they must be");
    assert_eq!((equal, refused), (EQUAL, REFUSED));
}

#[test]
fn places_in_an_archive() {
    let bytes = fixture("stored.npz");
    let mut archive = NpzArchive::open(Cursor::new(&bytes)).unwrap();
    let members = archive.members().unwrap();
    let packed = members.iter().find(|member| member.name == "packed").unwrap();
    let at = packed.data_offset.unwrap() as usize;
    assert_eq!(&bytes[at..at + packed.stored_bytes as usize], fixture("packed.npy"));
    let tables = archive.tables().unwrap();
    assert_eq!(tables.len(), members.len());
    let table = tables.iter().find(|table| table.path == "packed").unwrap();
    let kinds: Vec<&str> = table.columns.iter().map(|column| column.kind.as_str()).collect();
    assert_eq!(kinds, ["float32", "int16 big-endian", "bool"]);
    assert_eq!(tables.iter().filter(|table| table.refused.is_some()).count(), 1);
}

#[test]
fn padding_stays_padding() {
    let (header, _) = read(NpyReader::open(Cursor::new(fixture("aligned.npy"))).unwrap()).unwrap();
    let DtypeKind::Compound(members) = &header.dtype.kind else { panic!() };
    let offsets: Vec<(&str, usize)> =
        members.iter().map(|member| (member.name.as_str(), member.offset)).collect();
    assert_eq!(offsets, [("id", 0), ("hits", 1), ("t", 48)]);
    assert_eq!((header.version, header.record_bytes()), (2, 56));
}

/// A header of any text.
fn headed(text: &str) -> Result<NpyHeader, DataError> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    NpyHeader::read(&mut Cursor::new(bytes), &Limits::default())
}

#[test]
fn headers_that_are_none() {
    let ok = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}";
    assert_eq!(headed(ok).unwrap().content_bytes(), 12);
    for (from, to) in [
        ("'<f4'", "'<f3'"),
        ("'<f4'", "'|O'"),
        ("'<f4'", "[]"),
        ("'<f4'", "'<f4', 'descr': '<f4'"),
        ("'<f4'", "'|S0'"),
        ("'<f4'", "('<f4', (99999999999, 99999999999))"),
        ("'<f4'", "'|V99999999999'"),
        ("'shape': (3,)", "'shape': 3"),
        ("(3,)", "(3,), 'more': 1"),
        ("(3,)", "(9999999999, 9999999999, 9)"),
        ("False", "0"),
        (", 'shape': (3,)", ""),
    ] {
        assert!(headed(&ok.replace(from, to)).is_err(), "{to}");
    }
    // Longer than any type needs, however it is compressed.
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    let many = format!("{{'descr': [{}]}}", "('a','<i1'),".repeat(500_000));
    long.extend((many.len() as u32).to_le_bytes());
    long.extend(many.as_bytes());
    let error = NpyHeader::read(&mut Cursor::new(long), &Limits::default()).unwrap_err();
    assert!(matches!(error, DataError::LimitExceeded { what: "header", .. }), "{error}");
    // Large on paper only: no memory is asked for before bytes come.
    let text = ok.replace("(3,)", "(99999999999999,)");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    let error = read(NpyReader::open(Cursor::new(bytes)).unwrap()).unwrap_err();
    assert!(matches!(error, DataError::InsufficientData(_)));
}

/// Reads all that can be read; whether all could be.
fn read_all(bytes: &[u8]) -> bool {
    let Ok(mut archive) = NpzArchive::open(Cursor::new(bytes)) else {
        return NpyReader::open(Cursor::new(bytes)).and_then(read).is_ok();
    };
    let _ = archive.tables();
    let Ok(members) = archive.members() else { return false };
    let mut all = true;
    for (at, member) in members.iter().enumerate() {
        all &= member.name == "objects" || archive.array(at).and_then(read).is_ok();
    }
    all
}

#[test]
fn damaged_bytes() {
    let names = ["stored.npz", "deflated.npz", "packed.npy", "aligned.npy", "unicode_name.npy"];
    for (seed, name) in names.iter().enumerate() {
        let bytes = fixture(name);
        assert!(read_all(&bytes));
        let mut numbers = Numbers(seed as u64);
        for _ in 0..600 {
            let mut bad = bytes.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bad.len());
                bad[at] = [numbers.below(256) as u8, bad[at] ^ (1 << numbers.below(8)), 0xff, 0]
                    [numbers.below(4)];
            }
            let _ = read_all(&bad);
        }
        for cut in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
            assert!(!read_all(&bytes[..cut]), "{name} cut at {cut}");
        }
    }
}
