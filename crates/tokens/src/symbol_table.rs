//! A step's symbols where bins are not scaled, by symbol: what the column loops look up.

use vxc_entropy::bits::Width;

use crate::error::TokenError;
use crate::layout::Kind;
use crate::ordered::{from_ordered, to_ordered};
use crate::step::{Before, Step};
use crate::transform::{Transform, undo_difference};

/// Whole bits of an offset below `size` (0 stands for 2^64).
#[inline(always)]
pub fn offset_bits(size: u64) -> u8 {
    (64 - size.wrapping_sub(1).leading_zeros()) as u8
}

/// One symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Entry {
    /// First number of its bin in the coding domain.
    start: u64,
    /// Number of its values; 0 outside the alphabet.
    size: u64,
    /// Whole bits of its offsets.
    width: Width,
    /// Whether it is the rest, which has no first number.
    rest: bool,
}

/// Entries of all symbols.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SymbolTable([Entry; 256]);

impl SymbolTable {
    pub(crate) fn new(step: &Step) -> Self {
        let mut entries = [Entry::default(); 256];
        for (s, entry) in entries.iter_mut().enumerate() {
            entry.size = step.size(s as u8, Before::default());
            entry.width = Width::of(offset_bits(entry.size).into());
        }
        let first = usize::from(step.copy);
        for (entry, (lo, _)) in entries[first..].iter_mut().zip(step.bins.pairs()) {
            entry.start = lo;
        }
        if let Some(entry) = entries.get_mut(first + step.bins.count()) {
            entry.rest = true;
        }
        Self(entries)
    }

    /// Number of values of a symbol.
    #[inline(always)]
    pub(crate) fn size(&self, symbol: u8) -> u64 {
        self.0[usize::from(symbol)].size
    }

    /// Values of an identity or delta step: the general rule ([`Step::decode`]) with its branches taken once a
    /// column. `offsets` gives the next offset, told its width in whole bits; `last` is the value before the
    /// first. False if the step is of another sort; no offset is taken then.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if a symbol or an offset does not exist.
    #[inline(always)]
    pub(crate) fn values(
        &self,
        step: &Step,
        symbols: &[u8],
        offsets: impl FnMut(Width) -> u64,
        last: u64,
        out: &mut Vec<u64>,
    ) -> Result<bool, TokenError> {
        let column = Column { table: self, step, symbols, offsets, last };
        match step.transform {
            Transform::Identity if step.copy => {
                column.decode(
                    out,
                    |kind, x, symbol, last| {
                        if symbol == 0 { last } else { from_ordered(kind, x) }
                    },
                )?
            }
            // A loop for each common kind, so that the kind is not asked for each value.
            Transform::Identity => match step.kind {
                Kind::F32 => column.decode(out, |_, x, _, _| from_ordered(Kind::F32, x))?,
                Kind::F64 => column.decode(out, |_, x, _, _| from_ordered(Kind::F64, x))?,
                Kind::I32 => column.decode(out, |_, x, _, _| from_ordered(Kind::I32, x))?,
                _ => column.decode(out, |kind, x, _, _| from_ordered(kind, x))?,
            },
            Transform::Delta => column.decode(out, |kind, x, symbol, last| {
                if step.copy && symbol == 0 {
                    return last;
                }
                from_ordered(kind, undo_difference(kind.bits(), x, to_ordered(kind, last)))
            })?,
            Transform::Quantum(_) | Transform::Relation(_) => return Ok(false),
        }
        Ok(true)
    }
}

/// What the loop of a column needs.
struct Column<'a, O> {
    table: &'a SymbolTable,
    step: &'a Step,
    symbols: &'a [u8],
    offsets: O,
    last: u64,
}

impl<O: FnMut(Width) -> u64> Column<'_, O> {
    /// The loop: `value` makes a bit pattern of the kind, the number in the coding domain, the symbol and
    /// the pattern before.
    #[inline(always)]
    fn decode(
        self,
        out: &mut Vec<u64>,
        value: impl Fn(Kind, u64, u8, u64) -> u64,
    ) -> Result<(), TokenError> {
        let Step { kind, bins, .. } = self.step;
        let mut wrong = false;
        out.resize(self.symbols.len(), 0);
        let Self { table, step: _, symbols, mut offsets, mut last } = self;
        for (&symbol, out) in symbols.iter().zip(out) {
            let entry = table.0[usize::from(symbol)];
            let offset = offsets(entry.width);
            wrong |= offset >= entry.size;
            let x = if entry.rest {
                bins.value(bins.count(), offset, 0).unwrap_or_default()
            } else {
                entry.start.wrapping_add(offset)
            };
            last = value(*kind, x, symbol, last);
            *out = last;
        }
        if wrong {
            return Err(TokenError::Stream("symbol or offset outside its bin"));
        }
        Ok(())
    }
}
