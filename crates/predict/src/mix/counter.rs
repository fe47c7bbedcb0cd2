//! Adaptive probabilities: 22 bits of probability and a 10-bit count in one word.
//!
//! A counter is an `i32`: the upper 22 bits are the probability of a 1 as a signed distance from ½ in
//! units of 2^-22, the low 10 bits how many bits it has seen, up to its limit. All zeros is "never seen".
//! The n-th bit moves the probability by 1/(n + 1.5) of the distance: the Krichevsky–Trofimov average at
//! first, exponential forgetting once the count stays at the limit.

const COUNT_BITS: u32 = 10;
const COUNT_MASK: i32 = (1 << COUNT_BITS) - 1;
/// Largest limit of a counter.
pub const LIMIT_MAX: u32 = COUNT_MASK as u32;

/// round(2^16 / (n + 1.5)).
static RATE: [u16; 1 << COUNT_BITS] = {
    let mut table = [0u16; 1 << COUNT_BITS];
    let mut n = 0u32;
    while n <= LIMIT_MAX {
        table[n as usize] = ((131_072 + n + 1) / (2 * n + 3)) as u16;
        n += 1;
    }
    table
};

/// How many bits the counter has seen, up to its limit.
#[inline(always)]
pub const fn count(counter: i32) -> u32 {
    (counter & COUNT_MASK) as u32
}

/// The counter after one more bit.
#[inline(always)]
pub fn updated(counter: i32, bit: bool, limit: u32) -> i32 {
    all_updated([counter], bit, &[limit as i32])[0]
}

/// Several counters after the same bit.
#[inline(always)]
pub fn all_updated<const N: usize>(counters: [i32; N], bit: bool, limits: &[i32; N]) -> [i32; N] {
    let target: i32 = if bit { (1 << 21) - 1 } else { -(1 << 21) };
    let rates = counters.map(|c| i32::from(RATE[(c & COUNT_MASK) as usize]));
    std::array::from_fn(|i| {
        let (p, n) = (counters[i] >> COUNT_BITS, counters[i] & COUNT_MASK);
        let distance = target - p;
        // distance·rate >> 16 in two parts that fit 32 bits: |distance| ≤ 2^22, rate < 2^15.5.
        let step = ((distance >> 8) * rates[i] + (((distance & 255) * rates[i]) >> 8)) >> 8;
        (p + step) << COUNT_BITS | (n + i32::from(n < limits[i]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_the_running_average_of_its_bits() {
        let (mut c, mut ones) = (0i32, 0.0);
        for i in 0..900u32 {
            let bit = i % 5 == 0;
            ones += f64::from(u8::from(bit));
            c = updated(c, bit, LIMIT_MAX);
            assert_eq!(count(c), i + 1);
            let p = f64::from(c >> COUNT_BITS) / f64::from(1 << 22) + 0.5;
            let expected = (ones + 0.25) / (f64::from(i) + 1.5);
            assert!((p - expected).abs() < 1e-3, "{i}: {p} {expected}");
        }
    }

    #[test]
    fn runs_never_leave_the_range() {
        for bit in [false, true] {
            for limit in [1, 30, LIMIT_MAX] {
                let mut c = 0;
                for _ in 0..5000 {
                    c = updated(c, bit, limit);
                    assert_eq!(c > 0, bit);
                    assert!(count(c) <= limit);
                }
            }
        }
    }
}
