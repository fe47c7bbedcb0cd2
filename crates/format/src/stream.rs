//! Block `T`: the definition of a stream, i.e. how the segments that name it are tokenised.
//!
//! ```text
//! head    := stream id varint · stream kind u8 · tokeniser source u8 · [model id 32 bytes]
//! payload := the serialised tokeniser, opaque here
//! ```
//! The id is the number of earlier definitions in the archive. A definition stands anywhere before the
//! first segment that uses it, so a schema may change midway and a pipe needs no look-ahead; an embedded
//! model stands before the definition that names it.

use crate::constants::{MAX_STREAMS, MODEL_ID_BYTES};
use crate::error::FormatError;
use crate::model::ModelId;
use crate::parse::Parse;
use crate::varint;

/// What a stream's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Bytes without structure.
    Bytes,
    /// Records of fixed size.
    Records,
}

/// Where a stream's tokeniser comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokeniserSource {
    /// The definition's payload.
    Inline,
    /// A model file; the payload holds what the model leaves open, and may be empty.
    Model(ModelId),
}

/// The definition of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDef {
    /// Number of earlier definitions. [`ArchiveWriter`](crate::ArchiveWriter) sets it.
    pub id: u32,
    /// What the bytes are.
    pub kind: StreamKind,
    /// Where the tokeniser comes from.
    pub source: TokeniserSource,
    /// The serialised tokeniser, opaque here.
    pub payload: Vec<u8>,
}

impl StreamDef {
    pub(crate) fn write_head(id: u32, kind: StreamKind, source: TokeniserSource) -> Vec<u8> {
        let mut head = Vec::new();
        varint::put(&mut head, id.into());
        head.push(match kind {
            StreamKind::Bytes => 0,
            StreamKind::Records => 1,
        });
        match source {
            TokeniserSource::Inline => head.push(0),
            TokeniserSource::Model(ModelId(id)) => {
                head.push(1);
                head.extend_from_slice(&id);
            }
        }
        head
    }

    /// A definition from a block.
    pub(crate) fn parse(head: &[u8], payload: Vec<u8>) -> Result<Self, FormatError> {
        let mut p = Parse::new(head, "the head of a stream definition");
        let id = p.varint32()?;
        if id >= MAX_STREAMS {
            return Err(FormatError::corrupt(format!("stream number {id}")));
        }
        let kind = match p.u8()? {
            0 => StreamKind::Bytes,
            1 => StreamKind::Records,
            k => return Err(FormatError::UnsupportedVersion(format!("stream kind {k}"))),
        };
        let source = match p.u8()? {
            0 => TokeniserSource::Inline,
            1 => TokeniserSource::Model(ModelId(p.array::<MODEL_ID_BYTES>()?)),
            k => return Err(FormatError::UnsupportedVersion(format!("tokeniser source {k}"))),
        };
        p.end()?;
        Ok(Self { id, kind, source, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(id in 0..MAX_STREAMS, records: bool, model: Option<[u8; 32]>) {
            let def = StreamDef {
                id,
                kind: if records { StreamKind::Records } else { StreamKind::Bytes },
                source: model.map_or(TokeniserSource::Inline, |m| TokeniserSource::Model(ModelId(m))),
                payload: vec![1, 2, 3],
            };
            let head = StreamDef::write_head(def.id, def.kind, def.source);
            prop_assert_eq!(StreamDef::parse(&head, vec![1, 2, 3]).unwrap(), def);
        }
    }

    #[test]
    fn unknown_kinds_are_of_a_later_version() {
        let parse = |h: &[u8]| StreamDef::parse(h, Vec::new());
        assert!(matches!(parse(&[0, 2, 0]), Err(FormatError::UnsupportedVersion(_))));
        assert!(matches!(parse(&[0, 0, 2]), Err(FormatError::UnsupportedVersion(_))));
        assert!(matches!(parse(&[0, 0, 0, 0]), Err(FormatError::Corruption(_))));
        assert!(matches!(parse(&[0, 0, 1, 0]), Err(FormatError::Corruption(_))));
    }
}
