//! Relations between the fields of a record: what predicts a field from others, and the search for it.
//!
//! For a field y with a [`Predictor`] the codec codes `ordered(y) − ordered(prediction)`, wrapping in the
//! field's width. The prediction is a pure function of the bit patterns of the source fields and gives the
//! same bits on every machine (see [`math`] and [`FloatEnv`]). Three families:
//! - [`formula`]: the open registry of closed formulas, found by the search in [`search`];
//! - [`linear`]: regressions, fitted in [`regress`], for relations that hold approximately;
//! - lookups: a map from the values of one field to those of another.
//!
//! The search works on a sample of records and uses fixed-order arithmetic and no threads, so what it finds
//! does not depend on the machine. Sources always come before targets in the order that it gives.

pub mod cost;
mod eval;
pub mod fenv;
pub mod formula;
pub mod linear;
pub mod math;
mod regress;
mod search;
mod serial;
#[cfg(test)]
mod tests;
mod text;

pub use fenv::FloatEnv;
pub use linear::Linear;
pub use search::{Found, SearchOptions, find_relations};

/// Most entries of a lookup.
pub const MAX_LOOKUP: usize = 4096;

/// What predicts a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predictor {
    /// The function of the source fields.
    pub function: Function,
    /// The magnitude of the predicted bit pattern is rounded to a multiple of 2^quantum (not for lookups):
    /// for fields whose mantissas were truncated. At most 52.
    pub quantum: u8,
}

/// A function of source fields. Field indices are indices into the layout's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// A formula of the registry.
    Formula {
        /// Its number.
        id: u16,
        /// Its sources, in the order of the formula's letters.
        sources: Vec<u16>,
        /// f64 bits; see [`formula`].
        constants: Vec<u64>,
    },
    /// A regression.
    Linear(Linear),
    /// A map from bit patterns of the source to bit patterns of the target; others map to 0.
    Lookup {
        /// The key field.
        source: u16,
        /// (key, value) by rising key, at most [`MAX_LOOKUP`].
        table: Vec<(u64, u64)>,
    },
}

impl Predictor {
    /// Indices of the fields that the prediction reads.
    pub fn sources(&self) -> &[u16] {
        match &self.function {
            Function::Formula { sources, .. } => sources,
            Function::Linear(l) => &l.sources,
            Function::Lookup { source, .. } => std::slice::from_ref(source),
        }
    }

    /// Bytes that it holds, about.
    pub(crate) fn held_bytes(&self) -> u64 {
        let own = match &self.function {
            Function::Formula { constants, .. } => 8 * constants.len(),
            Function::Linear(l) => l.held_bytes(),
            Function::Lookup { table, .. } => size_of::<(u64, u64)>() * table.len(),
        };
        (own + size_of_val(self.sources())) as u64
    }

    /// Replaces the i-th source by `f(i)`.
    pub(crate) fn renumber(&mut self, f: impl Fn(usize) -> u16) {
        let sources = match &mut self.function {
            Function::Formula { sources, .. } => sources.as_mut_slice(),
            Function::Linear(l) => l.sources.as_mut_slice(),
            Function::Lookup { source, .. } => std::slice::from_mut(source),
        };
        for (i, s) in sources.iter_mut().enumerate() {
            *s = f(i);
        }
    }
}
