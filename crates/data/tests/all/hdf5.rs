//! The HDF5 fixtures against what h5py reads from them (`fixtures/hdf5/hdf5.tsv`): values, and the maps of chunks.

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use vxc_data::hdf5::{FilterKind, Hdf5File, Storage};
use vxc_data::{DataError, DtypeKind, Limits};
use vxc_tokens::layout::{Endian, Kind};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hdf5")
}

fn open(name: &str) -> Hdf5File {
    let path = folder().join(name).with_extension("h5");
    Hdf5File::open(BufReader::new(File::open(path).unwrap())).unwrap()
}

fn hash(bytes: &[u8]) -> String {
    Blake2b::<U8>::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares a dataset with its row; what differs.
fn check(file: &Hdf5File, row: &[&str]) -> Result<Option<String>, DataError> {
    let dataset = file.dataset(row[1])?;
    let values = file.values(&dataset)?;
    let chunks = file.raw_chunks(&dataset)?;
    let shape: Vec<String> = dataset.shape.iter().map(u64::to_string).collect();
    let shape = if row[2] == "null" { "null".into() } else { shape.join(",") };
    let map: Vec<String> = chunks
        .iter()
        .map(|c| {
            let at: Vec<String> = c.position.iter().map(u64::to_string).collect();
            format!("{} {} {} {}", c.offset, c.stored_bytes, c.filter_mask, at.join(","))
        })
        .collect();
    // h5py tells no offset of compact datasets, and one for empty ones.
    let listed = if matches!(dataset.storage, Storage::Chunked(_) | Storage::Contiguous(Some(_)))
        && dataset.elements > 0
    {
        (chunks.len().to_string(), hash(map.join("\n").as_bytes()))
    } else {
        (row[5].into(), row[6].into())
    };
    let found = (shape, dataset.dtype.bytes.to_string(), hash(&values), listed.0, listed.1);
    let wanted =
        (row[2].into(), row[3].into(), row[4].into(), row[5].to_owned(), row[6].to_owned());
    assert_eq!(values.len() as u64, dataset.content_bytes());
    assert_eq!(dataset.records() * dataset.record_bytes(), dataset.content_bytes());
    Ok((found != wanted).then(|| format!("{found:?} instead of {wanted:?}; {map:?}")))
}

#[test]
fn every_dataset_is_equal() {
    let table = std::fs::read_to_string(folder().join("hdf5.tsv")).unwrap();
    let (mut equal, mut refused, mut messages) = (0, 0, Vec::new());
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<&str> = line.split('\t').collect();
        let file = open(row[0]);
        match (check(&file, &row), row[4] == "refused") {
            (Ok(None), false) => equal += 1,
            (Err(DataError::Unsupported(_)), true) => refused += 1,
            (other, _) => messages.push(format!("{} {}: {other:?}", row[0], row[1])),
        }
    }
    println!("datasets: {equal} equal, {refused} refused as they must be");
    assert!(messages.is_empty(), "{} wrong:\n{}", messages.len(), messages.join("\n"));
    assert_eq!((equal, refused), (EQUAL, REFUSED));
}

/// Rows of the table.
const EQUAL: usize = 180;
const REFUSED: usize = 11;

#[test]
fn objects_are_listed_once() {
    let file = open("indexes");
    let paths: Vec<String> = file.entries().unwrap().into_iter().map(|e| e.path).collect();
    // A soft link to `single`, a circle and a named type add nothing.
    assert_eq!(paths.iter().filter(|path| path.starts_with("dense/")).count(), 20);
    assert_eq!(paths.len(), 11 + 20, "{paths:?}");
    assert!(matches!(file.dataset("none"), Err(DataError::InvalidArgument(_))));
    assert!(matches!(file.dataset("refused/virtual"), Err(DataError::Unsupported(_))));
}

#[test]
fn types_and_records() {
    let file = open("types");
    let kind = |name: &str| file.dataset(&format!("types/{name}")).unwrap().dtype.kind;
    assert_eq!(kind("be_f2"), DtypeKind::Number(Kind::F16, Endian::Big));
    assert_eq!(kind("bfloat16"), DtypeKind::Number(Kind::Bf16, Endian::Little));
    assert_eq!(kind("bitfield"), DtypeKind::Number(Kind::U16, Endian::Little));
    assert_eq!(kind("fixed_string"), DtypeKind::Bytes("string"));
    assert_eq!(kind("opaque"), DtypeKind::Bytes("opaque"));
    let DtypeKind::Enum { names, .. } = kind("enum") else { panic!() };
    assert_eq!(names[2], ("c".into(), vec![2, 0]));

    // A row of rank 4 is one record; a compound is one whatever its rank.
    let rank4 = file.dataset("types/rank4").unwrap();
    assert_eq!((rank4.records(), rank4.record_bytes()), (3, 160));
    let nested = file.dataset("types/nested").unwrap();
    let layout = nested.layout().unwrap();
    assert_eq!(layout.record_bytes, nested.dtype.bytes);
    let named = |name: &str| {
        let all = layout.fields.iter().filter(|field| field.name == name);
        all.map(|field| (field.offset, field.kind, field.endian, field.group)).collect::<Vec<_>>()
    };
    let n = named("hits.n");
    assert_eq!((n.len(), n[0].1, n[0].2, n[0].3), (2, Kind::I32, Endian::Big, n[1].3));
    assert_eq!(named("hits.v").len(), 6);
    let covered: usize = layout.fields.iter().map(|field| field.kind.bytes()).sum();
    assert_eq!(covered, layout.record_bytes);

    let tracks = open("ftag").dataset("tracks").unwrap();
    assert_eq!((tracks.records(), tracks.record_bytes()), (200, 12));
    let jets = open("ftag").dataset("jets").unwrap();
    assert_eq!((jets.records(), jets.record_bytes()), (40, 102));
    assert_eq!(jets.filters[0].kind(), FilterKind::Deflate { level: Some(7) });
}

/// What a byte-exact copy does: the filters one by one, forward and back.
#[test]
fn chunks_by_hand() {
    let file = open("filters");
    let dataset = file.dataset("gzip4_shuffle/f4").unwrap();
    assert_eq!(dataset.compression(), "shuffle, deflate 4");
    let chunks = file.raw_chunks(&dataset).unwrap();
    assert_eq!((chunks.len(), dataset.chunk_bytes()), (3, 512));
    for chunk in &chunks {
        let stored = file.stored_chunk(chunk).unwrap();
        assert_eq!(stored.len() as u64, chunk.stored_bytes);
        let planes = dataset.filters[1].decode(&stored, 4, 512).unwrap();
        let values = dataset.filters[0].decode(&planes, 4, 512).unwrap();
        assert_eq!(values, file.decoded_chunk(&dataset, chunk).unwrap());
    }
}

/// Slabs tile the values, whatever the chunks; a table tells bytes for each dataset.
#[test]
fn slabs_and_tables() {
    for name in ["types", "filters", "indexes", "mixed", "mixed_latest", "camels"] {
        let file = open(name);
        for entry in file.entries().unwrap() {
            let Ok(dataset) = entry.dataset else { continue };
            let mut bytes = 0;
            for slab in file.rows(&dataset).unwrap() {
                let slab = slab.unwrap();
                assert_eq!(slab.first_element * dataset.dtype.bytes as u64, bytes);
                bytes += slab.bytes.len() as u64;
            }
            assert_eq!(bytes, dataset.content_bytes());
        }
        for table in file.tables().unwrap() {
            let raw: u64 = table.columns.iter().map(|column| column.raw_bytes).sum();
            assert!(table.refused.is_some() || raw == table.bytes().1);
            assert_eq!(table.refused.is_some(), table.path.contains("refused"));
        }
    }
}

#[test]
fn limits_are_errors() {
    let path = folder().join("filters.h5");
    let limits = Limits { max_column: 100, max_basket: 600, ..Limits::default() };
    let file = Hdf5File::open_with(File::open(path).unwrap(), limits).unwrap();
    let small = file.dataset("gzip4_shuffle/f4").unwrap();
    assert!(matches!(file.values(&small), Err(DataError::LimitExceeded { .. })));
    assert_eq!(
        file.rows(&small).unwrap().map(|slab| slab.unwrap().bytes.len()).sum::<usize>(),
        1200
    );
    assert!(matches!(file.dataset("thin"), Err(DataError::LimitExceeded { .. })));
}
