//! Probability ↔ logit, from tables built of integers alone.
//!
//! A logit is in units of 2^-8 nat ([`NAT`]); a probability in units of 2^-16. The tables come from one
//! constant, e^(-1/256) in units of 2^-62, by repeated multiplication: the same integers on every machine.

/// Logit units in one nat.
pub const NAT: i32 = 256;
/// Largest magnitude of a logit that [`squash`] tells apart: beyond it the probability is at the coder's
/// bounds, 2^-12 and 1 − 2^-12 (ln 4095 = 8.317 nat).
pub const LOGIT_MAX: i32 = 2176;
/// Largest magnitude of a mixer input.
pub const INPUT_MAX: i32 = vxc_infer::kernels::INPUT_MAX;

/// round(e^(-1/256) · 2^62).
const E_STEP: u64 = 4_593_706_758_521_714_574;
const ONE: u64 = 1 << 62;
const STEPS: usize = LOGIT_MAX as usize + 1;

/// 1 / (1 + e^(-k/256)) in units of 2^-40, for k ≥ 0.
const fn upper() -> [u64; STEPS] {
    let mut table = [0u64; STEPS];
    let mut e = ONE;
    let mut k = 0;
    while k < STEPS {
        table[k] = (((ONE as u128) << 40) / (ONE + e) as u128) as u64;
        e = ((e as u128 * E_STEP as u128) >> 62) as u64;
        k += 1;
    }
    table
}

const fn build_squash() -> [u16; 2 * STEPS - 1] {
    let upper = upper();
    let mut table = [0u16; 2 * STEPS - 1];
    let mut k = 0;
    while k < STEPS {
        let mut p = (upper[k] + (1 << 23)) >> 24;
        if p > 65_536 - 16 {
            p = 65_536 - 16;
        }
        table[STEPS - 1 + k] = p as u16;
        table[STEPS - 1 - k] = (65_536 - p) as u16;
        k += 1;
    }
    table
}

/// Logit of (i + ½) / 4096 − with i counted in two's complement from ½, so that entry 0 is just above ½.
const fn build_stretch() -> [i16; 4096] {
    let upper = upper();
    let mut table = [0i16; 4096];
    let mut k = 0usize;
    let mut i = 0usize;
    while i < 2048 {
        // p in units of 2^-40; the logit whose probability is nearest.
        let p = ((2048 + i) as u64 * 2 + 1) << 27;
        while k + 1 < STEPS && upper[k + 1] <= p {
            k += 1;
        }
        let mut logit = k;
        if k + 1 < STEPS && upper[k + 1] - p < p - upper[k] {
            logit = k + 1;
        }
        if logit > INPUT_MAX as usize {
            logit = INPUT_MAX as usize;
        }
        table[i] = logit as i16;
        table[4095 - i] = -(logit as i16);
        i += 1;
    }
    table
}

static SQUASH: [u16; 2 * STEPS - 1] = build_squash();
static STRETCH: [i16; 4096] = build_stretch();

/// Probability (2^-16) of a logit (2^-8 nat); always inside the coder's bounds.
#[inline(always)]
pub fn squash(logit: i32) -> u32 {
    let logit = logit.clamp(-LOGIT_MAX, LOGIT_MAX);
    u32::from(SQUASH[(logit + LOGIT_MAX) as usize])
}

/// Logit of a probability given as a signed distance from ½ in units of 2^-32, at 12 bits' resolution;
/// within ±[`INPUT_MAX`].
#[inline(always)]
pub fn stretch_signed(p: i32) -> i32 {
    i32::from(STRETCH[(p as u32 >> 20) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_is_the_logistic_function_within_half_a_unit() {
        for x in -2300..=2300 {
            let exact = 65536.0 / (1.0 + (-f64::from(x) / 256.0).exp());
            let clamped = exact.clamp(16.0, 65520.0);
            assert!((f64::from(squash(x)) - clamped).abs() <= 0.5001, "{x}");
            assert_eq!(squash(x) + squash(-x), 65536);
        }
    }

    #[test]
    fn stretch_inverts_squash() {
        for i in 0..4096u32 {
            let p = (f64::from(i) + 0.5) / 4096.0;
            let exact = (256.0 * (p / (1.0 - p)).ln()).clamp(-2047.0, 2047.0);
            assert!(
                (f64::from(stretch_signed(((i << 20) ^ 0x8000_0000) as i32)) - exact).abs() <= 0.51,
                "{i}"
            );
        }
    }
}
