//! Checkpoints of the published Python package (`vortex-codec` 0.2.0, MIT).
//!
//! A `.pt` file is a zip with a pickle. It is read by a parser that interprets the opcodes of data and the calls that
//! rebuild tensors and dictionaries, and runs nothing: a pickle that names other functions has their results ignored,
//! or is refused where tensors are involved. Optimiser state is left out. Sizes are limited by the parser and checked
//! against the file.
//!
//! | published name | here |
//! |---|---|
//! | `embed.weight` (V, D) | `embed.tables` |
//! | `embed.embeds.{0..3}.weight` (V, D) each | `embed.tables` (4 V, D) |
//! | `embed.type_scale` (4) | the same |
//! | `pe.pe` | – (computed) |
//! | `layers.{i}.ln1.scale`, or `.weight` and `.bias` | `layers.{i}.ln1.scale`, `.bias` |
//! | `layers.{i}.attn.{qkv,out}.weight` (out, in) | the same, (in, out) |
//! | `layers.{i}.attn.mem_kv.weight` (2D, D) | `layers.{i}.attn.memory.key_value.weight` (D, 2D) |
//! | `layers.{i}.attn.infini_beta` (H, 1, 1) | `layers.{i}.attn.memory.infini_beta` (H) |
//! | `….mem_mgr.lte.scorer.0.weight` (D, 1, 7) | `….memory.manager.eviction.depthwise` (7, D) |
//! | `….mem_mgr.lte.scorer.1.{weight (1, D, 1), bias (1)}` | `….eviction.pointwise` (D, 1), `.pointwise_bias` (1) |
//! | `….mem_mgr.lte.proj.weight` (D, D, 1) | `….eviction.projection.weight` (D, D), transposed |
//! | `….mem_mgr.lte.norm.{weight,bias}` | `….eviction.norm.{scale,bias}` |
//! | `layers.{i}.ff.{gate,up,down}.weight` (out, in) | the same, (in, out) |
//! | `head.weight` (V, D) | `head.weight` (D, V), or (1, D, V) in the production network |
//! | – | `start` (D) of the production network: zeros |

use std::collections::BTreeMap;
use std::path::Path;

use burn::store::pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};
use burn::tensor::{Device, TensorData};

use crate::config::{Embedding, MemoryConfig, TransformerConfig, TypePattern};
use crate::error::{ModelError, WeightsMismatch};
use crate::production::OptimisedCompressiveTransformer;
use crate::reference::{CompressiveTransformer, ReferenceConfig};
use crate::weights::{apply_weights, from_safetensors};

/// Published weights under their own names, and sizes read off them.
#[derive(Debug)]
pub struct Published {
    tensors: BTreeMap<String, Matrix>,
    optimised: bool,
}

/// How often the bytes of a file may be used by its tensors.
const SHARED: u64 = 4;

/// A tensor as the file has it.
#[derive(Clone, Debug)]
struct Matrix {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Published {
    /// Reads a `.pt` checkpoint: a state dictionary, alone or under the key `model`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the file is no such checkpoint.
    pub fn from_pt(path: &Path) -> Result<Self, ModelError> {
        let fail = |e: PytorchError| ModelError::format(path, e);
        let reader = match PytorchReader::with_top_level_key(path, "model") {
            Ok(reader) => reader,
            Err(PytorchError::KeyNotFound(_)) => PytorchReader::new(path).map_err(fail)?,
            Err(other) => return Err(fail(other)),
        };
        // Tensors may share what is stored, but none is made of nothing.
        let file = std::fs::metadata(path).map_err(ModelError::io(path))?.len();
        let mut left = file.saturating_mul(SHARED);
        let mut tensors = BTreeMap::new();
        for (name, tensor) in reader.into_tensors() {
            let elements =
                tensor.shape().iter().try_fold(1u64, |n, &dim| n.checked_mul(dim as u64));
            let bytes = elements.and_then(|n| n.checked_mul(tensor.dtype().size() as u64));
            let fits = bytes.and_then(|bytes| left.checked_sub(bytes));
            left = fits.ok_or_else(|| {
                ModelError::format(path, format!("tensor {name} is larger than the file allows"))
            })?;
            if name != "pe.pe" {
                let matrix = Matrix::read(&tensor).map_err(|e| ModelError::format(path, e))?;
                tensors.insert(name, matrix);
            }
        }
        Ok(Self::new(tensors))
    }

    /// Reads a state dictionary stored as safetensors.
    ///
    /// # Errors
    /// [`ModelError::Format`] (with `path` for its message) if the bytes are no such file.
    pub fn from_safetensors(bytes: &[u8], path: &Path) -> Result<Self, ModelError> {
        let mut tensors = BTreeMap::new();
        for (name, data) in from_safetensors(bytes).map_err(|e| ModelError::format(path, e))? {
            let shape = data.shape().iter().copied().collect();
            let values =
                data.try_to_vec().map_err(|e| ModelError::format(path, format!("{e:?}")))?;
            if name != "pe.pe" {
                tensors.insert(name, Matrix { shape, values });
            }
        }
        Ok(Self::new(tensors))
    }

    fn new(tensors: BTreeMap<String, Matrix>) -> Self {
        let optimised = tensors.contains_key("ln_f.scale");
        Self { tensors, optimised }
    }

    /// Whether these are weights of the optimised (production) model, not of the base model.
    pub fn is_optimised(&self) -> bool {
        self.optimised
    }

    /// Sizes, as far as weights tell them; window and rate are not among them.
    ///
    /// # Errors
    /// [`ModelError::Weights`] if a tensor that tells a size is missing or of another rank.
    pub fn sizes(&self, window: usize, rate: usize) -> Result<ReferenceConfig, ModelError> {
        let [vocab, d_model] = self.shape("head.weight")?;
        let [d_ff, _] = self.shape("layers.0.ff.gate.weight")?;
        let [n_heads, _, _] = self.shape("layers.0.attn.infini_beta")?;
        let n_layers = (0..)
            .take_while(|i| self.tensors.contains_key(&format!("layers.{i}.attn.qkv.weight")))
            .count();
        Ok(ReferenceConfig {
            vocab,
            d_model,
            n_layers,
            n_heads,
            d_ff,
            window,
            compression_rate: rate,
            use_tdt: self.tensors.contains_key("embed.type_scale"),
        })
    }

    /// The base model with these weights.
    ///
    /// # Errors
    /// [`ModelError::Weights`] if names or shapes are not the base model's.
    pub fn into_reference(
        self,
        window: usize,
        rate: usize,
        device: &Device,
    ) -> Result<CompressiveTransformer, ModelError> {
        let sizes = self.sizes(window, rate)?;
        self.check(&self.config(&sizes, window, rate))?;
        let model = CompressiveTransformer::new(&sizes, 0, device)?;
        apply_weights(model, self.translate()?)
    }

    /// The production network with these weights.
    ///
    /// # Errors
    /// [`ModelError::Weights`] if names or shapes are not the optimised model's.
    pub fn into_production(
        self,
        window: usize,
        rate: usize,
        device: &Device,
    ) -> Result<OptimisedCompressiveTransformer, ModelError> {
        let sizes = self.sizes(window, rate)?;
        let config = self.config(&sizes, window, rate);
        self.check(&config)?;
        let model = OptimisedCompressiveTransformer::new(&config, 0, device)?;
        let mut weights = self.translate()?;
        if let Some(head) = weights.remove("head.weight") {
            let values: Vec<f32> = head.iter::<f32>().collect();
            weights.insert(
                "head.weight".into(),
                TensorData::new(values, [1, sizes.d_model, sizes.vocab]),
            );
        }
        weights.insert("start".into(), TensorData::new(vec![0f32; sizes.d_model], [sizes.d_model]));
        apply_weights(model, weights)
    }

    /// The production network of these sizes.
    fn config(&self, sizes: &ReferenceConfig, window: usize, rate: usize) -> TransformerConfig {
        TransformerConfig {
            vocab: sizes.vocab,
            context_vocab: sizes.vocab,
            d_model: sizes.d_model,
            n_layers: sizes.n_layers,
            n_heads: sizes.n_heads,
            d_ff: sizes.d_ff,
            window,
            types: TypePattern::cycle(if sizes.use_tdt { 4 } else { 1 }),
            embedding: if sizes.use_tdt {
                Embedding::PerType { gate: true }
            } else {
                Embedding::Shared
            },
            memory: Some(MemoryConfig { chunk: window, rate, ..MemoryConfig::default() }),
            ..TransformerConfig::default()
        }
    }

    /// Refuses sizes that the tensors cannot fill, before a network is built of them. Both models have about the weights
    /// of the production network.
    fn check(&self, config: &TransformerConfig) -> Result<(), ModelError> {
        config.validate()?;
        let found =
            self.tensors.values().map(|t| t.values.len()).fold(0usize, usize::saturating_add);
        let needed = config.parameter_count();
        if needed / 2 > found {
            let what =
                format!("the tensors describe a network of {needed} weights and hold {found}");
            return Err(ModelError::Config(what));
        }
        Ok(())
    }

    fn shape<const N: usize>(&self, name: &str) -> Result<[usize; N], ModelError> {
        let mismatch = ModelError::Weights;
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| mismatch(WeightsMismatch::Missing(name.into())))?;
        <[usize; N]>::try_from(tensor.shape.as_slice()).map_err(|_| {
            mismatch(WeightsMismatch::Shape {
                name: name.into(),
                found: tensor.shape.clone(),
                expected: vec![0; N],
            })
        })
    }

    /// Names and layouts of this crate.
    fn translate(self) -> Result<BTreeMap<String, TensorData>, ModelError> {
        let mut out = BTreeMap::new();
        let mut tables: Vec<f32> = Vec::new();
        let mut table_shape = [0, 0];
        // Four tables at most, so their names sort as their numbers.
        for (name, matrix) in self.tensors {
            if name.starts_with("embed.embeds.") || name == "embed.weight" {
                table_shape[0] += matrix.shape.first().copied().unwrap_or(0);
                table_shape[1] = matrix.shape.last().copied().unwrap_or(0);
                tables.extend(matrix.values);
                continue;
            }
            let new = name
                .replace("attn.mem_kv.", "attn.memory.key_value.")
                .replace("attn.infini_beta", "attn.memory.infini_beta")
                .replace("attn.mem_mgr.lte.", "attn.memory.manager.eviction.")
                .replace(".scorer.0.weight", ".depthwise")
                .replace(".scorer.1.weight", ".pointwise")
                .replace(".scorer.1.bias", ".pointwise_bias")
                .replace(".proj.weight", ".projection.weight")
                .replace("norm.weight", "norm.scale")
                .replace("ln1.weight", "ln1.scale")
                .replace("ln2.weight", "ln2.scale")
                .replace("ln_f.weight", "ln_f.scale");
            let data = match matrix.shape.as_slice() {
                // (out, in), with a kernel of 1 where it is a convolution
                [rows, columns] | [rows, columns, 1] if *columns > 1 => {
                    matrix.transposed(*rows, *columns)
                }
                // depthwise kernels
                [channels, 1, taps] if *taps > 1 => matrix.transposed(*channels, *taps),
                [heads, 1, 1] => TensorData::new(matrix.values, [*heads]),
                _ => TensorData::new(matrix.values, matrix.shape),
            };
            out.insert(new, data);
        }
        if table_shape[0].checked_mul(table_shape[1]) != Some(tables.len()) {
            return Err(ModelError::Weights(WeightsMismatch::Shape {
                name: "embed".into(),
                found: vec![tables.len()],
                expected: table_shape.to_vec(),
            }));
        }
        out.insert("embed.tables".into(), TensorData::new(tables, table_shape));
        Ok(out)
    }
}

impl Matrix {
    fn read(tensor: &Tensor) -> Result<Self, String> {
        let bytes = tensor.read().map_err(|e| e.to_string())?;
        let words = bytes.chunks_exact(tensor.dtype().size());
        let values = match tensor.dtype() {
            DType::F32 => words.map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect(),
            DType::BF16 => words
                .map(|b| f32::from_bits(u32::from(u16::from_ne_bytes([b[0], b[1]])) << 16))
                .collect(),
            other => return Err(format!("tensor {} holds {other:?}", tensor.name)),
        };
        Ok(Self { shape: tensor.shape().to_vec(), values })
    }

    /// (rows, columns) to (columns, rows).
    fn transposed(&self, rows: usize, columns: usize) -> TensorData {
        let values: Vec<f32> = (0..columns)
            .flat_map(|c| (0..rows).map(move |r| (r, c)))
            .map(|(r, c)| self.values[r * columns + c])
            .collect();
        TensorData::new(values, [columns, rows])
    }
}
