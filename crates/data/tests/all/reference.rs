//! Every branch of the shared ROOT files against the hashes of an independent reader.
//!
//! `uproot-reference.tsv` has one row a branch: file, tree, branch, shape and type, number of values, and
//! BLAKE2b (8 bytes) of all values, flattened, little-endian. The files are no part of the repository:
//! without them the test says so and passes.

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use vxc_data::DataError;
use vxc_data::root::{Place, RootFile, Shape, Tree};

/// Rows of the table; a table of another length is another table.
const ROWS: usize = 7_797;

struct Row {
    tree: String,
    branch: String,
    kind: String,
    values: usize,
    hash: String,
}

fn folder() -> PathBuf {
    std::env::var_os("VXC_DATA")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        )
        .join("originals")
}

fn rows(table: &str) -> BTreeMap<String, Vec<Row>> {
    let mut out: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        out.entry(cells[0].into()).or_default().push(Row {
            tree: cells[1].into(),
            branch: cells[2].into(),
            kind: cells[3].into(),
            values: cells[4].parse().unwrap(),
            hash: cells[5].into(),
        });
    }
    out
}

fn check(
    file: &mut RootFile<BufReader<File>>,
    tree: &Tree,
    row: &Row,
) -> Result<Option<String>, DataError> {
    let branch =
        tree.branch(&row.branch).ok_or_else(|| DataError::InvalidArgument("not listed".into()))?;
    let column = file.column(branch)?;
    let layout = branch.layout.as_ref().unwrap();
    let shape = match layout.shape {
        Shape::Fixed => "flat",
        Shape::Jagged { .. } => "jag0",
        Shape::Sequence { .. } => "jag10",
        Shape::Members { .. } => "members",
    };
    let kind = format!("{shape} {}", layout.members[0].primitive.name());
    let values = column.values.len() / layout.members[0].primitive.bytes();
    let hash: String =
        Blake2b::<U8>::digest(&column.values).iter().map(|byte| format!("{byte:02x}")).collect();
    if (kind.as_str(), values, hash.as_str()) == (&row.kind, row.values, &row.hash) {
        return Ok(None);
    }
    Ok(Some(format!("{kind} {values} {hash} instead of {} {} {}", row.kind, row.values, row.hash)))
}

#[test]
fn every_branch_is_equal() {
    let folder = folder();
    let Ok(table) = std::fs::read_to_string(folder.join("uproot-reference.tsv")) else {
        eprintln!("SKIPPED: no reference table in {}", folder.display());
        return;
    };
    let rows = rows(&table);
    assert_eq!(rows.values().map(Vec::len).sum::<usize>(), ROWS);
    let (mut equal, mut wrong, mut refused, mut absent) = (0, 0, 0, 0);
    let mut messages = Vec::new();
    for (name, rows) in &rows {
        let Ok(opened) = File::open(folder.join(name)) else {
            absent += rows.len();
            continue;
        };
        let mut file = RootFile::open(BufReader::new(opened)).unwrap();
        let mut trees: BTreeMap<&str, Tree> = BTreeMap::new();
        for row in rows {
            if !trees.contains_key(row.tree.as_str()) {
                trees.insert(&row.tree, file.tree(&row.tree).unwrap());
            }
            match check(&mut file, &trees[row.tree.as_str()], row) {
                Ok(None) => equal += 1,
                Ok(Some(message)) => {
                    wrong += 1;
                    messages.push(format!("{name} {} {}: {message}", row.tree, row.branch));
                }
                Err(error) => {
                    refused += 1;
                    messages.push(format!("{name} {} {}: {error}", row.tree, row.branch));
                }
            }
        }
    }
    println!("branches: {equal} equal, {wrong} wrong, {refused} refused, {absent} of absent files");
    for message in messages.iter().take(40) {
        println!("  {message}");
    }
    assert_eq!(wrong, 0);
    assert_eq!(equal + absent, ROWS);
}

/// Every file is tiled by its records, and every basket is one of them.
#[test]
fn records_hold_every_basket() {
    let folder = folder();
    let Ok(listed) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no files in {}", folder.display());
        return;
    };
    let names = listed.map(|entry| entry.unwrap().path());
    for path in names.filter(|path| path.extension().is_some_and(|e| e == "root")) {
        let mut file = RootFile::open(BufReader::new(File::open(&path).unwrap())).unwrap();
        let records = file.records().unwrap();
        let bytes: u64 = records.iter().map(|record| record.bytes).sum();
        assert_eq!(file.header().begin + bytes, file.file_bytes());
        let baskets: BTreeMap<u64, u64> = records
            .iter()
            .filter(|record| record.key.as_ref().is_some_and(|key| key.class == "TBasket"))
            .map(|record| (record.offset, record.bytes))
            .collect();
        for name in file.trees() {
            let tree = file.tree(&name).unwrap();
            for info in tree.branches.iter().flat_map(|branch| &branch.baskets) {
                if let Place::Record { offset, bytes } = info.place {
                    assert_eq!(baskets.get(&offset), Some(&bytes), "{}", path.display());
                }
            }
        }
    }
}
