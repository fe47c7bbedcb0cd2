//! What needs the insides of the module: metadata damaged after decompression, and structures that the
//! fixtures do not have.

use super::basket::{Basket, EmbeddedBasket};
use super::column::Chunk;
use super::cursor::Cursor;
use super::directory;
use super::file::RootFile;
use super::layout::{Layout, Member, Shape};
use super::primitive::Primitive;
use super::source::Source;
use super::streamer::Streamers;
use super::tree::Tree;
use crate::{DataError, Limits};
use std::path::Path;

fn layout(shape: Shape, primitive: Primitive) -> Layout {
    Layout::plain(shape, vec![Member { name: "x".into(), primitive, count: 1, range: None }])
}

/// A sequence of sequences as its bytes.
fn sequence(inner: &[&[u16]]) -> Vec<u8> {
    let mut body = 9u16.to_be_bytes().to_vec();
    body.extend((inner.len() as u32).to_be_bytes());
    for one in inner {
        body.extend((one.len() as u32).to_be_bytes());
        body.extend(one.iter().flat_map(|v| v.to_be_bytes()));
    }
    let mut out = (0x4000_0000 | body.len() as u32).to_be_bytes().to_vec();
    out.extend(body);
    out
}

#[test]
fn sequences_of_sequences() {
    let entries = [sequence(&[&[1, 2], &[]]), sequence(&[]), sequence(&[&[3], &[4, 5, 6]])];
    let content = entries.concat();
    let mut offsets = vec![0u32];
    for entry in &entries {
        offsets.push(offsets.last().unwrap() + entry.len() as u32);
    }
    let value_bytes = content.len();
    let layout = layout(Shape::Sequence { depth: 2 }, Primitive::U16);
    let mut basket =
        Basket { entries: 3, content, value_bytes, offsets: Some(offsets), counted: false };
    let chunk = Chunk::of(&basket, 7, &layout).unwrap();
    assert_eq!((chunk.first_entry, chunk.entries), (7, 3));
    assert_eq!(chunk.lengths, [vec![2, 0, 2], vec![2, 0, 1, 3]]);
    assert_eq!(chunk.values, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);

    basket.offsets = None;
    assert_eq!(Chunk::of(&basket, 7, &layout).unwrap(), chunk);
    for at in 0..basket.content.len() {
        for value in [0, 1, 0x40, 0x7f, 0xff] {
            let mut bad = basket.clone();
            bad.content[at] = value;
            let _ = Chunk::of(&bad, 0, &layout);
        }
    }
    basket.entries = 4;
    assert!(Chunk::of(&basket, 0, &layout).is_err());
}

/// As above without the outer number: two sequences of two objects, no object, one empty sequence.
#[test]
fn sequences_that_are_members() {
    let strip = |inner: &[&[u16]]| {
        let mut out = sequence(inner);
        out.drain(6..10);
        let length = out.len() as u32 - 4;
        out[..4].copy_from_slice(&(0x4000_0000 | length).to_be_bytes());
        out
    };
    let entries = [strip(&[&[1, 2], &[3]]), Vec::new(), strip(&[&[]])];
    let content = entries.concat();
    let ends = entries.iter().scan(0, |end, entry| {
        *end += entry.len() as u32;
        Some(*end)
    });
    let offsets = Some(std::iter::once(0).chain(ends).collect());
    let basket =
        Basket { entries: 3, value_bytes: content.len(), content, offsets, counted: false };
    let chunk =
        Chunk::of(&basket, 0, &layout(Shape::Members { depth: 2 }, Primitive::U16)).unwrap();
    assert_eq!(chunk.lengths, [vec![2, 0, 1], vec![2, 1, 0]]);
    assert_eq!(chunk.values, [1, 0, 2, 0, 3, 0]);
}

#[test]
fn offsets_from_counts() {
    let layout = layout(Shape::Jagged { header: 0 }, Primitive::U16);
    let content = vec![0, 1, 0, 2, 0, 3];
    let basket = Basket { entries: 3, content, value_bytes: 6, offsets: None, counted: true };
    assert!(matches!(Chunk::of(&basket, 0, &layout), Err(DataError::Unsupported(_))));
    let counted = |counts: &[u32]| {
        let mut basket = basket.clone();
        basket.count(counts, 2).map(|()| Chunk::of(&basket, 0, &layout).unwrap())
    };
    assert_eq!(counted(&[2, 0, 1]).unwrap().lengths, [[2, 0, 1]]);
    for wrong in [&[2, 1][..], &[2, 0, 2], &[2, 0, u32::MAX], &[]] {
        assert!(matches!(counted(wrong), Err(DataError::Corruption(_))));
    }
}

#[test]
fn records_of_several_members() {
    let mut layout = layout(Shape::Fixed, Primitive::U16);
    layout.members.push(Member {
        name: "y".into(),
        primitive: Primitive::Truncated,
        count: 1,
        range: None,
    });
    let content = vec![0, 1, 7, 8, 9, 0, 2, 4, 5, 6];
    let basket = Basket { entries: 2, content, value_bytes: 10, offsets: None, counted: false };
    let chunk = Chunk::of(&basket, 0, &layout).unwrap();
    assert_eq!(chunk.values, [1, 0, 7, 8, 9, 2, 0, 4, 5, 6]);
    let long = Basket { entries: 3, ..basket };
    assert!(Chunk::of(&long, 0, &layout).is_err());
}

/// `TKey` of a basket in either width.
fn key(class: &str, name: &str, version: u16, total: u32, raw: u32, seek: u64) -> Vec<u8> {
    let mut tail = Vec::new();
    for n in [seek, 100] {
        match version > 1000 {
            true => tail.extend(n.to_be_bytes()),
            false => tail.extend((n as u32).to_be_bytes()),
        }
    }
    for text in [class, name, "title"] {
        tail.push(text.len() as u8);
        tail.extend(text.bytes());
    }
    let mut out = total.to_be_bytes().to_vec();
    out.extend(version.to_be_bytes());
    out.extend(raw.to_be_bytes());
    out.extend([0; 4]);
    out.extend((18 + tail.len() as u16).to_be_bytes());
    out.extend(1u16.to_be_bytes());
    out.extend(tail);
    out
}

#[test]
fn a_basket_written_with_its_branch() {
    let header = key("TBasket", "b", 1004, 0, 0, 0);
    let key_bytes = header.len() as u32;
    let mut bytes = header.clone();
    bytes.extend(3u16.to_be_bytes());
    for n in [32000u32, 1000, 2, key_bytes + 6] {
        bytes.extend(n.to_be_bytes());
    }
    bytes.push(11);
    bytes.extend(2u32.to_be_bytes());
    bytes.extend(key_bytes.to_be_bytes());
    bytes.extend((key_bytes + 4).to_be_bytes());
    bytes.extend(vec![0; key_bytes as usize]);
    bytes.extend([0, 1, 0, 2, 0, 3]);
    let parse = |bytes: &[u8]| EmbeddedBasket::parse(&mut Cursor::new(bytes), &Limits::default());
    let basket = parse(&bytes).unwrap().into_basket().unwrap();
    assert_eq!(basket.offsets, Some(vec![0, 4, 6]));
    let layout = layout(Shape::Jagged { header: 0 }, Primitive::U16);
    let chunk = Chunk::of(&basket, 0, &layout).unwrap();
    assert_eq!((chunk.values, chunk.lengths), (vec![1, 0, 2, 0, 3, 0], vec![vec![2, 1]]));
    for cut in 0..bytes.len() {
        assert!(parse(&bytes[..cut]).is_err());
    }
}

/// A file of directories alone, with 64-bit offsets: one holds an object, one holds itself.
fn directories(loops: bool) -> Vec<u8> {
    let directory = |keys_at: u64, keys_bytes: u32| {
        let mut out = 1005u16.to_be_bytes().to_vec();
        out.extend([0; 8]);
        out.extend(keys_bytes.to_be_bytes());
        out.extend(50u32.to_be_bytes());
        for n in [0, 0, keys_at] {
            out.extend(n.to_be_bytes());
        }
        out
    };
    let list = |inner: Vec<u8>| {
        let mut out = key("TFile", "list", 1004, 0, 0, 0);
        out.extend(1u32.to_be_bytes());
        out.extend(inner);
        out
    };
    let inner_at = 1000u64;
    let object = key("TTree", "tree", 1004, 50, 10, 5 << 32);
    let sub = key("TDirectory", "sub", 1004, 50, 10, inner_at);
    let key_bytes = sub.len();
    let outer = list(sub.clone());
    let inner = list(if loops { sub } else { object });
    let mut out = directory(200, outer.len() as u32);
    out.resize(200, 0);
    out.extend(outer);
    out.resize(1000 + key_bytes, 0);
    out.extend(directory(2000, inner.len() as u32));
    out.resize(2000, 0);
    out.extend(inner);
    out
}

#[test]
fn directories_with_wide_offsets() {
    let limits = Limits::default();
    let mut source = Source::new(std::io::Cursor::new(directories(false))).unwrap();
    let found = directory::walk(&mut source, 0, &limits).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), found[0].key.offset), ("sub/tree", 5 << 32));

    let mut source = Source::new(std::io::Cursor::new(directories(true))).unwrap();
    let error = directory::walk(&mut source, 0, &limits).unwrap_err();
    assert!(matches!(error, DataError::LimitExceeded { .. }), "{error}");
}

/// Damage in the metadata of trees, which compression would hide: every field of every class is reached.
#[test]
fn damaged_metadata() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/root");
    let shared = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        Into::into,
    );
    let shared = shared.join("originals");
    let files = [
        (fixtures.join("zlib.root"), 1500),
        (shared.join("uproot-issue-85.root"), 500),
        (shared.join("uproot-issue-816.root"), 100),
    ];
    let limits = Limits { max_values: 200_000, max_basket: 1 << 20, ..Limits::default() };
    for (name, rounds) in files {
        let Ok(opened) = std::fs::File::open(&name) else {
            eprintln!("SKIPPED: no {}", name.display());
            continue;
        };
        let mut file = RootFile::open(std::io::BufReader::new(opened)).unwrap();
        let path = file.trees().remove(0);
        let entry = file.entry(&path).unwrap().clone();
        let payload = file.payload(&entry).unwrap();
        let streamers_at = file.header().streamers_at;
        let mut with_key = entry.clone();
        with_key.key.offset = streamers_at;
        with_key.key.total_bytes = file.header().streamers_bytes;
        let described = file.payload(&with_key).unwrap();
        let streamers_key = 64;
        assert!(Streamers::parse(&described, streamers_key, &limits).is_ok());
        let origin = u64::from(entry.key.key_bytes);
        let parse = |payload: &[u8], streamers: &Streamers| {
            Tree::parse(&path, &entry.key.class, payload, origin, streamers, limits)
        };
        let good = file.streamers().clone();
        assert!(!parse(&payload, &good).unwrap().branches.is_empty());
        let mut state = 1u64;
        let mut next = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % n
        };
        for round in 0..rounds {
            let mut bad = payload.clone();
            for _ in 0..=next(3) {
                let at = next(bad.len());
                bad[at] = [0, 1, 0x40, 0x7f, 0x80, 0xff][next(6)];
            }
            if let Ok(tree) = parse(&bad, &good)
                && round % 8 == 0
            {
                for branch in &tree.branches {
                    let _ = file.column(branch);
                }
            }
            let mut bad = described.clone();
            for _ in 0..=next(3) {
                let at = next(bad.len());
                bad[at] = [0, 1, 0x40, 0x7f, 0x80, 0xff][next(6)];
            }
            if let Ok(streamers) = Streamers::parse(&bad, streamers_key, &limits) {
                let _ = parse(&payload, &streamers);
            }
        }
    }
}

/// A directory at `at`, and a key that leads to it as an entry of its own list.
fn self_containing(name: &str, trees: usize) -> (Vec<u8>, u64) {
    let string = |s: &str| {
        let len = s.len();
        let short = len < 255;
        let head = if short {
            vec![len as u8]
        } else {
            [&[255][..], &(len as u32).to_be_bytes()].concat()
        };
        [&head, s.as_bytes()].concat()
    };
    let at = 100u32;
    let key = |class: &str, name: &str, payload_at: u32| {
        let strings = [string(class), string(name), string("")].concat();
        let key_bytes = 26 + strings.len() as u32;
        let mut out = Vec::new();
        out.extend(key_bytes.to_be_bytes());
        out.extend(4u16.to_be_bytes());
        out.extend([0; 8]);
        out.extend((payload_at as u16).to_be_bytes());
        out.extend(1u16.to_be_bytes());
        out.extend([0; 8]);
        out.extend(strings);
        out
    };
    let mut list = key("TDirectory", "root", 0);
    let own = list.len() as u16;
    list[14..16].copy_from_slice(&own.to_be_bytes());
    list.extend((trees as u32 + 1).to_be_bytes());
    list.extend(key("TDirectory", name, at));
    (0..trees).for_each(|_| list.extend(key("TTree", "t", 0)));
    let list_at = at + 200;
    let mut file = vec![0; list_at as usize];
    let mut directory = 5u16.to_be_bytes().to_vec();
    directory.extend([0; 8]);
    directory.extend((list.len() as u32).to_be_bytes());
    directory.extend([0; 12]);
    directory.extend(list_at.to_be_bytes());
    file[at as usize..][..directory.len()].copy_from_slice(&directory);
    file.extend(list);
    (file, at.into())
}

/// Each level repeats the names above it: a few kilobytes would be gigabytes of paths.
#[test]
fn paths_of_directories_are_counted() {
    let (file, at) = self_containing(&"n".repeat(4000), 100);
    let walk = |limits: &Limits| {
        directory::walk(&mut Source::new(std::io::Cursor::new(&file)).unwrap(), at, limits)
    };
    let limits = Limits { max_object: 4 << 20, ..Limits::default() };
    let error = walk(&limits).unwrap_err();
    assert!(matches!(error, DataError::LimitExceeded { what: "paths of keys", .. }), "{error}");
    // With room for them it is the depth that ends it.
    let error = walk(&Limits { max_depth: 4, ..limits }).unwrap_err();
    assert!(
        matches!(error, DataError::LimitExceeded { what: "depth of directories", .. }),
        "{error}"
    );
}
