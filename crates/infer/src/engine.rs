//! The production engine: B lanes in lock-step, equal to [`crate::reference`] bit for bit.
//!
//! A call runs T positions of all lanes; T = 1 decodes, longer calls serve encoders, and the result is the same. Within
//! a call, layer by layer, all T · B vectors are columns of one matrix (position by position, the lanes of a position
//! side by side), so that weights are read once for many columns; long calls are cut into pieces of bounded size, and
//! at the ends of chunks. Only attention goes lane by lane, in order of time.
//!
//! All memory is allocated when the engine is made, and nothing grows with the length of a lane. Columns are padded with
//! zeros to a multiple of 16 numbers.

mod attention;
mod columns;
mod head;
mod linear;
mod memory;
mod packed;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use vxc_entropy::Cdf;

use crate::Isa;
use crate::config::IntConfig;
use crate::error::ModelError;
use crate::ops::{ACTIVATION_MAX, NARROW_MAX};
use crate::reference::Input;
use attention::{Attention, KeyValues};
use columns::{Columns, FeedForward, Normalise, Read};
use head::HeadScratch;
use linear::Sums;
use packed::PackedLayer;
pub use packed::PackedModel;

/// Columns of a piece, unless there are more lanes.
const PIECE_COLUMNS: usize = 128;
/// More lanes than this are refused.
pub const MAX_LANES: usize = 4096;

/// What a layer remembers, of all lanes.
#[derive(Clone, Debug)]
struct LayerState {
    window: KeyValues,
    memory: KeyValues,
    /// (lane, position of the chunk, D): attention inputs of the chunk that is not full yet.
    pending: Vec<i16>,
}

/// Vectors of a piece; each is (columns, its width).
#[derive(Clone, Debug)]
struct Scratch {
    x: Columns<i32>,
    a: Columns<i16>,
    query: Columns<i16>,
    key: Columns<i16>,
    value: Columns<i16>,
    gate: Columns<i16>,
    up: Columns<i16>,
    logits: Columns<i32>,
    sums: Sums,
}

/// A model running on B lanes that stand at the same position.
#[derive(Clone, Debug)]
pub struct Engine {
    model: Arc<PackedModel>,
    isa: Isa,
    lanes: usize,
    piece: usize,
    position: u64,
    started: bool,
    /// Positions in the chunk that is not full yet.
    filled: usize,
    layers: Vec<LayerState>,
    scratch: Scratch,
    attention: Attention,
    eviction: memory::Eviction,
    distributions: Vec<Cdf>,
}

impl Engine {
    /// An engine at the start of `lanes` lanes that begin with a record.
    ///
    /// # Errors
    /// [`ModelError::Config`] if there are no lanes or more than [`MAX_LANES`].
    pub fn new(model: Arc<PackedModel>, lanes: usize, isa: Isa) -> Result<Self, ModelError> {
        Self::with_piece(model, lanes, isa, PIECE_COLUMNS)
    }

    /// With pieces of about so many columns, which never changes a result.
    fn with_piece(
        model: Arc<PackedModel>,
        lanes: usize,
        isa: Isa,
        columns: usize,
    ) -> Result<Self, ModelError> {
        if lanes == 0 || lanes > MAX_LANES {
            return Err(ModelError::Config(format!("{lanes} lanes are outside 1..={MAX_LANES}")));
        }
        let c = model.config();
        let piece = (columns / lanes).max(1);
        let (d, n) = (c.d_model, piece * lanes);
        let layer = LayerState {
            window: KeyValues::new(c, lanes, c.window),
            memory: KeyValues::new(c, lanes, if c.memory.is_some() { c.memory_cap() } else { 0 }),
            pending: vec![0; c.memory.map_or(0, |m| lanes * m.chunk * d)],
        };
        let scratch = Scratch {
            x: Columns::new(d, n),
            a: Columns::new(d, n),
            query: Columns::new(d, n),
            key: Columns::new(d, n),
            value: Columns::new(d, n),
            gate: Columns::new(c.d_ff, n),
            up: Columns::new(c.d_ff, n),
            logits: Columns::new(c.vocab, lanes),
            sums: Sums::new(n),
        };
        Ok(Self {
            isa,
            lanes,
            piece,
            position: 0,
            started: false,
            filled: 0,
            layers: vec![layer; c.n_layers],
            scratch,
            attention: Attention::new(c),
            eviction: memory::Eviction::new(c, n),
            distributions: vec![Cdf::uniform(); lanes],
            model,
        })
    }

    /// Bytes that an engine of so many lanes allocates, besides the model: about. A program that limits memory asks
    /// before it runs a model it does not trust.
    pub fn state_bytes(config: &IntConfig, lanes: usize) -> u64 {
        let cap = if config.memory.is_some() { config.memory_cap() } else { 0 };
        let chunk = config.memory.map_or(0, |m| m.chunk * config.d_model * size_of::<i16>());
        let layer = KeyValues::lane_bytes(config, config.window)
            + KeyValues::lane_bytes(config, cap)
            + chunk as u64;
        let logits = config.vocab.next_multiple_of(columns::ALIGN) * size_of::<i32>();
        let lane = config.n_layers as u64 * layer + (size_of::<Cdf>() + logits) as u64;
        let d = config.d_model.next_multiple_of(columns::ALIGN) as u64;
        let f = config.d_ff.next_multiple_of(columns::ALIGN) as u64;
        // x and four of 16 bits; gate and up; 32- and 64-bit sums of a panel.
        let column = (4 + 4 * 2) * d + 2 * 2 * f + 16 * (4 + 8);
        lanes as u64 * lane + lanes.max(PIECE_COLUMNS) as u64 * column
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Its shape.
    pub fn config(&self) -> &IntConfig {
        self.model.config()
    }

    /// Forgets everything: all lanes start anew at `position`, counted from the start of a record.
    pub fn reset(&mut self, position: u64) {
        self.position = position;
        self.started = false;
        self.filled = 0;
        for layer in &mut self.layers {
            layer.window.clear();
            layer.memory.clear();
        }
    }

    /// The distributions of the next symbol of every lane.
    ///
    /// # Panics
    /// If there is not one input for each lane.
    pub fn step(&mut self, inputs: &[Input]) -> &[Cdf] {
        assert_eq!(inputs.len(), self.lanes, "one input for each lane");
        self.run(inputs, |_, _| {});
        &self.distributions
    }

    /// Runs T positions; `inputs` are those of all lanes for the first, then for the next, …. `each` gets the number of
    /// a position, from 0, and the distributions of all lanes there.
    ///
    /// # Panics
    /// If the number of inputs is no multiple of the number of lanes.
    pub fn run(&mut self, inputs: &[Input], mut each: impl FnMut(usize, &[Cdf])) {
        assert!(inputs.len().is_multiple_of(self.lanes), "one input for each lane and position");
        let (mut rest, mut done) = (inputs, 0);
        while !rest.is_empty() {
            let left = self.config().memory.map_or(usize::MAX, |m| m.chunk - self.filled);
            let len = (rest.len() / self.lanes).min(self.piece).min(left);
            let (piece, tail) = rest.split_at(len * self.lanes);
            self.run_piece(piece, done, &mut each);
            (rest, done) = (tail, done + len);
        }
    }

    fn run_piece(&mut self, inputs: &[Input], first: usize, each: &mut impl FnMut(usize, &[Cdf])) {
        let (isa, lanes, columns) = (self.isa, self.lanes, inputs.len());
        let model = Arc::clone(&self.model);
        let x = &mut self.scratch.x;
        let (position, started) = (self.position, self.started);
        isa.run(Read { model: model.model(), inputs, lanes, position, started, x });
        for (index, layer) in model.layers().iter().enumerate() {
            self.attend(&model, layer, index, columns);
            self.feed_forward(&model, layer, index, columns);
        }
        let epsilon = model.weights().rms_epsilon;
        let gain = &model.weights().final_gain;
        let Scratch { x, a, .. } = &mut self.scratch;
        isa.run(Normalise { x, gain, epsilon, columns, y: a });
        for t in 0..columns / lanes {
            let Scratch { a, logits, sums, .. } = &mut self.scratch;
            let at = t * lanes..(t + 1) * lanes;
            let scratch = HeadScratch { a, logits, sums };
            let result = &mut self.distributions;
            head::distributions(isa, &model, self.position, at, scratch, result);
            each(first + t, &self.distributions);
            self.position = self.position.wrapping_add(1);
        }
        self.started = true;
        if let Some(memory) = &model.config().memory {
            self.filled += columns / lanes;
            if self.filled == memory.chunk {
                self.filled = 0;
                self.write_memory(&model);
            }
        }
    }

    /// x += output(attention(norm x)) of one layer.
    fn attend(&mut self, model: &PackedModel, layer: &PackedLayer, index: usize, columns: usize) {
        let (isa, lanes) = (self.isa, self.lanes);
        let (weights, state) = (&model.weights().layers[index], &mut self.layers[index]);
        let epsilon = model.weights().rms_epsilon;
        let Scratch { x, a, query, key, value, sums, .. } = &mut self.scratch;
        isa.run(Normalise { x, gain: &weights.attention_gain, epsilon, columns, y: a });
        layer.query.apply(isa, a.first(columns), sums, NARROW_MAX, query);
        layer.key.apply(isa, a.first(columns), sums, NARROW_MAX, key);
        layer.value.apply(isa, a.first(columns), sums, ACTIVATION_MAX, value);
        if let Some(memory) = &model.config().memory {
            let d = model.config().d_model;
            for column in 0..columns {
                let (t, lane) = (self.filled + column / lanes, column % lanes);
                let at = (lane * memory.chunk + t) * d;
                state.pending[at..at + d].copy_from_slice(&a.column(column)[..d]);
            }
        }
        // The normalised vectors are used up: the outputs of attention take their place.
        let attention = &mut self.attention;
        for lane in 0..lanes {
            for column in (lane..columns).step_by(lanes) {
                state.window.push(lane, key.column(column), value.column(column));
                let (q, y) = (query.column(column), a.column_mut(column));
                attention.local(isa, (&state.window, lane), q, layer, y);
                if state.memory.held(lane) > 0 {
                    let memory = (&state.memory, lane);
                    attention.remember(isa, memory, q, layer, &weights.memory.beta, y);
                }
            }
        }
        layer.output.add(isa, a.first(columns), sums, x);
    }

    /// x += down(silu(gate) · up) of one layer.
    fn feed_forward(
        &mut self,
        model: &PackedModel,
        layer: &PackedLayer,
        index: usize,
        columns: usize,
    ) {
        let isa = self.isa;
        let weights = &model.weights().layers[index];
        let epsilon = model.weights().rms_epsilon;
        let Scratch { x, a, gate, up, sums, .. } = &mut self.scratch;
        isa.run(Normalise { x, gain: &weights.feed_gain, epsilon, columns, y: a });
        layer.gate.apply(isa, a.first(columns), sums, NARROW_MAX, gate);
        layer.up.apply(isa, a.first(columns), sums, ACTIVATION_MAX, up);
        isa.run(FeedForward { table: &layer.silu, gate, up, columns });
        layer.down.add(isa, up.first(columns), sums, x);
    }

    /// Writes the memories of all layers from their full chunks.
    fn write_memory(&mut self, model: &PackedModel) {
        let layers = model.layers().iter().zip(&model.weights().layers);
        for (state, (layer, weights)) in self.layers.iter_mut().zip(layers) {
            let chunk = state.pending.len() / self.lanes;
            for lane in 0..self.lanes {
                let chunk = &state.pending[lane * chunk..][..chunk];
                self.eviction.choose(self.isa, chunk, &weights.memory);
                let memory = (&mut state.memory, lane);
                self.eviction.write(
                    self.isa,
                    layer,
                    &weights.memory,
                    chunk,
                    &mut self.scratch,
                    memory,
                );
            }
        }
    }
}
