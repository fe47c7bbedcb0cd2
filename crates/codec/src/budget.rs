//! Memory of a decoder: what models, streams and tables hold counts together against one limit, the caller's own
//! models first.

use std::sync::Arc;

use vxc_format::{DecodeLimits, EmbeddedModel, Header, StreamDef};

use crate::decoder::open_stream;
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::segment_code::check_memory;
use crate::stream::Stream;

/// What is held, and how much may be.
pub(crate) struct Budget {
    limits: DecodeLimits,
    /// Bytes of the caller's models.
    given: u64,
    /// Bytes of these and of all that archives brought.
    held: u64,
}

impl Budget {
    /// Of a decoder that holds the models of its caller.
    ///
    /// # Errors
    /// `LimitExceeded` if these alone are too many.
    pub fn new(options: &DecompressOptions) -> Result<Self, Error> {
        let given = options.models.iter().fold(0u64, |sum, m| sum.saturating_add(m.held_bytes()));
        check_memory(given, &options.limits)?;
        Ok(Self { limits: options.limits, given, held: given })
    }

    /// Bytes held.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Counts what is held from now on.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Error> {
        let held = self.held.saturating_add(bytes);
        check_memory(held, &self.limits)?;
        self.held = held;
        Ok(())
    }

    /// Forgets what archives brought.
    pub fn restart(&mut self) {
        self.held = self.given;
    }

    /// Loads a model that travels in an archive.
    ///
    /// # Errors
    /// `LimitExceeded`; [`Error::ModelMismatch`].
    pub fn load_model(&mut self, embedded: EmbeddedModel) -> Result<Arc<Model>, Error> {
        let max_memory = self.limits.max_memory.saturating_sub(self.held);
        let model =
            Model::with_limits(embedded.bytes, &DecodeLimits { max_memory, ..self.limits })?;
        model.neural().map_or(Ok(()), |neural| neural.check_embedded())?;
        self.hold(model.held_bytes())?;
        Ok(Arc::new(model))
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// As [`open_stream`]; `LimitExceeded`.
    pub fn open_stream(
        &mut self,
        def: &StreamDef,
        models: &[Arc<Model>],
        header: &Header,
    ) -> Result<Stream, Error> {
        let stream = open_stream(def, models, header)?;
        if stream.model().is_none() {
            self.hold(stream.code().held_bytes())?;
        }
        Ok(stream)
    }
}
