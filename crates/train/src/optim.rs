//! AdamW (Loshchilov and Hutter 2019) with PyTorch's defaults over named parameters.
//!
//! The update is Burn's; the state is kept by parameter name, so that it can be saved and taken up by a network
//! that was made anew. Weights and moments are f32.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};

use crate::error::TrainError;
use crate::gradients::Gradients;

/// The moments of one parameter on the host: (first, second).
pub type Moments = (Vec<f32>, Vec<f32>);

/// The optimiser of a network.
#[derive(Clone)]
pub struct NamedAdamW {
    update: AdamW,
    states: BTreeMap<String, AdamWState<1>>,
}

impl NamedAdamW {
    /// Betas 0.9 and 0.999, epsilon 1e-8.
    pub fn new(weight_decay: f64) -> Self {
        let config = AdamWConfig::new()
            .with_beta_1(0.9)
            .with_beta_2(0.999)
            .with_epsilon(1e-8)
            .with_weight_decay(weight_decay as f32);
        Self { update: config.build(), states: BTreeMap::new() }
    }

    /// One update of all parameters that have a gradient.
    #[must_use]
    pub fn step<N: Module>(&mut self, network: N, rate: f64, gradients: Gradients) -> N {
        network.map(&mut Updater { own: self, rate, gradients, path: Vec::new() })
    }

    /// Steps taken and moments by parameter name.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the device does not give its data.
    pub fn save(&self) -> Result<BTreeMap<String, (usize, Moments)>, TrainError> {
        let host = |t: &Tensor<1>| {
            t.clone().try_into_vec_as::<f32>().map_err(|e| TrainError::Device(format!("{e:?}")))
        };
        self.states
            .iter()
            .map(|(name, s)| {
                let m = &s.momentum;
                Ok((name.clone(), (m.time, (host(&m.moment_1)?, host(&m.moment_2)?))))
            })
            .collect()
    }

    /// Takes up what [`NamedAdamW::save`] gave.
    pub fn load(&mut self, saved: BTreeMap<String, (usize, Moments)>, device: &Device) {
        let device = device.clone().without_autodiff();
        let tensor = |x: Vec<f32>| {
            let shape = [x.len()];
            Tensor::<1>::from_data(TensorData::new(x, shape), &device)
        };
        self.states = saved
            .into_iter()
            .map(|(name, (time, (first, second)))| {
                let momentum = AdaptiveMomentumState {
                    time,
                    moment_1: tensor(first),
                    moment_2: tensor(second),
                    max_moment_2: None,
                };
                (name, AdamWState { momentum })
            })
            .collect();
    }
}

struct Updater<'a> {
    own: &'a mut NamedAdamW,
    rate: f64,
    gradients: Gradients,
    path: Vec<String>,
}

impl ModuleMapper for Updater<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(gradient) = self.gradients.remove(&name) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let checkpointing = old.gradient_checkpointing_strategy();
        let old = old.inner();
        let shape = old.shape();
        let flat = old.reshape([shape.num_elements()]);
        let state = self.own.states.remove(&name);
        let (new, state) = self.own.update.step(self.rate, flat, gradient, state);
        if let Some(state) = state {
            self.own.states.insert(name, state);
        }
        let mut new = Tensor::from_inner(new.reshape(shape));
        if let Some(strategy) = checkpointing {
            new = new.with_gradient_checkpointing_strategy(strategy);
        }
        Param::from_mapped_value(id, new.require_grad(), mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};

    /// Three steps of one weight with gradients 2w, by the formulas of PyTorch's documentation.
    #[test]
    fn updates_are_those_of_pytorch() {
        let device = Device::flex().autodiff();
        let mut network: Linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
        let value = |n: &Linear| f64::from(n.weight.val().inner().into_scalar::<f32>());
        let (mut w, rate, decay) = (value(&network), 0.1, 0.01);
        let (mut m, mut v) = (0.0, 0.0);
        let mut optimiser = NamedAdamW::new(decay);
        for step in 1..=3 {
            let graph = network.weight.val().square().sum().backward();
            let by_id = burn::optim::GradientsParams::from_grads(graph, &network);
            let gradients = Gradients::take(&network, by_id);
            network = optimiser.step(network, rate, gradients);
            let g = 2.0 * w;
            w *= 1.0 - rate * decay;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m, v) = (m / (1.0 - 0.9f64.powi(step)), v / (1.0 - 0.999f64.powi(step)));
            w -= rate * m / (v.sqrt() + 1e-8);
            assert!((value(&network) - w).abs() < 1e-5, "step {step}");
        }
    }
}
