//! Gated linear mixing of logits (Mahoney's PAQ mixer): p = squash(Σ w·stretch(p_i)).
//!
//! A [`WeightSet`] holds one weight vector for each value of a selector; the vector chosen is trained by
//! the error of its own output, Δw = rate · error · input, which descends the coding cost.

use crate::error::PredictError;
use crate::mix::saved;
use crate::mix::squash::{LOGIT_MAX, squash};
use vxc_infer::kernels::{self, ERROR_MAX, LANES};

/// Weight vectors chosen by a selector.
#[derive(Clone, Debug)]
pub struct WeightSet {
    weights: Vec<i32>,
    width: usize,
    rate: i64,
    /// Steps taken by each vector, up to the length of [`BOOST`].
    steps: Vec<u16>,
}

/// How much faster a vector learns at its n-th step: 1 + 4/(1 + n/16), in units of 2^-8.
static BOOST: [u16; 1024] = {
    let mut table = [0u16; 1024];
    let mut n = 0u32;
    while n < 1024 {
        table[n as usize] = (256 + 4 * 256 * 16 / (16 + n)) as u16;
        n += 1;
    }
    table
};

/// Learning rates are in units of 2^-16.
pub const fn rate(per_mille: u32) -> u32 {
    per_mille * 65_536 / 1000
}

impl WeightSet {
    /// `vectors` vectors of `width` weights (a multiple of [`LANES`]), each starting at `initial` (2^-16).
    pub fn new(vectors: usize, width: usize, initial: i32, rate: u32) -> Self {
        debug_assert!(width.is_multiple_of(LANES));
        Self {
            weights: vec![initial; vectors * width],
            width,
            rate: i64::from(rate),
            steps: vec![0; vectors],
        }
    }

    /// Saves the vectors that were trained.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        saved::put_rows(
            self.steps.len(),
            |i| self.steps[i] > 0,
            |i, out| {
                saved::put_words([self.steps[i]].into_iter(), out);
                let row = &self.weights[i * self.width..][..self.width];
                saved::put_words(row.iter().map(|&w| saved::weight_to_saved(w)), out);
            },
            out,
        );
    }

    /// Loads saved vectors into a fresh set.
    pub(super) fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        let rows = self.steps.len();
        let most = BOOST.len() as u16 - 1;
        saved::take_rows(
            rows,
            |i, input| {
                for steps in saved::take_words(input, 1)? {
                    self.steps[i] = steps.min(most);
                }
                let row = &mut self.weights[i * self.width..][..self.width];
                for (w, s) in row.iter_mut().zip(saved::take_words(input, self.width)?) {
                    *w = saved::weight_from_saved(s);
                }
                Ok(())
            },
            input,
        )
    }

    /// Bytes that a set holds.
    pub fn bytes(vectors: usize, width: usize) -> usize {
        vectors * (width * size_of::<i32>() + size_of::<u16>())
    }

    /// The mixed logit, within ±[`LOGIT_MAX`].
    #[inline(always)]
    pub fn mix(&self, vector: usize, inputs: &[i32]) -> i32 {
        let w = &self.weights[vector * self.width..][..self.width];
        let sum = kernels::dot(inputs, w);
        ((sum + (1 << 7)) >> 8).clamp(-LOGIT_MAX, LOGIT_MAX)
    }

    /// Asks the cache for a vector.
    #[inline(always)]
    pub fn prefetch(&self, vector: usize) {
        let mut at = vector * self.width;
        let end = at + self.width;
        while at < end {
            vxc_infer::prefetch(&self.weights, at);
            at += 16;
        }
    }

    /// [`WeightSet::mix`] for few inputs, which need no blocks.
    #[inline(always)]
    pub fn mix_few(&self, vector: usize, inputs: &[i32]) -> i32 {
        let w = &self.weights[vector * self.width..][..inputs.len()];
        let sum: i32 = inputs.iter().zip(w).map(|(&x, &w)| (x * w) >> 8).sum();
        ((sum + (1 << 7)) >> 8).clamp(-LOGIT_MAX, LOGIT_MAX)
    }

    /// [`WeightSet::learn`] for few inputs.
    #[inline(always)]
    pub fn learn_few(&mut self, vector: usize, inputs: &[i32], logit: i32, bit: bool) {
        let scaled = self.scaled_error(vector, logit, bit);
        let w = &mut self.weights[vector * self.width..][..inputs.len()];
        for (w, &x) in w.iter_mut().zip(inputs) {
            let step = (((x * scaled) >> 13) + 1) >> 1;
            *w = (*w + step).clamp(-kernels::WEIGHT_MAX, kernels::WEIGHT_MAX);
        }
    }

    /// Trains a vector after its output `logit` met `bit`.
    #[inline(always)]
    pub fn learn(&mut self, vector: usize, inputs: &[i32], logit: i32, bit: bool) {
        let scaled = self.scaled_error(vector, logit, bit);
        let w = &mut self.weights[vector * self.width..][..self.width];
        kernels::train(inputs, w, scaled);
    }

    /// The error times the vector's rate, as the kernel wants it; counts the step.
    #[inline(always)]
    fn scaled_error(&mut self, vector: usize, logit: i32, bit: bool) -> i32 {
        let error = (i32::from(bit) << 16) - squash(logit) as i32;
        let steps = &mut self.steps[vector];
        let rate = (self.rate * i64::from(BOOST[*steps as usize])) >> 8;
        *steps = (*steps + 1).min(BOOST.len() as u16 - 1);
        // Δw = rate·error·x/256 in weight units; the kernel shifts by 14, so e = 64·rate·error.
        let scaled = ((i64::from(error) * rate) >> 10) as i32;
        scaled.clamp(-ERROR_MAX, ERROR_MAX)
    }
}
