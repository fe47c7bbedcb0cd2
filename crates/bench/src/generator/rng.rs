//! xoshiro256** seeded by splitmix64 (Blackman and Vigna, public domain), and the few laws drawn from it.

/// A random number generator: integers only, the same sequence everywhere.
#[derive(Clone, Debug)]
pub struct Rng {
    s: [u64; 4],
}

/// One step of splitmix64 from `x`; also a hash of `x`.
pub(super) const fn splitmix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// A generator; every seed gives another sequence.
    pub const fn new(seed: u64) -> Self {
        let a = splitmix(seed);
        let b = splitmix(a);
        let c = splitmix(b);
        Self { s: [a, b, c, splitmix(c)] }
    }

    /// 64 random bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        let s = &mut self.s;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `0..n`, up to a bias of n / 2^32.
    #[inline]
    pub const fn below(&mut self, n: u32) -> u32 {
        (((self.bits() >> 32) * n as u64) >> 32) as u32
    }

    /// Uniform in [0, 1): a multiple of 2^-53.
    #[inline]
    pub const fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Nearly normal with mean 0 and variance 1: the sum of four uniform 16-bit numbers, so within ±3.5.
    #[inline]
    pub const fn normal(&mut self) -> f64 {
        let b = self.bits();
        let sum = (b & 0xffff) + (b >> 16 & 0xffff) + (b >> 32 & 0xffff) + (b >> 48);
        // Fill the gaps between the sums, so that mantissas are not quantised.
        let fine = b.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let x = sum as f64 + fine as f64 * (1.0 / (1u64 << 24) as f64) - 131_070.5;
        // The variance of the sum is 4 · 2^32 / 12.
        x * (1.0 / 37_837.225_5)
    }
}
