//! Field symbols of a fitted tokeniser, one token for each field in coding order.

use vxc_tokens::Block;
use vxc_tokens::{Step, Tokeniser};

use crate::data::Corpus;

/// Records that are handled at a time.
const BLOCK: usize = 4096;

/// The tokens of the whole records in `bytes`.
pub fn corpus(tokeniser: &Tokeniser, bytes: &[u8]) -> Corpus {
    let steps = tokeniser.steps();
    let n = steps.len();
    let size = tokeniser.layout().record_bytes;
    let tokens = bytes.len() / size * n;
    let mut out = Corpus {
        record_tokens: n,
        record_bytes: size,
        type_of: (0..n as u16).collect(),
        alphabets: steps.iter().map(Step::alphabet).collect(),
        symbols: vec![0; tokens],
        values: vec![0; tokens],
        fractions: vec![0; tokens],
        offset_bits: vec![0.0; tokens],
        has_above: true,
    };
    let mut block = Block::default();
    let mut previous = vec![0u64; tokeniser.kinds().len()];
    let mut first = 0;
    for part in bytes[..bytes.len() / size * size].chunks(BLOCK * size) {
        tokeniser.load(part, &mut block);
        for (k, step) in steps.iter().enumerate() {
            tokeniser.predict(k, &mut block);
            tokeniser.tokens(k, &previous, &mut block);
            let symbols = &block.tokens[k].symbols;
            for (r, &symbol) in symbols.iter().enumerate() {
                let at = (first + r) * n + k;
                out.symbols[at] = symbol;
                out.values[at] = symbol;
                out.fractions[at] = fraction(block.offsets[r], block.sizes[r]);
                out.offset_bits[at] = offset_bits(block.sizes[r]);
            }
            if step.copy {
                resolve_copies(tokeniser, k, &block, &previous, &mut out.values[first * n..]);
            }
        }
        for (last, column) in previous.iter_mut().zip(&block.raw) {
            *last = column.last().copied().unwrap_or(*last);
        }
        first += block.records;
    }
    out
}

/// Replaces COPY by the symbol that the value has by itself. `values` starts with the block's first record.
fn resolve_copies(
    tokeniser: &Tokeniser,
    k: usize,
    block: &Block,
    previous: &[u64],
    values: &mut [u8],
) {
    let step = &tokeniser.steps()[k];
    let n = tokeniser.steps().len();
    let mut above = previous.to_vec();
    let mut row = vec![0; above.len()];
    for r in 0..block.records {
        for (cell, column) in row.iter_mut().zip(&block.raw) {
            *cell = column[r];
        }
        if block.tokens[k].symbols[r] == 0 {
            let (before, _) = tokeniser.before(k, &row, &above);
            let raw = row[usize::from(step.field)];
            let bin = step.bins.find(step.to_domain(raw, before), before.shift).bin;
            values[r * n + k] = (bin + 1) as u8;
        }
        std::mem::swap(&mut row, &mut above);
    }
}

/// `offset / size` in 256ths, rounded down; a size of 0 stands for 2^64.
fn fraction(offset: u64, size: u64) -> u8 {
    let size = if size == 0 { 1 << 64 } else { u128::from(size) };
    ((u128::from(offset) << 8) / size) as u8
}

/// log2 of a size; 0 stands for 2^64.
fn offset_bits(size: u64) -> f32 {
    if size == 0 { 64.0 } else { (size as f64).log2() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit};

    /// Records of three floats: a walk that often stands still, its double, and noise.
    fn table(records: usize) -> (Vec<u8>, Tokeniser) {
        let mut x = 5.0f32;
        let mut state = 1u32;
        let mut bytes = Vec::new();
        for _ in 0..records {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 30 == 0 {
                x += (state >> 8) as f32 * 1e-7;
            }
            for v in [x, 2.0 * x, (state >> 9) as f32] {
                bytes.extend(v.to_le_bytes());
            }
        }
        let layout = RecordLayout::array(Kind::F32, Endian::Little, 3).unwrap();
        let tokeniser = fit(&layout, &bytes, &FitOptions::default()).unwrap();
        (bytes, tokeniser)
    }

    #[test]
    fn tokens_decode_to_the_bytes() {
        let (bytes, tokeniser) = table(9000);
        let c = corpus(&tokeniser, &bytes);
        assert_eq!(c.records(), 9000);
        let mut previous = vec![0; 3];
        let mut at = 0;
        for record in bytes.chunks_exact(12) {
            let fields = &tokeniser.layout().fields;
            let row: Vec<u64> = fields.iter().map(|f| f.load(record)).collect();
            for (k, step) in tokeniser.steps().iter().enumerate() {
                let f = usize::from(step.field);
                let (before, _) = tokeniser.before(k, &row, &previous);
                let token = step.encode(row[f], previous[f], before);
                assert_eq!(c.symbols[at], token.symbol);
                assert_eq!(c.offset_bits[at], (token.size as f64).log2() as f32);
                assert!(usize::from(c.values[at]) < c.alphabets[k]);
                // A value that is not copied stands for itself; a copied one has the value's symbol.
                assert!(token.symbol == c.values[at] || (step.copy && token.symbol == 0));
                assert!(!step.copy || c.values[at] > 0);
                at += 1;
            }
            previous = row;
        }
    }

    #[test]
    fn fractions_stay_inside_their_byte() {
        assert_eq!(fraction(0, 1), 0);
        assert_eq!(fraction(255, 256), 255);
        assert_eq!(fraction(1, 2), 128);
        assert_eq!(fraction(u64::MAX, 0), 255);
        assert_eq!(offset_bits(0), 64.0);
        assert_eq!(offset_bits(1024), 10.0);
    }
}
