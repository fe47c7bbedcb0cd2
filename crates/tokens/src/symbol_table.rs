//! A step's symbols where bins are not scaled, by symbol: what the column loops look up.

use vxc_entropy::BitReader;
use vxc_entropy::bits::GROUP;

use crate::error::TokenError;
use crate::step::{Before, Step};

/// Whole bits of an offset below `size` (0 stands for 2^64).
#[inline(always)]
pub fn offset_bits(size: u64) -> u8 {
    (64 - size.wrapping_sub(1).leading_zeros()) as u8
}

/// All symbols. A byte is an index into each array, which needs no check then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SymbolTable {
    by_symbol: Box<Arrays>,
    /// Number of symbols.
    alphabet: usize,
    /// Most bits of an offset.
    longest: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Arrays {
    /// The number in the coding domain that offset 0 stands for.
    start: [u64; 256],
    /// The largest offset that is added to it. The rest has more, which lie apart: 0 says so.
    last: [u64; 256],
    /// Whole bits of an offset.
    bits: [u8; 256],
}

impl SymbolTable {
    pub(crate) fn new(step: &Step) -> Self {
        let mut by_symbol = Box::new(Arrays { start: [0; 256], last: [0; 256], bits: [0; 256] });
        let first = usize::from(step.copy);
        let bins = &step.bins;
        let mut longest = 0;
        for symbol in first..step.alphabet() {
            let (bin, size) = (symbol - first, step.size(symbol as u8, Before::default()));
            by_symbol.start[symbol] = bins.value(bin, 0, 0).unwrap_or_default();
            by_symbol.last[symbol] = if bin < bins.count() { size - 1 } else { 0 };
            by_symbol.bits[symbol] = offset_bits(size);
            longest = longest.max(u32::from(offset_bits(size)));
        }
        Self { by_symbol, alphabet: step.alphabet(), longest }
    }

    /// Bytes that it holds.
    pub(crate) const fn held_bytes() -> usize {
        size_of::<Self>() + size_of::<Arrays>()
    }

    /// Numbers in the coding domain from symbols and offsets, as many of each as `out` is long.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol or an offset does not exist.
    #[inline(always)]
    pub(crate) fn numbers(
        &self,
        step: &Step,
        symbols: &[u8],
        offsets: &[u64],
        out: &mut [u64],
    ) -> Result<(), TokenError> {
        self.check(symbols)?;
        let Arrays { start, last, .. } = &*self.by_symbol;
        let mut wrong = false;
        for ((out, &symbol), &offset) in out.iter_mut().zip(symbols).zip(offsets) {
            wrong |= offset > last[usize::from(symbol)];
            *out = start[usize::from(symbol)].wrapping_add(offset);
        }
        if wrong {
            for ((out, &symbol), &offset) in out.iter_mut().zip(symbols).zip(offsets) {
                *out = self.number(step, symbol, offset)?;
            }
        }
        Ok(())
    }

    /// [`SymbolTable::numbers`] with offsets in whole bits.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol or an offset does not exist.
    #[inline(always)]
    pub(crate) fn read_numbers(
        &self,
        step: &Step,
        symbols: &[u8],
        bits: &mut BitReader<'_>,
        out: &mut [u64],
    ) -> Result<(), TokenError> {
        self.check(symbols)?;
        let (whole, tail) = symbols.as_chunks::<GROUP>();
        let (out, last) = out.split_at_mut(symbols.len() - tail.len());
        let (out, _) = out.as_chunks_mut::<GROUP>();
        match self.longest {
            0..=14 => self.groups::<4>(step, whole, bits, out)?,
            15..=19 => self.groups::<3>(step, whole, bits, out)?,
            20..=28 => self.groups::<2>(step, whole, bits, out)?,
            29..=57 => self.groups::<1>(step, whole, bits, out)?,
            _ => {
                for (symbols, out) in whole.iter().zip(out) {
                    self.read_each(step, symbols, bits, out)?;
                }
            }
        }
        self.read_each(step, tail, bits, last)
    }

    #[inline(always)]
    fn groups<const SHARED: usize>(
        &self,
        step: &Step,
        symbols: &[[u8; GROUP]],
        bits: &mut BitReader<'_>,
        out: &mut [[u64; GROUP]],
    ) -> Result<(), TokenError> {
        let Arrays { start, last, bits: widths } = &*self.by_symbol;
        // A copy, so that the position stays in a register.
        let mut reader = bits.clone();
        for (symbols, out) in symbols.iter().zip(out) {
            let before = reader.clone();
            let mut wrong = 0;
            reader.read_group::<SHARED>(
                |i| widths[usize::from(symbols[i])],
                |i, offset| {
                    let symbol = usize::from(symbols[i]);
                    // Both are below 2^57: the top bit is the borrow.
                    wrong |= last[symbol].wrapping_sub(offset);
                    out[i] = start[symbol].wrapping_add(offset);
                },
            );
            if wrong >> 63 != 0 {
                reader = before;
                self.read_each(step, symbols, &mut reader, out)?;
            }
        }
        *bits = reader;
        Ok(())
    }

    /// The same one by one.
    #[cold]
    fn read_each(
        &self,
        step: &Step,
        symbols: &[u8],
        bits: &mut BitReader<'_>,
        out: &mut [u64],
    ) -> Result<(), TokenError> {
        for (out, &symbol) in out.iter_mut().zip(symbols) {
            let offset = bits.read(self.by_symbol.bits[usize::from(symbol)].into());
            *out = self.number(step, symbol, offset)?;
        }
        Ok(())
    }

    /// The general rule.
    #[inline(always)]
    fn number(&self, step: &Step, symbol: u8, offset: u64) -> Result<u64, TokenError> {
        match usize::from(symbol).checked_sub(usize::from(step.copy)) {
            None if offset == 0 => Ok(0),
            None => Err(TokenError::Stream("offset outside its bin")),
            Some(bin) => step.bins.value(bin, offset, 0),
        }
    }

    fn check(&self, symbols: &[u8]) -> Result<(), TokenError> {
        let largest = symbols.iter().copied().max().unwrap_or_default();
        if usize::from(largest) < self.alphabet {
            Ok(())
        } else {
            Err(TokenError::Stream("symbol outside the alphabet"))
        }
    }
}
