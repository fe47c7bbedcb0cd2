//! Checkpoints of strangers: whatever a `.pt` file says, reading it ends, within the memory of its size, in an error or
//! in tensors.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use vxc_model::published::Published;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity/fixtures/checkpoint.pt")
}

fn open(bytes: &[u8]) -> Result<Published, String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    Published::from_pt(file.path()).map_err(|e| e.to_string())
}

/// Reads a file of these bytes as far as its tensors.
fn tensors(bytes: &[u8]) -> Result<(), String> {
    open(bytes).map(drop)
}

/// Reads a file of these bytes as far as a network.
fn read(bytes: &[u8]) -> Result<(), String> {
    let published = open(bytes)?;
    let network = published.into_production(16, 4, &Device::flex()).map_err(|e| e.to_string())?;
    drop(network);
    Ok(())
}

/// The fixture with another pickle.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let bytes = std::fs::read(fixture()).expect("the fixture");
    let mut old = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    let mut new = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..old.len() {
        let mut entry = old.by_index(i).expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        let name = entry.name().expect("a name").to_string();
        if name.ends_with("data.pkl") {
            content = pickle.to_vec();
        }
        new.start_file(name, stored).expect("started");
        new.write_all(&content).expect("written");
    }
    new.finish().expect("finished").into_inner()
}

fn pickle() -> Vec<u8> {
    let bytes = std::fs::read(fixture()).expect("the fixture");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    let mut content = Vec::new();
    zip.by_name("checkpoint/data.pkl").expect("a pickle").read_to_end(&mut content).expect("read");
    content
}

fn text(s: &str) -> Vec<u8> {
    let mut out = vec![b'X'];
    out.extend((s.len() as u32).to_le_bytes());
    out.extend(s.as_bytes());
    out
}

fn integer(x: i64) -> Vec<u8> {
    let mut out = vec![0x8a, 8];
    out.extend(x.to_le_bytes());
    out
}

fn tuple(parts: &[i64]) -> Vec<u8> {
    let inner: Vec<u8> = parts.iter().flat_map(|&x| integer(x)).collect();
    [b"(".to_vec(), inner, b"t".to_vec()].concat()
}

/// A state dictionary of one tensor.
fn one_tensor(stored: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    [
        b"\x80\x02}(".to_vec(),
        text("head.weight"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        integer(stored),
        b"tQ".to_vec(),
        integer(offset),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtRu.".to_vec(),
    ]
    .concat()
}

#[test]
fn the_fixture_is_read_as_it_is_and_packed_anew() {
    assert_eq!(read(&std::fs::read(fixture()).expect("the fixture")), Ok(()));
    assert_eq!(read(&with_pickle(&pickle())), Ok(()));
}

#[test]
fn shapes_that_the_file_cannot_hold() {
    let huge = 1i64 << 20;
    for (stored, offset, shape, strides) in [
        (2048, 0, vec![huge, huge], vec![0, 0]),
        (2048, 0, vec![huge, 0], vec![0, 1]),
        (2048, 0, vec![0, huge], vec![huge, 1]),
        (2048, 0, vec![huge, huge, huge, huge], vec![1, 1, 1, 1]),
        (i64::MAX, 0, vec![i64::MAX], vec![1]),
        (1 << 40, 0, vec![1 << 40], vec![1]),
        (2048, 0, vec![1 << 28], vec![0]),
        (2048, 2047, vec![256, 8], vec![8, 1]),
        (2048, i64::MAX, vec![256, 8], vec![8, 1]),
        (2048, -1, vec![256, 8], vec![8, 1]),
        (2048, 0, vec![-256, -8], vec![8, 1]),
        (2048, 0, vec![256, 8], vec![-8, -1]),
        (2048, 0, vec![256, 8], vec![i64::MAX, i64::MAX]),
        (-2048, 0, vec![256, 8], vec![8, 1]),
        (2048, 0, vec![1; 1 << 12], vec![1; 1 << 12]),
        (2048, 0, vec![], vec![]),
    ] {
        let file = with_pickle(&one_tensor(stored, offset, &shape, &strides));
        let what = format!("{stored} {offset} {:?}", &shape[..shape.len().min(4)]);
        // Nothing and a single number are there, though no network is made of them.
        let little = shape.contains(&0) || shape.iter().all(|&dim| dim == 1);
        assert!(little || tensors(&file).is_err(), "{what}");
        assert!(read(&file).is_err(), "{what}");
    }
    // What they would be without their fault.
    let good = one_tensor(2048, 0, &[256, 8], &[8, 1]);
    assert_eq!(tensors(&with_pickle(&good)), Ok(()));
}

#[test]
fn pickles_that_nest_or_repeat_without_end() {
    let nested = |open: &[u8], close: &[u8], n: usize| {
        [b"\x80\x02".to_vec(), open.repeat(n), close.repeat(n), b".".to_vec()].concat()
    };
    // Each list holds the one before ten times.
    let mut laughs = b"\x80\x02]q\x00".to_vec();
    for i in 0..40u8 {
        laughs.extend([b"](".to_vec(), [b'h', i].repeat(10), vec![b'e', b'q', i + 1]].concat());
    }
    laughs.push(b'.');
    let mut dictionaries = b"\x80\x02}q\x00".to_vec();
    for i in 0..40u8 {
        let entries: Vec<u8> =
            (0..10).flat_map(|k| [text(&format!("k{k}")), vec![b'h', i]].concat()).collect();
        dictionaries.extend([b"}(".to_vec(), entries, vec![b'u', b'q', i + 1]].concat());
    }
    dictionaries.push(b'.');
    for (name, pickle) in [
        ("tuples", nested(b"(", b"t", 1 << 17)),
        ("lists", nested(b"](", b"e", 1 << 17)),
        ("dictionaries", nested(b"}(X\x01\0\0\0a", b"u", 1 << 17)),
        ("laughs", laughs),
        ("laughing dictionaries", dictionaries),
        ("empty", Vec::new()),
        ("a text of four gigabytes", b"\x80\x02X\xff\xff\xff\xffa.".to_vec()),
    ] {
        assert!(tensors(&with_pickle(&pickle)).is_err(), "{name}");
    }
}

#[test]
fn files_with_bytes_changed_or_cut() {
    let good = std::fs::read(fixture()).expect("the fixture");
    let mut state = 7u64;
    let mut random = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let pickle = pickle();
    for _ in 0..400 {
        let mut bytes = good.clone();
        for _ in 0..1 + random(3) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        let _ = read(&bytes);
        let _ = read(&good[..random(good.len())]);
        let mut changed = pickle.clone();
        for _ in 0..1 + random(3) {
            let at = random(changed.len());
            changed[at] = random(256) as u8;
        }
        let _ = read(&with_pickle(&changed));
    }
}
