//! Lists of tensors: those of `torch.save`, those that take memory, those that are damaged.

mod common;

use std::io::{Cursor, Write};

use common::{checkpoint, extracted, packed, unpacked, weights};
use proptest::prelude::*;
use safetensors::tensor::SafeTensors;
use vxc_zipnn::{Archive, Format, Limits, Plan, WeightsError};

/// A pickle of a byte for each object, and a directory of many files.
#[test]
fn lists_are_bounded() {
    let objects = torch_of(&[b"\x80\x02", &vec![b'N'; 400_000][..], b"."].concat());
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..30_000 {
        zip.start_file(format!("m/data/{i}"), stored).unwrap();
    }
    let files = zip.finish().unwrap().into_inner();
    let tensor = |i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let header: Vec<String> = (0..40_000).map(tensor).collect();
    let long = format!(r#"{{"__metadata__":{{"x":"{}"}}}}"#, "y".repeat(5 << 20));
    let dimensions = "1,".repeat(60_000);
    let shape =
        |i| format!(r#""{i}":{{"dtype":"U8","shape":[{dimensions}0],"data_offsets":[0,0]}}"#);
    let shapes: Vec<String> = (0..10).map(shape).collect();
    let of = |header: String| {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.into_bytes());
        file
    };
    let many = of(format!("{{{}}}", header.join(",")));
    for (what, file, tensors) in [
        ("objects", objects, 0),
        ("files", files, 0),
        ("tensors", many, 40_000),
        ("a long text", of(long), 0),
        ("long shapes", of(format!("{{{}}}", shapes.join(","))), 10),
    ] {
        let archive = packed(&file, 1, 2);
        let listed = |max_memory| {
            let limits = Limits { max_memory, ..Limits::default() };
            Archive::open(Cursor::new(&archive), limits)?.tensors()
        };
        let got = listed(512 << 20).unwrap();
        assert_eq!(got.len(), tensors, "{what}");
        assert_eq!(got, Plan::of(&mut Cursor::new(&file)).unwrap().tensors, "{what}");
        // Enough for its blocks, and not for the list.
        match listed(7 << 20).map(|t| t.len()) {
            Err(WeightsError::LimitExceeded { what: of, .. }) => {
                assert!(of.contains("list"), "{what}: {of}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// A name that occurs twice stands for the last one, as in any reader of JSON.
#[test]
fn of_equal_names_the_last_one_counts() {
    let header = br#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([1, 2, 3, 4]);
    let plan = Plan::of(&mut Cursor::new(&file)).unwrap();
    let found: Vec<_> = plan.tensors.iter().map(|t| (&t.name[..], t.len)).collect();
    assert_eq!(found, [("a", 2), ("b", 1)]);
}

/// A tensor of a pickle, as `torch.save` writes it.
fn tensor(storage: &str, key: &str, n: u8, shape: &[u8], stride: &[u8]) -> Vec<u8> {
    let mut out = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n".to_vec();
    out.extend(storage.as_bytes());
    out.extend(b"\nX\x01\0\0\0");
    out.extend(key.as_bytes());
    out.extend([b'X', 3, 0, 0, 0]);
    out.extend(b"cpu");
    out.extend([b'K', n, b't', b'Q', b'K', 0]);
    for list in [shape, stride] {
        out.push(b'(');
        out.extend(list.iter().flat_map(|&d| [b'K', d]));
        out.push(b't');
    }
    out.extend(b"\x89}tR");
    out
}

/// The ZIP archive around a pickle and two storages.
fn torch_of(pickle: &[u8]) -> Vec<u8> {
    let w: Vec<u8> = weights(3000, 8).iter().flat_map(|v| v.to_le_bytes()).collect();
    let h: Vec<u8> =
        weights(64, 9).iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in
        [("m/data.pkl", pickle), ("m/byteorder", b"little"), ("m/data/0", &w), ("m/data/1", &h)]
    {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_long_name_used_again_and_again_is_no_bomb() {
    // One name of a megabyte for a thousand tensors.
    let mut pickle = b"\x80\x02}(X\0\0\x10\0".to_vec();
    pickle.extend(vec![b'a'; 1 << 20]);
    pickle.extend(b"q\x00");
    pickle.extend(tensor("HalfStorage", "1", 64, &[64], &[1]));
    pickle.extend(b"q\x01");
    for _ in 0..1000 {
        pickle.extend(b"h\x00h\x01");
    }
    pickle.extend(b"u.");
    let plan = Plan::of(&mut Cursor::new(torch_of(&pickle))).unwrap();
    assert_eq!(plan.format, Format::Torch);
    let names: usize = plan.tensors.iter().map(|t| t.name.len()).sum();
    assert!((1 << 20..17 << 20).contains(&names), "{names}");
}

/// A checkpoint as `torch.save` writes it: `{"w": F32 [30, 100], "v": a view of it, "h": F16 [64]}`.
fn torch() -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for (name, value) in [
        ("w", tensor("FloatStorage", "0", 0, &[30, 100], &[100, 1])),
        ("v", tensor("FloatStorage", "0", 0, &[100, 30], &[1, 100])),
        ("h", tensor("HalfStorage", "1", 64, &[64], &[1])),
    ] {
        pickle.extend([b'X', 1, 0, 0, 0]);
        pickle.extend(name.as_bytes());
        pickle.extend(value);
    }
    pickle.extend(b"u.");
    torch_of(&pickle)
}

#[test]
fn a_torch_checkpoint() {
    let raw = torch();
    let plan = Plan::of(&mut Cursor::new(&raw)).unwrap();
    assert_eq!(plan.format, Format::Torch);
    let found: Vec<_> = plan.tensors.iter().map(|t| (&t.name[..], t.dtype, &t.shape[..])).collect();
    // The transposed view is not contiguous: its storage is coded, but it is no tensor that could be had by itself.
    assert_eq!(found, [("w", "F32", &[30, 100][..]), ("h", "F16", &[64][..])]);
    for level in 1..=3 {
        let archive = packed(&raw, level, 1);
        assert!(unpacked(&archive, 1).unwrap() == raw);
        let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
        let part = extracted(&mut open, &["w".to_owned()]).unwrap();
        let w: Vec<u8> = weights(3000, 8).iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(SafeTensors::deserialize(&part).unwrap().tensor("w").unwrap().data(), w);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_checkpoints_are_files_too(
        torch_file: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        truncate: bool,
    ) {
        let mut raw = if torch_file { torch() } else { checkpoint()[..9000].to_vec() };
        for (at, value) in flips {
            let n = raw.len().min(1200);
            raw[at.index(n)] = value;
        }
        if truncate {
            raw.truncate(cut.index(raw.len()));
        }
        let archive = packed(&raw, 1, 1);
        prop_assert!(unpacked(&archive, 1).unwrap() == raw);
    }
}
