//! Gradients with one block's activations held at a time.
//!
//! The forward pass keeps the inputs of every block only. The backward pass goes through the blocks in reverse, runs
//! each once more under autodiff, and hands its gradients on: with `g` the gradient of a block's output y, the scalar
//! Σ y ⊙ g has the gradients wanted. What a block carries to the next piece of the pass (cache, memory, the unfinished
//! chunk) gets its gradients in the same way, from the next piece back to this one.
//! Source: Chen et al., *Training Deep Nets with Sublinear Memory Cost*, arXiv:1604.06174.

use std::ops::Range;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};

use super::network::{OptimisedCompressiveTransformer, Piece, Run};
use super::state::{LayerState, State};
use super::tokens::Tokens;
use crate::dropout::Dropout;

/// Loss and gradients of a pass.
pub struct PassGradients {
    /// Sum of the losses of the pieces, (1), without graph.
    pub loss: Tensor<1>,
    /// Gradients of all weights.
    pub gradients: GradientsParams,
    /// State after the pass, without graph.
    pub state: State,
}

/// A piece of the forward pass, as the backward pass needs it.
struct Taped {
    tokens: Tokens,
    piece: Piece,
    range: Range<usize>,
    /// Without layers: position and last symbol.
    before: State,
    blocks: Vec<TapedBlock>,
    output: Tensor<3>,
    /// No gradients come back from later pieces.
    cut: bool,
}

struct TapedBlock {
    input: Tensor<3>,
    state: LayerState,
    dropout: Option<Dropout>,
}

impl OptimisedCompressiveTransformer {
    /// Forward and backward pass with per-block checkpointing. `loss` takes logits (B, n, V) of a range of the T
    /// positions and gives a scalar; the scalars of all pieces are summed. Equal to a plain backward pass over the sum
    /// but for rounding.
    ///
    /// # Panics
    /// As [`Self::forward_with`], and if the network is on a device without autodiff.
    pub fn checkpointed_gradients(
        &self,
        input: &Tokens,
        state: State,
        run: &Run,
        loss: impl Fn(Tensor<3>, Range<usize>) -> Tensor<1>,
    ) -> PassGradients {
        let (tape, state) = self.record(input, state.detach(), &mut run.clone());
        let mut all = GradientsAccumulator::<Self>::new();
        let mut total: Option<Tensor<1>> = None;
        // Gradients of what each layer carries out of the piece at hand.
        let mut carried = vec![LayerState::default(); self.layers.len()];
        for taped in tape.into_iter().rev() {
            if taped.cut {
                carried = vec![LayerState::default(); self.layers.len()];
            }
            let output = self.leaf(taped.output);
            let value = loss(self.logits(output.clone(), taped.before.position), taped.range);
            let mut gradients = value.backward();
            let mut gradient = gradient_of(&output, &gradients);
            all.accumulate(self, GradientsParams::from_module(&mut gradients, self));
            let value = value.without_autodiff();
            total = Some(match total {
                Some(total) => total + value,
                None => value,
            });
            let blocks = self.layers.iter().zip(taped.blocks).zip(&mut carried);
            for ((block, mut at), carried) in blocks.rev() {
                let input = self.leaf(at.input);
                let before = at.state.map(|x| self.leaf(x), |x| self.leaf(x));
                let ends = taped.piece.chunk_ends;
                let (output, after) =
                    block.forward(input.clone(), before.clone(), ends, at.dropout.as_mut());
                let mut scalar = (output * gradient.autodiff_as(&input)).sum();
                for term in after.products(carried) {
                    scalar = scalar + term;
                }
                let mut gradients = scalar.backward();
                gradient = gradient_of(&input, &gradients);
                *carried =
                    before.map(|x| gradient_of(&x, &gradients), |x| gradient_of(&x, &gradients));
                all.accumulate(self, GradientsParams::from_module(&mut gradients, block));
            }
            let read = self.read(&taped.tokens, &taped.before);
            let mut gradients = (read.clone() * gradient.autodiff_as(&read)).sum().backward();
            all.accumulate(self, GradientsParams::from_module(&mut gradients, self));
        }
        let loss = total.unwrap_or_else(|| Tensor::zeros([1], &input.symbols.device()));
        PassGradients { loss, gradients: all.grads(), state }
    }

    /// The forward pass without graphs. The same formulas as under autodiff, not the fused kernels, so that recomputed
    /// blocks repeat it exactly.
    fn record(&self, input: &Tokens, mut state: State, run: &mut Run) -> (Vec<Taped>, State) {
        let plain = self.valid();
        let [_, len] = input.dims();
        let mut tape = Vec::new();
        let mut start = 0;
        while start < len {
            let piece = self.next_piece(len - start, &state, run);
            let range = start..start + piece.len;
            let tokens = input.slice(range.clone());
            let layers = self.layer_states(&mut state);
            let before = state.clone();
            let mut x = plain.read(&tokens, &state).without_autodiff();
            let mut blocks = Vec::with_capacity(self.layers.len());
            for (block, layer) in plain.layers.iter().zip(layers) {
                blocks.push(TapedBlock {
                    input: x.clone(),
                    state: layer.clone(),
                    dropout: run.dropout.clone(),
                });
                let (y, after) =
                    block.forward(x.autodiff(), layer, piece.chunk_ends, run.dropout.as_mut());
                x = y.without_autodiff();
                state.layers.push(after.map(Tensor::without_autodiff, Tensor::without_autodiff));
            }
            let chunks = state.chunks;
            self.finish_piece(&tokens, piece, &mut state);
            let cut = state.chunks < chunks + usize::from(piece.chunk_ends);
            tape.push(Taped { tokens, piece, range, before, blocks, output: x, cut });
            start += piece.len;
        }
        (tape, state)
    }

    /// A leaf whose gradient is kept, in the autodiff context of the weights.
    fn leaf<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        x.autodiff_as(&self.start.val()).require_grad()
    }
}

/// Gradient of a leaf; zeros where nothing depends on it.
fn gradient_of<const D: usize>(leaf: &Tensor<D>, gradients: &Gradients) -> Tensor<D> {
    leaf.grad(gradients).unwrap_or_else(|| leaf.clone().without_autodiff().zeros_like())
}

/// Puts a constant into the autodiff context of another tensor.
trait AutodiffAs {
    fn autodiff_as<const E: usize>(self, other: &Tensor<E>) -> Self;
}

impl<const D: usize> AutodiffAs for Tensor<D> {
    fn autodiff_as<const E: usize>(self, other: &Tensor<E>) -> Self {
        match other.gradient_checkpointing_strategy() {
            Some(strategy) => {
                self.without_autodiff().autodiff().with_gradient_checkpointing_strategy(strategy)
            }
            None => self,
        }
    }
}
