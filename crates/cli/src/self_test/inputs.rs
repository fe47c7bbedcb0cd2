//! The known inputs: made by integers and IEEE + − × ÷ alone, so that every machine has the same.

use vxc::tokens::{Endian, Field, Kind, RecordLayout};

use crate::failure::Failure;

/// A 64-bit linear congruential sequence: its upper 31 bits.
pub fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

/// Bytes of a record of [`table`].
const RECORD: usize = 47;

/// Records of floats of 16, 32 and 64 bits with relations between them, integers of all widths, a big-endian column, and
/// bytes without a meaning.
pub fn table(records: u32) -> Vec<u8> {
    let mut next = noise(7);
    let mut unit = || (next() % 1_000_003) as f64 / 1_000_003.0;
    let mut out = Vec::with_capacity(RECORD * records as usize);
    for i in 0..records {
        let pt = (20.0 + 180.0 * unit() * unit() * unit()) as f32;
        let eta = (5.0 * (unit() - 0.5)) as f32;
        let energy = f64::from(pt) * (1.0 + f64::from(eta) * f64::from(eta) / 2.0);
        let share = (pt / 256.0).to_bits() >> 16;
        out.extend_from_slice(&pt.to_le_bytes());
        out.extend_from_slice(&eta.to_le_bytes());
        out.extend_from_slice(&energy.to_le_bytes());
        out.extend_from_slice(&(share as u16).to_le_bytes());
        out.extend_from_slice(&((unit() * 15_000.0) as u16).to_le_bytes());
        out.extend_from_slice(&(pt * 3.0).to_be_bytes());
        out.extend_from_slice(&(i / 4).to_le_bytes());
        out.extend_from_slice(&(-i64::from(i) * 1000).to_le_bytes());
        out.extend_from_slice(&((unit() * 7.0) as i16 - 3).to_le_bytes());
        out.push((i % 5 == 0).into());
        out.push((unit() * 4.0) as u8);
        out.extend_from_slice(&(u64::from(i) * 77).to_le_bytes()[..7]);
    }
    out
}

/// The layout of [`table`].
///
/// # Errors
/// Never.
pub fn layout() -> Result<RecordLayout, Failure> {
    const KINDS: [(Kind, Endian); 12] = [
        (Kind::F32, Endian::Little),
        (Kind::F32, Endian::Little),
        (Kind::F64, Endian::Little),
        (Kind::Bf16, Endian::Little),
        (Kind::F16, Endian::Little),
        (Kind::F32, Endian::Big),
        (Kind::U32, Endian::Little),
        (Kind::I64, Endian::Little),
        (Kind::I16, Endian::Little),
        (Kind::U8, Endian::Little),
        (Kind::U8, Endian::Little),
        (Kind::Bytes(7), Endian::Little),
    ];
    let mut offset = 0;
    let fields = KINDS.into_iter().zip(0..).map(|((kind, endian), group)| {
        let field = Field { name: String::new(), offset, kind, endian, group };
        offset += kind.bytes();
        field
    });
    let fields = fields.collect();
    RecordLayout::new(RECORD, fields).map_err(|e| Failure::Verify(e.to_string()))
}

/// Lines of an event record.
pub fn text(lines: u32) -> Vec<u8> {
    let mut next = noise(3);
    (0..lines)
        .flat_map(|i| {
            let (id, digits) = (next() % 22, next() % 999_983);
            format!("P {i} {id} {}.{digits:06}e{:+03}\n", next() % 10, next() % 5).into_bytes()
        })
        .collect()
}

/// A safetensors file: 32-bit floats, bfloat16, and integers.
pub fn checkpoint() -> Vec<u8> {
    let header = concat!(
        r#"{"a":{"dtype":"F32","shape":[100,80],"data_offsets":[0,32000]},"#,
        r#""b":{"dtype":"BF16","shape":[90,100],"data_offsets":[32000,50000]},"#,
        r#""c":{"dtype":"I64","shape":[500],"data_offsets":[50000,54000]}}"#
    );
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend_from_slice(header.as_bytes());
    let mut next = noise(5);
    let mut weight = || {
        let sum = next() % 4096 + next() % 4096 + next() % 4096;
        (sum as f32 - 6142.0) / 65_536.0
    };
    (0..8000).for_each(|_| out.extend_from_slice(&weight().to_le_bytes()));
    (0..9000).for_each(|_| out.extend_from_slice(&weight().to_be_bytes()[..2]));
    (0..500u64).for_each(|i| out.extend_from_slice(&(i * 3).to_le_bytes()));
    out
}
