//! The production network as a whole.
//!
//! ```text
//! x[t] = E[type(t−1)][symbol(t−1)] + fraction(t−1) · w_f + copied(t−1) · w_c        what was read; a start vector first
//!      + target[type(t)] + A[type(t)][above(t)]                                     what is known of the position
//! x    = block_n(… block_1(x))
//! logits[t] = head[type(t)](norm x[t])
//! ```
//! Each term stands only where the configuration has it. A pass is cut at the ends of chunks, where memory is written;
//! without memory it runs in one piece.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::block::OptimisedBlock;
use super::head::Head;
use super::state::{LayerState, State};
use super::tokens::Tokens;
use crate::config::{PositionKind, TransformerConfig, VramEstimate};
use crate::dropout::Dropout;
use crate::embedding::{SPREAD, TdtEmbedding};
use crate::error::ModelError;
use crate::init::Initialiser;
use crate::norm::RmsNorm;
use crate::position::PositionalEncoding;

/// Width at which linear weights start with the published spread; others keep the variance of the outputs.
const PUBLISHED_WIDTH: f64 = 512.0;

/// How a pass is run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Chunk size instead of the configured one.
    pub chunk: Option<usize>,
    /// Dropout, in training.
    pub dropout: Option<Dropout>,
}

/// The production network.
#[derive(Module, Debug)]
pub struct OptimisedCompressiveTransformer {
    /// Of the symbol read.
    pub embed: TdtEmbedding,
    /// (D): stands for the symbol before the first.
    pub start: Param<Tensor<1>>,
    /// (types, D): of the predicted position.
    pub target: Option<Param<Tensor<2>>>,
    /// Of the symbol one record up.
    pub above: Option<TdtEmbedding>,
    /// (types, D): per unit of offset fraction.
    pub fraction: Option<Param<Tensor<2>>>,
    /// (types, D): added where the symbol was coded as COPY.
    pub copied: Option<Param<Tensor<2>>>,
    /// Blocks.
    pub layers: Vec<OptimisedBlock>,
    /// Before the head.
    pub ln_f: RmsNorm,
    /// Logits.
    pub head: Head,
    #[module(skip)]
    config: TransformerConfig,
}

impl OptimisedCompressiveTransformer {
    /// A network with weights drawn from `seed`.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the configuration describes no network.
    pub fn new(config: &TransformerConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let mut init = Initialiser::new(seed, device);
        let init = &mut init;
        let (d, types, vocab) = (config.d_model, config.types.count(), config.context_vocab);
        let spread = SPREAD * (PUBLISHED_WIDTH / d as f64).sqrt();
        let per_type =
            |on: bool, init: &mut Initialiser| on.then(|| init.normal([types, d], SPREAD));
        Ok(Self {
            embed: TdtEmbedding::new(config.embedding, vocab, types, d, init),
            start: init.normal([d], SPREAD),
            target: per_type(config.target_type, init),
            above: config
                .above
                .then(|| TdtEmbedding::new(config.embedding.without_gate(), vocab, types, d, init)),
            fraction: per_type(config.fraction, init),
            copied: per_type(config.copied, init),
            layers: (0..config.n_layers)
                .map(|_| OptimisedBlock::new(config, spread, init))
                .collect(),
            ln_f: RmsNorm::new(d, init),
            head: Head::new(config, init),
            config: config.clone(),
        })
    }

    /// What the network was made from.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Number of trained weights.
    pub fn parameter_count(&self) -> usize {
        self.num_params()
    }

    /// Memory of a training step over `batch` lanes of `seq_len` positions.
    pub fn vram_estimate_gb(&self, batch: usize, seq_len: usize) -> VramEstimate {
        self.config.vram_estimate_gb(batch, seq_len)
    }

    /// Starts the head's bias at the logarithms of frequencies: `counts[type][symbol]`.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the head has no bias or `counts` has another shape.
    pub fn init_bias(mut self, counts: &[Vec<u64>]) -> Result<Self, ModelError> {
        self.head = self.head.set_log_bias(counts)?;
        Ok(self)
    }

    /// Logits (B, T, V) of every symbol from those before it, and the state after them.
    pub fn forward(&self, input: &Tokens, state: State) -> (Tensor<3>, State) {
        self.forward_with(input, state, &mut Run::default())
    }

    /// As [`Self::forward`], with a chunk size and dropout.
    ///
    /// # Panics
    /// If T = 0, if the input lacks a feature that the configuration reads, or if the state is of other lanes.
    pub fn forward_with(
        &self,
        input: &Tokens,
        mut state: State,
        run: &mut Run,
    ) -> (Tensor<3>, State) {
        let [_, len] = input.dims();
        let mut logits = Vec::new();
        let mut start = 0;
        while start < len {
            let piece = self.next_piece(len - start, &state, run);
            let tokens = input.slice(start..start + piece.len);
            let position = state.position;
            let mut x = self.read(&tokens, &state);
            let layers = self.layer_states(&mut state);
            for (block, layer) in self.layers.iter().zip(layers) {
                let (y, layer) = block.forward(x, layer, piece.chunk_ends, run.dropout.as_mut());
                x = y;
                state.layers.push(layer);
            }
            logits.push(self.logits(x, position));
            self.finish_piece(&tokens, piece, &mut state);
            start += piece.len;
        }
        (Tensor::cat(logits, 1), state)
    }

    /// Logits (B, T, V) of the symbol *after* each one and the memories after the pass: the published package's
    /// convention, where a pass is a chunk, without cache, start vector or record features. For comparison with it.
    pub fn logits_of_next(
        &self,
        symbols: Tensor<2, Int>,
        memories: Vec<Tensor<3>>,
    ) -> (Tensor<3>, Vec<Tensor<3>>) {
        let mut x = self.embed(symbols, 0);
        let mut old = memories.into_iter();
        let mut new = Vec::with_capacity(self.layers.len());
        for block in &self.layers {
            let state = LayerState { memory: old.next(), ..LayerState::default() };
            let (y, after) = block.forward(x, state, true, None);
            x = y;
            new.extend(after.memory);
        }
        (self.logits(x, 1), new)
    }

    /// How far the next piece of a pass goes: to the end of the chunk, or of the input.
    pub(super) fn next_piece(&self, left: usize, state: &State, run: &Run) -> Piece {
        let Some(memory) = &self.config.memory else {
            return Piece { len: left, chunk_ends: false };
        };
        let chunk = run.chunk.unwrap_or(memory.chunk).max(1);
        let len = left.min(chunk.saturating_sub(state.filled).max(1));
        Piece { len, chunk_ends: state.filled + len >= chunk }
    }

    /// The layers' states, taken out of `state`.
    pub(super) fn layer_states(&self, state: &mut State) -> Vec<LayerState> {
        let mut layers = std::mem::take(&mut state.layers);
        layers.resize(self.layers.len(), LayerState::default());
        layers
    }

    /// Counts positions and chunks after a piece; cuts gradients after the configured number of chunks.
    pub(super) fn finish_piece(&self, tokens: &Tokens, piece: Piece, state: &mut State) {
        state.advance(tokens);
        state.filled = if piece.chunk_ends { 0 } else { state.filled + piece.len };
        state.chunks += usize::from(piece.chunk_ends);
        let keep = self.config.memory.as_ref().map_or(usize::MAX, |m| m.backprop_chunks);
        if state.chunks >= keep {
            *state = std::mem::take(state).detach();
        }
    }

    /// Input vectors (B, T, D) of the blocks.
    pub(super) fn read(&self, input: &Tokens, state: &State) -> Tensor<3> {
        let [lanes, len] = input.dims();
        let (d, position) = (self.config.d_model, state.position);
        // Symbols t − 1: the carried one and all but the last, or all but the last behind the start vector.
        let carried = state.last.as_ref();
        let shifted = (len > 1).then(|| input.slice(0..len - 1));
        let first = position - usize::from(carried.is_some());
        let join = |last: Option<Tensor<2>>, rest: Option<Tensor<2>>| {
            let parts: Vec<_> = last.into_iter().chain(rest).collect();
            (!parts.is_empty()).then(|| Tensor::cat(parts, 1))
        };
        let symbols: Vec<_> = carried
            .map(|last| last.symbol.clone())
            .into_iter()
            .chain(shifted.as_ref().map(|tokens| tokens.symbols.clone()))
            .collect();
        let mut vectors = Vec::new();
        if carried.is_none() {
            vectors.push(self.start.val().reshape([1, 1, d]).expand([lanes, 1, d]));
        }
        if !symbols.is_empty() {
            let mut x = self.embed(Tensor::cat(symbols, 1), first);
            let fraction = join(
                carried.and_then(|last| last.fraction.clone()),
                shifted.as_ref().and_then(|tokens| tokens.fraction.clone()),
            );
            let copied = join(
                carried.and_then(|last| last.copied.clone()),
                shifted.as_ref().and_then(|tokens| tokens.copied.clone()),
            );
            for (weight, feature) in [(&self.fraction, fraction), (&self.copied, copied)] {
                if let Some(weight) = weight {
                    let feature =
                        feature.expect("the input has the features that the config reads");
                    let rows = self.rows(weight.val(), first, x.dims()[1]);
                    x = x + feature.unsqueeze_dim::<3>(2) * rows;
                }
            }
            vectors.push(x);
        }
        let mut x = Tensor::cat(vectors, 1);
        if let Some(target) = &self.target {
            x = x + self.rows(target.val(), position, len);
        }
        if let Some(table) = &self.above {
            let above =
                input.above.clone().expect("the input has the features that the config reads");
            x = x + table.forward(above, &self.config.types.at(position, len));
        }
        x
    }

    /// Embedding of symbols (B, T) whose first stands at `position`, with its encoding.
    fn embed(&self, symbols: Tensor<2, Int>, position: usize) -> Tensor<3> {
        let [_, len] = symbols.dims();
        let device = symbols.device().without_autodiff();
        let x = self.embed.forward(symbols, &self.config.types.at(position, len));
        match self.config.position {
            PositionKind::Sinusoidal => {
                let encoding = PositionalEncoding::new(self.config.d_model);
                let positions = encoding.forward(position, len, &device).cast(x.dtype());
                x + positions
            }
            PositionKind::Distance | PositionKind::None => x,
        }
    }

    /// (1, `len`, D): rows of a table (types, D) for positions from `position` on.
    fn rows(&self, table: Tensor<2>, position: usize, len: usize) -> Tensor<3> {
        let types: Vec<i64> =
            self.config.types.at(position, len).into_iter().map(|t| t as i64).collect();
        let index =
            Tensor::from_data(TensorData::new(types, [len]), &table.device().without_autodiff());
        table.select(0, index).unsqueeze::<3>()
    }

    /// Logits of the positions from `position` on.
    pub(super) fn logits(&self, x: Tensor<3>, position: usize) -> Tensor<3> {
        let [_, len, _] = x.dims();
        self.head.forward(self.ln_f.forward(x), &self.config.types.at(position, len))
    }
}

/// Part of a pass between ends of chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub len: usize,
    pub chunk_ends: bool,
}
