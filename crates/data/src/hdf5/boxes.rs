//! Copying a box of elements from one array to another, both row-major.
//!
//! Each array is a box of the dataset's grid, by its first element and its shape. What both hold is copied in runs
//! along the last dimension.

use crate::error::DataError;

/// A box: first element and number of elements in each dimension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area<'a> {
    pub first: &'a [u64],
    pub shape: &'a [u64],
}

/// Elements in a box before an element, in row-major order.
fn place(area: Area<'_>, at: &[u64]) -> Option<u64> {
    at.iter().zip(area.first).zip(area.shape).try_fold(0u64, |sum, ((&at, &first), &size)| {
        sum.checked_mul(size)?.checked_add(at.checked_sub(first)?)
    })
}

fn slice(at: u64, count: u64, width: usize) -> Option<std::ops::Range<usize>> {
    let from = usize::try_from(at).ok()?.checked_mul(width)?;
    let len = usize::try_from(count).ok()?.checked_mul(width)?;
    Some(from..from.checked_add(len)?)
}

/// Copies what both boxes hold.
///
/// # Errors
/// [`DataError::Corruption`] where an array is smaller than its box.
pub(crate) fn copy(
    source: (&[u8], Area<'_>),
    target: (&mut [u8], Area<'_>),
    width: usize,
) -> Result<(), DataError> {
    let ((from, a), (to, b)) = (source, target);
    let ends = |area: Area<'_>| -> Vec<u64> {
        area.first.iter().zip(area.shape).map(|(&at, &n)| at.saturating_add(n)).collect()
    };
    let first: Vec<u64> = a.first.iter().zip(b.first).map(|(&x, &y)| x.max(y)).collect();
    let end: Vec<u64> = ends(a).iter().zip(ends(b)).map(|(&x, y)| x.min(y)).collect();
    if first.iter().zip(&end).any(|(&first, &end)| first >= end) {
        return Ok(());
    }
    let run = first.last().zip(end.last()).map_or(1, |(&first, &end)| end.saturating_sub(first));
    let mut at = first.clone();
    loop {
        let bytes = place(a, &at).and_then(|at| from.get(slice(at, run, width)?));
        let space = place(b, &at).and_then(|at| to.get_mut(slice(at, run, width)?));
        match (bytes, space) {
            (Some(bytes), Some(space)) => space.copy_from_slice(bytes),
            _ => return Err(DataError::corrupt("a chunk outside of its dataset")),
        }
        if !step(&mut at, &first, &end) {
            return Ok(());
        }
    }
}

/// The next row along all dimensions but the last; none left where it answers no.
fn step(at: &mut [u64], first: &[u64], end: &[u64]) -> bool {
    let rows = at.iter_mut().zip(first).zip(end).rev().skip(1);
    for ((at, &first), &end) in rows {
        *at = at.saturating_add(1);
        if *at < end {
            return true;
        }
        *at = first;
    }
    false
}

/// The corners of a grid of cells that touch a box.
pub(crate) fn cells(area: Area<'_>, cell: &[u64]) -> Cells {
    let floor = |at: u64, n: u64| at.saturating_sub(at.checked_rem(n).unwrap_or(0));
    let first: Vec<u64> = area.first.iter().zip(cell).map(|(&at, &n)| floor(at, n)).collect();
    let end: Vec<u64> =
        area.first.iter().zip(area.shape).map(|(&at, &n)| at.saturating_add(n)).collect();
    let next = (!area.shape.contains(&0)).then(|| first.clone());
    Cells { first, end, cell: cell.to_vec(), next }
}

/// Iterator over corners, in row-major order.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    first: Vec<u64>,
    end: Vec<u64>,
    cell: Vec<u64>,
    next: Option<Vec<u64>>,
}

impl Iterator for Cells {
    type Item = Vec<u64>;

    fn next(&mut self) -> Option<Vec<u64>> {
        let found = self.next.take()?;
        let mut at = found.clone();
        let axes = at.iter_mut().zip(&self.cell).zip(self.first.iter().zip(&self.end)).rev();
        let mut more = false;
        for ((at, &cell), (&first, &end)) in axes {
            *at = at.saturating_add(cell);
            more = *at < end;
            if more {
                break;
            }
            *at = first;
        }
        self.next = more.then_some(at);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_make_up_an_array() {
        let (shape, cell) = ([5u64, 3, 7], [2u64, 2, 3]);
        let whole: Vec<u8> = (0..105).collect();
        let all = Area { first: &[0, 0, 0], shape: &shape };
        let mut out = vec![0; 105];
        let mut count = 0;
        for corner in cells(all, &cell) {
            let area = Area { first: &corner, shape: &cell };
            let mut chunk = vec![0; 12];
            copy((&whole, all), (&mut chunk, area), 1).unwrap();
            copy((&chunk, area), (&mut out, all), 1).unwrap();
            count += 1;
        }
        assert_eq!((count, out), (3 * 2 * 3, whole));
    }

    #[test]
    fn scalars_and_nothing() {
        let none = Area { first: &[], shape: &[] };
        assert_eq!(cells(none, &[]).count(), 1);
        let mut out = [0; 2];
        copy((&[1, 2], none), (&mut out, none), 2).unwrap();
        assert_eq!(out, [1, 2]);
        assert_eq!(cells(Area { first: &[0], shape: &[0] }, &[3]).count(), 0);
        let one = Area { first: &[0], shape: &[4] };
        assert!(copy((&[0; 3], one), (&mut [0; 4], one), 1).is_err());
    }
}
