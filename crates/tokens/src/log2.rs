//! Binary logarithms in fixed point, from integers alone: what the fit decides is the same on every machine.
//!
//! Unit: 2^-16 bit. Error below 2^-15 bit (table of 2^10 intervals, linear in between).

/// One bit, in the unit of this module.
pub const BIT: u64 = 1 << 16;

const STEPS: usize = 1 << 10;

static TABLE: [u32; STEPS + 1] = table();

/// log2(1 + i/1024) by repeated squaring: each squaring yields one binary digit.
const fn table() -> [u32; STEPS + 1] {
    let mut out = [0u32; STEPS + 1];
    let mut i = 0;
    while i <= STEPS {
        // y in [1, 2], scaled by 2^31
        let mut y = ((STEPS + i) as u64) << 21;
        let mut digits = 0u32;
        let mut k = 0;
        while k < 17 {
            y = ((y as u128 * y as u128) >> 31) as u64;
            digits <<= 1;
            if y >= 1 << 32 {
                digits |= 1;
                y >>= 1;
            }
            k += 1;
        }
        out[i] = if i == STEPS { 1 << 16 } else { (digits + 1) >> 1 };
        i += 1;
    }
    out
}

/// log2(x) in units of 2^-16; log2(0) counts as 0.
#[inline]
pub fn log2(x: u64) -> u64 {
    if x <= 1 {
        return 0;
    }
    let e = 63 - x.leading_zeros();
    // Mantissa in [1, 2) with 32 fraction bits.
    let m = if e >= 32 { x >> (e - 32) } else { x << (32 - e) } - (1 << 32);
    let i = (m >> 22) as usize;
    let frac = m & ((1 << 22) - 1);
    let (a, b) = (u64::from(TABLE[i]), u64::from(TABLE[i + 1]));
    (u64::from(e) << 16) + a + (((b - a) * frac) >> 22)
}

/// The ideal cost of coding `total` events that fall into classes of the given counts, in units of 2^-16.
pub fn entropy(counts: impl IntoIterator<Item = u64>, total: u64) -> u64 {
    let lt = log2(total);
    counts.into_iter().map(|c| c * (lt - log2(c).min(lt))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_the_real_logarithm() {
        for x in (1..100_000u64).chain([1 << 40, (1 << 52) + 12345, u64::MAX]) {
            let want = (x as f64).log2() * 65536.0;
            assert!((log2(x) as f64 - want).abs() < 2.0, "{x}: {} {want}", log2(x));
        }
    }

    #[test]
    fn rises() {
        let mut last = 0;
        for x in 1..1_000_000u64 {
            let l = log2(x);
            assert!(l >= last);
            last = l;
        }
    }
}
