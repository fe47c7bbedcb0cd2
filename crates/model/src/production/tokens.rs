//! Input of a pass: B lanes of T symbols, and what record streams know about them.

use std::ops::Range;

use burn::tensor::{Int, Tensor};

/// Position t of every lane predicts symbol t from what stands before it: the network shifts the symbols itself.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// (B, T) symbols, as context: where COPY has been resolved to the value's bin, that bin.
    pub symbols: Tensor<2, Int>,
    /// (B, T) symbol of the same field one record up; known before symbol t is.
    pub above: Option<Tensor<2, Int>>,
    /// (B, T) in [0, 1): where in its bin the value of symbol t lies, to 8 bits.
    pub fraction: Option<Tensor<2>>,
    /// (B, T) 1 where symbol t was coded as COPY, else 0.
    pub copied: Option<Tensor<2>>,
}

impl Tokens {
    /// Symbols alone.
    pub fn new(symbols: Tensor<2, Int>) -> Self {
        Self { symbols, above: None, fraction: None, copied: None }
    }

    /// (B, T).
    pub fn dims(&self) -> [usize; 2] {
        self.symbols.dims()
    }

    /// The positions of a range, of all lanes.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let (start, len) = (range.start, range.len());
        Self {
            symbols: self.symbols.clone().narrow(1, start, len),
            above: self.above.clone().map(|x| x.narrow(1, start, len)),
            fraction: self.fraction.clone().map(|x| x.narrow(1, start, len)),
            copied: self.copied.clone().map(|x| x.narrow(1, start, len)),
        }
    }
}
