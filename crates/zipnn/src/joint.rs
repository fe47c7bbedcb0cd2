//! First plane, then the top bits of the second in the context of the first: what exponent and leading mantissa bits
//! say together.
//!
//! Within one exponent the leading bits of the mantissa are not uniform: trained weights thin out towards larger
//! values. Form: the byte of the [`Form`]; table of the first plane; tables of the top bits, one for each first byte
//! that is frequent, in the order of their value, and one for all others; both through one rANS stream, its length in
//! front: first planes and top bits of [`CHUNK`] elements in turn; the low bits of the second plane, two to a byte
//! (nothing where the top bits are all eight); the other planes.

use vxc_entropy::rans::SLOTS;
use vxc_entropy::{DecTable, EncTable, FreqTable, RansDecoder, RansEncoder};
use vxc_infer::Isa;

use crate::block::{Effort, Form, Planes, encode_planes};
use crate::error::WeightsError;
use crate::planes::CHUNK;
use crate::rans;

/// A first byte has contexts of its own if it has at least this share of the slots …
const MIN_FREQ: u32 = SLOTS as u32 / 32;
/// … and stands for at least this many elements.
const MIN_COUNT: u64 = 1024;

/// Bits of the second plane that are coded: of doubles it is all that has structure.
pub(crate) fn top_bits(form: Form) -> u32 {
    if form.width == 8 { 8 } else { 4 }
}

/// The context of each first byte, and how many contexts there are.
fn contexts(first: &FreqTable, n: usize) -> ([u8; 256], usize) {
    let own =
        |f: u16| u32::from(f) >= MIN_FREQ && u64::from(f) * n as u64 >= MIN_COUNT * SLOTS as u64;
    let mut of = [0; 256];
    let mut next = 1u8;
    for (context, &f) in of.iter_mut().zip(first.freqs()) {
        if own(f) {
            *context = next;
            next += 1;
        }
    }
    (of, usize::from(next))
}

/// Codes split elements.
pub(crate) fn encode(form: Form, split: &[Vec<u8>], effort: Effort, out: &mut Vec<u8>) {
    let [first, second, rest @ ..] = split else { return };
    let shift = 8 - top_bits(form);
    form.put(out);
    let table = FreqTable::from_counts(&rans::count(first));
    rans::put_table(&table, out);
    let (of, contexts) = contexts(&table, first.len());
    let own: Vec<u8> =
        first.iter().map(|&a| of.get(usize::from(a)).copied().unwrap_or_default()).collect();
    let tops: Vec<u8> = second.iter().map(|b| b >> shift).collect();
    let mut counts = vec![[0u32; 256]; contexts];
    for (&c, &t) in own.iter().zip(&tops) {
        if let Some(n) = counts.get_mut(usize::from(c)).and_then(|c| c.get_mut(usize::from(t))) {
            *n += 1;
        }
    }
    let mut coders = Vec::new();
    for counts in &counts {
        let symbols = counts.get(..256 >> shift).unwrap_or(counts);
        let table = FreqTable::from_counts(symbols);
        rans::put_table(&table, out);
        coders.push(EncTable::new(&table));
    }
    let mut coder = RansEncoder::new();
    let first_table = EncTable::new(&table);
    for ((first, own), tops) in first.chunks(CHUNK).zip(own.chunks(CHUNK)).zip(tops.chunks(CHUNK)) {
        coder.push_run(&first_table, first);
        coder.push_run_ctx(&coders, own, tops);
    }
    rans::put_bytes(&coder.finish(), out);
    Low::put(second, shift, out);
    encode_planes(rest, effort, out);
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
    let shift = 8 - top_bits(form);
    let table = rans::take_table(input, 256)?;
    let (of, contexts) = contexts(&table, n);
    let tables = (0..contexts)
        .map(|_| Ok(DecTable::new(&rans::take_table(input, 256 >> shift)?)))
        .collect::<Result<Vec<_>, WeightsError>>()?;
    let table = DecTable::new(&table);
    let mut coder = RansDecoder::new(rans::take_bytes(input)?)?;
    let mut low = Low::take(input, shift, n)?;
    let mut rest = Planes::take(input, form.width - 2, n)?;
    let (mut first, mut second, mut own) = ([0; CHUNK], [0; CHUNK], [0; CHUNK]);
    let isa = Isa::current();
    for chunk in out.chunks_mut(CHUNK * form.width) {
        let n = chunk.len() / form.width;
        let [first, second, own] = [&mut first, &mut second, &mut own]
            .map(|buffer| buffer.get_mut(..n).unwrap_or_default());
        isa.run(rans::Run { coder: &mut coder, table: &table, out: first });
        for (context, &a) in own.iter_mut().zip(&*first) {
            *context = of.get(usize::from(a)).copied().unwrap_or_default();
        }
        isa.run(rans::RunInContext {
            coder: &mut coder,
            tables: &tables,
            contexts: own,
            out: second,
        });
        low.join(second);
        rest.merge(&[first, second], form.rotate, chunk);
    }
    coder.finish()?;
    rest.finish()
}

/// The low four bits of a plane, two to a byte, the first one low; nothing where all bits are coded.
pub(crate) struct Low<'a>(&'a [u8]);

impl<'a> Low<'a> {
    /// Appends those of a plane.
    pub fn put(plane: &[u8], shift: u32, out: &mut Vec<u8>) {
        if shift == 4 {
            let pair = |pair: &[u8]| pair.iter().rev().fold(0, |byte: u8, v| byte << 4 | v & 15);
            out.extend(plane.chunks(2).map(pair));
        }
    }

    /// Reads those of a plane of `n` bytes.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for what [`Low::put`] does not write.
    pub fn take(input: &mut &'a [u8], shift: u32, n: usize) -> Result<Self, WeightsError> {
        let bytes = rans::take(input, if shift == 4 { n.div_ceil(2) } else { 0 })?;
        if n % 2 == 1 && bytes.last().is_some_and(|b| b >> 4 != 0) {
            return Err(WeightsError::corrupt("bits behind the last element"));
        }
        Ok(Self(bytes))
    }

    /// Puts the next ones below the top bits in `plane`: an even number, but at the end.
    pub fn join(&mut self, plane: &mut [u8]) {
        let (low, rest) = self.0.split_at_checked(plane.len().div_ceil(2)).unwrap_or((self.0, &[]));
        self.0 = rest;
        let (pairs, last) = plane.as_chunks_mut::<2>();
        for ([a, b], low) in pairs.iter_mut().zip(low) {
            *a = *a << 4 | low & 15;
            *b = *b << 4 | low >> 4;
        }
        if let ([value], Some(low)) = (last, low.last()) {
            *value = *value << 4 | low & 15;
        }
    }
}
