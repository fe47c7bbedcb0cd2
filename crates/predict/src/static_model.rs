//! The static model of record streams: histograms and interleaved rANS, field by field.
//!
//! A segment is cut into blocks of records; a block's symbols are coded column by column with tables made
//! from the counts of the blocks before it ([`tables`]), one table per step and class ([`contexts`]).
//! Offsets are uniform: their top bits go through the same rANS states, the low bits into a bit stream of
//! their own.
//!
//! Coded segment: for each block, varint length of the rANS stream, varint length of the bit stream, rANS
//! stream, bit stream. The number of records is known from outside; block sizes follow from it.

pub mod contexts;
mod tables;
#[cfg(test)]
mod tests;

use vxc_entropy::{
    BitReader, BitWriter, DecTable, EncTable, FreqTable, RansDecoder, RansEncoder, read_varint,
    write_varint,
};
use vxc_infer::{Isa, Task};
use vxc_tokens::symbol_table::offset_bits;
use vxc_tokens::{Block, Tokeniser};

use crate::error::PredictError;
use contexts::{Contexts, Source};
use tables::Counts;

/// Records of the first block.
const FIRST_BLOCK: usize = 128;
/// Later blocks hold about this many values (records × fields), and at least 128 records.
const BLOCK_VALUES: usize = 1 << 16;
/// Bits of an offset that go through rANS, where offsets are exact.
const TOP_BITS: u32 = 8;

/// How a record stream is coded statically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticPlan {
    /// Class of each step's symbols.
    pub contexts: Contexts,
    /// Exact offsets cost log2(size) bits; others are rounded up to whole bits, which is faster.
    pub exact: bool,
}

/// What a segment's model has learned, for this and later segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticModel {
    counts: Vec<Counts>,
}

/// Sizes of the blocks of `records` records of `fields` fields. A model that has learned needs no short ones.
fn blocks(records: usize, fields: usize, learned: bool) -> impl Iterator<Item = usize> {
    let largest = (BLOCK_VALUES / fields.max(1)).max(FIRST_BLOCK);
    let (mut left, mut next) = (records, if learned { largest } else { FIRST_BLOCK });
    std::iter::from_fn(move || {
        let n = next.min(left);
        left -= n;
        next = (next * 2).min(largest);
        (n > 0).then_some(n)
    })
}

impl StaticModel {
    /// A model that has seen nothing.
    pub fn new(tokeniser: &Tokeniser, plan: &StaticPlan) -> Self {
        let alphabets = tokeniser.steps().iter().map(|s| s.alphabet());
        Self { counts: tables::fresh(alphabets, &plan.contexts) }
    }

    /// Appends the counts.
    pub fn save(&self, out: &mut Vec<u8>) {
        for counts in &self.counts {
            counts.save(out);
        }
    }

    /// Loads the counts of a model of the same tokeniser and plan.
    ///
    /// # Errors
    /// [`PredictError`] for anything else.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        self.counts.iter_mut().try_for_each(|counts| counts.load(input))
    }

    /// Codes whole records and learns them.
    pub fn encode(&mut self, tokeniser: &Tokeniser, plan: &StaticPlan, bytes: &[u8]) -> Vec<u8> {
        let size = tokeniser.layout().record_bytes;
        let mut out = Vec::with_capacity(bytes.len() / 2);
        let mut work = Work::new(tokeniser, plan);
        let mut at = 0;
        for n in blocks(bytes.len() / size, tokeniser.steps().len(), self.has_learned()) {
            let part = &bytes[at..at + n * size];
            at += part.len();
            tokeniser.load(part, &mut work.block);
            let mut rans = RansEncoder::new();
            let mut bits = BitWriter::new();
            for k in 0..tokeniser.steps().len() {
                work.begin_step(tokeniser, plan, k);
                tokeniser.tokens(k, &work.previous, &mut work.block);
                let tokens = &work.block.tokens[k];
                let tables: Vec<EncTable> =
                    self.tables(k, &mut work.weights).map(|t| EncTable::new(&t)).collect();
                match &tables[..] {
                    [table] => rans.push_run(table, &tokens.symbols),
                    tables => rans.push_run_ctx(tables, &work.class, &tokens.symbols),
                }
                self.counts[k].add(&tokens.symbols, &work.class);
                work.encode_offsets(plan.exact, &mut rans, &mut bits);
                work.end_step(tokeniser, k);
            }
            work.end_block(tokeniser);
            let (rans, bits) = (rans.finish(), bits.finish());
            write_varint(&mut out, rans.len() as u64);
            write_varint(&mut out, bits.len() as u64);
            out.extend_from_slice(&rans);
            out.extend_from_slice(&bits);
        }
        out
    }

    /// Decodes `records` records and appends them to `out`: the inverse of [`StaticModel::encode`].
    ///
    /// # Errors
    /// [`PredictError`] for anything that no encoder writes; `out` may have grown then.
    pub fn decode(
        &mut self,
        tokeniser: &Tokeniser,
        plan: &StaticPlan,
        coded: &[u8],
        records: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), PredictError> {
        Isa::current().run(Decoding { model: self, tokeniser, plan, coded, records, out })
    }

    #[inline(always)]
    fn decode_blocks(
        &mut self,
        tokeniser: &Tokeniser,
        plan: &StaticPlan,
        mut coded: &[u8],
        records: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), PredictError> {
        let size = tokeniser.layout().record_bytes;
        let mut work = Work::new(tokeniser, plan);
        let mut tables = Vec::new();
        out.reserve(records * size);
        for n in blocks(records, tokeniser.steps().len(), self.has_learned()) {
            let rans_len = read_varint(&mut coded)?;
            let bits_len = read_varint(&mut coded)?;
            let mut rans = RansDecoder::new(take(&mut coded, rans_len)?)?;
            let mut bits = BitReader::new(take(&mut coded, bits_len)?);
            tokeniser.prepare(n, &mut work.block);
            for k in 0..tokeniser.steps().len() {
                work.begin_step(tokeniser, plan, k);
                let symbols = &mut work.block.tokens[k].symbols;
                symbols.resize(n, 0);
                self.decoder_tables(k, &mut work.weights, &mut tables);
                match &tables[..self.counts[k].tables()] {
                    [table] => rans.decode_run(table, symbols),
                    tables => rans.decode_run_ctx(tables, &work.class, symbols),
                }
                self.counts[k].add(symbols, &work.class);
                if plan.exact {
                    tokeniser.sizes(k, &mut work.block)?;
                    work.decode_offsets(&mut rans, &mut bits);
                    tokeniser.values(k, &work.previous, &mut work.block)?;
                } else {
                    tokeniser.read_values(k, &work.previous, &mut work.block, &mut bits)?;
                }
                work.end_step(tokeniser, k);
            }
            rans.finish()?;
            bits.finish()?;
            // Memory that was just filled is still in cache.
            let from = out.len();
            out.resize(from + n * size, 0);
            tokeniser.store(&work.block, &mut out[from..]);
            work.end_block(tokeniser);
        }
        if !coded.is_empty() {
            return Err(PredictError::Corrupt("bytes after the last block"));
        }
        Ok(())
    }

    /// Whether it has counted anything.
    fn has_learned(&self) -> bool {
        self.counts.iter().any(|counts| !counts.is_empty())
    }

    /// The tables of a step, class by class.
    fn tables(&self, k: usize, weights: &mut Vec<u32>) -> impl Iterator<Item = FreqTable> {
        let counts = &self.counts[k];
        (0..counts.tables()).map(move |class| {
            counts.weights(class, weights);
            FreqTable::from_counts(weights)
        })
    }

    /// The decoder's tables of a step at the front of `out`, in the memory of earlier ones.
    fn decoder_tables(&self, k: usize, weights: &mut Vec<u32>, out: &mut Vec<DecTable>) {
        for (class, table) in self.tables(k, weights).enumerate() {
            match out.get_mut(class) {
                Some(old) => old.set(&table),
                None => out.push(DecTable::new(&table)),
            }
        }
    }
}

/// The arguments of [`StaticModel::decode`]: its loops are compiled for each instruction set.
struct Decoding<'a> {
    model: &'a mut StaticModel,
    tokeniser: &'a Tokeniser,
    plan: &'a StaticPlan,
    coded: &'a [u8],
    records: usize,
    out: &'a mut Vec<u8>,
}

impl Task for Decoding<'_> {
    type Output = Result<(), PredictError>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { model, tokeniser, plan, coded, records, out } = self;
        model.decode_blocks(tokeniser, plan, coded, records, out)
    }
}

/// Takes `len` bytes off the front.
fn take<'a>(coded: &mut &'a [u8], len: u64) -> Result<&'a [u8], PredictError> {
    let len = usize::try_from(len).map_err(|_| PredictError::Corrupt("length of a block"))?;
    let (head, rest) =
        coded.split_at_checked(len).ok_or(PredictError::Corrupt("length of a block"))?;
    *coded = rest;
    Ok(head)
}

/// Number of top values and of low bits of an offset below `size`.
#[inline(always)]
fn split(size: u64) -> (u16, u32) {
    let last = size.wrapping_sub(1);
    let low = (64 - last.leading_zeros()).saturating_sub(TOP_BITS);
    ((last >> low) as u16 + 1, low)
}

/// Buffers of one segment.
struct Work {
    block: Block,
    /// The record before the block, by field.
    previous: Vec<u64>,
    /// Whether a step's keys serve as somebody's context.
    is_source: Vec<bool>,
    /// Classes of the step at hand.
    class: Vec<u8>,
    weights: Vec<u32>,
    limits: Vec<u16>,
    tops: Vec<u16>,
}

impl Work {
    fn new(tokeniser: &Tokeniser, plan: &StaticPlan) -> Self {
        let n = tokeniser.steps().len();
        let mut is_source = vec![false; n];
        for context in plan.contexts.0.iter().flatten() {
            if let Source::Step(j) = context.source {
                is_source[usize::from(j)] = true;
            }
        }
        Self {
            block: Block::default(),
            previous: vec![0; n],
            is_source,
            class: Vec::new(),
            weights: Vec::new(),
            limits: Vec::new(),
            tops: Vec::new(),
        }
    }

    /// Predictions and classes of a step.
    fn begin_step(&mut self, tokeniser: &Tokeniser, plan: &StaticPlan, k: usize) {
        tokeniser.predict(k, &mut self.block);
        self.class.clear();
        let Some(context) = &plan.contexts.0[k] else { return };
        let keys = match context.source {
            Source::Step(j) => &self.block.tokens[usize::from(j)].keys,
            Source::Expected => {
                tokeniser.expected(k, &mut self.block);
                &self.block.tokens[k].expected
            }
        };
        self.class.extend(keys.iter().map(|&key| context.class(key)));
        // No relation, no prediction: one class.
        self.class.resize(self.block.records, 0);
    }

    fn end_step(&mut self, tokeniser: &Tokeniser, k: usize) {
        if self.is_source[k] {
            tokeniser.keys(k, &mut self.block);
        }
    }

    fn end_block(&mut self, tokeniser: &Tokeniser) {
        for f in 0..tokeniser.kinds().len() {
            if let Some(&last) = self.block.raw[f].last() {
                self.previous[f] = last;
            }
        }
    }

    fn encode_offsets(&mut self, exact: bool, rans: &mut RansEncoder, bits: &mut BitWriter) {
        let pairs = self.block.offsets.iter().zip(&self.block.sizes);
        if !exact {
            for (&offset, &size) in pairs {
                bits.write(offset_bits(size).into(), offset);
            }
            return;
        }
        self.limits.clear();
        self.tops.clear();
        for (&offset, &size) in pairs {
            let (limit, low) = split(size);
            bits.write(low, offset & ((1u64 << low) - 1));
            self.limits.push(limit);
            self.tops.push((offset >> low) as u16);
        }
        rans.push_uniform_run(&self.limits, &self.tops);
    }

    fn decode_offsets(&mut self, rans: &mut RansDecoder<'_>, bits: &mut BitReader<'_>) {
        let Block { offsets, sizes, .. } = &mut self.block;
        self.limits.clear();
        self.limits.extend(sizes.iter().map(|&size| split(size).0));
        self.tops.resize(self.limits.len(), 0);
        rans.decode_uniform_run(&self.limits, &mut self.tops);
        offsets.clear();
        offsets.extend(sizes.iter().zip(&self.tops).map(|(&size, &top)| {
            let low = split(size).1;
            u64::from(top) << low | bits.read(low)
        }));
    }
}
