//! The compact serial form of a fitted tokeniser: numbers coded with small adaptive models through a
//! [`BinaryCoder`]. One code path writes and reads (the coder gives back the value it wrote or read).

use vxc_entropy::{BinaryCoder, PROB_MIN};

/// What kind of number is coded: each has statistics of its own.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub enum Slot {
    /// Counts and sizes.
    Count,
    /// Kind codes of fields.
    Kind,
    /// Fields' groups and flags.
    Flag,
    /// Field order.
    Order,
    /// Transform codes.
    Transform,
    /// Parameters of transforms.
    Parameter,
    /// Number of bins.
    Bins,
    /// First edge of a field and gaps between bins.
    Gap,
    /// Lengths of bins.
    Length,
    /// Partner fields.
    Partner,
    /// Bytes of predictors.
    Byte,
}

const SLOTS: usize = Slot::Byte as usize + 1;
/// Per slot and context: 128 nodes of the bit-length tree, then 64 × 4 nodes for the two bits below the top.
const NODES: usize = 128 + 65 * 4;
/// Contexts per slot.
const CONTEXTS: usize = 17;

/// A probability with a count: quick at first, slow later.
#[derive(Clone, Copy)]
struct Bit {
    p1: u16,
    seen: u16,
}

/// Codes numbers through `C`.
pub struct Wire<C> {
    coder: C,
    bits: Vec<Bit>,
}

impl<C: BinaryCoder> Wire<C> {
    /// Starts with fresh statistics.
    pub fn new(coder: C) -> Self {
        Self { coder, bits: vec![Bit { p1: 1 << 15, seen: 0 }; SLOTS * CONTEXTS * NODES] }
    }

    /// Gives the coder back.
    pub fn into_inner(self) -> C {
        self.coder
    }

    fn bit(&mut self, at: usize, value: bool) -> bool {
        let b = &mut self.bits[at];
        let p = u32::from(b.p1).clamp(PROB_MIN, (1 << 16) - PROB_MIN);
        let got = self.coder.bit(p, value);
        let target = if got { 65_535i32 } else { 0 };
        let rate = i32::from(b.seen) + 2;
        b.p1 = (i32::from(b.p1) + (target - i32::from(b.p1)) / rate) as u16;
        b.seen = (b.seen + 1).min(30);
        got
    }

    /// Codes a number in a slot, with a context of 0..=16 (usually something about the number before).
    pub fn number(&mut self, slot: Slot, context: usize, value: u64) -> u64 {
        let (bits, base) = self.bit_length(slot, context, value);
        if bits <= 1 {
            return u64::from(bits);
        }
        let mut out = 1u64;
        let mut rest = bits - 1;
        let mut node = 0;
        for _ in 0..rest.min(2) {
            rest -= 1;
            let got = self.bit(base + 128 + (bits as usize) * 4 + node, value >> rest & 1 == 1);
            node = (node << 1 | usize::from(got)) + 1;
            out = out << 1 | u64::from(got);
        }
        if rest > 0 {
            let low = self.coder.raw(rest, value & (u64::MAX >> (64 - rest)));
            out = out << rest | low;
        }
        out
    }

    /// Codes a flag.
    pub fn flag(&mut self, slot: Slot, context: usize, value: bool) -> bool {
        let base = (slot as usize * CONTEXTS + context.min(CONTEXTS - 1)) * NODES;
        self.bit(base, value)
    }

    /// Codes bytes whose number is known to both sides.
    pub fn bytes(&mut self, out: &mut [u8]) {
        for b in out {
            let mut node = 1usize;
            for k in (0..8).rev() {
                let base = (Slot::Byte as usize * CONTEXTS + 1) * NODES;
                node = node << 1 | usize::from(self.bit(base + node, *b >> k & 1 == 1));
            }
            *b = node as u8;
        }
    }

    /// Codes the bit length of a number; also gives the first node of the context.
    fn bit_length(&mut self, slot: Slot, context: usize, value: u64) -> (u32, usize) {
        let base = (slot as usize * CONTEXTS + context.min(CONTEXTS - 1)) * NODES;
        let bits = 64 - value.leading_zeros();
        let mut node = 1usize;
        for k in (0..7).rev() {
            node = node << 1 | usize::from(self.bit(base + node, bits >> k & 1 == 1));
        }
        // A hostile stream may hold 65..=127: read as 64.
        ((node as u32 - 128).min(64), base)
    }

    /// Codes a number of which usually only the top `keep` bits are set.
    pub fn rounded(&mut self, slot: Slot, context: usize, value: u64, keep: u32) -> u64 {
        let (bits, base) = self.bit_length(slot, context, value);
        if bits <= 1 {
            return u64::from(bits);
        }
        let low = bits.saturating_sub(keep);
        let mut stored = bits - 1;
        if low > 0 {
            let is_rounded = value & ((1 << low) - 1) == 0;
            if self.bit(base + 128 + 3, is_rounded) {
                stored = keep - 1;
            }
        }
        let shift = bits - 1 - stored;
        let top = self.coder.raw(stored, (value >> shift) & (u64::MAX >> (64 - stored)));
        (1 << stored | top) << shift
    }
}
