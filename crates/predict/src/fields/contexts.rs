//! Contexts of the field model.
//!
//! A value is seen at three resolutions: its full key (bin, or short float for differences), a fine class
//! (about 32 values) and a coarse one (about 8 to 16). Every context also holds the step's index.

use std::sync::Arc;

use vxc_tokens::transform::Transform;
use vxc_tokens::{Step, Tokeniser};

pub(super) const MAX_FIELD_CONTEXTS: usize = 20;

/// Number of contexts at a level.
pub(crate) fn count(level: u32) -> usize {
    match level {
        0..=4 => 7,
        5 => 14,
        _ => MAX_FIELD_CONTEXTS,
    }
}

/// What is known of a step in a record.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    symbol: u8,
    key: u16,
    fine: u16,
    coarse: u16,
    /// Whether the value equals the record's before.
    same: bool,
}

/// How keys of a step become classes.
#[derive(Clone, Copy, Debug)]
enum Classes {
    /// Bin indices below a count.
    Bins(u32),
    /// Short floats.
    Short,
}

impl Classes {
    /// Of each step.
    fn of(tokeniser: &Tokeniser) -> Arc<[Self]> {
        let of_step = |s: &Step| match s.transform {
            Transform::Identity | Transform::Quantum(_) => Self::Bins(s.bins.symbols() as u32),
            _ => Self::Short,
        };
        tokeniser.steps().iter().map(of_step).collect()
    }
}

/// The records around the one being coded: this one, one up, two up.
#[derive(Clone, Debug)]
pub(super) struct History {
    classes: Arc<[Classes]>,
    now: Vec<Seen>,
    up: Vec<Seen>,
    up2: Vec<Seen>,
}

impl History {
    /// Bytes held for a step.
    pub const BYTES_PER_STEP: u64 = (size_of::<Classes>() + 3 * size_of::<Seen>()) as u64;

    pub fn new(tokeniser: &Tokeniser) -> Self {
        let empty = vec![Seen::default(); tokeniser.steps().len()];
        Self { classes: Classes::of(tokeniser), now: empty.clone(), up: empty.clone(), up2: empty }
    }

    pub fn clear(&mut self) {
        for record in [&mut self.now, &mut self.up, &mut self.up2] {
            record.fill(Seen::default());
        }
    }

    pub fn next_record(&mut self) {
        std::mem::swap(&mut self.up, &mut self.up2);
        std::mem::swap(&mut self.now, &mut self.up);
    }

    #[inline(always)]
    pub fn push(&mut self, k: usize, symbol: u8, key: u16, same: bool) {
        let (fine, coarse) = match self.classes[k] {
            Classes::Bins(n) => {
                let b = u32::from(key);
                let fine = if n <= 32 { b } else { b * 32 / n };
                let coarse = if n <= 12 { b } else { b * 12 / n };
                (fine as u16, coarse as u16)
            }
            Classes::Short => (key >> 2, key >> 4),
        };
        self.now[k] = Seen { symbol, key, fine, coarse, same };
    }

    /// Hashes of the contexts of step `k`.
    #[inline(always)]
    pub fn hashes(&self, k: usize, step: &Step, expected: Option<u16>, out: &mut [u32]) {
        let none = Seen::default();
        let back = |o: usize| if k >= o { self.now[k - o] } else { none };
        let partner = |i: usize| step.partners.get(i).map_or(none, |&j| self.now[usize::from(j)]);
        let (up, up2) = (self.up[k], self.up2[k]);
        let (b1, b2, b3) = (back(1), back(2), back(3));
        let (p0, p1, p2, p3) = (partner(0), partner(1), partner(2), partner(3));
        let same = u64::from(b1.same)
            | u64::from(b2.same) << 1
            | u64::from(b3.same) << 2
            | u64::from(p0.same) << 3
            | u64::from(p1.same) << 4;
        let e = expected.map_or(0, |e| u64::from(e) + 1);
        let n = |x: u16| u64::from(x);
        // Two or three values side by side, 12 bits each.
        let join = |a: u16, b: u16, c: u16| n(a) | n(b) << 13 | n(c) << 26;
        let values: [u64; MAX_FIELD_CONTEXTS] = [
            e >> 3,
            n(up.key) | same << 16,
            n(p0.key) | e >> 4 << 16,
            n(b1.key),
            join(p0.fine, p1.fine, 0),
            n(p1.key),
            join(p0.coarse, p1.coarse, p2.coarse) | n(up.coarse) << 40,
            join(up.fine, up2.fine, 0),
            n(b2.key),
            join(b1.fine, b2.fine, b3.coarse),
            n(p2.key) | e >> 4 << 16,
            join(p0.fine, up.fine, 0) | e >> 5 << 40,
            u64::from(b1.symbol) | u64::from(b2.symbol) << 8 | u64::from(p0.symbol) << 16,
            join(p3.fine, p0.coarse, 0),
            n(p3.key),
            join(p0.key, p1.key, 0),
            join(p0.fine, p1.fine, p2.fine),
            join(up.coarse, up2.coarse, p1.fine) | same << 40,
            join(p0.key, up.key, 0),
            join(b1.fine, p0.fine, 0) | n(up.coarse) << 40 | e >> 6 << 50,
        ];
        for (i, (out, &v)) in out.iter_mut().zip(&values).enumerate() {
            *out = hash(v.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (k as u64) << 8 ^ i as u64);
        }
    }
}

#[inline(always)]
fn hash(x: u64) -> u32 {
    let x = (x ^ x >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x ^ x >> 29).wrapping_mul(0x94D0_49BB_1331_11EB).rotate_right(32) as u32
}
