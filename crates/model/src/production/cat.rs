//! Chunks of several sizes in training, the largest at inference.
//!
//! A network that has seen chunks of several sizes can be run with any of them. The size of a training step is a
//! function of seed and step alone, so a resumed run draws the same. Memories, caches and position travel in the state,
//! and checkpoints hold the bare network: the wrapper has no weights.

use burn::tensor::Tensor;
use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::network::{OptimisedCompressiveTransformer, Run};
use super::state::State;
use super::tokens::Tokens;
use crate::dropout::Dropout;
use crate::error::ModelError;

/// A network with its chunk sizes.
#[derive(Clone, Debug)]
pub struct CatWrapper {
    /// The network.
    pub model: OptimisedCompressiveTransformer,
    chunk_sizes: Vec<usize>,
    seed: u64,
}

impl CatWrapper {
    /// Chunk sizes of the published package.
    pub const CHUNK_SIZES: [usize; 3] = [128, 256, 512];

    /// Wraps a network.
    ///
    /// # Errors
    /// [`ModelError::Config`] without sizes, or with a size of zero.
    pub fn new(
        model: OptimisedCompressiveTransformer,
        mut chunk_sizes: Vec<usize>,
        seed: u64,
    ) -> Result<Self, ModelError> {
        chunk_sizes.sort_unstable();
        match chunk_sizes.first() {
            None | Some(0) => Err(ModelError::Config("chunk sizes must be at least 1".into())),
            Some(_) => Ok(Self { model, chunk_sizes, seed }),
        }
    }

    /// Chunk size of a training step.
    pub fn training_chunk(&self, step: u64) -> usize {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(step);
        let draw = u64::from(generator.next_u32()) * self.chunk_sizes.len() as u64;
        self.chunk_sizes[(draw >> 32) as usize]
    }

    /// Chunk size at inference: the largest.
    pub fn inference_chunk(&self) -> usize {
        self.chunk_sizes[self.chunk_sizes.len() - 1]
    }

    /// See [`OptimisedCompressiveTransformer::forward`].
    pub fn forward(&self, input: &Tokens, state: State) -> (Tensor<3>, State) {
        let mut run = Run { chunk: Some(self.inference_chunk()), dropout: None };
        self.model.forward_with(input, state, &mut run)
    }

    /// The same with the chunk size of a training step.
    pub fn forward_train(
        &self,
        step: u64,
        input: &Tokens,
        state: State,
        dropout: Option<Dropout>,
    ) -> (Tensor<3>, State) {
        let mut run = Run { chunk: Some(self.training_chunk(step)), dropout };
        self.model.forward_with(input, state, &mut run)
    }
}
