//! Neural segments: a model's network, with the adaptive contexts or alone.
//!
//! ```text
//! coded bytes := flags u8 (bit 0: the network alone; others 0) · lanes varint · range-coded stream
//! ```
//! The number of lanes is the encoder's choice. What the network keeps for all of them is bounded: more lanes than fit
//! [`LANE_MEMORY`] are refused, one lane is always allowed (and counted against the reader's limit).

use vxc_entropy::{RangeDecoder, RangeEncoder, read_varint, write_varint};
use vxc_format::{FormatError, limits};
use vxc_infer::config::Embedding;
use vxc_infer::ops::embed::{COARSE_ROWS, FINE_ROWS};
use vxc_infer::{IntConfig, IntModel, PackedModel};
use vxc_predict::neural::{MAX_LANES, Network, NeuralModel, lanes_for};
use vxc_tokens::Tokeniser;

use crate::error::Error;
use crate::segment_code::State;
use crate::stream_code::{Form, StreamCode};

/// The network alone.
const FLAG_PURE: u8 = 1;
/// Most bytes that the lanes of a segment take, if there is more than one.
const LANE_MEMORY: u64 = 64 << 20;
/// Longest serial form of a network.
pub const MAX_NETWORK: u64 = 160 << 20;
/// Most work a symbol of a network within an archive ([`IntConfig::work_per_symbol`]); a model file that the user names may have any number.
pub const MAX_EMBEDDED_WORK: u64 = 1 << 19;

/// A network over the field symbols of a stream.
#[derive(Clone, Debug)]
pub struct Neural {
    network: Network,
}

impl Neural {
    /// A network for a stream. `alone`: it was trained on single records.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] if the stream has no tokeniser or one of other fields.
    pub fn new(model: IntModel, alone: bool, code: &StreamCode) -> Result<Self, Error> {
        let network = Network::new(model, alone);
        let Form::Fields(tokeniser) = &code.form else {
            return Err(Error::ModelMismatch("a network needs field symbols".into()));
        };
        network.fits(tokeniser).map_err(|e| Error::ModelMismatch(e.to_string()))?;
        Ok(Self { network })
    }

    /// Its shape.
    pub fn config(&self) -> &IntConfig {
        self.network.config()
    }

    /// Whether it reads every record by itself.
    pub fn alone(&self) -> bool {
        self.network.alone()
    }

    /// Serial form: one byte for [`Self::alone`], then the integers.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.alone())];
        out.extend(self.network.model().to_bytes());
        out
    }

    /// Bytes that reading and holding a serial form takes: a bound by its length, known before anything is made.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] if it is too long.
    pub(crate) fn bytes_of(serial: &[u8]) -> Result<u64, Error> {
        let len = serial.len() as u64;
        if len > MAX_NETWORK {
            return Err(Error::ModelMismatch("the network is too large".into()));
        }
        // Read; 8-bit weights again as panels of pairs; tables.
        Ok(4 * len)
    }

    /// Reads a serial form.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] for anything that is not one, or whose panels take more than `most` bytes.
    pub(crate) fn from_bytes(serial: &[u8], code: &StreamCode, most: u64) -> Result<Self, Error> {
        let bad = |what: String| Error::ModelMismatch(format!("network: {what}"));
        let (&alone, serial) = serial.split_first().ok_or_else(|| bad("no bytes".into()))?;
        if alone > 1 {
            return Err(bad("flags".into()));
        }
        let model = IntModel::from_bytes(serial).map_err(|e| bad(e.to_string()))?;
        let needed = PackedModel::bytes(model.config());
        limits::check("the panels of a network", needed, most)?;
        Self::new(model, alone == 1, code)
    }

    /// Bytes that the network holds.
    pub(crate) fn held_bytes(&self) -> u64 {
        // Tables and weights as read, and the panels.
        let config = self.config();
        let types = config.type_count() as u64;
        let tables = if config.embedding == Embedding::PerType { types } else { 1 };
        // Symbols before and above; then gains, targets, fractions and copies by type.
        let rows = 2 * tables * config.context_vocab as u64 + 8 * types + COARSE_ROWS + FINE_ROWS;
        let biases = types * config.vocab as u64;
        let weights = PackedModel::bytes(config);
        2 * (weights + rows * config.d_model as u64 + biases)
    }

    /// Most lanes of a segment of so many records.
    fn most_lanes(&self, tokeniser: &Tokeniser, records: u64) -> usize {
        let most = records.clamp(1, MAX_LANES as u64) as usize;
        let fits = |lanes: &usize| {
            NeuralModel::working_bytes(&self.network, tokeniser, *lanes) <= LANE_MEMORY
        };
        std::iter::successors(Some(most), |&n| (n > 1).then(|| n - n.div_ceil(8).min(n - 1)))
            .find(|n| *n == 1 || fits(n))
            .unwrap_or(1)
    }

    /// Bytes that a segment's lanes take.
    pub(crate) fn working_bytes(&self, code: &StreamCode, raw_len: u64) -> u64 {
        let Form::Fields(tokeniser) = &code.form else { return 0 };
        let records = raw_len / tokeniser.layout().record_bytes as u64;
        let most = records.clamp(1, MAX_LANES as u64) as usize;
        let bytes = |lanes| NeuralModel::working_bytes(&self.network, tokeniser, lanes);
        // A segment may have any number of lanes that keeps below the limit, and one in any case.
        bytes(most).min(LANE_MEMORY).max(bytes(1))
    }

    /// Refuses a network that an archive may not bring along: who writes an archive says how much is to be decoded, and
    /// a network says how long a symbol takes.
    ///
    /// # Errors
    /// [`FormatError::LimitExceeded`].
    pub(crate) fn check_embedded(&self) -> Result<(), Error> {
        let (needed, limit) = (self.config().work_per_symbol(), MAX_EMBEDDED_WORK);
        if needed > limit {
            let what = limits::NETWORK_WORK;
            return Err(FormatError::LimitExceeded { what, needed, limit }.into());
        }
        Ok(())
    }

    /// Codes a segment; `state` as in [`StreamCode::encode`], `pure`: the network alone.
    pub(crate) fn encode(
        &self,
        code: &StreamCode,
        pure: bool,
        state: &mut State,
        raw: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let Form::Fields(tokeniser) = &code.form else { return Err(unfit()) };
        let records = raw.len() / tokeniser.layout().record_bytes;
        let lanes = lanes_for(records).min(self.most_lanes(tokeniser, records as u64));
        let mut out = vec![if pure { FLAG_PURE } else { 0 }];
        write_varint(&mut out, lanes as u64);
        let mut coder = RangeEncoder::new();
        if pure {
            *state = State::None;
            let mut model = NeuralModel::pure();
            model.encode(&self.network, tokeniser, lanes, &mut coder, raw)?;
        } else {
            let State::Neural(model) = state else { return Err(unfit()) };
            model.encode(&self.network, tokeniser, lanes, &mut coder, raw)?;
        }
        out.extend(coder.finish());
        Ok(out)
    }

    /// The inverse of [`Self::encode`], into `out`: whole records.
    pub(crate) fn decode(
        &self,
        code: &StreamCode,
        state: &mut State,
        coded: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let Form::Fields(tokeniser) = &code.form else { return Err(unfit()) };
        let bad = || Error::Corruption("the head of a neural segment".into());
        let (&flags, mut rest) = coded.split_first().ok_or_else(bad)?;
        let lanes = read_varint(&mut rest).map_err(|_| bad())?;
        let records = out.len() / tokeniser.layout().record_bytes;
        let most = records.clamp(1, MAX_LANES);
        let lanes = usize::try_from(lanes).ok().filter(|&n| n <= most).ok_or_else(bad)?;
        let fits = lanes <= 1
            || NeuralModel::working_bytes(&self.network, tokeniser, lanes) <= LANE_MEMORY;
        if flags > FLAG_PURE || !fits {
            return Err(bad());
        }
        let mut coder = RangeDecoder::new(rest);
        if flags == FLAG_PURE {
            *state = State::None;
            let mut model = NeuralModel::pure();
            model.decode(&self.network, tokeniser, lanes, &mut coder, out)?;
        } else {
            let State::Neural(model) = state else { return Err(unfit()) };
            model.decode(&self.network, tokeniser, lanes, &mut coder, out)?;
        }
        coder.finish().map_err(|e| Error::Corruption(format!("segment: {e}")))
    }
}

fn unfit() -> Error {
    Error::Corruption("a neural segment does not fit its stream".into())
}
