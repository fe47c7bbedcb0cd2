//! The published base model, part by part: plain, without caches.
//!
//! Layer norms, sinusoidal positions, compression of every pass into the memory. Logits at t predict the symbol *after*
//! t (the production network shifts its input instead). Known differences: β starts at ½ here, as there (b = 0; the
//! published text says "all local", which b = 0 is not); types count from the start of the pass, as there, while the
//! production network counts from the start of the lane; the first memory is capped too.

mod attention;
mod block;
mod network;

pub use attention::CompressiveAttention;
pub use block::TransformerBlock;
pub use network::{CompressiveTransformer, ReferenceConfig};
