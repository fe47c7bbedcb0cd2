//! From final vectors to the distributions of one position, of all lanes.

use vxc_entropy::Cdf;

use super::columns::{ALIGN, Columns};
use super::linear::Sums;
use super::packed::PackedModel;
use crate::ops::cdf::distribution;
use crate::ops::norm::gained;
use crate::ops::{ACTIVATION_MAX, clamp16};
use crate::{Isa, Task};

/// Where the head works.
pub(super) struct HeadScratch<'a> {
    pub a: &'a mut Columns<i16>,
    pub logits: &'a mut Columns<i32>,
    pub sums: &'a mut Sums,
}

/// The distributions at `position`, from normalised vectors in the columns `at`, one for each lane.
pub(super) fn distributions(
    isa: Isa,
    model: &PackedModel,
    position: u64,
    at: std::ops::Range<usize>,
    scratch: HeadScratch<'_>,
    result: &mut [Cdf],
) {
    let HeadScratch { a, logits, sums } = scratch;
    let head = model.model().head(model.config().type_at(position));
    for column in at.clone() {
        for (a, &gain) in a.column_mut(column).iter_mut().zip(head.gain) {
            *a = clamp16(gained(i32::from(*a), gain));
        }
    }
    model.heads()[head.matrix].apply_i32(isa, a.range(at), sums, ACTIVATION_MAX, logits);
    isa.run(Distributions { logits, bias: head.bias, result });
}

struct Distributions<'a> {
    logits: &'a mut Columns<i32>,
    bias: &'a [i16],
    result: &'a mut [Cdf],
}

impl Task for Distributions<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (column, result) in self.result.iter_mut().enumerate() {
            let logits = self.logits.column_mut(column);
            for (logit, &bias) in logits.iter_mut().zip(self.bias) {
                *logit += i32::from(bias);
            }
            *result = distribution(logits);
        }
    }
}

const _: () = assert!(ALIGN == crate::kernels::matrix::ROWS);
