//! The definition.

use super::{LANES, PairOfRows};
use crate::Task;

pub(super) struct Multiply<'a> {
    pub panels: &'a [PairOfRows],
    pub stride: usize,
    pub x: &'a [[i16; 2]],
    pub sums: &'a mut [[i32; LANES]],
}

impl Task for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (index, sums) in self.sums.iter_mut().enumerate() {
            let panel = &self.panels[index * self.stride..][..self.x.len()];
            let mut total = [0i32; LANES];
            for (rows, &[a, b]) in panel.iter().zip(self.x) {
                for (total, &[w, v]) in total.iter_mut().zip(rows) {
                    *total += i32::from(w) * i32::from(a) + i32::from(v) * i32::from(b);
                }
            }
            *sums = total;
        }
    }
}
