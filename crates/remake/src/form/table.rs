//! Columns of one class whose values lie row by row.
//!
//! ```text
//! columns   a0 a1 a2 …   b0 b1 b2 …        widths a, b
//! table     a0 b0 a1 b1 a2 b2 …
//! ```

use crate::error::RemakeError;

/// The rows of columns of the same number of values.
///
/// # Errors
/// [`RemakeError::Corruption`] where the numbers differ.
pub fn join(columns: &[(&[u8], usize)]) -> Result<Vec<u8>, RemakeError> {
    let mut widths = Vec::new();
    let mut parts = Vec::new();
    for (bytes, width) in columns {
        widths.push((bytes.len() as u64, *width as u64));
        parts.push(bytes.chunks_exact((*width).max(1)));
    }
    let rows = rows(&widths)?;
    let mut out = Vec::with_capacity(columns.iter().map(|(bytes, _)| bytes.len()).sum());
    for _ in 0..rows {
        for part in &mut parts {
            out.extend_from_slice(part.next().unwrap_or_default());
        }
    }
    Ok(out)
}

/// Appends whole rows to their columns: the inverse of [`join`]. `widths` are checked by [`rows`]; what is no row at the
/// end is left out.
pub fn split(table: &[u8], widths: &[usize], columns: &mut [Vec<u8>]) {
    let row = widths.iter().sum::<usize>().max(1);
    for row in table.chunks_exact(row) {
        let mut rest = row;
        for (column, &width) in columns.iter_mut().zip(widths) {
            let (now, later) = rest.split_at(width.min(rest.len()));
            column.extend_from_slice(now);
            rest = later;
        }
    }
}

/// Rows of columns by their bytes and widths.
///
/// # Errors
/// [`RemakeError::Corruption`] where widths are zero or numbers of values differ.
pub fn rows(columns: &[(u64, u64)]) -> Result<u64, RemakeError> {
    let wrong = RemakeError::Corruption("columns of one table with different numbers of rows");
    let mut found = None;
    for &(bytes, width) in columns {
        let rows = bytes.checked_div(width).filter(|rows| rows.checked_mul(width) == Some(bytes));
        match (rows, found) {
            (None, _) => return Err(wrong),
            (Some(rows), Some(before)) if rows != before => return Err(wrong),
            (rows, _) => found = rows,
        }
    }
    Ok(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_and_back(widths in proptest::collection::vec(1usize..9, 1..6), rows in 0usize..50) {
            let mut next = 0u8;
            let mut bytes = |n: usize| -> Vec<u8> {
                (0..n).map(|_| { next = next.wrapping_add(41); next }).collect()
            };
            let columns: Vec<Vec<u8>> = widths.iter().map(|w| bytes(w * rows)).collect();
            let parts: Vec<(&[u8], usize)> =
                columns.iter().map(Vec::as_slice).zip(widths.iter().copied()).collect();
            let table = join(&parts).unwrap();
            let mut back = vec![Vec::new(); columns.len()];
            for part in table.chunks(3 * widths.iter().sum::<usize>()) {
                split(part, &widths, &mut back);
            }
            prop_assert_eq!(back, columns);
        }
    }

    #[test]
    fn rows_of_other_numbers() {
        assert_eq!(rows(&[(8, 2), (4, 1)]).unwrap(), 4);
        assert_eq!(rows(&[]).unwrap(), 0);
        for wrong in [&[(8, 2), (5, 1)][..], &[(8, 0)], &[(7, 2)]] {
            assert!(rows(wrong).is_err());
        }
    }
}
