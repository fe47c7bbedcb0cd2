//! Weights by name: out of a network, into one, to and from safetensors.
//!
//! Names are the dotted paths of fields (`layers.0.attn.qkv.weight`), values 32-bit floats in the layouts that the
//! modules document (linear weights are (inputs, outputs)). The order is that of the names, so equal weights give equal
//! bytes.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::error::{ModelError, WeightsMismatch};

/// All weights of a network.
pub fn weights<M: Module>(model: &M) -> BTreeMap<String, TensorData> {
    let mut collect = Collect::default();
    model.visit(&mut collect);
    collect.found
}

/// Puts weights into a network; names and shapes must be exactly its own.
///
/// # Errors
/// [`ModelError::Weights`] for the first tensor that is missing, unexpected or of another shape.
pub fn apply_weights<M: Module>(
    model: M,
    weights: BTreeMap<String, TensorData>,
) -> Result<M, ModelError> {
    let mut apply = Apply { path: Vec::new(), given: weights, failure: None };
    let model = model.map(&mut apply);
    let failure =
        apply.failure.or_else(|| apply.given.into_keys().next().map(WeightsMismatch::Unexpected));
    match failure {
        Some(failure) => Err(ModelError::Weights(failure)),
        None => Ok(model),
    }
}

/// Whether there are as many weights as a network has, before it is built in the size that its description declares.
///
/// # Errors
/// Both numbers.
pub(crate) fn enough(needed: usize, weights: &BTreeMap<String, TensorData>) -> Result<(), String> {
    let sizes = weights.values().map(|data| data.bytes().len() / 4);
    let found = sizes.fold(0usize, usize::saturating_add);
    if needed > found {
        return Err(format!("a network of {needed} weights, but there are {found}"));
    }
    Ok(())
}

/// Weights as a safetensors file.
///
/// # Errors
/// The message of the format's library.
pub fn to_safetensors(weights: &BTreeMap<String, TensorData>) -> Result<Vec<u8>, String> {
    let mut views = Vec::with_capacity(weights.len());
    for (name, data) in weights {
        let shape: Vec<usize> = data.shape().iter().copied().collect();
        let view = TensorView::new(Dtype::F32, shape, data.bytes()).map_err(|e| e.to_string())?;
        views.push((name.as_str(), view));
    }
    let kind = HashMap::from([("format".to_string(), "vxc".to_string())]);
    safetensors::serialize(views, Some(kind)).map_err(|e| e.to_string())
}

/// Weights of a safetensors file; lengths and offsets are checked by the format's library.
///
/// # Errors
/// The message of the format's library, or the name of a tensor that does not hold 32-bit floats.
pub fn from_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, TensorData>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut weights = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            let found = format!("{:?}", view.dtype());
            return Err(WeightsMismatch::Kind { name, found }.to_string());
        }
        let values: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        weights.insert(name, TensorData::new(values, view.shape().to_vec()));
    }
    Ok(weights)
}

#[derive(Default)]
struct Collect {
    path: Vec<String>,
    found: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let data = parameter.val().into_data().convert_dtype(DType::F32);
        self.found.insert(self.path.join("."), data);
    }
}

struct Apply {
    path: Vec<String>,
    given: BTreeMap<String, TensorData>,
    failure: Option<WeightsMismatch>,
}

impl ModuleMapper for Apply {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(data) = self.given.remove(&name) else {
            self.failure.get_or_insert(WeightsMismatch::Missing(name));
            return parameter;
        };
        let found: Vec<usize> = data.shape().iter().copied().collect();
        let expected = parameter.dims().to_vec();
        if found != expected {
            self.failure.get_or_insert(WeightsMismatch::Shape { name, found, expected });
            return parameter;
        }
        if data.dtype() != DType::F32 {
            let found = format!("{:?}", data.dtype());
            self.failure.get_or_insert(WeightsMismatch::Kind { name, found });
            return parameter;
        }
        parameter.map(|old| {
            let new = Tensor::from_data(data, &old.device());
            new.set_require_grad(old.is_require_grad())
        })
    }
}
