//! Coding one segment with a stream's code, and the model states that pass from a key segment to others.

use vxc_entropy::{CostCounter, RangeDecoder, RangeEncoder};
use vxc_format::{SegmentKind, min_coded_len};
use vxc_predict::bytes::{ByteKind, ByteModel, ByteModelConfig};
use vxc_predict::fields::FieldModel;
use vxc_predict::lz::{self, LzPlan};
use vxc_predict::neural::NeuralModel;
use vxc_predict::static_model::StaticModel;
use vxc_predict::static_model::contexts::Context;
use vxc_tokens::Tokeniser;
use vxc_tokens::relation::FloatEnv;

use crate::error::Error;
use crate::neural::Neural;
use crate::stream_code::{Form, StreamCode};

/// How an encoder codes a stream's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// No coding.
    Stored,
    /// The LZ kind.
    Lz(LzPlan),
    /// The static kind (streams with a tokeniser).
    Static,
    /// The mix kind.
    Mix,
    /// The neural kind (streams whose model has a network); `pure`: the network alone.
    Neural {
        /// Without adaptive contexts.
        pure: bool,
    },
}

/// What a segment's model knows when it ends; a copy starts the segments that it primes. Between segments it
/// holds what was learned and nothing of the content itself.
#[derive(Clone, Debug)]
pub enum State {
    /// Nothing is kept (stored and LZ segments).
    None,
    /// Counts of the static model.
    Static(Box<StaticModel>),
    /// The field model.
    Fields(Box<FieldModel>),
    /// The byte model.
    Bytes(Box<ByteModel>),
    /// The adaptive part of the neural model.
    Neural(Box<NeuralModel>),
}

impl Method {
    /// The kind of its segments.
    pub fn kind(self) -> SegmentKind {
        match self {
            Method::Stored => SegmentKind::Stored,
            Method::Lz(_) => SegmentKind::Lz,
            Method::Static => SegmentKind::Static,
            Method::Mix => SegmentKind::Mix,
            Method::Neural { .. } => SegmentKind::Neural,
        }
    }
}

impl StreamCode {
    /// The state that a fresh segment of a kind starts from.
    pub fn fresh(&self, kind: SegmentKind) -> State {
        match (kind, &self.form, &self.plan) {
            (SegmentKind::Static, Form::Fields(t), Some(plan)) => {
                State::Static(Box::new(StaticModel::new(t, plan)))
            }
            (SegmentKind::Mix, Form::Fields(t), _) => {
                State::Fields(Box::new(FieldModel::new(t, self.records(t), self.mix_level)))
            }
            (SegmentKind::Neural, Form::Fields(t), _) => {
                State::Neural(Box::new(NeuralModel::mixed(t, self.records(t), self.mix_level)))
            }
            (SegmentKind::Mix, _, _) => match self.byte_model() {
                Some(config) => State::Bytes(Box::new(ByteModel::new(&config))),
                None => State::None,
            },
            _ => State::None,
        }
    }

    /// Configuration of the byte model, where the form has one.
    fn byte_model(&self) -> Option<ByteModelConfig> {
        let kind = match &self.form {
            Form::Fields(_) => return None,
            Form::Records(layout) => ByteKind::Record(layout.clone()),
            Form::Text => ByteKind::Text,
            Form::Bytes => ByteKind::Binary,
        };
        Some(ByteModelConfig { kind, level: self.mix_level, len: self.size() })
    }

    /// What the tables of the models are sized for, in bytes.
    fn size(&self) -> u64 {
        1 << self.size_bits
    }

    /// Records in as many bytes.
    fn records(&self, tokeniser: &Tokeniser) -> u64 {
        (self.size() / tokeniser.layout().record_bytes as u64).max(1)
    }

    /// Bytes of a state between segments, at most, but for what allocation adds.
    pub fn state_bytes(&self, kind: SegmentKind) -> u64 {
        match (kind, &self.form, &self.plan) {
            (SegmentKind::Static, Form::Fields(t), Some(plan)) => {
                let classes = |c: &Option<_>| c.as_ref().map_or(0, Context::classes) as u64 + 1;
                let counts = t.steps().iter().zip(&plan.contexts.0);
                counts.map(|(s, c)| 64 + classes(c) * (24 + 4 * s.alphabet() as u64)).sum()
            }
            (SegmentKind::Mix, Form::Fields(t), _) => {
                FieldModel::bytes(t, self.records(t), self.mix_level)
            }
            (SegmentKind::Neural, Form::Fields(t), _) => {
                NeuralModel::bytes(t, self.records(t), self.mix_level)
            }
            (SegmentKind::Mix, _, _) => {
                self.byte_model().map_or(0, |config| ByteModel::kept_bytes(&config))
            }
            _ => 0,
        }
    }

    /// Bytes that coding or decoding a segment takes, its state and both its forms included.
    pub fn memory(&self, kind: SegmentKind, raw_len: u64, coded_len: u64) -> u64 {
        let working = match (kind, &self.form) {
            (SegmentKind::Mix, _) => self
                .byte_model()
                .map_or(0, |config| ByteModel::working_bytes(&config.kind, raw_len)),
            (SegmentKind::Static, Form::Fields(t)) => block_bytes(t.steps().len() as u64, raw_len),
            // The dictionary, and the rearranged copy.
            (SegmentKind::Lz, _) => raw_len.next_power_of_two() + raw_len,
            _ => 0,
        };
        // The raw bytes stand among those of other segments, too.
        let bytes = raw_len.saturating_mul(2).saturating_add(coded_len);
        self.state_bytes(kind).saturating_add(working).saturating_add(bytes)
    }

    /// Codes `raw`. `state` is what the segment starts from; it ends as what the segment leaves behind. `neural`: the
    /// network of the stream's model, where it has one.
    ///
    /// # Errors
    /// [`Error::Corruption`] if a library fails.
    pub fn encode(
        &self,
        neural: Option<&Neural>,
        method: Method,
        state: &mut State,
        raw: &[u8],
    ) -> Result<(SegmentKind, Vec<u8>), Error> {
        FloatEnv::check()?;
        let (kind, mut bytes) = match (method, &mut *state, &self.form) {
            (Method::Stored, _, _) => return Ok((SegmentKind::Stored, raw.to_vec())),
            (Method::Lz(plan), _, _) => (SegmentKind::Lz, lz::encode(plan, self.layout(), raw)?),
            (Method::Static, State::Static(model), Form::Fields(t)) => {
                let plan = self.plan.as_ref().ok_or_else(|| mismatch("static"))?;
                (SegmentKind::Static, model.encode(t, plan, raw))
            }
            (Method::Mix, State::Fields(model), Form::Fields(t)) => {
                let mut coder = RangeEncoder::new();
                model.encode(t, &mut coder, raw)?;
                model.restart();
                (SegmentKind::Mix, coder.finish())
            }
            (Method::Mix, State::Bytes(model), _) => {
                let mut coder = RangeEncoder::new();
                model.encode(&mut coder, raw);
                model.restart();
                (SegmentKind::Mix, coder.finish())
            }
            (Method::Neural { pure }, state, _) => {
                let neural = neural.ok_or_else(|| mismatch("network"))?;
                (SegmentKind::Neural, neural.encode(self, pure, state, raw)?)
            }
            _ => return Err(mismatch("state")),
        };
        pad(&mut bytes, raw.len());
        Ok((kind, bytes))
    }

    /// Bits that the model's probabilities give `raw`, without what the coder and the container add; `state` as for
    /// [`StreamCode::encode`], and it learns in the same way. None where a method has no probabilities of its own.
    ///
    /// # Errors
    /// As there.
    pub fn cost(
        &self,
        kind: SegmentKind,
        state: &mut State,
        raw: &[u8],
    ) -> Result<Option<f64>, Error> {
        FloatEnv::check()?;
        let mut coder = CostCounter::new();
        match (kind, state, &self.form) {
            (SegmentKind::Mix, State::Fields(model), Form::Fields(t)) => {
                model.encode(t, &mut coder, raw)?;
                model.restart();
            }
            (SegmentKind::Mix, State::Bytes(model), _) => {
                model.encode(&mut coder, raw);
                model.restart();
            }
            _ => return Ok(None),
        }
        Ok(Some(coder.bits()))
    }

    /// Decodes a segment and appends its `raw_len` bytes to `out`: the inverse of [`StreamCode::encode`].
    ///
    /// # Errors
    /// [`Error::Corruption`] for what no encoder writes; `out` may have grown then.
    pub fn decode(
        &self,
        neural: Option<&Neural>,
        kind: SegmentKind,
        state: &mut State,
        coded: &[u8],
        out: &mut Vec<u8>,
        raw_len: usize,
    ) -> Result<(), Error> {
        if kind == SegmentKind::Stored {
            out.extend_from_slice(coded);
            return Ok(());
        }
        FloatEnv::check()?;
        let coded = unpadded(coded, raw_len)?;
        let start = out.len();
        if let (SegmentKind::Mix, State::Bytes(model)) = (kind, &mut *state) {
            let mut coder = RangeDecoder::new(coded);
            model.decode(&mut coder, raw_len, out);
            model.restart();
            return end(coder);
        }
        if let (SegmentKind::Static | SegmentKind::Mix | SegmentKind::Neural, Form::Fields(t)) =
            (kind, &self.form)
            && !raw_len.is_multiple_of(t.layout().record_bytes)
        {
            return Err(Error::Corruption("a segment is no whole number of records".into()));
        }
        if let (SegmentKind::Static, State::Static(model), Form::Fields(t)) =
            (kind, &mut *state, &self.form)
        {
            let plan = self.plan.as_ref().ok_or_else(|| mismatch("static"))?;
            let records = raw_len / t.layout().record_bytes;
            return Ok(model.decode(t, plan, coded, records, out)?);
        }
        out.resize(start + raw_len, 0);
        let out = &mut out[start..];
        match (kind, &mut *state, &self.form) {
            (SegmentKind::Lz, _, _) => lz::decode(self.layout(), coded, out)?,
            (SegmentKind::Mix, State::Fields(model), Form::Fields(t)) => {
                let mut coder = RangeDecoder::new(coded);
                model.decode(t, &mut coder, out)?;
                model.restart();
                end(coder)?;
            }
            (SegmentKind::Neural, state, _) => {
                let neural = neural.ok_or_else(|| mismatch("network"))?;
                neural.decode(self, state, coded, out)?;
            }
            _ => return Err(mismatch("kind")),
        }
        Ok(())
    }
}

/// Bytes of the largest block of a static segment: columns of values, symbols and keys, and one column of
/// offsets and the like.
fn block_bytes(fields: u64, raw_len: u64) -> u64 {
    // A block has 128 records or 2^16 values, whichever is more; a value has a byte at least.
    let values = (128 * fields).max(1 << 16).min(raw_len);
    // The tables of a step, one for each of up to 16 classes.
    let tables = 16 * (17 << 10);
    24 * values + 48 * values / fields.max(1) + tables
}

fn end(coder: RangeDecoder<'_>) -> Result<(), Error> {
    coder.finish().map_err(|e| Error::Corruption(format!("segment: {e}")))
}

fn mismatch(what: &str) -> Error {
    Error::Corruption(format!("the {what} of a segment does not fit its stream"))
}

/// Ends the coded bytes of a segment: a one, and zeros up to the length that the format asks for.
fn pad(bytes: &mut Vec<u8>, raw_len: usize) {
    bytes.push(1);
    bytes.resize(bytes.len().max(least(raw_len)), 0);
}

/// The inverse of [`pad`]: zeros that nobody asks for are no part of any archive.
fn unpadded(coded: &[u8], raw_len: usize) -> Result<&[u8], Error> {
    match coded.iter().rposition(|&b| b != 0) {
        Some(last) if coded[last] == 1 && coded.len() == least(raw_len).max(last + 1) => {
            Ok(&coded[..last])
        }
        _ => Err(Error::Corruption("a segment does not end with its mark".into())),
    }
}

/// Fewest coded bytes of a segment.
fn least(raw_len: usize) -> usize {
    usize::try_from(min_coded_len(raw_len as u64)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
