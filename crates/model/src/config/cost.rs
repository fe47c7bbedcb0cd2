//! What a network costs, from its description alone: parameters, multiply-accumulates, memory in training.

use super::{Beta, Embedding, HeadKind, PositionKind, TransformerConfig};

/// Kernel of the eviction scorer.
pub(crate) const SCORER_KERNEL: usize = 7;

/// Memory of a training step in GB (10^9 bytes), 32-bit floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VramEstimate {
    /// Weights, and as much again for their gradients.
    pub parameters: f64,
    /// What the forward pass keeps for the backward pass, and the gradients of scores while one block goes back.
    pub activations: f64,
    /// The same with per-block checkpointing: block inputs, and one block's activations.
    pub activations_checkpointed: f64,
    /// Two moments of AdamW.
    pub optimiser: f64,
    /// Parameters, activations (not checkpointed) and optimiser.
    pub total: f64,
}

impl TransformerConfig {
    /// Number of trained weights.
    pub fn parameter_count(&self) -> usize {
        let d = self.d_model;
        let types = self.types.count();
        let table = |kind| match kind {
            Embedding::Shared => self.context_vocab * d,
            Embedding::PerType { gate } => {
                types * self.context_vocab * d + if gate { types } else { 0 }
            }
            Embedding::Factorised => self.context_vocab * d + types * d,
        };
        let mut total = table(self.embedding) + d; // and the start vector
        if self.target_type {
            total += types * d;
        }
        if self.above {
            total += table(self.embedding.without_gate());
        }
        total += [self.fraction, self.copied].iter().filter(|&&on| on).count() * types * d;
        total += self.n_layers * self.block_parameters() + d; // and the last norm
        if self.position == PositionKind::Distance {
            total += self.n_layers * self.n_heads * self.window;
        }
        total += match self.head {
            HeadKind::Shared => d * self.vocab,
            HeadKind::PerType => types * d * self.vocab,
            HeadKind::Factorised => d * self.vocab + types * d,
        };
        if self.head_bias {
            total += self.head_biases() * self.vocab;
        }
        total
    }

    /// Rows of the head's bias.
    pub(crate) fn head_biases(&self) -> usize {
        if self.head == HeadKind::Shared { 1 } else { self.types.count() }
    }

    fn block_parameters(&self) -> usize {
        let d = self.d_model;
        let memory = self.memory.as_ref().map_or(0, |memory| {
            let beta = if let Beta::Learned { .. } = memory.beta { self.n_heads } else { 0 };
            let scorer = SCORER_KERNEL * d + d + 1;
            2 * d * d + beta + scorer + d * d + 2 * d // keys and values, β, scorer, projection, norm
        });
        4 * d * d + 3 * d * self.d_ff + 2 * d + memory
    }

    /// Multiply-accumulates for one symbol, the attention window and the memory being full.
    pub fn macs_per_symbol(&self) -> u64 {
        let d = self.d_model;
        let mut block = 4 * d * d + 3 * d * self.d_ff + 2 * d * self.window;
        if let Some(memory) = &self.memory {
            block += 2 * d * self.memory_cap();
            // Once per chunk: keys and values of the memory, the scorer, the projection of what is kept.
            block += 2 * d * d * self.memory_cap() / memory.chunk;
            block += (SCORER_KERNEL + 1) * d + d * d / memory.rate;
        }
        (self.n_layers * block + d * self.vocab) as u64
    }

    /// Estimate for `batch` lanes of `seq_len` positions held at once.
    pub fn vram_estimate_gb(&self, batch: usize, seq_len: usize) -> VramEstimate {
        const FLOAT: f64 = 4.0;
        let gb = |floats: f64| floats * FLOAT / 1e9;
        let weights = self.parameter_count() as f64;
        let (lanes, d, heads) = (batch as f64, self.d_model as f64, self.n_heads as f64);
        let chunk = self.memory.as_ref().map_or(seq_len, |m| m.chunk.min(seq_len)).max(1);
        // Kept for backward by each token in each block: two norms with their squares and quotients, q k v, both
        // branches (14 d together), gate, sigmoid, product and up (5 d_ff); scores, their exponentials and weights
        // (3 per head and key); the sums of the scorer. Going back, gradients of one block's weights and scores.
        let fixed =
            14.0 * d + 5.0 * self.d_ff as f64 + if self.memory.is_some() { 4.0 * d } else { 0.0 };
        let (mut kept, mut largest, mut back) = (0.0, 0f64, 0f64);
        for start in (0..seq_len).step_by(chunk) {
            let len = chunk.min(seq_len - start);
            let entries =
                self.memory.as_ref().map_or(0, |m| (start / m.rate).min(self.memory_cap()));
            let keys = len + start.min(self.window - 1) + entries;
            let scores = len as f64 * heads * keys as f64;
            let piece = len as f64 * fixed + 3.0 * scores;
            kept += piece;
            largest = largest.max(piece);
            back = back.max(2.0 * scores);
        }
        let head = 3.0 * self.vocab as f64;
        let layers = self.n_layers as f64;
        let parameters = gb(2.0 * weights);
        let activations = gb(lanes * (layers * kept + back + seq_len as f64 * head));
        let inputs = layers * seq_len as f64 * d;
        let activations_checkpointed = gb(lanes * (inputs + largest + back + chunk as f64 * head));
        let optimiser = gb(2.0 * weights);
        VramEstimate {
            parameters,
            activations,
            activations_checkpointed,
            optimiser,
            total: parameters + activations + optimiser,
        }
    }
}

impl Embedding {
    /// The same without the gate: only the embedding of the symbols read has one.
    pub(crate) fn without_gate(self) -> Self {
        match self {
            Self::PerType { .. } => Self::PerType { gate: false },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_preset_costs_three_million_per_jet() {
        let config = TransformerConfig::record(31, 256);
        let per_record = 31 * config.macs_per_symbol();
        assert!((2_500_000..4_000_000).contains(&per_record), "{per_record}");
    }

    #[test]
    fn checkpointing_needs_less() {
        let estimate = TransformerConfig::default().vram_estimate_gb(6, 512);
        assert!(estimate.activations_checkpointed < estimate.activations / 3.0);
        assert!(estimate.total > estimate.optimiser + estimate.parameters);
    }
}
