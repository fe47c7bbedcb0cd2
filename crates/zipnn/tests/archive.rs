//! Whole archives: the same bytes come back, whatever the file, level and number of threads; damage is found; single
//! tensors are those of the file.

mod common;

use std::io::{Cursor, Read, Seek, SeekFrom};

use common::{checkpoint, extracted, packed, unpacked, weights};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use vxc_zipnn::{Archive, Limits, Plan, WeightsError, extract};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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
