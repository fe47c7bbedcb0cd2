//! Memory of a decoder: what models, streams and tables hold counts together against one limit, the caller's own
//! models first. What is worked with beside them: [`admission`](crate::admission).

use std::sync::Arc;

use vxc_format::{
    DecodeLimits, EmbeddedModel, FormatError, Header, ModelId, StreamDef, TokeniserSource, limits,
};

use crate::PROFILE;
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::stream::Stream;
use crate::stream_code::StreamCode;

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
        options.limits.check_memory("the models", given)?;
        Ok(Self { limits: options.limits, given, held: given })
    }

    /// Bytes held.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Counts what is held from now on, beside so many bytes of others.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn hold(&mut self, what: &'static str, bytes: u64, beside: u64) -> Result<(), Error> {
        let held = self.held.saturating_add(bytes);
        self.limits.check_memory(what, held.saturating_add(beside))?;
        self.held = held;
        Ok(())
    }

    /// What was counted so is held no longer.
    pub fn release(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Forgets what archives brought.
    pub fn restart(&mut self) {
        self.held = self.given;
    }

    /// Makes something within what is left beside what is held and so many bytes of others. An error of a limit tells the
    /// whole need and the whole limit.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn within<T, E: Into<Error>>(
        &self,
        beside: u64,
        make: impl FnOnce(&DecodeLimits) -> Result<T, E>,
    ) -> Result<T, Error> {
        let all = self.limits.max_memory;
        let left = all.saturating_sub(self.held.saturating_add(beside));
        make(&DecodeLimits { max_memory: left, ..self.limits }).map_err(|e| match e.into() {
            Error::Format(FormatError::LimitExceeded { what, needed, limit })
                if limits::is_memory(what) && limit <= left && left < all =>
            {
                let needed = needed.saturating_add(all - limit);
                FormatError::LimitExceeded { what, needed, limit: all }.into()
            }
            e => e,
        })
    }

    /// Loads a model that travels in an archive, beside so many bytes of others.
    ///
    /// # Errors
    /// `LimitExceeded`; [`Error::ModelMismatch`].
    pub fn load_model(
        &mut self,
        embedded: &EmbeddedModel,
        beside: u64,
    ) -> Result<Arc<Model>, Error> {
        // The model keeps a copy, so that the block can be tried again.
        let beside = beside.saturating_add(embedded.bytes.len() as u64);
        let model = self.within(beside, |left| Model::with_limits(embedded.bytes.clone(), left))?;
        model.neural().map_or(Ok(()), |neural| neural.check_embedded())?;
        self.hold("the models", model.held_bytes(), beside)?;
        Ok(Arc::new(model))
    }

    /// Opens a stream from its definition, beside so many bytes of others.
    ///
    /// # Errors
    /// [`Error::ModelMissing`]; [`FormatError::UnsupportedVersion`] for the arithmetic of another program;
    /// [`Error::Corruption`]; `LimitExceeded`.
    pub fn open_stream(
        &mut self,
        def: &StreamDef,
        models: &[Arc<Model>],
        header: &Header,
        beside: u64,
    ) -> Result<Stream, Error> {
        if header.profile != PROFILE {
            let profile = format!("arithmetic profile {}", header.profile);
            return Err(FormatError::UnsupportedVersion(profile).into());
        }
        let stream = match def.source {
            TokeniserSource::Inline => {
                let beside = beside.saturating_add(def.payload.len() as u64);
                let read = |left: &DecodeLimits| StreamCode::within(&def.payload, left.max_memory);
                Stream::new(self.within(beside, read)?)
            }
            TokeniserSource::Model(_) if !def.payload.is_empty() => {
                return Err(Error::Corruption("a definition beside that of the model".into()));
            }
            TokeniserSource::Model(id) => {
                Stream::of_model(find_model(models, id, &header.writer.to_string())?)
            }
        };
        if def.kind != stream.code().kind() {
            return Err(Error::Corruption("the kind of a stream is not that of its code".into()));
        }
        self.hold("the streams", stream.held_bytes(), beside)?;
        Ok(stream)
    }
}

fn find_model(models: &[Arc<Model>], id: ModelId, writer: &str) -> Result<Arc<Model>, Error> {
    models
        .iter()
        .find(|m| m.id() == id)
        .cloned()
        .ok_or_else(|| Error::ModelMissing { id, writer: writer.to_string() })
}
