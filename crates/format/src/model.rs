//! Block `M`: a model file inside the archive, so that no `.vxm` can get lost.
//!
//! Head: the model's id, 32 bytes. Payload: the model file, byte for byte. The id of a model is the BLAKE3
//! hash of its whole file; a stream names the model it needs by it, embedded or not.

use crate::constants::MODEL_ID_BYTES;
use crate::error::FormatError;
use crate::parse::Parse;

/// The BLAKE3 hash of a model file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub [u8; MODEL_ID_BYTES]);

impl ModelId {
    /// Of a model file's bytes.
    pub fn of(file: &[u8]) -> Self {
        Self(*blake3::hash(file).as_bytes())
    }
}

impl std::fmt::Display for ModelId {
    /// Hexadecimal, as `b3sum` prints it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelId({self})")
    }
}

/// An embedded model, whose bytes have the hash that its id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedModel {
    /// BLAKE3 of `bytes`.
    pub id: ModelId,
    /// The model file.
    pub bytes: Vec<u8>,
}

impl EmbeddedModel {
    /// The id in a block's head.
    pub(crate) fn parse_head(head: &[u8]) -> Result<ModelId, FormatError> {
        let mut p = Parse::new(head, "the head of an embedded model");
        let id = ModelId(p.array()?);
        p.end()?;
        Ok(id)
    }

    /// A model from a block at `offset`; hashes it.
    pub(crate) fn parse(head: &[u8], bytes: Vec<u8>, offset: u64) -> Result<Self, FormatError> {
        let id = Self::parse_head(head)?;
        if ModelId::of(&bytes) != id {
            return Err(FormatError::ChecksumMismatch { what: "an embedded model", at: offset });
        }
        Ok(Self { id, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_must_be_the_hash() {
        let bytes = b"weights".to_vec();
        let id = ModelId::of(&bytes);
        assert_eq!(EmbeddedModel::parse(&id.0, bytes.clone(), 0).unwrap().id, id);
        assert!(EmbeddedModel::parse(&[0; 32], bytes.clone(), 0).is_err());
        assert!(EmbeddedModel::parse(&id.0[..31], bytes, 0).is_err());
        assert_eq!(id.to_string().len(), 64);
    }
}
