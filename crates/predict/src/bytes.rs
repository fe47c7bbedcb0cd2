//! The byte model: context mixing over bytes, for texts, tables of known record size and unknown data.
//!
//! The engine ([`crate::mix`]) is the same as for field symbols; what differs is the client that makes the
//! contexts ([`text`], [`record`]). Bytes of whole records are permuted first, so that the most significant
//! byte of a number comes first ([`order`]); the permutation is a bijection and the model sees only
//! permuted bytes.

mod decimal;
mod expectation;
mod numbers;
mod order;
mod record;
#[cfg(test)]
mod tests;
mod text;

use vxc_entropy::BinaryCoder;
use vxc_tokens::RecordLayout;

use crate::error::PredictError;
use crate::mix::match_model::{GUESS_INPUTS, Guess};
use crate::mix::{Expert, MAX_APMS, MAX_CONTEXTS, MAX_SETS, Mix, MixConfig, Query};
use crate::model::SymbolModel;
use order::ByteOrder;
use record::RecordContexts;
use text::TextContexts;

/// What the bytes are.
#[derive(Clone, Debug)]
pub enum ByteKind {
    /// Lines of words and numbers.
    Text,
    /// Anything else.
    Binary,
    /// Records of this layout, from the first byte on.
    Record(RecordLayout),
}

/// What a byte model is made of.
#[derive(Clone, Debug)]
pub struct ByteModelConfig {
    /// What the bytes are.
    pub kind: ByteKind,
    /// 4, 5 or 6.
    pub level: u32,
    /// Number of bytes to come in a segment: sizes the tables.
    pub len: u64,
}

/// Most guesses of a client.
const MAX_GUESSES: usize = 5;

/// What a client says about the next byte.
#[derive(Clone, Debug)]
struct Situation {
    hashes: [u32; MAX_CONTEXTS],
    sets: [u32; MAX_SETS],
    apms: [u32; MAX_APMS],
    last: u32,
}

/// The guesses as one expert.
#[derive(Clone, Debug)]
struct Guesses(Vec<Guess>);

impl Expert for Guesses {
    #[inline(always)]
    fn inputs(&mut self, node: u32, _: u32, inputs: &mut [i32]) {
        for (guess, inputs) in self.0.iter_mut().zip(inputs.chunks_exact_mut(GUESS_INPUTS)) {
            guess.inputs(node, inputs);
        }
    }

    #[inline(always)]
    fn learn(&mut self, bit: bool) {
        for guess in &mut self.0 {
            guess.learn(bit);
        }
    }
}

#[derive(Clone, Debug)]
enum Client {
    Text(Box<TextContexts>),
    Record(Box<RecordContexts>),
}

/// A context-mixing model of bytes.
#[derive(Clone, Debug)]
pub struct ByteModel {
    engine: Mix,
    client: Client,
    guesses: Guesses,
    order: Option<ByteOrder>,
    situation: Situation,
    history: Vec<u8>,
}

/// A client's part of the configuration.
struct Shape {
    mix: MixConfig,
    guesses: Vec<Guess>,
}

impl ByteModel {
    /// A model that knows nothing yet.
    pub fn new(config: &ByteModelConfig) -> Self {
        let (client, shape, order) = match &config.kind {
            ByteKind::Text | ByteKind::Binary => {
                let binary = matches!(config.kind, ByteKind::Binary);
                let (client, shape) = TextContexts::new(binary, config.level, config.len);
                (Client::Text(Box::new(client)), shape, None)
            }
            ByteKind::Record(layout) => {
                let (client, shape) = RecordContexts::new(layout, config.level, config.len);
                (Client::Record(Box::new(client)), shape, Some(ByteOrder::new(layout)))
            }
        };
        debug_assert!(shape.guesses.len() <= MAX_GUESSES);
        Self {
            engine: Mix::new(&shape.mix),
            client,
            guesses: Guesses(shape.guesses),
            order,
            situation: Situation {
                hashes: [0; MAX_CONTEXTS],
                sets: [0; MAX_SETS],
                apms: [0; MAX_APMS],
                last: 0,
            },
            history: Vec::new(),
        }
    }

    /// Bytes that a model of this configuration holds between segments, at most.
    pub fn kept_bytes(config: &ByteModelConfig) -> u64 {
        let (level, len) = (config.level, config.len);
        match &config.kind {
            ByteKind::Text | ByteKind::Binary => {
                TextContexts::config(level, len).bytes() + TextContexts::kept_bytes(len)
            }
            ByteKind::Record(layout) => {
                RecordContexts::config(layout, level, len).bytes()
                    + RecordContexts::kept_bytes(layout, len)
                    // The order of the bytes, and a record in it.
                    + 13 * layout.record_bytes as u64
            }
        }
    }

    /// Bytes that it holds beyond that while `raw_len` bytes are coded, at most.
    pub fn working_bytes(kind: &ByteKind, raw_len: u64) -> u64 {
        let client = match kind {
            ByteKind::Text | ByteKind::Binary => TextContexts::working_bytes(raw_len),
            ByteKind::Record(_) => 0,
        };
        // The history.
        raw_len + client
    }

    /// Appends what the engine learned; see [`Mix::save`]. What its client remembers of the text itself is left out.
    pub fn save(&self, visits: u32, out: &mut Vec<u8>) {
        self.engine.save(visits, out);
    }

    /// Loads what a model of the same configuration saved.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] for anything else.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        self.engine.load(input)
    }

    /// Ends a segment: what was learned stays; the history is forgotten, its memory given back, and positions
    /// start anew.
    pub fn restart(&mut self) {
        self.history = Vec::new();
        match &mut self.client {
            Client::Text(c) => c.restart(),
            Client::Record(c) => c.restart(),
        }
    }

    /// Codes `raw`, which starts at a record boundary.
    pub fn encode<C: BinaryCoder>(&mut self, coder: &mut C, raw: &[u8]) {
        self.history.reserve_exact(raw.len());
        let mut at = 0;
        if let Some(order) = self.order.clone() {
            let size = order.record_bytes();
            let mut permuted = vec![0u8; size];
            for record in raw.chunks_exact(size) {
                order.permute(record, &mut permuted);
                for &b in &permuted {
                    self.code(coder, u32::from(b));
                }
                at += size;
            }
        }
        for &b in &raw[at..] {
            self.code(coder, u32::from(b));
        }
    }

    /// Decodes `len` bytes and appends them to `out`: the inverse of [`ByteModel::encode`].
    pub fn decode<C: BinaryCoder>(&mut self, coder: &mut C, len: usize, out: &mut Vec<u8>) {
        self.history.reserve_exact(len);
        out.reserve(len);
        let mut left = len;
        if let Some(order) = self.order.clone() {
            let size = order.record_bytes();
            let mut permuted = vec![0u8; size];
            while left >= size {
                for b in &mut permuted {
                    *b = self.code(coder, 0) as u8;
                }
                let from = out.len();
                out.resize(from + size, 0);
                order.restore(&permuted, &mut out[from..]);
                left -= size;
            }
        }
        for _ in 0..left {
            let b = self.code(coder, 0) as u8;
            out.push(b);
        }
    }
}

impl SymbolModel for ByteModel {
    fn code<C: BinaryCoder>(&mut self, coder: &mut C, symbol: u32) -> u32 {
        match &mut self.client {
            Client::Text(c) => c.prepare(&self.history, &mut self.situation, &mut self.guesses.0),
            Client::Record(c) => c.prepare(&self.history, &mut self.situation, &mut self.guesses.0),
        }
        let query = Query {
            hashes: &self.situation.hashes,
            sets: &self.situation.sets,
            apms: &self.situation.apms,
            last: self.situation.last,
            depth: 8,
        };
        let byte = self.engine.code(coder, &query, symbol, &mut self.guesses);
        self.history.push(byte as u8);
        match &mut self.client {
            Client::Text(c) => c.update(&self.history),
            Client::Record(c) => c.update(&self.history),
        }
        byte
    }
}

/// Mixes a context's number and parts into a hash.
#[inline(always)]
fn hash2(a: u32, b: u32) -> u32 {
    let x = (u64::from(a) << 32 | u64::from(b)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x ^ x >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) as u32 ^ (x >> 40) as u32
}
