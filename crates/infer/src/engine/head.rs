//! From final vectors to the distributions of one position, of all lanes.

use vxc_entropy::Cdf;
use vxc_entropy::cdf::CDF_SYMBOLS;

use super::columns::Columns;
use super::linear::Sums;
use super::packed::PackedModel;
use crate::Isa;
use crate::kernels::powers::{self, ABSENT, LANES};
use crate::ops::norm::gained;
use crate::ops::{ACTIVATION_MAX, clamp16};

/// Blocks of exponents of an alphabet.
const BLOCKS: usize = CDF_SYMBOLS / LANES;

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
    for (column, result) in result.iter_mut().enumerate() {
        let logits = logits.column_mut(column);
        for (logit, &bias) in logits.iter_mut().zip(head.bias) {
            *logit += i32::from(bias);
        }
        let mut exponents = [[ABSENT; LANES]; BLOCKS];
        exponents.as_flattened_mut()[..logits.len()].copy_from_slice(logits);
        let mut weights = [[0; LANES]; BLOCKS];
        powers::weights(isa, &exponents, &mut weights);
        if let Ok(weights) = weights.as_flattened().try_into() {
            *result = Cdf::from_weights(weights);
        }
    }
}
