//! The neural symbol model: a transformer's distributions, mixed with adaptive contexts or alone.
//!
//! The records of a segment are cut into contiguous [`lanes`] that run in lock-step, so that the network's weights meet
//! many vectors at a time. Code order: the r-th records of all lanes, step by step of the tokeniser, in a step lane by
//! lane. Each lane has its own record before (all zeros at first), its own contexts and its own place in the network's
//! state; the adaptive tables are shared and learn in code order.
//!
//! With contexts, the network's distribution enters every decision as further inputs of the mix ([`nodes`]). Alone, it
//! codes the symbols by itself, 256-ary. Offsets are uniform either way.

mod lanes;
mod network;
mod nodes;

use vxc_entropy::symbols::SymbolCoder;
use vxc_infer::{Engine, Input, Isa};
use vxc_tokens::{Step, Tokeniser};

use crate::error::PredictError;
use crate::fields::{Coded, Hashes, Lane, MAX_OWN_WEIGHTS, Steps, contexts, depths};
use crate::mix::mixer::rate;
use crate::mix::{MixConfig, SetConfig};
pub use lanes::{MAX_LANES, lanes_for};
pub use network::Network;
use nodes::Nodes;

/// Lanes whose contexts are looked up before the first of them is coded: their cache misses overlap.
const GROUP: usize = 8;

/// The adaptive state beside the network.
#[derive(Clone, Debug)]
pub struct NeuralModel {
    /// None: the network alone.
    steps: Option<Steps>,
    isa: Isa,
}

/// What is counted for a lane and for each of its steps. The count decides how many lanes a segment may have, so it is
/// the same on every machine, and no less than what any of them takes.
const LANE_BYTES: u64 = 512;
const STEP_BYTES: u64 = 128;
const _: () = assert!(size_of::<Track>() + size_of::<Input>() <= LANE_BYTES as usize);
const _: () = assert!(Lane::BYTES_PER_STEP + 2 <= STEP_BYTES);

/// A lane with what the network reads of it.
#[derive(Clone, Debug)]
struct Track {
    lane: Lane,
    /// The token coded last.
    token: vxc_infer::Token,
    /// Symbols of the values one record up, by step; overwritten by this record's as they come.
    above: Vec<u16>,
}

impl NeuralModel {
    /// The engine's configuration for `records` records with the contexts of a mix level (4..=6).
    fn config(tokeniser: &Tokeniser, records: u64, contexts_of: u32) -> MixConfig {
        let n = tokeniser.steps().len();
        let own = n.min(MAX_OWN_WEIGHTS);
        MixConfig {
            line_bits: MixConfig::line_bits_for(records.saturating_mul(n as u64), contexts_of),
            limits: Steps::limits(contexts::count(contexts_of)),
            runs: contexts_of >= 6,
            sets: vec![
                SetConfig { size: own, by_node: true, rate: rate(10) },
                SetConfig { size: own, by_node: false, rate: rate(1) },
            ],
            extra_inputs: nodes::INPUTS,
            apms: vec![own],
            depth: depths(tokeniser).max().unwrap_or(1).max(1),
        }
    }

    /// A fresh model for `records` records, with the contexts of a mix level (4..=6; others count as the nearest).
    pub fn mixed(tokeniser: &Tokeniser, records: u64, contexts_of: u32) -> Self {
        let config = Self::config(tokeniser, records, contexts_of);
        Self { steps: Some(Steps::new(tokeniser, &config)), isa: Isa::current() }
    }

    /// The network alone: nothing is learned.
    pub fn pure() -> Self {
        Self { steps: None, isa: Isa::current() }
    }

    /// The same on another instruction set: for tests that compare them.
    #[must_use]
    pub fn on(&self, isa: Isa) -> Self {
        let mut own = Self { isa, ..self.clone() };
        own.steps.iter_mut().for_each(|steps| steps.engine.set_isa(isa));
        own
    }

    /// Bytes that a mixed model for `records` records holds.
    pub fn bytes(tokeniser: &Tokeniser, records: u64, contexts_of: u32) -> u64 {
        Steps::bytes(tokeniser, &Self::config(tokeniser, records, contexts_of))
    }

    /// Bytes that coding a segment takes in so many lanes, besides this model and the network.
    pub fn working_bytes(network: &Network, tokeniser: &Tokeniser, lanes: usize) -> u64 {
        let track = tokeniser.steps().len() as u64 * STEP_BYTES + LANE_BYTES;
        network.state_bytes(lanes) + lanes as u64 * track
    }

    /// Appends what was learned; see [`crate::Mix::save`].
    pub fn save(&self, visits: u32, out: &mut Vec<u8>) {
        if let Some(steps) = &self.steps {
            steps.engine.save(visits, out);
        }
    }

    /// Loads what a model of the same tokeniser, number of records and contexts saved.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] for anything else.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        match &mut self.steps {
            Some(steps) => steps.engine.load(input),
            None => Ok(()),
        }
    }

    /// Codes whole records in `lanes` lanes.
    ///
    /// # Errors
    /// [`PredictError`] if the network is for other records, or there are no or too many lanes; else as
    /// [`crate::fields::FieldModel::encode`].
    pub fn encode<C: SymbolCoder>(
        &mut self,
        network: &Network,
        tokeniser: &Tokeniser,
        lanes: usize,
        coder: &mut C,
        bytes: &[u8],
    ) -> Result<(), PredictError> {
        let size = tokeniser.layout().record_bytes;
        let mut run = Run::new(network, tokeniser, bytes.len() / size, lanes, self.isa)?;
        for r in 0..run.cut.longest() {
            let active = run.start_record(r);
            for (lane, track) in run.tracks[..active].iter_mut().enumerate() {
                let at = run.cut.record(lane, r) * size;
                track.lane.load(tokeniser, &bytes[at..at + size]);
            }
            run.code_records::<C, false>(&mut self.steps, coder, active)?;
            run.tracks[..active].iter_mut().for_each(|track| track.lane.next_record());
        }
        Ok(())
    }

    /// Decodes whole records: the inverse of [`NeuralModel::encode`].
    ///
    /// # Errors
    /// [`PredictError`] for what no encoder writes, and as [`NeuralModel::encode`].
    pub fn decode<C: SymbolCoder>(
        &mut self,
        network: &Network,
        tokeniser: &Tokeniser,
        lanes: usize,
        coder: &mut C,
        out: &mut [u8],
    ) -> Result<(), PredictError> {
        let size = tokeniser.layout().record_bytes;
        let mut run = Run::new(network, tokeniser, out.len() / size, lanes, self.isa)?;
        for r in 0..run.cut.longest() {
            let active = run.start_record(r);
            run.code_records::<C, true>(&mut self.steps, coder, active)?;
            // The network would go on for as long as the segment says.
            if coder.overran() {
                return Err(PredictError::Corrupt("coded data that ends too early"));
            }
            for (lane, track) in run.tracks[..active].iter_mut().enumerate() {
                let at = run.cut.record(lane, r) * size;
                track.lane.store(tokeniser, &mut out[at..at + size]);
                track.lane.next_record();
            }
        }
        Ok(())
    }
}

/// A segment being coded.
struct Run<'a> {
    tokeniser: &'a Tokeniser,
    alone: bool,
    cut: lanes::Cut,
    engine: Engine,
    tracks: Vec<Track>,
    inputs: Vec<Input>,
}

impl<'a> Run<'a> {
    fn new(
        network: &Network,
        tokeniser: &'a Tokeniser,
        records: usize,
        lanes: usize,
        isa: Isa,
    ) -> Result<Self, PredictError> {
        network.fits(tokeniser)?;
        let cut = lanes::Cut::new(records, lanes)?;
        let track = Track {
            lane: Lane::new(tokeniser),
            token: vxc_infer::Token::default(),
            above: vec![0; tokeniser.steps().len()],
        };
        Ok(Self {
            tokeniser,
            alone: network.alone(),
            cut,
            engine: network.engine(lanes, isa)?,
            tracks: vec![track; lanes],
            inputs: vec![Input::default(); lanes],
        })
    }

    /// Prepares the r-th records of all lanes; gives the number of lanes that have one.
    fn start_record(&mut self, r: usize) -> usize {
        if self.alone {
            self.engine.reset(0);
        }
        self.cut.active(r)
    }

    /// Codes a record of each active lane.
    fn code_records<C: SymbolCoder, const DECODE: bool>(
        &mut self,
        steps: &mut Option<Steps>,
        coder: &mut C,
        active: usize,
    ) -> Result<(), PredictError> {
        let tokeniser = self.tokeniser;
        for (k, step) in tokeniser.steps().iter().enumerate() {
            for (input, track) in self.inputs.iter_mut().zip(&self.tracks) {
                *input = Input { previous: track.token, above: track.above[k] };
            }
            let cdfs = self.engine.step(&self.inputs);
            let groups = self.tracks[..active].chunks_mut(GROUP).zip(cdfs.chunks(GROUP));
            for (tracks, cdfs) in groups {
                let mut fields = [None; GROUP];
                for (field, track) in fields.iter_mut().zip(&*tracks) {
                    let now = track.lane.begin::<DECODE>(tokeniser, k);
                    let mut hashes = Hashes::default();
                    if let Some(steps) = &steps {
                        steps.hashes(&track.lane, tokeniser, &now, &mut hashes);
                        steps.hint(&hashes);
                    }
                    *field = Some((now, hashes));
                }
                for ((track, cdf), field) in tracks.iter_mut().zip(cdfs).zip(fields) {
                    let Some((mut field, hashes)) = field else { continue };
                    field.token.symbol = match steps {
                        _ if step.alphabet() < 2 => 0,
                        None => coder.symbol(cdf, field.token.symbol),
                        Some(steps) => {
                            let set = (k % MAX_OWN_WEIGHTS) as u32;
                            let mut nodes = Nodes::new(cdf);
                            steps.code(coder, &field, &hashes, &[set, set], &[set], &mut nodes)
                        }
                    };
                    track.lane.end::<C, DECODE>(tokeniser, coder, &mut field)?;
                    track.read(step, tokeniser, &field);
                }
            }
        }
        Ok(())
    }
}

impl Track {
    /// What the network will read of a field that was coded.
    #[inline(always)]
    fn read(&mut self, step: &Step, tokeniser: &Tokeniser, field: &Coded) {
        let token = field.token;
        let copied = step.copy && token.symbol == 0;
        let symbol = if copied {
            let raw = self.lane.value(tokeniser, field.k);
            step.bins.find(step.to_domain(raw, field.before), field.before.shift).bin as u16 + 1
        } else {
            u16::from(token.symbol)
        };
        self.token =
            vxc_infer::Token { symbol, fraction: fraction(token.offset, token.size), copied };
        self.above[field.k] = symbol;
    }
}

/// `offset / size` in 256ths, rounded down; a size of 0 stands for 2^64.
#[inline(always)]
fn fraction(offset: u64, size: u64) -> u8 {
    if size < 1 << 32 && size > 0 {
        return ((offset << 8) / size) as u8;
    }
    let size = if size == 0 { 1 << 64 } else { u128::from(size) };
    ((u128::from(offset) << 8) / size) as u8
}

#[cfg(test)]
mod tests;
