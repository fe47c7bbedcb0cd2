//! Typed values out of a fuzzer's bytes, and what all targets are willing to spend.

use arbitrary::Unstructured;
use vxc::tokens::{Endian, Field, Kind, RecordLayout};
use vxc::{DecodeLimits, DecompressOptions, Level};

/// Limits that keep a run short.
pub const LIMITS: DecodeLimits = DecodeLimits {
    max_output: 1 << 20,
    max_memory: 64 << 20,
    max_model_bytes: 4 << 20,
    max_segment: 1 << 20,
};

/// Decoding within [`LIMITS`].
pub fn decoding(threads: usize) -> DecompressOptions {
    DecompressOptions { models: Vec::new(), limits: LIMITS, threads }
}

/// A number in `0..n`.
pub fn below(u: &mut Unstructured<'_>, n: usize) -> usize {
    u.int_in_range(0..=n - 1).unwrap_or(0)
}

/// A level without a network, 1 to 6.
pub fn level(u: &mut Unstructured<'_>) -> Level {
    Level::new(1 + below(u, 6) as u8).unwrap_or_default()
}

/// A layout of a few fields, or none.
pub fn layout(u: &mut Unstructured<'_>) -> Option<RecordLayout> {
    let n = below(u, 7);
    let mut offset = 0;
    let fields: Vec<Field> = (0..n)
        .map(|i| {
            let number = Kind::NUMBERS.get(below(u, Kind::NUMBERS.len() + 1)).copied();
            let kind = number.unwrap_or_else(|| Kind::Bytes(1 + below(u, 8) as u8));
            let endian = if below(u, 4) == 0 { Endian::Big } else { Endian::Little };
            let group = below(u, 3) as u32;
            let field = Field { name: format!("f{i}"), offset, kind, endian, group };
            offset += kind.bytes();
            field
        })
        .collect();
    // A few bytes that no field names.
    let record_bytes = offset + below(u, 3);
    RecordLayout::new(record_bytes, fields).ok()
}
