//! A stream as both sides use it: its code, and the model that it may start from.

use std::sync::Arc;

use vxc_format::SegmentKind;

use crate::error::Error;
use crate::model::Model;
use crate::neural::Neural;
use crate::segment_code::{Method, State};
use crate::stream_code::StreamCode;

/// A stream's code, its own or a model's.
#[derive(Clone, Debug)]
pub enum Stream {
    /// Defined in the archive.
    Own(StreamCode),
    /// Defined by a model.
    Model(Arc<Model>),
}

impl Stream {
    /// A stream with a code of its own.
    pub fn new(code: StreamCode) -> Self {
        Self::Own(code)
    }

    /// A stream that uses a model.
    pub fn of_model(model: Arc<Model>) -> Self {
        Self::Model(model)
    }

    /// The same stream with the code that a reader will see.
    ///
    /// # Errors
    /// [`Error::Corruption`] if the payload does not parse.
    pub fn read_back(self, payload: &[u8]) -> Result<Self, Error> {
        StreamCode::from_bytes(payload).map(Self::Own)
    }

    /// The code.
    pub fn code(&self) -> &StreamCode {
        match self {
            Self::Own(code) => code,
            Self::Model(model) => model.code(),
        }
    }

    /// The model, if there is one.
    pub fn model(&self) -> Option<&Arc<Model>> {
        match self {
            Self::Own(_) => None,
            Self::Model(model) => Some(model),
        }
    }

    /// What a segment that no other primes starts from.
    pub fn fresh(&self, kind: SegmentKind) -> State {
        match self {
            Self::Own(code) => code.fresh(kind),
            Self::Model(model) => model.fresh(kind),
        }
    }

    /// The network of its model, where there is one.
    pub fn neural(&self) -> Option<&Neural> {
        self.model().and_then(|model| model.neural())
    }

    /// Bytes that a stream holds in a list of them, about. What a model holds is the model's.
    pub(crate) fn held_bytes(&self) -> u64 {
        let own = match self {
            Self::Own(code) => code.held_bytes(),
            Self::Model(_) => 0,
        };
        // Twice: places in lists and maps are not all taken.
        2 * size_of::<Self>() as u64 + own
    }

    /// Bytes that coding or decoding a segment takes, its state and both its forms included.
    pub fn memory(&self, kind: SegmentKind, raw_len: u64, coded_len: u64) -> u64 {
        let lanes = match (kind, self.neural()) {
            (SegmentKind::Neural, Some(neural)) => neural.working_bytes(self.code(), raw_len),
            _ => 0,
        };
        self.code().memory(kind, raw_len, coded_len).saturating_add(lanes)
    }

    /// Codes a segment: [`StreamCode::encode`].
    ///
    /// # Errors
    /// As there.
    pub fn encode(
        &self,
        method: Method,
        state: &mut State,
        raw: &[u8],
    ) -> Result<(SegmentKind, Vec<u8>), Error> {
        self.code().encode(self.neural(), method, state, raw)
    }

    /// Bits of a segment in theory: [`StreamCode::cost`].
    ///
    /// # Errors
    /// As there.
    pub fn cost(
        &self,
        kind: SegmentKind,
        state: &mut State,
        raw: &[u8],
    ) -> Result<Option<f64>, Error> {
        self.code().cost(kind, state, raw)
    }

    /// Decodes a segment: [`StreamCode::decode`].
    ///
    /// # Errors
    /// As there.
    pub fn decode(
        &self,
        kind: SegmentKind,
        state: &mut State,
        coded: &[u8],
        out: &mut Vec<u8>,
        raw_len: usize,
    ) -> Result<(), Error> {
        self.code().decode(self.neural(), kind, state, coded, out, raw_len)
    }
}
