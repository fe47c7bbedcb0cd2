//! First plane and the top bits of the second by context mixing: where rows and columns of a tensor have scales of
//! their own.
//!
//! An element's magnitude (first byte and top bits as one number, about the logarithm of its absolute value) is
//! averaged along its row and down its column; these averages, neighbours and the place in the innermost dimension are
//! contexts. Integer arithmetic throughout.
//!
//! Form: the byte of the [`Form`]; varints of the row and the innermost dimension; table of the first plane, whose
//! symbols are numbered in order; length of the coded stream and the stream; low bits and other planes as in
//! [`joint`].

use vxc_entropy::{BinaryCoder, FreqTable, RangeDecoder, RangeEncoder, write_varint};
use vxc_predict::mix::mixer::rate;
use vxc_predict::mix::{Mix, MixConfig, NoExpert, Query, SetConfig};

use crate::block::{Effort, Form, Kind, MAX_BLOCK, Planes, encode_planes, take_len};
use crate::error::WeightsError;
use crate::joint::{self, Low};
use crate::planes::CHUNK;
use crate::rans;

/// Rows longer than this have no columns.
const MAX_ROW: usize = 1 << 18;
/// Fraction bits of averages.
const FRACTION: u32 = 6;
/// Contexts of the first byte, and of the top bits.
const FIRST: usize = 11;
const TOP: usize = 7;

/// Codes elements one by one; encoder and decoder run the same code.
struct Model {
    first: Mix,
    top: Mix,
    depth: u32,
    top_bits: u32,
    row: usize,
    inner: usize,
    /// Average magnitude of each column.
    columns: Vec<i32>,
    /// Average magnitude of this row so far.
    along: i32,
    /// Numbers of the first bytes to the left.
    left: [u8; 2],
    /// Magnitudes of the row above.
    above: Vec<u16>,
    at: usize,
}

/// An engine for so many elements, contexts and bits.
fn config(elements: usize, contexts: usize, depth: u32) -> MixConfig {
    MixConfig {
        line_bits: MixConfig::line_bits_for(elements as u64, 4),
        limits: vec![1000; contexts],
        runs: false,
        sets: vec![
            SetConfig { size: 64, by_node: true, rate: rate(4) },
            SetConfig { size: 256, by_node: false, rate: rate(4) },
        ],
        extra_inputs: 0,
        apms: vec![64],
        depth,
    }
}

/// Bytes that decoding takes beside the planes: engines as large as any number of symbols makes them, and columns.
///
/// # Errors
/// [`WeightsError::Corrupt`] if this is no such block.
pub(crate) fn memory(input: &mut &[u8], raw: usize) -> Result<u64, WeightsError> {
    let form = Form::take(input, raw)?;
    let row = take_len(input, MAX_BLOCK as usize)?.min(MAX_ROW) as u64;
    let elements = raw / form.width;
    let engines = [config(elements, FIRST, 8), config(elements, TOP, joint::top_bits(form))];
    let engines: u64 = engines.iter().map(MixConfig::bytes).sum();
    Ok(engines + row * (size_of::<i32>() + size_of::<u16>()) as u64)
}

impl Model {
    fn new(elements: usize, row: usize, inner: usize, symbols: usize, top_bits: u32) -> Self {
        let depth = (usize::BITS - symbols.saturating_sub(1).leading_zeros()).max(1);
        let row = if (2..=MAX_ROW).contains(&row) { row } else { 0 };
        Self {
            first: Mix::new(&config(elements, FIRST, depth)),
            top: Mix::new(&config(elements, TOP, top_bits)),
            depth,
            top_bits,
            row,
            inner: if inner > 1 && inner < row { inner } else { 0 },
            columns: vec![0; row],
            along: 0,
            left: [0; 2],
            above: vec![0; row],
            at: 0,
        }
    }

    /// Codes one element: number of its first byte, and its top bits.
    fn code<C: BinaryCoder>(&mut self, coder: &mut C, first: u8, top: u8) -> (u8, u8) {
        let column = if self.row > 0 { self.at % self.row } else { 0 };
        let down = self.columns.get(column).copied().unwrap_or_default();
        let above = self.above.get(column).copied().unwrap_or_default();
        let up = above >> self.top_bits;
        // Averages in steps of a quarter octave or finer.
        let fine = |average: i32| (average >> (FRACTION + self.top_bits - 3)) as u32;
        let coarse = |average: i32| (average >> (FRACTION + self.top_bits - 1)) as u32;
        let inner = if self.inner > 0 { (column % self.inner) as u32 } else { 0 };
        let [l1, l2] = self.left.map(u32::from);
        let both = (down + self.along) / 2;
        let contexts: [u32; FIRST] = [
            0,
            fine(down),
            fine(self.along),
            fine(down) << 12 | fine(self.along),
            l1 << 8 | l2,
            u32::from(up) << 8 | l1,
            column as u32,
            fine(both),
            coarse(down) << 16 | coarse(self.along) << 8 | l1,
            inner << 8 | coarse(self.along),
            u32::from(up) << 12 | fine(down),
        ];
        let set = [fine(both) & 63, fine(self.along) & 255];
        let query = Query {
            hashes: &numbered(contexts),
            sets: &set,
            apms: &set[..1],
            last: fine(down) & 255,
            depth: self.depth,
        };
        let first = self.first.code(coder, &query, first.into(), &mut NoExpert);
        let contexts: [u32; TOP] = [
            first,
            first << 12 | fine(down),
            first << 12 | fine(self.along),
            first << 8 | l1,
            first << 16 | u32::from(above),
            first << 18 | column as u32,
            first << 12 | fine(both),
        ];
        let set = [first & 63, fine(both) & 255];
        let query = Query {
            hashes: &numbered(contexts),
            sets: &set,
            apms: &set[..1],
            last: first & 255,
            depth: self.top_bits,
        };
        let top = self.top.code(coder, &query, top.into(), &mut NoExpert);
        self.learn(column, first, top);
        (first as u8, top as u8)
    }

    fn learn(&mut self, column: usize, first: u32, top: u32) {
        let magnitude = (first << self.top_bits | top) as i32;
        let scaled = magnitude << FRACTION;
        if let Some(down) = self.columns.get_mut(column) {
            // The first row sets the averages, later ones move them.
            *down = if self.at < self.row { scaled } else { *down + (scaled - *down) / 16 };
        }
        if let Some(above) = self.above.get_mut(column) {
            *above = magnitude as u16;
        }
        self.along += (scaled - self.along) / 32;
        self.left = [first as u8, self.left[0]];
        self.at += 1;
    }
}

/// Hashes of contexts, each with its place in the list.
fn numbered<const N: usize>(mut contexts: [u32; N]) -> [u32; N] {
    for (i, value) in contexts.iter_mut().enumerate() {
        let x = (u64::from(*value) << 5 | i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        *value = ((x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) as u32;
    }
    contexts
}

/// The first bytes that a table knows, in order.
fn symbols(table: &FreqTable) -> Vec<u8> {
    table.freqs().iter().zip(0u8..=255).filter(|(f, _)| **f > 0).map(|(_, s)| s).collect()
}

/// Codes split elements.
pub(crate) fn encode(form: Form, kind: Kind, split: &[Vec<u8>], out: &mut Vec<u8>) {
    let [first, second, rest @ ..] = split else { return };
    let top_bits = joint::top_bits(form);
    let within = |n: u64| if n < MAX_BLOCK { n } else { 0 };
    let (row, inner) = (within(kind.row), within(kind.inner));
    form.put(out);
    write_varint(out, row);
    write_varint(out, inner);
    let table = FreqTable::from_counts(&rans::count(first));
    rans::put_table(&table, out);
    let symbols = symbols(&table);
    let mut numbers = [0u8; 256];
    for (&s, i) in symbols.iter().zip(0u8..=255) {
        if let Some(number) = numbers.get_mut(usize::from(s)) {
            *number = i;
        }
    }
    let mut model = Model::new(first.len(), row as usize, inner as usize, symbols.len(), top_bits);
    let mut coder = RangeEncoder::new();
    for (&a, &b) in first.iter().zip(second) {
        let number = numbers.get(usize::from(a)).copied().unwrap_or_default();
        model.code(&mut coder, number, b >> (8 - top_bits));
    }
    rans::put_bytes(&coder.finish(), out);
    Low::put(second, 8 - top_bits, out);
    encode_planes(rest, Effort::Mixed, out);
}

/// Decodes what [`encode`] wrote.
///
/// # Errors
/// [`WeightsError::Corrupt`] for anything else.
pub(crate) fn decode(input: &mut &[u8], out: &mut [u8]) -> Result<(), WeightsError> {
    let form = Form::take(input, out.len())?;
    if form.width < 2 {
        return Err(WeightsError::corrupt("elements of one byte have no second plane"));
    }
    let n = out.len() / form.width;
    let row = take_len(input, MAX_BLOCK as usize)?;
    let inner = take_len(input, MAX_BLOCK as usize)?;
    let symbols = symbols(&rans::take_table(input, 256)?);
    let top_bits = joint::top_bits(form);
    let mut coder = RangeDecoder::new(rans::take_bytes(input)?);
    let mut model = Model::new(n, row, inner, symbols.len(), top_bits);
    let (mut first, mut second) = (vec![0; n], vec![0; n]);
    // Missing input reads as zeros: it is looked for after each chunk.
    for (a, b) in first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK)) {
        for (a, b) in a.iter_mut().zip(b) {
            let (number, top) = model.code(&mut coder, 0, 0);
            *a = *symbols
                .get(usize::from(number))
                .ok_or_else(|| WeightsError::corrupt("a symbol that does not exist"))?;
            *b = top;
        }
        if coder.overran() {
            return Err(WeightsError::corrupt("a block ends too early"));
        }
    }
    coder.finish()?;
    let mut low = Low::take(input, 8 - top_bits, n)?;
    let mut rest = Planes::take(input, form.width - 2, n)?;
    let split = first.chunks(CHUNK).zip(second.chunks_mut(CHUNK));
    for (chunk, (first, second)) in out.chunks_mut(CHUNK * form.width).zip(split) {
        low.join(second);
        rest.merge(&[first, second], form.rotate, chunk);
    }
    rest.finish()
}
