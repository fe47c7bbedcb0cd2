//! Kernels of the mixer: the dot product and the weight update. Those of the network: [`matrix`], [`panel`], [`powers`].
//!
//! Fixed point: inputs `x` are logits in units of 2^-8 nat with |x| ≤ [`INPUT_MAX`]; weights are in units
//! of 2^-16 with |w| ≤ [`WEIGHT_MAX`]. Bounds: |x·w| ≤ 2047 · 2^19 < 2^30, and after the shift by 8 a
//! sum of up to 2^8 products stays below 2^30: no `i32` can overflow.
//!
//! The bodies are written over blocks of [`LANES`] so that LLVM turns them into vector code when they are
//! inlined into an [`crate::Isa::run`] task.

pub mod matrix;
pub mod panel;
pub mod powers;

/// Largest magnitude of an input.
pub const INPUT_MAX: i32 = 2047;
/// Largest magnitude of a weight: 8.0.
pub const WEIGHT_MAX: i32 = 1 << 19;
/// Largest magnitude of a scaled error given to [`train`].
pub const ERROR_MAX: i32 = (1 << 20) - 1;
/// Lengths of inputs and weights are multiples of this.
pub const LANES: usize = 8;
/// Largest number of inputs: sums of more may leave 32 bits.
pub const MAX_INPUTS: usize = 256;

/// Σ (x·w >> 8), in units of 2^-16 nat. Only whole blocks of [`LANES`] count.
#[inline(always)]
pub fn dot(x: &[i32], w: &[i32]) -> i32 {
    let (xs, ws) = (x.as_chunks::<LANES>().0, w.as_chunks::<LANES>().0);
    let mut sums = [0i32; LANES];
    for (x, w) in xs.iter().zip(ws) {
        for i in 0..LANES {
            sums[i] = sums[i].wrapping_add(x[i].wrapping_mul(w[i]) >> 8);
        }
    }
    let half: [i32; 4] = std::array::from_fn(|i| sums[i].wrapping_add(sums[i + 4]));
    half[0].wrapping_add(half[1]).wrapping_add(half[2].wrapping_add(half[3]))
}

/// w ← clamp(w + round(x·e / 2^14)), with |e| ≤ [`ERROR_MAX`]: |x·e| < 2^31.
#[inline(always)]
pub fn train(x: &[i32], w: &mut [i32], e: i32) {
    let (xs, ws) = (x.as_chunks::<LANES>().0, w.as_chunks_mut::<LANES>().0);
    for (x, w) in xs.iter().zip(ws) {
        for i in 0..LANES {
            let step = (x[i].wrapping_mul(e) >> 13).wrapping_add(1) >> 1;
            w[i] = w[i].wrapping_add(step).clamp(-WEIGHT_MAX, WEIGHT_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, Task};

    struct Dot<'a>(&'a [i32], &'a [i32]);
    impl Task for Dot<'_> {
        type Output = i32;
        #[inline(always)]
        fn run(self) -> i32 {
            dot(self.0, self.1)
        }
    }

    struct Train<'a>(&'a [i32], &'a mut [i32], i32);
    impl Task for Train<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            train(self.0, self.1, self.2);
        }
    }

    /// The definitions in 64 bits, where nothing can wrap.
    fn dot_wide(x: &[i32], w: &[i32]) -> i64 {
        x.iter().zip(w).map(|(&x, &w)| (i64::from(x) * i64::from(w)) >> 8).sum()
    }
    fn train_wide(x: i32, w: i32, e: i32) -> i64 {
        let step = (i64::from(x) * i64::from(e) + (1 << 13)) >> 14;
        (i64::from(w) + step).clamp(-i64::from(WEIGHT_MAX), i64::from(WEIGHT_MAX))
    }

    fn cases() -> Vec<(Vec<i32>, Vec<i32>, i32)> {
        let mut state = 1u64;
        let mut next = move |max: i32| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % (2 * max as u64 + 1)) as i32 - max
        };
        let mut cases = Vec::new();
        for n in [0, 8, 16, 40, 48, MAX_INPUTS] {
            for (sx, sw, se) in [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)] {
                cases.push((vec![sx * INPUT_MAX; n], vec![sw * WEIGHT_MAX; n], se * ERROR_MAX));
            }
            for _ in 0..50 {
                let x = (0..n).map(|_| next(INPUT_MAX)).collect();
                let w = (0..n).map(|_| next(WEIGHT_MAX)).collect();
                cases.push((x, w, next(ERROR_MAX)));
            }
        }
        cases
    }

    #[test]
    fn every_instruction_set_gives_the_exact_integers() {
        for isa in Isa::available() {
            for (x, w, e) in cases() {
                assert_eq!(i64::from(isa.run(Dot(&x, &w))), dot_wide(&x, &w), "{isa:?}");
                let mut trained = w.clone();
                isa.run(Train(&x, &mut trained, e));
                for i in 0..x.len() {
                    assert_eq!(i64::from(trained[i]), train_wide(x[i], w[i], e), "{isa:?}");
                }
            }
        }
    }
}
