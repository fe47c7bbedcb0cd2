//! Gradients by the names of their parameters, flat, so that sums and norms have one order.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};

/// Gradients of a network: dotted parameter name → flat tensor, f32.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<String, Tensor<1>>,
}

impl Gradients {
    /// A network's gradients by name.
    pub fn take<N: Module>(network: &N, by_id: GradientsParams) -> Self {
        let mut taker = Taker { by_id, path: Vec::new(), out: Self::default() };
        network.visit(&mut taker);
        taker.out
    }

    /// Adds another's, name by name.
    pub fn add(&mut self, other: Self) {
        for (name, grad) in other.by_name {
            let sum = match self.by_name.remove(&name) {
                Some(own) => {
                    let device = own.device();
                    own + grad.to_device(&device)
                }
                None => grad,
            };
            self.by_name.insert(name, sum);
        }
    }

    /// Multiplies all of them.
    pub fn scale(&mut self, factor: f32) {
        for grad in self.by_name.values_mut() {
            *grad = grad.clone().mul_scalar(factor);
        }
    }

    /// Global L2 norm, in name order.
    pub fn norm(&self) -> f64 {
        let squares = self.by_name.values().map(|g| {
            let sum: f32 = g.clone().square().sum().into_scalar();
            f64::from(sum)
        });
        squares.sum::<f64>().sqrt()
    }

    /// Scales down to a global norm of at most `most` (0: not at all) and gives the norm before. A norm that is no
    /// number leaves the gradients as they are.
    pub fn clip(&mut self, most: f64) -> f64 {
        let norm = self.norm();
        if most > 0.0 && norm > most {
            self.scale((most / (norm + 1e-6)) as f32);
        }
        norm
    }

    /// Takes one out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor<1>> {
        self.by_name.remove(name)
    }

    /// Names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Reads one.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        self.by_name.get(name)
    }
}

struct Taker {
    by_id: GradientsParams,
    path: Vec<String>,
    out: Gradients,
}

impl ModuleVisitor for Taker {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.by_id.remove::<D>(param.id) {
            let size = grad.shape().num_elements();
            self.out.by_name.insert(self.path.join("."), grad.reshape([size]).cast(DType::F32));
        }
    }
}
