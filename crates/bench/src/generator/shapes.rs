//! Small files of the shapes that a codec for tables stumbles over.

use super::rng::Rng;
use super::table::{Table, Variant};

fn standard(seed: u64, rows: u64) -> Table {
    Table { seed, rows, variant: Variant::Standard }
}

/// A text header of 211 bytes, a standard table, and a tail of 17 bytes that is no whole record. Also the
/// table's place.
pub fn records_with_header_and_tail(seed: u64, rows: u64) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut out =
        format!("TABLE 1.0\nseed {seed}\nrows {rows}\n# event jets, little endian\n").into_bytes();
    while out.len() < 210 {
        out.push(b' ');
    }
    out.push(b'\n');
    let start = out.len();
    out.extend_from_slice(&standard(seed, rows).to_vec());
    let end = out.len();
    out.extend_from_slice(b"END OF THE TABLE\n");
    (out, start..end)
}

/// A standard table, then one of hits: five f32 that walk at random (20 bytes a record), of as many rows. Also the length of the
/// first.
pub fn two_tables(seed: u64, rows: u64) -> (Vec<u8>, usize) {
    let mut out = standard(seed, rows).to_vec();
    let first = out.len();
    let mut rng = Rng::new(seed ^ 0x6869_7473);
    let mut x = [10.0, -200.0, 0.5, 3000.0, 0.001];
    for _ in 0..rows {
        for v in &mut x {
            *v *= 1.0 + 0.001 * rng.normal();
            out.extend_from_slice(&(*v as f32).to_le_bytes());
        }
    }
    (out, first)
}

/// `rows` records of a standard table, then as many with the same columns in another order: equal in size,
/// different in meaning. Also the length of the first part.
pub fn schema_change(seed: u64, rows: u64) -> (Vec<u8>, usize) {
    let mut out = standard(seed, rows).to_vec();
    let first = out.len();
    let other = Table { seed: seed.wrapping_add(1), rows, variant: Variant::Permuted };
    out.extend_from_slice(&other.to_vec());
    (out, first)
}

/// A standard table with each column stored as one run, one after the other.
pub fn column_major(seed: u64, rows: u64) -> Vec<u8> {
    let table = standard(seed, rows);
    let records = table.to_vec();
    let mut out = Vec::with_capacity(records.len());
    for c in table.columns() {
        for record in records.chunks_exact(table.record_bytes()) {
            out.extend_from_slice(&record[c.offset..c.offset + c.number.bytes()]);
        }
    }
    out
}

/// `n` zeros.
pub fn zeros(n: usize) -> Vec<u8> {
    vec![0; n]
}

/// `n` bytes that nothing compresses.
pub fn random_bytes(seed: u64, n: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut out = Vec::with_capacity(n + 8);
    while out.len() < n {
        out.extend_from_slice(&rng.bits().to_le_bytes());
    }
    out.truncate(n);
    out
}
