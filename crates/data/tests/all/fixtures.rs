//! The fixtures of `tests/fixtures/root`: every algorithm, every type, directories, jagged columns, several
//! blocks in a record, and an `RNTuple`, against the formulas by which `make_root.py` made them.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use vxc_data::root::{Algorithm, Chunk, RootFile, Shape};

const ENTRIES: i64 = 120;

fn open(name: &str) -> RootFile<BufReader<File>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/root").join(name);
    RootFile::open(BufReader::new(File::open(path).unwrap())).unwrap()
}

fn flat(bytes_of: impl Fn(i64) -> Vec<u8>) -> Vec<u8> {
    (0..ENTRIES).flat_map(bytes_of).collect()
}

/// Values of a column of both fixtures, little-endian, and its lengths.
fn expected(name: &str) -> (Vec<u8>, Vec<Vec<u32>>) {
    let plain = |values: Vec<u8>| (values, Vec::new());
    match name {
        "f4" => plain(flat(|i| (i as f32 / 8.0 - 3.0).to_le_bytes().into())),
        "f8" => plain(flat(|i| ((i * i) as f64 / 16.0).to_le_bytes().into())),
        "i1" => plain(flat(|i| vec![(i * 7 % 256 - 128) as u8])),
        "u1" => plain(flat(|i| vec![i as u8])),
        "i2" => plain(flat(|i| ((i * 13 - 1000) as i16).to_le_bytes().into())),
        "u2" => plain(flat(|i| ((i * 21) as u16).to_le_bytes().into())),
        "i4" => plain(flat(|i| ((i * 1_000_003 - 5_000_000) as i32).to_le_bytes().into())),
        "u4" => plain(flat(|i| ((i * 40_000_001) as u32).to_le_bytes().into())),
        "i8" => plain(flat(|i| (i * 1_000_000_000_000 - 77).to_le_bytes().into())),
        "u8" => plain(flat(|i| ((1u64 << 63) + i as u64).to_le_bytes().into())),
        "b" => plain(flat(|i| vec![u8::from(i % 3 == 0)])),
        "a" => plain(flat(|i| {
            (0..3).flat_map(|k| (i as f32 + k as f32 / 4.0).to_le_bytes()).collect()
        })),
        "njag" => plain(flat(|i| ((i % 4) as i32).to_le_bytes().into())),
        "njagi" => plain(flat(|i| ((i * 5 % 3) as i32).to_le_bytes().into())),
        "jag" => (
            flat(|i| (0..i % 4).flat_map(|k| (i as f32 + k as f32 / 2.0).to_le_bytes()).collect()),
            vec![(0..ENTRIES).map(|i| (i % 4) as u32).collect()],
        ),
        "jagi" => (
            flat(|i| (0..i * 5 % 3).flat_map(|k| (i * 100 + k).to_le_bytes()).collect()),
            vec![(0..ENTRIES).map(|i| (i * 5 % 3) as u32).collect()],
        ),
        "rec.x" => plain(flat(|i| (i as f32).to_le_bytes().into())),
        "rec.y" => expected("i2"),
        "text" => (
            flat(|i| i.to_string().into_bytes()),
            vec![(0..ENTRIES).map(|i| i.to_string().len() as u32).collect()],
        ),
        "nested" => {
            let pairs = || (0..ENTRIES).flat_map(|i| [i % 40 * 2, i % 40 * 2 + 1]);
            let values = pairs().flat_map(|x| (x as i16).to_le_bytes().repeat((x % 3) as usize));
            (
                values.collect(),
                vec![vec![2; ENTRIES as usize], pairs().map(|x| (x % 3) as u32).collect()],
            )
        }
        other => panic!("column {other}"),
    }
}

#[test]
fn trees_of_every_algorithm() {
    for (name, algorithm) in [
        ("stored.root", None),
        ("zlib.root", Some(Algorithm::Zlib)),
        ("lzma.root", Some(Algorithm::Lzma)),
        ("lz4.root", Some(Algorithm::Lz4)),
        ("zstd.root", Some(Algorithm::Zstd)),
    ] {
        let mut file = open(name);
        assert_eq!(file.trees(), ["events", "dir/sub/events"]);
        let mut compressed = 0;
        for path in file.trees() {
            let tree = file.tree(&path).unwrap();
            assert_eq!((tree.entries, tree.branches.len()), (ENTRIES as u64, 16));
            for branch in &tree.branches {
                let column = file.column(branch).unwrap();
                let (values, lengths) = expected(&branch.path);
                assert_eq!((&column.values, &column.lengths), (&values, &lengths));

                let mut parts = Chunk::default();
                for (chunk, info) in file.chunks(branch).unwrap().zip(&branch.baskets) {
                    let chunk = chunk.unwrap();
                    assert_eq!((chunk.first_entry, chunk.entries), (info.first_entry, 40));
                    parts.values.extend(chunk.values);
                }
                assert_eq!(parts.values, values);

                for info in &branch.baskets {
                    let raw = file.raw_basket(info).unwrap().unwrap();
                    for block in raw.blocks().unwrap() {
                        assert_eq!(Some(block.algorithm), algorithm);
                        compressed += 1;
                    }
                    assert_eq!(raw.header.len(), usize::from(raw.key.key_bytes));
                }
            }
        }
        assert_eq!(compressed > 0, algorithm.is_some(), "{name}");
    }
}

#[test]
fn a_record_of_several_blocks() {
    let mut file = open("blocks.root");
    let tree = file.tree("events").unwrap();
    let branch = tree.branch("u1").unwrap();
    let raw = file.raw_basket(&branch.baskets[0]).unwrap().unwrap();
    assert_eq!(raw.blocks().unwrap().len(), 2);
    let column = file.column(branch).unwrap();
    assert_eq!(column.values.len(), 17 << 20);
    assert!(column.values.iter().enumerate().all(|(i, &v)| v == (i >> 16) as u8));
}

#[test]
fn an_ntuple() {
    let mut file = open("ntuple.root");
    assert_eq!(file.ntuples(), ["dir/ntuple"]);
    let ntuple = file.ntuple("dir/ntuple").unwrap();
    assert_eq!((ntuple.entries, ntuple.clusters.len()), (ENTRIES as u64, 3));
    let mut names: Vec<_> = ntuple.columns.iter().map(|c| c.path.clone()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "b", "f4", "f8", "i1", "i2", "i4", "i8", "jag", "jagi", "nested", "rec.x", "rec.y",
            "text", "u1", "u2", "u4", "u8"
        ]
    );
    for column in &ntuple.columns {
        let found = file.ntuple_column(&ntuple, column).unwrap();
        let (values, lengths) = expected(&column.path);
        assert_eq!((&found.values, &found.lengths), (&values, &lengths), "{}", column.path);
        let shape = column.layout.as_ref().unwrap().shape;
        assert_eq!(shape == Shape::Fixed, lengths.is_empty());
        let (stored, raw) = ntuple.bytes(column);
        assert!(stored > 0 && raw > 0);
        let id = column.columns[0];
        let mut pages = Vec::new();
        for page in ntuple.clusters.iter().flat_map(|cluster| &cluster.columns[id].pages) {
            assert_eq!(file.stored_page(page).unwrap().len() as u64, page.stored_bytes);
            pages.extend(file.page(&ntuple, id, page).unwrap().values);
        }
        assert_eq!(pages, values, "{}", column.path);
    }
}

#[test]
fn absent_names_are_the_callers_fault() {
    let mut file = open("zlib.root");
    for error in [file.tree("none").unwrap_err(), file.ntuple("events").unwrap_err()] {
        assert!(matches!(error, vxc_data::DataError::InvalidArgument(_)));
    }
}

#[test]
fn tables_with_their_columns() {
    let tables = open("zstd.root").tables().unwrap();
    let shown: Vec<_> = tables.iter().map(|t| (t.path.as_str(), t.form, t.entries)).collect();
    assert_eq!(shown, [("events", "tree", 120), ("dir/sub/events", "tree", 120)]);
    let kind = |name: &str| {
        let column = tables[1].columns.iter().find(|column| column.path == name).unwrap();
        assert_eq!((column.entries, column.pieces, column.refused.clone()), (120, 3, None));
        assert_eq!(column.compression, "zstd");
        column.kind.clone()
    };
    assert_eq!(["a", "jag", "u8"].map(kind), ["float32[3]", "float32[]", "uint64"]);
    let (stored, raw) = tables[1].bytes();
    assert!(0 < stored && stored < raw);

    let tables = open("ntuple.root").tables().unwrap();
    let column = tables[0].columns.iter().find(|column| column.path == "nested").unwrap();
    assert_eq!((column.kind.as_str(), column.pieces), ("int16[][]", 3));
    assert_eq!((tables[0].form, tables[0].entries), ("ntuple", 120));
}

/// Header, records and gaps put together are the file. (The writer of these files leaves holes: the last gap
/// holds records too. `reference.rs` looks at files of ROOT itself.)
#[test]
fn records_tile_the_file() {
    for name in ["zlib.root", "lz4.root", "stored.root", "blocks.root", "ntuple.root"] {
        let mut file = open(name);
        let mut next = file.header().begin;
        for record in file.records().unwrap() {
            assert_eq!(record.offset, next);
            next += record.bytes;
            let Some(key) = &record.key else { continue };
            let payload = file.record_payload(&record).unwrap();
            assert!(key.class == "RBlob" || payload.content.len() == key.raw_bytes as usize);
            let mut content = Vec::new();
            for block in &payload.blocks {
                block.decompress(&payload.stored, &mut content).unwrap();
            }
            assert!(payload.blocks.is_empty() || content == payload.content);
        }
        assert_eq!(next, file.file_bytes(), "{name}");
        for path in file.trees() {
            let tree = file.tree(&path).unwrap();
            for info in tree.branches.iter().flat_map(|branch| &branch.baskets) {
                let raw = file.raw_basket(info).unwrap().unwrap();
                let content = raw.content(file.limits()).unwrap();
                assert_eq!(raw.decompress(file.limits()).unwrap().content, content);
            }
        }
    }
}
