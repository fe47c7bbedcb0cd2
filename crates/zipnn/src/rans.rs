//! Runs of bytes through rANS, with their tables in front.
//!
//! Table: bitmap of the symbols that occur (varint: bytes of it, without zeros at its end), then for each but the last
//! a varint of its frequency less one; the last has what is left of 2^12.

use vxc::tokens::log2::{BIT, entropy};
use vxc_entropy::rans::SLOTS;
use vxc_entropy::{
    DecTable, EncTable, FreqTable, RansDecoder, RansEncoder, read_varint, write_varint,
};
use vxc_infer::Task;

use crate::error::WeightsError;

/// How often each byte occurs.
pub(crate) fn count(bytes: &[u8]) -> [u32; 256] {
    // Four tables: equal bytes one after the other do not wait for each other.
    let mut four = [[0u32; 256]; 4];
    let (whole, tail) = bytes.as_chunks::<4>();
    for bytes in whole {
        for (table, &b) in four.iter_mut().zip(bytes) {
            bump(table, b);
        }
    }
    let [mut sum, rest @ ..] = four;
    for &b in tail {
        bump(&mut sum, b);
    }
    for table in &rest {
        for (s, t) in sum.iter_mut().zip(table) {
            *s += t;
        }
    }
    sum
}

#[inline(always)]
fn bump(table: &mut [u32; 256], at: u8) {
    if let Some(n) = table.get_mut(usize::from(at)) {
        *n += 1;
    }
}

/// What these counts cost with the table that they give, in bits, about: for choices between codings.
pub(crate) fn cost_bits(counts: &[u32]) -> u64 {
    let used = counts.iter().filter(|&&c| c > 0);
    let total = used.clone().map(|&c| u64::from(c)).sum();
    // A symbol of a table takes about eleven bits, and a stream its states.
    used.clone().count() as u64 * 11 + 300 + entropy(used.map(|&c| c.into()), total) / BIT
}

/// Appends a table.
pub(crate) fn put_table(table: &FreqTable, out: &mut Vec<u8>) {
    let mut bitmap: Vec<u8> = table
        .freqs()
        .chunks(8)
        .map(|eight| eight.iter().rev().fold(0, |b, &f| b << 1 | u8::from(f > 0)))
        .collect();
    while bitmap.last() == Some(&0) {
        bitmap.pop();
    }
    write_varint(out, bitmap.len() as u64);
    out.extend_from_slice(&bitmap);
    let mut used = table.freqs().iter().filter(|&&f| f > 0).peekable();
    while let Some(&f) = used.next() {
        if used.peek().is_some() {
            write_varint(out, u64::from(f) - 1);
        }
    }
}

/// Reads a table of `symbols` symbols.
///
/// # Errors
/// [`WeightsError::Corrupt`] for what [`put_table`] does not write.
pub(crate) fn take_table(input: &mut &[u8], symbols: usize) -> Result<FreqTable, WeightsError> {
    let bad = || WeightsError::corrupt("a table of frequencies is impossible");
    let n = usize::try_from(read_varint(input)?).map_err(|_| bad())?;
    if n == 0 || n > symbols.div_ceil(8) {
        return Err(bad());
    }
    let (bitmap, rest) = input.split_at_checked(n).ok_or_else(bad)?;
    *input = rest;
    let mut counts = [0u32; 256];
    let there = |s: usize| bitmap.get(s / 8).is_some_and(|b| b >> (s % 8) & 1 == 1);
    let Some(last) = (0..256).rev().find(|&s| there(s)).filter(|&s| s < symbols) else {
        return Err(bad());
    };
    let mut left = SLOTS as u32;
    for (s, count) in counts.iter_mut().enumerate().take(last) {
        if there(s) {
            let f = read_varint(input)?.checked_add(1).ok_or_else(bad)?;
            *count = u32::try_from(f).map_err(|_| bad())?;
            left = left.checked_sub(*count).filter(|&left| left > 0).ok_or_else(bad)?;
        }
    }
    if let Some(count) = counts.get_mut(last) {
        *count = left;
    }
    // Frequencies that sum to the slots are left as they are.
    Ok(FreqTable::from_counts(counts.get(..symbols).unwrap_or(&counts)))
}

/// Appends a table and the bytes coded with it, and the length of both in front.
pub(crate) fn encode(bytes: &[u8], counts: &[u32; 256], out: &mut Vec<u8>) {
    let table = FreqTable::from_counts(counts);
    put_table(&table, out);
    let mut coder = RansEncoder::new();
    coder.push_run(&EncTable::new(&table), bytes);
    put_bytes(&coder.finish(), out);
}

/// Decoding of a run with one table.
pub(crate) struct Run<'a, 'b> {
    pub coder: &'a mut RansDecoder<'b>,
    pub table: &'a DecTable,
    pub out: &'a mut [u8],
}

impl Task for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.coder.decode_run(self.table, self.out);
    }
}

/// Decoding of a run with a table for each context.
pub(crate) struct RunInContext<'a, 'b> {
    pub coder: &'a mut RansDecoder<'b>,
    pub tables: &'a [DecTable],
    pub contexts: &'a [u8],
    pub out: &'a mut [u8],
}

impl Task for RunInContext<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.coder.decode_run_ctx(self.tables, self.contexts, self.out);
    }
}

/// Appends bytes with their length in front.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what [`put_bytes`] wrote.
///
/// # Errors
/// [`WeightsError::Corrupt`] if there is less.
pub(crate) fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], WeightsError> {
    let n = usize::try_from(read_varint(input)?).unwrap_or(usize::MAX);
    take(input, n)
}

/// Reads `n` bytes.
///
/// # Errors
/// [`WeightsError::Corrupt`] if there are less.
pub(crate) fn take<'a>(input: &mut &'a [u8], n: usize) -> Result<&'a [u8], WeightsError> {
    let (head, rest) =
        input.split_at_checked(n).ok_or_else(|| WeightsError::corrupt("a block ends too early"))?;
    *input = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vxc_infer::Isa;

    proptest! {
        #[test]
        fn inverse(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(7u8), 100u8..104], 1..3000)) {
            let mut out = Vec::new();
            encode(&bytes, &count(&bytes), &mut out);
            let mut back = vec![0; bytes.len()];
            let mut input = &out[..];
            let table = DecTable::new(&take_table(&mut input, 256).unwrap());
            let mut coder = RansDecoder::new(take_bytes(&mut input).unwrap()).unwrap();
            Isa::current().run(Run { coder: &mut coder, table: &table, out: &mut back });
            coder.finish().unwrap();
            prop_assert!(input.is_empty());
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn any_bytes_are_an_error_or_a_table(bytes: Vec<u8>, symbols in 1usize..=256) {
            if let Ok(table) = take_table(&mut &bytes[..], symbols) {
                prop_assert_eq!(table.freqs().iter().map(|&f| u32::from(f)).sum::<u32>(), SLOTS as u32);
                let mut again = Vec::new();
                put_table(&table, &mut again);
                prop_assert!(again.len() <= bytes.len());
            }
        }
    }
}
