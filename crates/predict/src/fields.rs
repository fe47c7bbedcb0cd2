//! The adaptive model of record streams: context mixing over field symbols.
//!
//! A record is coded field by field in the tokeniser's order. For each field the engine codes the symbol
//! from contexts of values already known: the fields before it, its partner fields, and the same field
//! in earlier records. The offset inside the symbol's values follows as a uniform number.

pub(crate) mod contexts;
mod steps;

use vxc_entropy::BinaryCoder;
use vxc_tokens::{TokenError, Tokeniser};

use crate::error::PredictError;
use crate::mix::mixer::rate;
use crate::mix::{MixConfig, NoExpert, SetConfig};
pub(crate) use steps::{Coded, Hashes, Lane, MAX_OWN_WEIGHTS, Steps, depths};

/// The adaptive state of a record stream.
#[derive(Clone, Debug)]
pub struct FieldModel {
    steps: Steps,
    lane: Lane,
}

impl FieldModel {
    /// The engine's configuration for `records` records at a level.
    fn config(tokeniser: &Tokeniser, records: u64, level: u32) -> MixConfig {
        let n = tokeniser.steps().len();
        let own = n.min(MAX_OWN_WEIGHTS);
        let mut sets = vec![SetConfig { size: own, by_node: true, rate: rate(10) }];
        if level >= 5 {
            sets.push(SetConfig { size: own, by_node: false, rate: rate(1) });
        }
        MixConfig {
            line_bits: MixConfig::line_bits_for(records.saturating_mul(n as u64), level),
            limits: Steps::limits(contexts::count(level)),
            runs: level >= 6,
            sets,
            extra_inputs: 0,
            apms: if level >= 5 { vec![own] } else { vec![] },
            depth: depths(tokeniser).max().unwrap_or(1).max(1),
        }
    }

    /// A fresh model for `records` records at a level (4..=6; others count as the nearest).
    pub fn new(tokeniser: &Tokeniser, records: u64, level: u32) -> Self {
        Self {
            steps: Steps::new(tokeniser, &Self::config(tokeniser, records, level)),
            lane: Lane::new(tokeniser),
        }
    }

    /// Bytes that a model for `records` records holds.
    pub fn bytes(tokeniser: &Tokeniser, records: u64, level: u32) -> u64 {
        Steps::bytes(tokeniser, &Self::config(tokeniser, records, level)) + Lane::bytes(tokeniser)
    }

    /// Appends what was learned; see [`crate::Mix::save`].
    pub fn save(&self, visits: u32, out: &mut Vec<u8>) {
        self.steps.engine.save(visits, out);
    }

    /// Loads what a model of the same tokeniser, number of records and level saved.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] for anything else.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        self.steps.engine.load(input)
    }

    /// Ends a segment: forgets its records, keeps what was learned.
    pub fn restart(&mut self) {
        self.lane.clear();
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
            self.lane.load(tokeniser, record);
            self.code_record::<C, false>(tokeniser, coder)?;
            self.lane.next_record();
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
            self.lane.store(tokeniser, record);
            self.lane.next_record();
        }
        Ok(())
    }

    fn code_record<C: BinaryCoder, const DECODE: bool>(
        &mut self,
        tokeniser: &Tokeniser,
        coder: &mut C,
    ) -> Result<(), TokenError> {
        for k in 0..tokeniser.steps().len() {
            let mut field = self.lane.begin::<DECODE>(tokeniser, k);
            if self.steps.depths[k] > 0 {
                let mut hashes = Hashes::default();
                self.steps.hashes(&self.lane, tokeniser, &field, &mut hashes);
                let set = (k % MAX_OWN_WEIGHTS) as u32;
                field.token.symbol =
                    self.steps.code(coder, &field, &hashes, &[set, set], &[set], &mut NoExpert);
            }
            self.lane.end::<C, DECODE>(tokeniser, coder, &mut field)?;
        }
        Ok(())
    }
}
