//! The weights of a float network as plain arrays, maps as (outputs, inputs).

use std::collections::BTreeMap;

use burn::tensor::TensorData;
use vxc_model::{Beta, Embedding, OptimisedCompressiveTransformer, TransformerConfig};

use crate::error::TrainError;

/// A table of symbol vectors, gates multiplied in.
#[derive(Debug, Default)]
pub struct Table {
    /// (types × vocabulary or vocabulary, D)
    pub rows: Vec<f64>,
    /// (types, D) or empty.
    pub gain: Vec<f64>,
}

/// The memory of a layer.
#[derive(Debug)]
pub struct Memory {
    /// (D, D)
    pub key: Vec<f64>,
    /// (D, D)
    pub value: Vec<f64>,
    /// (H), in 0..=1.
    pub beta: Vec<f64>,
    /// (7, D): depthwise times pointwise.
    pub scorer: Vec<f64>,
    /// Of the scorer.
    pub scorer_bias: f64,
    /// (D, D)
    pub projection: Vec<f64>,
    /// (D)
    pub norm_scale: Vec<f64>,
    /// (D)
    pub norm_bias: Vec<f64>,
}

/// A block.
#[derive(Debug)]
pub struct Layer {
    /// (D)
    pub attention_scale: Vec<f64>,
    /// (D, D)
    pub query: Vec<f64>,
    /// (D, D)
    pub key: Vec<f64>,
    /// (D, D)
    pub value: Vec<f64>,
    /// (D, D)
    pub output: Vec<f64>,
    /// (H, window) or empty.
    pub distance: Vec<f64>,
    /// Where there is one.
    pub memory: Option<Memory>,
    /// (D)
    pub feed_scale: Vec<f64>,
    /// (F, D)
    pub gate: Vec<f64>,
    /// (F, D)
    pub up: Vec<f64>,
    /// (D, F)
    pub down: Vec<f64>,
}

/// All weights; what the configuration leaves out is empty.
#[derive(Debug)]
pub struct Floats {
    /// The network's shape.
    pub config: TransformerConfig,
    /// Of the symbol read.
    pub embed: Table,
    /// (D)
    pub start: Vec<f64>,
    /// (types, D)
    pub target: Vec<f64>,
    /// Of the symbol one record up.
    pub above: Table,
    /// (types, D)
    pub fraction: Vec<f64>,
    /// (types, D)
    pub copied: Vec<f64>,
    /// Blocks.
    pub layers: Vec<Layer>,
    /// (D)
    pub last_scale: Vec<f64>,
    /// Each (V, D).
    pub heads: Vec<Vec<f64>>,
    /// (types, D) or empty.
    pub head_gain: Vec<f64>,
    /// (types or 1, V) or empty.
    pub head_bias: Vec<f64>,
}

impl Floats {
    /// The weights of a network.
    ///
    /// # Errors
    /// [`TrainError::Export`] if one is missing or not finite.
    pub fn of(network: &OptimisedCompressiveTransformer) -> Result<Self, TrainError> {
        let config = network.config().clone();
        let all = All(vxc_model::weights(network));
        let (d, h) = (config.d_model, config.n_heads);
        let layers = (0..config.n_layers).map(|i| all.layer(&config, i, d, h));
        let heads = all.need("head.weight")?;
        let size = d * config.vocab;
        Ok(Self {
            embed: all.table("embed", &config)?,
            start: all.need("start")?,
            target: all.get("target")?,
            above: all.table("above", &config)?,
            fraction: all.get("fraction")?,
            copied: all.get("copied")?,
            layers: layers.collect::<Result<_, _>>()?,
            last_scale: all.need("ln_f.scale")?,
            heads: heads.chunks_exact(size).map(|w| transposed(w, config.vocab)).collect(),
            head_gain: all.get("head.gain")?,
            head_bias: all.get("head.bias")?,
            config,
        })
    }
}

struct All(BTreeMap<String, TensorData>);

impl All {
    /// A tensor; empty where the network has none of this name.
    fn get(&self, name: &str) -> Result<Vec<f64>, TrainError> {
        let Some(data) = self.0.get(name) else { return Ok(Vec::new()) };
        let values: Vec<f64> = data.iter::<f32>().map(f64::from).collect();
        match values.iter().all(|x| x.is_finite()) {
            true => Ok(values),
            false => Err(TrainError::Export(format!("{name} holds numbers that are not finite"))),
        }
    }

    fn need(&self, name: &str) -> Result<Vec<f64>, TrainError> {
        match self.get(name)? {
            values if values.is_empty() => {
                Err(TrainError::Export(format!("the network has no {name}")))
            }
            values => Ok(values),
        }
    }

    /// A map, (inputs, outputs) in the network, as (outputs, inputs).
    fn map(&self, name: &str, outputs: usize) -> Result<Vec<f64>, TrainError> {
        Ok(transposed(&self.need(name)?, outputs))
    }

    fn table(&self, name: &str, config: &TransformerConfig) -> Result<Table, TrainError> {
        let mut rows = self.get(&format!("{name}.tables"))?;
        let scale = self.get(&format!("{name}.type_scale"))?;
        if let (Embedding::PerType { .. }, false) = (config.embedding, scale.is_empty()) {
            let most = scale.iter().fold(f64::MIN, |m, &s| m.max(s));
            let sum: f64 = scale.iter().map(|s| (s - most).exp()).sum();
            let each = rows.len() / scale.len();
            for (table, s) in rows.chunks_exact_mut(each).zip(&scale) {
                table.iter_mut().for_each(|x| *x *= (s - most).exp() / sum);
            }
        }
        Ok(Table { rows, gain: self.get(&format!("{name}.gain"))? })
    }

    fn layer(
        &self,
        config: &TransformerConfig,
        i: usize,
        d: usize,
        heads: usize,
    ) -> Result<Layer, TrainError> {
        let at = |name: &str| format!("layers.{i}.{name}");
        let qkv = self.map(&at("attn.qkv.weight"), 3 * d)?;
        let part = |p: usize| qkv[p * d * d..(p + 1) * d * d].to_vec();
        let memory = match &config.memory {
            None => None,
            Some(memory) => {
                let at = |name: &str| at(&format!("attn.memory.{name}"));
                let both = self.map(&at("key_value.weight"), 2 * d)?;
                let (key, value) = both.split_at(d * d);
                let beta = match memory.beta {
                    Beta::Fixed { value } => vec![f64::from(value); heads],
                    Beta::Learned { .. } => self
                        .need(&at("infini_beta"))?
                        .iter()
                        .map(|b| 1.0 / (1.0 + (-b).exp()))
                        .collect(),
                };
                let at = |name: &str| at(&format!("manager.eviction.{name}"));
                let (depthwise, pointwise) =
                    (self.need(&at("depthwise"))?, self.need(&at("pointwise"))?);
                let scorer = depthwise.chunks_exact(d).flat_map(|row| {
                    row.iter().zip(&pointwise).map(|(a, b)| a * b).collect::<Vec<_>>()
                });
                Some(Memory {
                    key: key.to_vec(),
                    value: value.to_vec(),
                    beta,
                    scorer: scorer.collect(),
                    scorer_bias: self.need(&at("pointwise_bias"))?[0],
                    projection: self.map(&at("projection.weight"), d)?,
                    norm_scale: self.need(&at("norm.scale"))?,
                    norm_bias: self.need(&at("norm.bias"))?,
                })
            }
        };
        Ok(Layer {
            attention_scale: self.need(&at("ln1.scale"))?,
            query: part(0),
            key: part(1),
            value: part(2),
            output: self.map(&at("attn.out.weight"), d)?,
            distance: self.get(&at("attn.distance"))?,
            memory,
            feed_scale: self.need(&at("ln2.scale"))?,
            gate: self.map(&at("ff.gate.weight"), config.d_ff)?,
            up: self.map(&at("ff.up.weight"), config.d_ff)?,
            down: self.map(&at("ff.down.weight"), d)?,
        })
    }
}

/// (inputs, outputs) to (outputs, inputs).
fn transposed(w: &[f64], outputs: usize) -> Vec<f64> {
    (0..outputs).flat_map(|o| w.iter().skip(o).step_by(outputs).copied()).collect()
}
