//! Byte transposition: byte 0 of all units, then byte 1 of all units, and so on; what is left over stays.

/// Rows that are moved at once: their bytes stay in the nearest cache.
const BLOCK: usize = 64;

/// Puts bytes of equal place together.
pub(super) fn gather(raw: &[u8], unit: usize) -> Vec<u8> {
    let unit = unit.max(1);
    let n = raw.len() / unit;
    let mut out = raw.to_vec();
    for first in (0..n).step_by(BLOCK) {
        for place in 0..unit {
            for i in first..(first + BLOCK).min(n) {
                out[place * n + i] = raw[i * unit + place];
            }
        }
    }
    out
}

/// The inverse of [`gather`].
pub(super) fn scatter(planes: &[u8], unit: usize) -> Vec<u8> {
    let unit = unit.max(1);
    let n = planes.len() / unit;
    let mut out = planes.to_vec();
    for first in (0..n).step_by(BLOCK) {
        for place in 0..unit {
            for i in first..(first + BLOCK).min(n) {
                out[i * unit + place] = planes[place * n + i];
            }
        }
    }
    out
}
