//! The adaptive model of record streams: context mixing over field symbols.
//!
//! A record is coded field by field in the tokeniser's order. For each field the engine codes the symbol
//! from contexts of values already known: the fields before it, its partner fields, and the same field
//! in earlier records. The offset inside the symbol's values follows as a uniform number.

mod contexts;

use vxc_entropy::{BinaryCoder, code_wide_uniform};
use vxc_tokens::step::short_float;
use vxc_tokens::transform::Transform;
use vxc_tokens::{TokenError, Tokeniser};

use crate::error::PredictError;
use crate::mix::mixer::rate;
use crate::mix::{Mix, MixConfig, NoExpert, Query, SetConfig};
use contexts::{History, MAX_FIELD_CONTEXTS};

/// Above this number of fields, weights are shared between fields.
const MAX_OWN_WEIGHTS: usize = 512;

/// The adaptive state of a record stream.
#[derive(Clone, Debug)]
pub struct FieldModel {
    engine: Mix,
    history: History,
    row: Vec<u64>,
    previous: Vec<u64>,
    contexts: usize,
    depths: Vec<u32>,
}

/// Decisions of each step's symbol.
fn depths(tokeniser: &Tokeniser) -> impl Iterator<Item = u32> {
    tokeniser.steps().iter().map(|s| usize::BITS - (s.alphabet() - 1).leading_zeros())
}

impl FieldModel {
    /// The engine's configuration for `records` records at a level.
    fn config(tokeniser: &Tokeniser, records: u64, level: u32) -> MixConfig {
        let n = tokeniser.steps().len();
        let depth = depths(tokeniser).max().unwrap_or(1).max(1);
        let own = n.min(MAX_OWN_WEIGHTS);
        let mut limits = vec![400u16; contexts::count(level)];
        limits[0] = 1000;
        let mut sets = vec![SetConfig { size: own, by_node: true, rate: rate(10) }];
        if level >= 5 {
            sets.push(SetConfig { size: own, by_node: false, rate: rate(1) });
        }
        MixConfig {
            line_bits: MixConfig::line_bits_for(records.saturating_mul(n as u64), level),
            limits,
            runs: level >= 6,
            sets,
            extra_inputs: 0,
            apms: if level >= 5 { vec![own] } else { vec![] },
            depth,
        }
    }

    /// A fresh model for `records` records at a level (4..=6; others count as the nearest).
    pub fn new(tokeniser: &Tokeniser, records: u64, level: u32) -> Self {
        let n = tokeniser.steps().len();
        Self {
            engine: Mix::new(&Self::config(tokeniser, records, level)),
            history: History::new(tokeniser),
            row: vec![0; n],
            previous: vec![0; n],
            contexts: contexts::count(level),
            depths: depths(tokeniser).collect(),
        }
    }

    /// Bytes that a model for `records` records holds.
    pub fn bytes(tokeniser: &Tokeniser, records: u64, level: u32) -> u64 {
        let steps = tokeniser.steps().len() as u64;
        // Two rows of values, depths, and what is known of three rows.
        let rows = 2 * 8 + 4 + History::BYTES_PER_STEP;
        Self::config(tokeniser, records, level).bytes() + steps * rows
    }

    /// Appends what was learned; see [`Mix::save`].
    pub fn save(&self, visits: u32, out: &mut Vec<u8>) {
        self.engine.save(visits, out);
    }

    /// Loads what a model of the same tokeniser, number of records and level saved.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] for anything else.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        self.engine.load(input)
    }

    /// Ends a segment: forgets its records, keeps what was learned.
    pub fn restart(&mut self, tokeniser: &Tokeniser) {
        self.row.fill(0);
        self.previous.fill(0);
        self.history = History::new(tokeniser);
    }

    /// Codes whole records.
    ///
    /// # Errors
    /// [`TokenError::Stream`] if the tokeniser has no symbol for a value, which none does that was fitted here.
    pub fn encode<C: BinaryCoder>(
        &mut self,
        tokeniser: &Tokeniser,
        coder: &mut C,
        bytes: &[u8],
    ) -> Result<(), TokenError> {
        for record in bytes.chunks_exact(tokeniser.layout().record_bytes) {
            for (f, value) in tokeniser.layout().fields.iter().zip(&mut self.row) {
                *value = f.load(record);
            }
            self.code_record::<C, false>(tokeniser, coder)?;
            self.end_record();
        }
        Ok(())
    }

    /// Decodes whole records: the inverse of [`FieldModel::encode`].
    ///
    /// # Errors
    /// [`TokenError::Stream`] for what no encoder writes.
    pub fn decode<C: BinaryCoder>(
        &mut self,
        tokeniser: &Tokeniser,
        coder: &mut C,
        out: &mut [u8],
    ) -> Result<(), TokenError> {
        for record in out.chunks_exact_mut(tokeniser.layout().record_bytes) {
            self.code_record::<C, true>(tokeniser, coder)?;
            for (f, &value) in tokeniser.layout().fields.iter().zip(&self.row) {
                f.store(value, record);
            }
            self.end_record();
        }
        Ok(())
    }

    fn end_record(&mut self) {
        std::mem::swap(&mut self.row, &mut self.previous);
        self.history.next_record();
    }

    fn code_record<C: BinaryCoder, const DECODE: bool>(
        &mut self,
        tokeniser: &Tokeniser,
        coder: &mut C,
    ) -> Result<(), TokenError> {
        let mut hashes = [0u32; MAX_FIELD_CONTEXTS];
        for (k, step) in tokeniser.steps().iter().enumerate() {
            let f = usize::from(step.field);
            let last = self.previous[f];
            let (before, predicted) = tokeniser.before(k, &self.row, &self.previous);
            let token = if DECODE {
                vxc_tokens::Token { symbol: 0, offset: 0, size: 1 }
            } else {
                step.encode(self.row[f], last, before)
            };
            let depth = self.depths[k];
            let symbol = if depth == 0 {
                0
            } else {
                let expected = match step.transform {
                    Transform::Relation(_) => Some(short_float(step.kind, predicted)),
                    _ => None,
                };
                self.history.hashes(k, step, expected, &mut hashes[..self.contexts]);
                let set = (k % MAX_OWN_WEIGHTS) as u32;
                let query = Query {
                    hashes: &hashes[..self.contexts],
                    sets: &[set, set],
                    apms: &[set],
                    last: set & 255,
                    depth,
                };
                self.engine.code(coder, &query, u32::from(token.symbol), &mut NoExpert) as u8
            };
            let size = step.size(symbol, before);
            if size == 0 {
                return Err(TokenError::Stream("symbol outside the alphabet"));
            }
            let offset = if size > 1 { code_wide_uniform(coder, size, token.offset) } else { 0 };
            if DECODE {
                self.row[f] = step.decode(symbol, offset, last, before)?;
            }
            let key = step.key(self.row[f], symbol);
            self.history.push(k, symbol, key, self.row[f] == last);
        }
        Ok(())
    }
}
