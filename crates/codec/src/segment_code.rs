//! Coding one segment with a stream's code, and the model states that pass from a key segment to others.

use vxc_entropy::{RangeDecoder, RangeEncoder};
use vxc_format::{DecodeLimits, FormatError, SegmentKind, min_coded_len};
use vxc_predict::bytes::{ByteKind, ByteModel, ByteModelConfig};
use vxc_predict::fields::FieldModel;
use vxc_predict::lz::{self, LzPlan};
use vxc_predict::mix::MixConfig;
use vxc_predict::static_model::StaticModel;
use vxc_tokens::relation::FloatEnv;

use crate::error::Error;
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
}

/// What a segment's model knows when it ends; a copy starts the segments that it primes.
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
}

impl Method {
    /// The kind of its segments.
    pub fn kind(self) -> SegmentKind {
        match self {
            Method::Stored => SegmentKind::Stored,
            Method::Lz(_) => SegmentKind::Lz,
            Method::Static => SegmentKind::Static,
            Method::Mix => SegmentKind::Mix,
        }
    }
}

impl StreamCode {
    /// The state that a fresh segment of a kind starts from.
    pub fn fresh(&self, kind: SegmentKind) -> State {
        let size = 1u64 << self.size_bits;
        let bytes = |kind| {
            let config = ByteModelConfig { kind, level: self.mix_level, len: size };
            State::Bytes(Box::new(ByteModel::new(&config)))
        };
        match (kind, &self.form, &self.plan) {
            (SegmentKind::Static, Form::Fields(t), Some(plan)) => {
                State::Static(Box::new(StaticModel::new(t, plan)))
            }
            (SegmentKind::Mix, Form::Fields(t), _) => {
                let records = (size / t.layout().record_bytes as u64).max(1);
                State::Fields(Box::new(FieldModel::new(t, records, self.mix_level)))
            }
            (SegmentKind::Mix, Form::Records(l), _) => bytes(ByteKind::Record(l.clone())),
            (SegmentKind::Mix, Form::Text, _) => bytes(ByteKind::Text),
            (SegmentKind::Mix, Form::Bytes, _) => bytes(ByteKind::Binary),
            _ => State::None,
        }
    }

    /// Bytes that a decoder of this stream holds for one segment, about.
    pub fn memory(&self, kind: SegmentKind, raw_len: u64) -> u64 {
        let model = match (kind, &self.form) {
            (SegmentKind::Mix, Form::Fields(t)) => {
                let records = ((1u64 << self.size_bits) / t.layout().record_bytes as u64).max(1);
                FieldModel::memory(t, records, self.mix_level)
            }
            (SegmentKind::Mix, Form::Records(_) | Form::Text | Form::Bytes) => {
                // Lines of up to 26 contexts.
                let bits = MixConfig::line_bits_for(1 << self.size_bits, self.mix_level);
                (64 << bits) * 26
            }
            (SegmentKind::Static, Form::Fields(t)) => t.steps().len() as u64 * 40_000,
            // LZMA's dictionary and the rearranged copy.
            (SegmentKind::Lz, _) => 3 * raw_len,
            _ => 0,
        };
        model.saturating_add(2 * raw_len)
    }

    /// Codes `raw`. `state` is what the segment starts from; it ends as what the segment leaves behind.
    ///
    /// # Errors
    /// [`Error::Corruption`] if a library fails.
    pub fn encode(
        &self,
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
                model.restart(t);
                model.encode(t, &mut coder, raw);
                (SegmentKind::Mix, coder.finish())
            }
            (Method::Mix, State::Bytes(model), _) => {
                let mut coder = RangeEncoder::new();
                model.restart();
                model.encode(&mut coder, raw);
                (SegmentKind::Mix, coder.finish())
            }
            _ => return Err(mismatch("state")),
        };
        pad(&mut bytes, raw.len());
        Ok((kind, bytes))
    }

    /// Decodes a segment and appends its `raw_len` bytes to `out`: the inverse of [`StreamCode::encode`].
    ///
    /// # Errors
    /// [`Error::Corruption`] for what no encoder writes; `out` may have grown then.
    pub fn decode(
        &self,
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
        let coded = unpadded(coded)?;
        let start = out.len();
        if let (SegmentKind::Mix, State::Bytes(model)) = (kind, &mut *state) {
            let mut coder = RangeDecoder::new(coded);
            model.restart();
            model.decode(&mut coder, raw_len, out);
            return end(coder);
        }
        out.resize(start + raw_len, 0);
        let out = &mut out[start..];
        match (kind, &mut *state, &self.form) {
            (SegmentKind::Lz, _, _) => lz::decode(self.layout(), coded, out)?,
            (SegmentKind::Static | SegmentKind::Mix, _, Form::Fields(t))
                if !raw_len.is_multiple_of(t.layout().record_bytes) =>
            {
                return Err(Error::Corruption("a segment is no whole number of records".into()));
            }
            (SegmentKind::Static, State::Static(model), Form::Fields(t)) => {
                let plan = self.plan.as_ref().ok_or_else(|| mismatch("static"))?;
                model.decode(t, plan, coded, out)?;
            }
            (SegmentKind::Mix, State::Fields(model), Form::Fields(t)) => {
                let mut coder = RangeDecoder::new(coded);
                model.restart(t);
                model.decode(t, &mut coder, out)?;
                end(coder)?;
            }
            (SegmentKind::Neural, _, _) => {
                return Err(FormatError::UnsupportedVersion("a neural segment".into()).into());
            }
            _ => return Err(mismatch("kind")),
        }
        Ok(())
    }
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
    let least = usize::try_from(min_coded_len(raw_len as u64)).unwrap_or(usize::MAX);
    bytes.resize(bytes.len().max(least), 0);
}

/// The inverse of [`pad`].
fn unpadded(coded: &[u8]) -> Result<&[u8], Error> {
    match coded.iter().rposition(|&b| b != 0) {
        Some(last) if coded[last] == 1 => Ok(&coded[..last]),
        _ => Err(Error::Corruption("a segment does not end with its mark".into())),
    }
}

/// Refuses a segment whose model would not fit in memory.
///
/// # Errors
/// `LimitExceeded`.
pub fn check_memory(needed: u64, limits: &DecodeLimits) -> Result<(), Error> {
    if needed > limits.max_memory {
        return Err(FormatError::LimitExceeded {
            what: "a segment's model",
            needed,
            limit: limits.max_memory,
        }
        .into());
    }
    Ok(())
}
