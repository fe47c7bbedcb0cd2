//! A plain mutator: what libFuzzer does, without coverage. The same seed gives the same files.

/// A xorshift generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// In `0..n`; 0 where there is nothing.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }
}

/// Numbers that lengths and counts go wrong at.
const EXTREMES: [u64; 8] =
    [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, u64::MAX];

/// One to six changes of `bytes`; `other` is what is spliced in, or put behind it as a whole.
pub fn mutate(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + random.below(6) {
        let at = random.below(out.len());
        match random.below(9) {
            0 | 1 if !out.is_empty() => out[at] ^= 1 << random.below(8),
            2 if !out.is_empty() => out[at] = random.bits() as u8,
            3 => {
                // A number of 1, 2, 4 or 8 bytes.
                let value = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
                let width = 1 << random.below(4);
                for (byte, new) in out.iter_mut().skip(at).zip(&value[..width]) {
                    *byte = *new;
                }
            }
            4 => out.truncate(at),
            5 => {
                let end = out.len().min(at + random.below(40));
                out.drain(at..end);
            }
            6 => {
                let end = out.len().min(at + random.below(40));
                let copy = out[at..end].to_vec();
                out.splice(at..at, copy);
            }
            7 => {
                // Two files, one behind the other; as often the first is cut.
                if random.below(2) == 0 {
                    out.truncate(at);
                }
                out.extend_from_slice(other);
            }
            _ => {
                let from = random.below(other.len());
                let end = other.len().min(from + random.below(64));
                out.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    out
}
