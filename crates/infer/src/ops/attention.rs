//! Attention of one query of one head, and the share of the memory.
//!
//! ```text
//! s[j] = clamp16(rescale(q · k[j])) + bias[j]            q, k ± 2047; in units of 2^−8 in the exponent of two
//! p    = softmax(s)                                      see [`super::exp2`]
//! y    = clamp16((Σ_j p[j] · v[j] + 2^14) >> 15)
//! mix  = (β · memory + (2^15 − β) · local + 2^14) >> 15  β of the head, in units of 2^−15
//! ```
//! The rescale holds unit(q) · unit(k) · log2(e) / √d_head · 2^8. Query i sees keys (i − window, i], each with the bias
//! of its distance; a memory has no biases. Bounds: |q·k| ≤ 512 · 2047² < 2^31; |Σ p·v| ≤ (32767 + 2^12) · 32767 < 2^31.

use super::exp2::softmax;
use super::rescale::Rescale;
use super::{ACTIVATION_MAX, clamp16};

/// What a query finds. Keys and values are given as vectors (d_head), with the bias of each key.
pub fn attend(
    q: &[i16],
    keys: &[&[i16]],
    values: &[&[i16]],
    bias: impl Fn(usize) -> i16,
    scale: Rescale,
    y: &mut [i16],
) {
    let scores: Vec<i32> = keys
        .iter()
        .enumerate()
        .map(|(j, key)| {
            let dot: i64 = q.iter().zip(*key).map(|(&q, &k)| i64::from(q) * i64::from(k)).sum();
            scale.clamped(dot, ACTIVATION_MAX) + i32::from(bias(j))
        })
        .collect();
    let mut probabilities = vec![0; scores.len()];
    softmax(&scores, &mut probabilities);
    for (c, y) in y.iter_mut().enumerate() {
        let sum: i64 =
            probabilities.iter().zip(values).map(|(&p, v)| i64::from(p) * i64::from(v[c])).sum();
        *y = weighted(sum as i32);
    }
}

/// A sum of values times probabilities, back in the unit of the values.
#[inline(always)]
pub(crate) fn weighted(sum: i32) -> i16 {
    clamp16((sum + (1 << 14)) >> 15)
}

/// The local stream and what the memory gave, by the head's β in 0..=32767.
#[inline(always)]
pub fn mix(local: i16, memory: i16, beta: i16) -> i16 {
    let beta = i32::from(beta);
    let sum = beta * i32::from(memory) + ((1 << 15) - beta) * i32::from(local);
    ((sum + (1 << 14)) >> 15) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_average_their_values_and_a_bias_chooses() {
        let (key, a, b) = ([100i16, 0], [1000i16, -30000], [3000i16, -20000]);
        let mut y = [0i16; 2];
        let scale = Rescale::from_ratio(1, 100);
        attend(&[5, 5], &[&key, &key], &[&a, &b], |_| 0, scale, &mut y);
        assert_eq!(y, [2000, -25000]);
        attend(
            &[5, 5],
            &[&key, &key],
            &[&a, &b],
            |j| if j == 1 { 20000 } else { 0 },
            scale,
            &mut y,
        );
        assert_eq!(y, [3000, -19999]);
    }

    #[test]
    fn beta_mixes_between_both_streams() {
        assert_eq!(mix(1000, -1000, 0), 1000);
        assert_eq!(mix(1000, -1000, 16384), 0);
        for (l, m) in [(32767, 32767), (-32767, -32767), (32767, -32767)] {
            for beta in [0, 1, 16384, 32767] {
                let y = mix(l, m, beta);
                assert!((l.min(m)..=l.max(m)).contains(&y));
            }
        }
    }
}
