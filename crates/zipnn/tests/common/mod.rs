//! Files of weights, and both ways between them and their archives.
#![allow(dead_code, reason = "every test file uses its part")]

use std::io::Cursor;

use safetensors::tensor::{Dtype, TensorView, serialize};
use vxc_zipnn::{Archive, Level, Limits, Options, WeightsError, compress, extract};

/// Numbers about as weights are: sums of four uniform ones.
pub fn weights(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2) | 1;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n).map(|_| 0.1 * (uniform() + uniform() + uniform() + uniform())).collect()
}

/// A checkpoint with tensors of several types, shapes and sizes, some of them equal or empty.
pub fn checkpoint() -> Vec<u8> {
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

/// The archive of a file.
pub fn packed(raw: &[u8], level: u8, threads: usize) -> Vec<u8> {
    let options = Options { level: Level::new(level).unwrap(), threads, verify: true };
    let mut out = Vec::new();
    let summary = compress(&mut Cursor::new(raw), &mut out, &options, |_| ()).unwrap();
    assert_eq!((summary.raw_len, summary.coded_len), (raw.len() as u64, out.len() as u64));
    out
}

/// The file of an archive.
pub fn unpacked(archive: &[u8], threads: usize) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    Archive::open(Cursor::new(archive), Limits::default())?.decode_all(
        &mut out,
        threads,
        |_| (),
    )?;
    Ok(out)
}

/// The file of some tensors.
pub fn extracted(
    archive: &mut Archive<Cursor<&Vec<u8>>>,
    names: &[String],
) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    let written = extract(archive, names, &mut out)?;
    assert_eq!(written, out.len() as u64);
    Ok(out)
}
