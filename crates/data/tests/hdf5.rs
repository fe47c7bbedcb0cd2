//! The HDF5 fixtures against what h5py reads from them (`fixtures/hdf5/hdf5.tsv`): values, and the maps of chunks.

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use vxc_data::hdf5::{DtypeKind, FilterKind, Hdf5File, Storage};
use vxc_data::{DataError, Limits};
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

const EQUAL: usize = 0;
const REFUSED: usize = 0;
