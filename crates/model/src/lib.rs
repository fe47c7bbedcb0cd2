//! The compressive transformer in floating point, on Burn.
//!
//! Two networks over the same parts. [`reference`] follows the published package part by part: plain, readable, for
//! comparison and for its checkpoints. [`production`] is what is trained and exported to integers: root-mean-square
//! norms, a key/value cache bounded to the window, a memory written once per chunk, and what record streams add
//! (tables per field, the symbol one record up, the offset fraction, a head that stays small).
//!
//! Shapes: B lanes, T positions, D = `d_model`, H heads, V symbols, M memory entries.
//!
//! Conventions of the production network, which the integer engine repeats: query i sees keys (i − window, i]; memory
//! is written at the end of each full chunk and seen from the next one on; equal scores are evicted by position, the
//! lower one stays; the memory holds at most window / 2 entries, the oldest leave first. Step-by-step and whole-sequence
//! evaluation give the same logits.
//!
//! Nothing that decodes depends on this crate.

#![forbid(unsafe_code)]

pub mod attend;
mod checkpoint;
mod config;
mod dropout;
mod embedding;
mod error;
mod eviction;
mod init;
mod linear;
mod memory;
mod memory_stream;
mod norm;
mod position;
pub mod production;
pub mod published;
pub mod reference;
mod swiglu;
mod weights;

pub use checkpoint::{load, save};
pub use config::{
    Beta, Embedding, HeadKind, MemoryConfig, POSITION_RING, PositionKind, TransformerConfig,
    TypePattern, VramEstimate,
};
pub use dropout::Dropout;
pub use embedding::TdtEmbedding;
pub use error::{ModelError, WeightsMismatch};
pub use eviction::{Kept, LearnableTokenEviction};
pub use init::Initialiser;
pub use memory::MemoryManager;
pub use memory_stream::MemoryStream;
pub use norm::{LayerNorm, RmsNorm};
pub use position::PositionalEncoding;
pub use production::{
    CatWrapper, OptimisedBlock, OptimisedCompressiveAttention, OptimisedCompressiveTransformer,
    Run, State, Tokens,
};
pub use swiglu::SwiGlu;
pub use weights::{apply_weights, from_safetensors, to_safetensors, weights};
