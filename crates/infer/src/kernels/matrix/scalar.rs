//! The definition.

use super::{PairOfRows, ROWS};
use crate::Task;

pub(super) struct Multiply<'a> {
    pub panel: &'a [PairOfRows],
    pub x: &'a [i16],
    pub stride: usize,
    pub sums: &'a mut [[i32; ROWS]],
}

impl Task for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (column, sums) in self.sums.iter_mut().enumerate() {
            let x = &self.x[column * self.stride..][..2 * self.panel.len()];
            let mut total = [0i32; ROWS];
            for (weights, &[a, b]) in self.panel.iter().zip(x.as_chunks::<2>().0) {
                for (total, &[w, v]) in total.iter_mut().zip(weights) {
                    *total += i32::from(w) * i32::from(a) + i32::from(v) * i32::from(b);
                }
            }
            *sums = total;
        }
    }
}
