//! One field at a time: what sequences of records share (the engine) and what is each one's own (the [`Lane`]).
//!
//! A field is coded in three calls: [`Lane::begin`] says what is known of it, [`Steps::code`] codes its symbol (or
//! whoever else does), [`Lane::end`] codes the offset and takes note of the value.

use vxc_entropy::{BinaryCoder, code_wide_uniform};
use vxc_tokens::step::{Before, short_float};
use vxc_tokens::transform::Transform;
use vxc_tokens::{Token, TokenError, Tokeniser};

use super::contexts::{History, MAX_FIELD_CONTEXTS};
use crate::mix::{Expert, Mix, MixConfig, Query};

/// Above this number of fields, weights are shared between fields.
pub(crate) const MAX_OWN_WEIGHTS: usize = 512;

/// Hashes of a field's contexts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashes([u32; MAX_FIELD_CONTEXTS]);

/// Decisions of each step's symbol.
pub(crate) fn depths(tokeniser: &Tokeniser) -> impl Iterator<Item = u32> {
    tokeniser.steps().iter().map(|s| usize::BITS - (s.alphabet() - 1).leading_zeros())
}

/// A field while it is coded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coded {
    /// The step.
    pub k: usize,
    /// Symbol and offset: known from the start to an encoder.
    pub token: Token,
    /// What its symbols refer to.
    pub before: Before,
    /// Key of the relation's prediction, where there is one.
    expected: Option<u16>,
}

/// A sequence of records: the one being coded and what is remembered of those before.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    history: History,
    row: Vec<u64>,
    previous: Vec<u64>,
}

impl Lane {
    /// At its start: the record before is all zeros.
    pub fn new(tokeniser: &Tokeniser) -> Self {
        let n = tokeniser.steps().len();
        Self { history: History::new(tokeniser), row: vec![0; n], previous: vec![0; n] }
    }

    /// Bytes that a lane holds for a step.
    pub const BYTES_PER_STEP: u64 = 2 * 8 + History::BYTES_PER_STEP;

    /// Bytes that a lane holds.
    pub fn bytes(tokeniser: &Tokeniser) -> u64 {
        tokeniser.steps().len() as u64 * Self::BYTES_PER_STEP
    }

    /// Back to its start.
    pub fn clear(&mut self) {
        self.row.fill(0);
        self.previous.fill(0);
        self.history.clear();
    }

    /// Takes the values of the next record, to be coded.
    pub fn load(&mut self, tokeniser: &Tokeniser, record: &[u8]) {
        for (f, value) in tokeniser.layout().fields.iter().zip(&mut self.row) {
            *value = f.load(record);
        }
    }

    /// Writes the values of the record that was decoded.
    pub fn store(&self, tokeniser: &Tokeniser, record: &mut [u8]) {
        for (f, &value) in tokeniser.layout().fields.iter().zip(&self.row) {
            f.store(value, record);
        }
    }

    /// Goes on to the next record.
    pub fn next_record(&mut self) {
        std::mem::swap(&mut self.row, &mut self.previous);
        self.history.next_record();
    }

    /// What is known of the field of step `k`; an encoder knows the token.
    #[inline(always)]
    pub fn begin<const DECODE: bool>(&self, tokeniser: &Tokeniser, k: usize) -> Coded {
        let step = &tokeniser.steps()[k];
        let f = usize::from(step.field);
        let (before, predicted) = tokeniser.before(k, &self.row, &self.previous);
        let token = if DECODE {
            Token { symbol: 0, offset: 0, size: 1 }
        } else {
            step.encode(self.row[f], self.previous[f], before)
        };
        let expected = match step.transform {
            Transform::Relation(_) => Some(short_float(step.kind, predicted)),
            _ => None,
        };
        Coded { k, token, before, expected }
    }

    /// Codes the offset of a field whose symbol is known, and remembers the value.
    ///
    /// # Errors
    /// [`TokenError::Stream`] for a symbol or an offset that does not exist.
    #[inline(always)]
    pub fn end<C: BinaryCoder, const DECODE: bool>(
        &mut self,
        tokeniser: &Tokeniser,
        coder: &mut C,
        field: &mut Coded,
    ) -> Result<(), TokenError> {
        let step = &tokeniser.steps()[field.k];
        let (f, symbol) = (usize::from(step.field), field.token.symbol);
        let last = self.previous[f];
        let size = step.size(symbol, field.before);
        if size == 0 {
            return Err(TokenError::Stream("symbol outside the alphabet"));
        }
        let offset = if size > 1 { code_wide_uniform(coder, size, field.token.offset) } else { 0 };
        if DECODE {
            self.row[f] = step.decode(symbol, offset, last, field.before)?;
        }
        field.token = Token { symbol, offset, size };
        let key = step.key(self.row[f], symbol);
        self.history.push(field.k, symbol, key, self.row[f] == last);
        Ok(())
    }

    /// The value of a step that was coded in this record.
    #[inline(always)]
    pub fn value(&self, tokeniser: &Tokeniser, k: usize) -> u64 {
        self.row[usize::from(tokeniser.steps()[k].field)]
    }
}

/// The engine with what it knows of each step.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub engine: Mix,
    pub depths: Vec<u32>,
    contexts: usize,
}

impl Steps {
    /// A fresh engine.
    pub fn new(tokeniser: &Tokeniser, config: &MixConfig) -> Self {
        Self {
            engine: Mix::new(config),
            depths: depths(tokeniser).collect(),
            contexts: config.limits.len(),
        }
    }

    /// Bytes that an engine of a configuration holds.
    pub fn bytes(tokeniser: &Tokeniser, config: &MixConfig) -> u64 {
        config.bytes() + (tokeniser.steps().len() * size_of::<u32>()) as u64
    }

    /// Counter limits of so many contexts.
    pub fn limits(contexts: usize) -> Vec<u16> {
        let mut limits = vec![400u16; contexts];
        if let Some(first) = limits.first_mut() {
            *first = 1000;
        }
        limits
    }

    /// Hashes of the contexts of a field.
    #[inline(always)]
    pub fn hashes(&self, lane: &Lane, tokeniser: &Tokeniser, field: &Coded, out: &mut Hashes) {
        let step = &tokeniser.steps()[field.k];
        lane.history.hashes(field.k, step, field.expected, &mut out.0[..self.contexts]);
    }

    /// Asks the cache for what a field's contexts need first.
    #[inline(always)]
    pub fn hint(&self, hashes: &Hashes) {
        for (context, &hash) in hashes.0[..self.contexts].iter().enumerate() {
            self.engine.hint(context, hash);
        }
    }

    /// Codes the symbol of a field that has more than one, and learns it.
    #[inline(always)]
    pub fn code<C: BinaryCoder, E: Expert>(
        &mut self,
        coder: &mut C,
        field: &Coded,
        hashes: &Hashes,
        sets: &[u32],
        apms: &[u32],
        expert: &mut E,
    ) -> u8 {
        let query = Query {
            hashes: &hashes.0[..self.contexts],
            sets,
            apms,
            last: (field.k % MAX_OWN_WEIGHTS) as u32 & 255,
            depth: self.depths[field.k],
        };
        self.engine.code(coder, &query, field.token.symbol.into(), expert) as u8
    }
}
