//! Whole archives: the same bytes come back, whatever the file, level and number of threads; damage is found; single
//! tensors are those of the file.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use vxc_zipnn::{Archive, Format, Level, Limits, Options, Plan, WeightsError, compress, extract};

/// Numbers about as weights are: sums of four uniform ones.
fn weights(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2) | 1;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n).map(|_| 0.1 * (uniform() + uniform() + uniform() + uniform())).collect()
}

/// A checkpoint with tensors of several types, shapes and sizes, some of them equal or empty.
fn checkpoint() -> Vec<u8> {
    let f32s = |n, seed| weights(n, seed).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let bf16 = |n, seed| {
        weights(n, seed).iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect()
    };
    let f16 = |n, seed| {
        weights(n, seed).iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect()
    };
    let f64s =
        |n, seed| weights(n, seed).iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect();
    let list: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![
        ("a.weight", Dtype::F32, vec![200, 300], f32s(60_000, 1)),
        ("a.bias", Dtype::F32, vec![200], f32s(200, 2)),
        ("b.weight", Dtype::BF16, vec![300, 100], bf16(30_000, 3)),
        ("b.half", Dtype::F16, vec![10, 20, 30], f16(6000, 4)),
        ("c.double", Dtype::F64, vec![40, 50], f64s(2000, 5)),
        ("c.int8", Dtype::I8, vec![5000], (0..5000u32).map(|i| (i % 7) as u8).collect()),
        ("c.steps", Dtype::I64, vec![], 1234i64.to_le_bytes().to_vec()),
        ("d.tied", Dtype::F32, vec![200, 300], f32s(60_000, 1)),
        ("e.empty", Dtype::F32, vec![0, 7], Vec::new()),
    ];
    let views = list.iter().map(|(name, dtype, shape, data)| {
        (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    serialize(views, None).unwrap()
}

fn packed(raw: &[u8], level: u8, threads: usize) -> Vec<u8> {
    let options = Options { level: Level::new(level).unwrap(), threads, verify: true };
    let mut out = Vec::new();
    let summary = compress(&mut Cursor::new(raw), &mut out, &options, |_| ()).unwrap();
    assert_eq!((summary.raw_len, summary.coded_len), (raw.len() as u64, out.len() as u64));
    out
}

fn unpacked(archive: &[u8], threads: usize) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    Archive::open(Cursor::new(archive), Limits::default())?.decode_all(
        &mut out,
        threads,
        |_| (),
    )?;
    Ok(out)
}

fn extracted(
    archive: &mut Archive<Cursor<&Vec<u8>>>,
    names: &[String],
) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    let written = extract(archive, names, &mut out)?;
    assert_eq!(written, out.len() as u64);
    Ok(out)
}

#[test]
fn a_checkpoint_comes_back_smaller() {
    let raw = checkpoint();
    let mut sizes = Vec::new();
    for level in 1..=3 {
        let archive = packed(&raw, level, 2);
        assert!(unpacked(&archive, 1).unwrap() == raw);
        assert_eq!(packed(&raw, level, 1), archive, "threads change nothing");
        sizes.push(archive.len());
    }
    // The tied tensor is there once; floats save a sixth, two-byte floats more.
    assert!(sizes[0] < raw.len() * 55 / 100, "{sizes:?} of {}", raw.len());
    assert!(sizes[1] <= sizes[0] && sizes[2] <= sizes[1], "{sizes:?}");
}

/// Archives that are kept must be read for ever, and be written the same everywhere.
#[test]
fn archives_are_pinned() {
    let raw = checkpoint();
    let hashes = [1, 2, 3].map(|level| {
        let hash = blake3::hash(&packed(&raw, level, 2));
        hash.to_hex().get(..16).unwrap().to_owned()
    });
    let pinned = include_str!("golden.txt").lines().filter(|l| !l.starts_with('#'));
    assert_eq!(hashes.to_vec(), pinned.collect::<Vec<_>>());
}

#[test]
fn any_range_and_any_tensor() {
    let raw = checkpoint();
    let archive = packed(&raw, 2, 2);
    let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
    for (at, len) in [(0, 1), (5, 700), (239_000, 9000), (raw.len() - 3, 3), (raw.len(), 0)] {
        open.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut bytes = vec![0; len];
        open.read_exact(&mut bytes).unwrap();
        assert!(bytes == raw[at..at + len], "{at}");
    }
    let whole = SafeTensors::deserialize(&raw).unwrap();
    let names: Vec<String> = whole.names().iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(Plan::of(&mut open).unwrap().tensors.len(), names.len());
    let part = extracted(&mut open, &names[2..5]).unwrap();
    let part = SafeTensors::deserialize(&part).unwrap();
    assert_eq!(part.len(), 3);
    for name in &names[2..5] {
        let (a, b) = (part.tensor(name).unwrap(), whole.tensor(name).unwrap());
        assert_eq!((a.dtype(), a.shape(), a.data()), (b.dtype(), b.shape(), b.data()));
    }
    let twice = extracted(&mut open, &[names[2].clone(), names[2].clone()]);
    assert!(matches!(twice, Err(WeightsError::InvalidArgument(_))));
    let missing = extracted(&mut open, &["nothing".to_owned()]);
    assert!(matches!(missing, Err(WeightsError::InvalidArgument(_))));
}

#[test]
fn what_is_no_checkpoint_is_bytes() {
    let text = "learning rate 0.1\n".repeat(500);
    for raw in [&b""[..], b"x", text.as_bytes(), &[7; 300_000]] {
        for level in 1..=3 {
            let archive = packed(raw, level, 1);
            assert!(unpacked(&archive, 2).unwrap() == raw);
            assert!(archive.len() <= raw.len() + 120);
        }
    }
}

/// A small checkpoint of which each level makes something else: floats, integers, zeros.
fn small_checkpoint() -> Vec<u8> {
    let f32s: Vec<u8> = weights(300, 1).iter().flat_map(|v| v.to_le_bytes()).collect();
    let half = weights(200, 2);
    let half = half.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect();
    let zeros = (0..400u32).flat_map(|i| (if i % 9 == 0 { i as f32 } else { 0.0 }).to_le_bytes());
    let list: [(&str, Dtype, Vec<usize>, Vec<u8>); 3] = [
        ("a", Dtype::F32, vec![30, 10], f32s),
        ("b", Dtype::BF16, vec![200], half),
        ("c", Dtype::F32, vec![400], zeros.collect()),
    ];
    let views = list.iter().map(|(name, dtype, shape, data)| {
        (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    serialize(views, None).unwrap()
}

/// Every byte of an archive of each level: with one bit changed (each byte another one, and the lowest and the highest of
/// all), with all of them, and the archive cut there.
#[test]
fn every_flipped_byte_and_every_cut_is_found() {
    let raw = small_checkpoint();
    for level in 1..=3 {
        let archive = packed(&raw, level, 1);
        let tried: usize = (0..archive.len())
            .map(|at| {
                let flips = [1, 0x80, 1 << (at % 8), 0xFF];
                for flip in flips {
                    let mut bad = archive.clone();
                    bad[at] ^= flip;
                    assert!(unpacked(&bad, 1).is_err(), "-{level}: byte {at} ^ {flip:#x}");
                }
                assert!(unpacked(&archive[..at], 1).is_err(), "-{level}: cut at {at}");
                flips.len() + 1
            })
            .sum();
        println!("-{level}: {} bytes, {tried} damaged archives", archive.len());
        let mut long = archive.clone();
        long.push(0);
        assert!(unpacked(&long, 1).is_err(), "-{level}");
    }
}

#[test]
fn a_later_version_is_no_damage() {
    let mut archive = packed(&checkpoint()[..9000], 1, 1);
    archive[7] = 2;
    let refused = Archive::open(Cursor::new(&archive), Limits::default()).map(|_| ());
    assert!(matches!(refused, Err(WeightsError::Unsupported(_))), "{refused:?}");
    archive[6] = 2;
    let refused = Archive::open(Cursor::new(&archive), Limits::default()).map(|_| ());
    assert!(matches!(refused, Err(WeightsError::Corrupt(_))), "{refused:?}");
}

fn refused<T>(done: Result<T, WeightsError>) -> bool {
    matches!(done, Err(WeightsError::LimitExceeded { .. }))
}

#[test]
fn limits_are_checked_before_work() {
    // 256 MiB of zeros: a bomb of a few hundred bytes.
    let zeros = std::iter::repeat_n(0u8, 256 << 20).collect::<Vec<_>>();
    let archive = packed(&zeros, 1, 2);
    assert!(archive.len() < 30_000, "{}", archive.len());
    let limits = Limits { max_output: 1 << 20, ..Limits::default() };
    assert!(refused(Archive::open(Cursor::new(&archive), limits)));
}

#[test]
fn what_fits_is_decoded_and_what_does_not_is_refused() {
    let raw = checkpoint();
    for level in 1..=3 {
        let archive = packed(&raw, level, 1);
        let (mut fitted, mut too_small) = (0, 0);
        for shift in 8..30 {
            let limits = Limits { max_memory: 1 << shift, ..Limits::default() };
            let whole = Archive::open(Cursor::new(&archive), limits).and_then(|mut a| {
                let mut out = Vec::new();
                a.decode_all(&mut out, 4, |_| ())?;
                Ok(out)
            });
            match whole {
                Ok(out) => {
                    assert!(out == raw, "-{level}, 2^{shift} bytes");
                    fitted += 1;
                }
                Err(e) => {
                    assert!(refused(Err::<(), _>(e)), "-{level}, 2^{shift} bytes");
                    assert_eq!(fitted, 0, "-{level}: less was enough");
                    too_small += 1;
                }
            }
        }
        assert!(fitted > 1 && too_small > 1, "-{level}");
        let mut open = Archive::open(Cursor::new(&archive), Limits::default()).unwrap();
        let names: Vec<String> = open.tensors().unwrap().into_iter().map(|t| t.name).collect();
        let limits = Limits { max_output: raw.len() as u64, ..Limits::default() };
        let mut open = Archive::open(Cursor::new(&archive), limits).unwrap();
        assert!(extract(&mut open, &names, std::io::sink()).is_ok());
    }
}

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

    #[test]
    fn hostile_archives_end(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        // Checksums hold: the damage reaches what reads the index.
        let mut archive = packed(&checkpoint()[..9000], 1, 1);
        let footer = archive.len() - 64;
        let len = u64::from_le_bytes(archive[footer..footer + 8].try_into().unwrap()) as usize;
        for (at, value) in flips {
            archive[footer - len + at.index(len)] = value;
        }
        let crc = crc32c::crc32c(&archive[footer - len..footer]).to_le_bytes();
        archive[footer + 8..footer + 12].copy_from_slice(&crc);
        let crc = crc32c::crc32c(&archive[footer..footer + 52]).to_le_bytes();
        archive[footer + 52..footer + 56].copy_from_slice(&crc);
        let mut out = Vec::new();
        if let Ok(mut open) = Archive::open(Cursor::new(&archive), Limits::default()) {
            let _ = open.decode_all(&mut out, 1, |_| ());
        }
    }
}
