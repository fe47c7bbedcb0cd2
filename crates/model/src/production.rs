//! The production network: what is trained, and exported to integers.

mod attention;
mod block;
mod cat;
mod gradients;
mod head;
mod network;
mod state;
mod tokens;

pub use attention::OptimisedCompressiveAttention;
pub use block::OptimisedBlock;
pub use cat::CatWrapper;
pub use gradients::PassGradients;
pub use head::Head;
pub use network::{OptimisedCompressiveTransformer, Run};
pub use state::{KvCache, LayerState, State};
pub use tokens::Tokens;
