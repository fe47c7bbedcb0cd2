//! Blocks of deflate as zlib's `trees.c` and GNU gzip write them: the cheapest of three kinds.

use super::trees::{Alphabet, build, codes, get, narrow, runs};

/// Codes of literals and lengths, of distances, of code lengths.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const LENGTHS: usize = 19;
/// The code that ends a block.
const END: usize = 256;
/// Order in which lengths of the third code are sent.
const ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits on their way to bytes, lowest first.
#[derive(Debug, Default)]
struct Bits {
    buffer: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32, out: &mut Vec<u8>) {
        self.buffer |= u64::from(value) << self.count;
        self.count += bits;
        while self.count >= 8 {
            out.push((self.buffer & 0xff) as u8);
            self.buffer >>= 8;
            self.count -= 8;
        }
    }

    /// Fills the last byte.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            self.put(0, 8 - self.count, out);
        }
    }
}

/// The code of a length less 3, and the value of its extra bits.
fn length_code(length: u8) -> (usize, u32) {
    let n = u32::from(length);
    match n {
        0..=7 => (257 + n as usize, 0),
        255 => (285, 0),
        _ => {
            let extra = n.ilog2() - 2;
            (257 + (4 * extra + (n >> extra)) as usize, n & ((1 << extra) - 1))
        }
    }
}

/// The code of a distance, and the value of its extra bits.
fn distance_code(distance: u16) -> (usize, u32) {
    let n = u32::from(distance) - 1;
    if n < 4 {
        return (n as usize, 0);
    }
    let extra = n.ilog2() - 1;
    ((2 * extra + (n >> extra)) as usize, n & ((1 << extra) - 1))
}

/// The symbols of a block that is not written yet, and the bits of the last byte of the one before.
#[derive(Debug)]
pub struct Block {
    /// Distance, 0 for a literal; the literal, or the length less 3.
    symbols: Vec<(u16, u8)>,
    matches: usize,
    literals: Vec<u16>,
    distances: Vec<u16>,
    bits: Bits,
}

impl Default for Block {
    fn default() -> Self {
        let mut literals = vec![0u16; LITERALS];
        literals.get_mut(END).into_iter().for_each(|n| *n = 1);
        let (symbols, distances) = (Vec::new(), vec![0; DISTANCES]);
        Self { symbols, matches: 0, literals, distances, bits: Bits::default() }
    }
}

impl Block {
    /// Adds a literal (distance 0), or a match by its length less 3.
    pub fn add(&mut self, distance: u16, value: u8) {
        self.symbols.push((distance, value));
        let code = if distance == 0 { value.into() } else { length_code(value).0 };
        self.literals.get_mut(code).into_iter().for_each(|n| *n += 1);
        if distance > 0 {
            self.matches += 1;
            let code = distance_code(distance).0;
            self.distances.get_mut(code).into_iter().for_each(|n| *n += 1);
        }
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether the symbols so far seem to take less than half of the bytes that they stand for, most of them literals.
    pub fn is_good(&self, bytes: i64) -> bool {
        let bits =
            self.distances.iter().enumerate().fold(self.len() as i64 * 8, |bits, (code, n)| {
                bits + i64::from(*n) * i64::from(5 + Alphabet::Distances.extra(code))
            });
        self.matches < self.len() / 2 && (bits >> 3) < bytes / 2
    }

    /// Writes the block and starts the next one. `stored` are the bytes that it stands for, if they are still there.
    pub fn write(&mut self, stored: Option<&[u8]>, last: bool, out: &mut Vec<u8>) {
        let literals = build(&self.literals, Alphabet::Literals);
        let distances = build(&self.distances, Alphabet::Distances);
        let mut symbols = Vec::new();
        for code in [&literals, &distances] {
            runs(code.lengths.get(..=code.last).unwrap_or_default(), &mut symbols);
        }
        let mut counts = [0u16; LENGTHS];
        for (symbol, _) in &symbols {
            counts.get_mut(*symbol).into_iter().for_each(|n| *n += 1);
        }
        let third = build(&counts, Alphabet::Lengths);
        let sent =
            ORDER.iter().rposition(|&n| get(&third.lengths, n) > 0).map_or(4, |n| (n + 1).max(4));
        let bits = literals.bits + distances.bits + third.bits + 3 * sent as i64 + 14;
        let bytes = |bits: i64| (bits + 3 + 7) >> 3;
        let fixed = bytes(literals.fixed_bits + distances.fixed_bits);
        let best = bytes(bits).min(fixed);
        let end = u32::from(last);
        if let Some(stored) = stored
            && stored.len() as i64 + 4 <= best
        {
            self.bits.put(end, 3, out);
            self.bits.end(out);
            let n = u16::try_from(stored.len()).unwrap_or(u16::MAX);
            out.extend(n.to_le_bytes());
            out.extend((!n).to_le_bytes());
            out.extend_from_slice(stored);
        } else if fixed == best {
            self.bits.put(2 + end, 3, out);
            let lengths = |alphabet: Alphabet, n: usize| -> Vec<u8> {
                (0..n).map(|code| (alphabet.fixed(code) & 15) as u8).collect()
            };
            // All 288 codes, or the last ones would be others.
            self.body(
                &lengths(Alphabet::Literals, 288),
                &lengths(Alphabet::Distances, DISTANCES),
                out,
            );
        } else {
            self.bits.put(4 + end, 3, out);
            for (n, bits) in [(literals.last - END, 5), (distances.last, 5), (sent - 4, 4)] {
                self.bits.put(narrow(n), bits, out);
            }
            for symbol in ORDER.iter().take(sent) {
                self.bits.put(get(&third.lengths, *symbol).into(), 3, out);
            }
            let codes = codes(&third.lengths);
            for (symbol, value) in symbols {
                let (code, n) = get(&codes, symbol);
                self.bits.put(code, n, out);
                self.bits.put(value, Alphabet::Lengths.extra(symbol), out);
            }
            self.body(&literals.lengths, &distances.lengths, out);
        }
        if last {
            self.bits.end(out);
        }
        *self = Self { bits: std::mem::take(&mut self.bits), ..Self::default() };
    }

    fn body(&mut self, literals: &[u8], distances: &[u8], out: &mut Vec<u8>) {
        let (literals, distances) = (codes(literals), codes(distances));
        for &(distance, value) in &self.symbols {
            let (symbol, rest) = if distance == 0 { (value.into(), 0) } else { length_code(value) };
            let (code, n) = get(&literals, symbol);
            self.bits.put(code, n, out);
            if distance > 0 {
                self.bits.put(rest, Alphabet::Literals.extra(symbol), out);
                let (symbol, rest) = distance_code(distance);
                let (code, n) = get(&distances, symbol);
                self.bits.put(code, n, out);
                self.bits.put(rest, Alphabet::Distances.extra(symbol), out);
            }
        }
        let (code, n) = get(&literals, END);
        self.bits.put(code, n, out);
    }
}
