//! Records by columns: what a fitted tokeniser does to a block of records, one step at a time.
//!
//! A block's columns hold one entry a record. Steps go in coding order; a step may use the raw values of
//! earlier ones. The record before the block is given by field (all zeros before the first block).

use vxc_entropy::BitReader;

use crate::error::TokenError;
use crate::layout::Endian;
use crate::restore::restore;
use crate::step::{Before, Step, Token};
use crate::symbol_table::offset_bits;
use crate::tokeniser::Tokeniser;
use crate::transform::Transform;

/// Bytes of the records that are put together at a time.
const TILE_BYTES: usize = 8 << 10;

/// `N` bytes of a record.
#[inline(always)]
fn part<const N: usize>(record: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&record[offset..offset + N]);
    out
}

/// One column of a block: a step's symbols and context keys, one entry a record.
#[derive(Clone, Debug, Default)]
pub struct TokenColumn {
    /// Symbols.
    pub symbols: Vec<u8>,
    /// Context keys of the values (see [`Step::key`]).
    pub keys: Vec<u16>,
    /// Context keys of the predictions, for relations (else empty).
    pub expected: Vec<u16>,
}

/// A block of records, by columns.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Number of records.
    pub records: usize,
    /// Bit patterns, by field.
    pub raw: Vec<Vec<u64>>,
    /// Tokens, by step.
    pub tokens: Vec<TokenColumn>,
    /// Offsets inside the symbols' values, of the step at hand.
    pub offsets: Vec<u64>,
    /// Number of values of each symbol, of the step at hand.
    pub sizes: Vec<u64>,
    predicted: Vec<u64>,
}

impl Tokeniser {
    /// Loads whole records into a block's raw columns.
    pub fn load(&self, bytes: &[u8], block: &mut Block) {
        let size = self.layout.record_bytes;
        self.prepare(bytes.len() / size, block);
        for (f, column) in self.layout.fields.iter().zip(&mut block.raw) {
            let records = bytes.chunks_exact(size);
            column.clear();
            match (f.endian, f.kind.bytes()) {
                (Endian::Little, 4) => {
                    column.extend(records.map(|r| u64::from(u32::from_le_bytes(part(r, f.offset)))))
                }
                (Endian::Little, 8) => {
                    column.extend(records.map(|r| u64::from_le_bytes(part(r, f.offset))));
                }
                _ => column.extend(records.map(|r| f.load(r))),
            }
        }
    }

    /// Writes a block's raw columns as records: `out.len()` = records × record bytes.
    #[inline(always)]
    pub fn store(&self, block: &Block, out: &mut [u8]) {
        let size = self.layout.record_bytes;
        // Field by field in tiles of records that stay in the first-level cache.
        let tile = (TILE_BYTES / size).max(1);
        for (i, out) in out.chunks_mut(tile * size).enumerate() {
            for (f, column) in self.layout.fields.iter().zip(&block.raw) {
                let column = column.get(i * tile..).unwrap_or_default();
                let records = out.chunks_exact_mut(size).zip(column);
                match (f.endian, f.kind.bytes()) {
                    (Endian::Little, 4) => records.for_each(|(r, &raw)| {
                        r[f.offset..f.offset + 4].copy_from_slice(&(raw as u32).to_le_bytes());
                    }),
                    (Endian::Little, 8) => records.for_each(|(r, &raw)| {
                        r[f.offset..f.offset + 8].copy_from_slice(&raw.to_le_bytes());
                    }),
                    _ => records.for_each(|(r, &raw)| f.store(raw, r)),
                }
            }
        }
    }

    /// Predictions of a relation step for a block whose earlier steps are known; needed before
    /// [`Tokeniser::tokens`], [`Tokeniser::sizes`] and [`Tokeniser::values`]. Other steps: nothing.
    pub fn predict(&self, k: usize, block: &mut Block) {
        let step = &self.steps[k];
        let Block { raw, predicted, records, .. } = block;
        predicted.clear();
        if let Transform::Relation(p) = &step.transform {
            predicted.resize(*records, 0);
            let columns: Vec<&[u64]> = raw.iter().map(Vec::as_slice).collect();
            p.predict_block(&self.kinds, step.kind, &columns, predicted);
        }
    }

    /// Tokens of one step of a loaded block. `previous` is the record before the block, by field.
    pub fn tokens(&self, k: usize, previous: &[u64], block: &mut Block) {
        let step = &self.steps[k];
        let column = &block.raw[usize::from(step.field)];
        let symbols = &mut block.tokens[k].symbols;
        symbols.clear();
        block.offsets.clear();
        block.sizes.clear();
        let mut last = previous[usize::from(step.field)];
        for (r, &value) in column.iter().enumerate() {
            let before = step.before(last, block.predicted.get(r).copied().unwrap_or(0));
            let Token { symbol, offset, size } = step.encode(value, last, before);
            symbols.push(symbol);
            block.offsets.push(offset);
            block.sizes.push(size);
            last = value;
        }
    }

    /// Sizes of one step's symbols.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol is outside the alphabet.
    pub fn sizes(&self, k: usize, block: &mut Block) -> Result<(), TokenError> {
        let step = &self.steps[k];
        let Block { tokens, sizes, predicted, .. } = &mut *block;
        let symbols = &tokens[k].symbols;
        sizes.clear();
        if step.scale.is_none() {
            sizes.extend(symbols.iter().map(|&s| step.size(s, Before::default())));
        } else {
            // The shift depends on the prediction alone.
            sizes.extend(
                symbols.iter().zip(&*predicted).map(|(&s, &p)| step.size(s, step.before(0, p))),
            );
        }
        if sizes.contains(&0) {
            return Err(TokenError::Stream("symbol outside the alphabet"));
        }
        Ok(())
    }

    /// Values of one step from its symbols and the block's offsets; all earlier steps are known.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol or an offset does not exist.
    #[inline(always)]
    pub fn values(&self, k: usize, previous: &[u64], block: &mut Block) -> Result<(), TokenError> {
        let Block { raw, tokens, offsets, predicted, .. } = block;
        let step = &self.steps[k];
        let column = &mut raw[usize::from(step.field)];
        let symbols = &tokens[k].symbols;
        let last = previous[usize::from(step.field)];
        column.resize(symbols.len(), 0);
        if step.scale.is_none() {
            self.tables[k].numbers(step, symbols, offsets, column)?;
            restore(step, symbols, predicted, last, column);
            return Ok(());
        }
        let mut next = offsets.iter();
        one_by_one(step, symbols, predicted, last, column, |_| {
            next.next().copied().unwrap_or_default()
        })
    }

    /// Values of one step from its symbols and a stream of offsets in whole bits.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol or an offset does not exist.
    #[inline(always)]
    pub fn read_values(
        &self,
        k: usize,
        previous: &[u64],
        block: &mut Block,
        bits: &mut BitReader<'_>,
    ) -> Result<(), TokenError> {
        let Block { raw, tokens, predicted, .. } = block;
        let step = &self.steps[k];
        let column = &mut raw[usize::from(step.field)];
        let symbols = &tokens[k].symbols;
        let last = previous[usize::from(step.field)];
        column.resize(symbols.len(), 0);
        if step.scale.is_none() {
            self.tables[k].read_numbers(step, symbols, bits, column)?;
            restore(step, symbols, predicted, last, column);
            return Ok(());
        }
        one_by_one(step, symbols, predicted, last, column, |size| {
            bits.read(offset_bits(size).into())
        })
    }

    /// Context keys of one step's values.
    pub fn keys(&self, k: usize, block: &mut Block) {
        let step = &self.steps[k];
        let t = &mut block.tokens[k];
        let column = &block.raw[usize::from(step.field)];
        t.keys.clear();
        t.keys.extend(column.iter().zip(&t.symbols).map(|(&raw, &s)| step.key(raw, s)));
    }

    /// Context keys of one step's predictions; none where it has no relation.
    pub fn expected(&self, k: usize, block: &mut Block) {
        let kind = self.steps[k].kind;
        let t = &mut block.tokens[k];
        t.expected.clear();
        t.expected.extend(block.predicted.iter().map(|&p| crate::step::short_float(kind, p)));
    }

    /// Makes a block ready for `records` records.
    pub fn prepare(&self, records: usize, block: &mut Block) {
        block.records = records;
        block.raw.resize_with(self.kinds.len(), Vec::new);
        block.tokens.resize_with(self.steps.len(), TokenColumn::default);
    }
}

/// Values of a step with scaled bins, whose sizes change from record to record. `offset` gives the next offset below a
/// size.
fn one_by_one(
    step: &Step,
    symbols: &[u8],
    predicted: &[u64],
    mut last: u64,
    column: &mut [u64],
    mut offset: impl FnMut(u64) -> u64,
) -> Result<(), TokenError> {
    for (r, (value, &symbol)) in column.iter_mut().zip(symbols).enumerate() {
        let before = step.before(last, predicted.get(r).copied().unwrap_or(0));
        last = step.decode(symbol, offset(step.size(symbol, before)), last, before)?;
        *value = last;
    }
    Ok(())
}
