//! Who is best, and which baselines nobody of ours matches.
//!
//! A row that is not lossless, or has no ratio, stands nowhere. Ours count with the bytes of their model file here.

use crate::evaluation::Row;

/// Whether a row counts.
pub(super) fn counts(row: &Row) -> bool {
    row.lossless && row.ratio.is_finite() && row.ratio > 0.0
}

/// Whether it is one of ours.
pub(super) fn ours(row: &Row) -> bool {
    row.level.is_some()
}

/// Ratio with the bytes of the model file, where there is one.
pub(super) fn whole_ratio(row: &Row) -> f64 {
    row.ratio_with_model.unwrap_or(row.ratio)
}

/// The row of the greatest ratio among some; the first of equals.
pub(super) fn smallest(rows: &[Row], some: impl Fn(&Row) -> bool) -> Option<&Row> {
    rows.iter()
        .filter(|r| counts(r) && some(r))
        .reduce(|best, r| if r.ratio > best.ratio { r } else { best })
}

/// Whether this is a baseline and none of ours is at least as small and as fast to decompress.
pub(super) fn unmatched(row: &Row, rows: &[Row]) -> bool {
    let matches = |r: &Row| whole_ratio(r) >= row.ratio && r.decompress_cpu >= row.decompress_cpu;
    let mut ours_that_count = rows.iter().filter(|r| counts(r) && ours(r));
    counts(row) && !ours(row) && !ours_that_count.any(matches)
}
