//! What bytes cost under a guess: an adaptive estimate of coded size, for a record stride or for plain bytes.
//!
//! Seven experts predict each byte: its frequency (by phase modulo 4 or 2), its column's (twice: trusting and
//! cautious), and three sharper contexts: the two bytes before or the byte above in this column, the last four bytes, and the column's line through
//! the two bytes above (counters). They are mixed with Bayesian weights kept per column, so that a column of noise
//! costs what the global frequency says, and a wide table with few rows is not punished for its columns.
//! Unit: 2^-16 bit. Arithmetic: IEEE f64 `+ − × ÷` in a fixed order and an integer logarithm.

use crate::log2::log2;

const EXPERTS: usize = 7;
const SHARP: usize = 3;
/// Contexts kept: two for each byte to be seen, within limits.
const HASH_BITS: (u32, u32) = (10, 17);
/// A column's counts are halved at this total: the statistics follow the data.
const COLUMN_LIMIT: u16 = 192;
/// Share of each expert's weight that is handed round after each byte.
const SHARE: f64 = 0.02;

/// The last symbol seen in a context and how often in a row.
#[derive(Clone, Copy, Default)]
struct Slot {
    symbol: u8,
    run: u8,
}

/// An adaptive model of bytes; learns as it goes.
pub(crate) struct ByteModel {
    /// Record stride; 0 = plain bytes (orders 1 to 4).
    stride: usize,
    order0: [[f64; 256]; 4],
    total0: [f64; 4],
    /// Phases with frequencies of their own: the low bits of the position that divide the stride, at most 4.
    phases: usize,
    columns: Vec<u16>,
    column_total: Vec<u16>,
    /// Tables of contexts, each sharper than the column.
    sharp: [Vec<Slot>; SHARP],
    hash_shift: u32,
    /// Predict only.
    pub frozen: bool,
    /// How often a slot of a given run length was right, with a decay.
    hits: [[f64; 16]; SHARP],
    /// How often each column's line was right.
    line: Vec<f32>,
    weights: Vec<[f32; EXPERTS]>,
    reciprocal: Vec<f64>,
}

impl ByteModel {
    /// A model of records of `stride` bytes, or of plain bytes if `stride` is 0.
    /// `bytes` = how many it will see, about.
    pub fn new(stride: usize, bytes: usize) -> Self {
        let hash_bits = (bytes * 2).max(1).ilog2().clamp(HASH_BITS.0, HASH_BITS.1);
        let columns = if stride == 0 { 256 } else { stride };
        Self {
            stride,
            order0: [[0.25; 256]; 4],
            total0: [64.0; 4],
            phases: if stride == 0 { 1 } else { 1 << stride.trailing_zeros().min(2) },
            columns: vec![0; columns * 256],
            column_total: vec![0; columns],
            hash_shift: 32 - hash_bits,
            frozen: false,
            sharp: [(); SHARP].map(|()| vec![Slot::default(); 1 << hash_bits]),
            hits: [[0.3; 16]; SHARP],
            line: vec![0.1; columns],
            weights: vec![[0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05]; columns],
            reciprocal: (0..=288).map(|i| 1.0 / f64::from(i.max(1))).collect(),
        }
    }

    /// Cost of `data[at]`, given the bytes before it; then learns it.
    #[inline]
    pub fn step(&mut self, data: &[u8], at: usize) -> u64 {
        let symbol = data[at];
        let x = usize::from(symbol);
        let back = |k: usize| if at >= k { u32::from(data[at - k]) } else { 0 };
        let one = back(1);
        let two = one | back(2) << 8;
        let (column, contexts) = if self.stride == 0 {
            let three = two | back(3) << 16;
            (one as usize, [two, three, three | back(4) << 24])
        } else {
            let c = at % self.stride;
            let key = (c as u32).wrapping_mul(0x85EB_CA6B);
            let value = (two | back(3) << 16 | back(4) << 24).wrapping_mul(0xC2B2_AE35);
            (c, [key ^ two << 8, key ^ (1 + back(self.stride)), value ^ (c as u32 & 3)])
        };
        let phase = at & (self.phases - 1);
        let (order0, total0) = (&self.order0[phase], self.total0[phase]);
        let p0 = order0[x] / total0;
        let n1 = f64::from(self.columns[column * 256 + x]);
        let t1 = usize::from(self.column_total[column]);
        let r = &self.reciprocal;
        let mut p = [p0, (n1 + p0) * r[t1 + 1], (n1 + 32.0 * p0) * r[t1 + 32], 0.0, 0.0, 0.0, p0];
        for (i, context) in contexts.into_iter().enumerate() {
            let h = (context.wrapping_mul(0x9E37_79B1) >> self.hash_shift) as usize;
            let slot = &mut self.sharp[i][h];
            let guess = order0[usize::from(slot.symbol)] / total0;
            let hit = &mut self.hits[i][usize::from(slot.run)];
            if slot.symbol == symbol {
                p[3 + i] = *hit;
                if !self.frozen {
                    *hit += (1.0 - *hit) * (1.0 / 64.0);
                    slot.run = (slot.run + 1).min(15);
                }
            } else {
                p[3 + i] = (1.0 - *hit) * p0 / (1.0 - guess).max(1e-3);
                if !self.frozen {
                    *hit -= (*hit - 0.001) * (1.0 / 64.0);
                    *slot = Slot { symbol, run: slot.run / 4 };
                }
            }
        }
        if self.stride > 0 {
            let above = back(self.stride);
            let line = (2 * above).wrapping_sub(back(2 * self.stride)) as u8;
            let rate = &mut self.line[column];
            let hit = f64::from(*rate);
            if line == symbol {
                p[6] = hit;
                *rate += if self.frozen { 0.0 } else { (1.0 - *rate) / 16.0 };
            } else {
                let guess = order0[usize::from(line)] / total0;
                p[6] = (1.0 - hit) * p0 / (1.0 - guess).max(1e-3);
                *rate -= if self.frozen { 0.0 } else { (*rate - 0.002) / 16.0 };
            }
        }
        let w = &mut self.weights[column];
        let mut mixed = 0.0;
        for (&w, p) in w.iter().zip(p) {
            mixed += f64::from(w) * p;
        }
        if !self.frozen {
            let scale = (1.0 - SHARE) / mixed;
            for (w, p) in w.iter_mut().zip(p) {
                *w = (f64::from(*w) * p * scale + SHARE / EXPERTS as f64) as f32;
            }
            self.learn(x, column, phase);
        }
        (40 << 16) - log2((mixed * (1u64 << 40) as f64) as u64).min(40 << 16)
    }

    #[inline]
    fn learn(&mut self, x: usize, column: usize, phase: usize) {
        self.order0[phase][x] += 1.0;
        self.total0[phase] += 1.0;
        let row = &mut self.columns[column * 256..column * 256 + 256];
        row[x] += 1;
        self.column_total[column] += 1;
        if self.column_total[column] >= COLUMN_LIMIT {
            let mut total = 0;
            for n in row {
                *n >>= 1;
                total += *n;
            }
            self.column_total[column] = total;
        }
    }
}

/// Whether bytes are text: valid UTF-8 (up to a cut character at the ends) with next to no control characters.
pub(crate) fn is_text(data: &[u8]) -> bool {
    let mut d = data;
    // A window may start inside a character.
    while d.first().is_some_and(|b| b & 0xC0 == 0x80) && data.len() - d.len() < 3 {
        d = &d[1..];
    }
    let valid = match std::str::from_utf8(d) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none() && d.len() - e.valid_up_to() < 4,
    };
    let control =
        d.iter().filter(|&&b| b < 32 && !matches!(b, b'\t' | b'\n' | b'\r' | 12 | 27)).count();
    valid && !d.is_empty() && control * 200 <= d.len()
}
