//! Mixed precision: the forward and backward pass in 16 bits, weights and optimiser in 32.
//!
//! bf16 has the range of f32 and needs nothing more. f16 does not: the loss is multiplied by a scale that keeps small
//! gradients above zero, is halved when a gradient overflows (that step is skipped) and doubled after a long quiet
//! time. Source: Micikevicius et al. 2018, *Mixed precision training*.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};
use vxc_model::Tokens;

use crate::config::Precision;
use crate::error::TrainError;

/// Arithmetic of a forward and backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32 throughout.
    Full,
    /// Parameters, activations and gradients of this type; the loss in f32.
    Half(FloatDType),
}

impl Arithmetic {
    /// What a setting means on a device.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the device does not have what is asked for.
    pub fn choose(precision: Precision, device: &Device) -> Result<Self, TrainError> {
        let has = |dtype: DType| device.supports_dtype(dtype);
        let ask = |own: FloatDType, dtype: DType| {
            if has(dtype) {
                Ok(Self::Half(own))
            } else {
                Err(TrainError::Device(format!("the device does not compute in {dtype:?}")))
            }
        };
        match precision {
            Precision::F32 => Ok(Self::Full),
            Precision::Bf16 => ask(FloatDType::BF16, DType::BF16),
            Precision::F16 => ask(FloatDType::F16, DType::F16),
            // 16 bits pay where matrix units compute in them; the CPU has none.
            Precision::Auto if device.clone().without_autodiff() == Device::flex() => {
                Ok(Self::Full)
            }
            Precision::Auto if has(DType::BF16) => Ok(Self::Half(FloatDType::BF16)),
            Precision::Auto if has(DType::F16) => Ok(Self::Half(FloatDType::F16)),
            Precision::Auto => Ok(Self::Full),
        }
    }

    /// Whether losses have to be scaled.
    pub fn needs_scaling(self) -> bool {
        self == Self::Half(FloatDType::F16)
    }

    /// A network whose parameters have this type, leaves of a graph of their own.
    pub fn lower<N: Module>(self, network: N) -> N {
        match self {
            Self::Full => network,
            Self::Half(dtype) => network.map(&mut Lower(dtype)),
        }
    }

    /// The real-valued part of an input in this type.
    pub fn lower_input(self, input: &mut Tokens) {
        if let Self::Half(dtype) = self {
            input.fraction = input.fraction.take().map(|f| f.cast(dtype));
            input.copied = input.copied.take().map(|c| c.cast(dtype));
        }
    }

    /// Logits in f32.
    pub fn raise(self, logits: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Full => logits,
            Self::Half(_) => logits.cast(FloatDType::F32),
        }
    }
}

struct Lower(FloatDType);

impl ModuleMapper for Lower {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = param.consume();
        let learned = value.is_require_grad();
        let value = value.detach().cast(self.0).detach();
        let value = if learned { value.require_grad() } else { value };
        Param::from_mapped_value(id, value, mapper)
    }
}

/// The factor of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    scale: f32,
    quiet: u32,
}

/// Steps without overflow before the scale is doubled.
const QUIET: u32 = 2000;
const LARGEST: f32 = 16_777_216.0;

impl LossScale {
    /// The first scale.
    pub fn new(arithmetic: Arithmetic) -> Self {
        Self { scale: if arithmetic.needs_scaling() { 65_536.0 } else { 1.0 }, quiet: 0 }
    }

    /// The factor.
    pub fn factor(&self) -> f32 {
        self.scale
    }

    /// Takes note of a step. Whether its gradients can be used.
    pub fn update(&mut self, arithmetic: Arithmetic, norm: f64) -> bool {
        if !arithmetic.needs_scaling() {
            return true;
        }
        if !norm.is_finite() {
            self.scale = (self.scale / 2.0).max(1.0);
            self.quiet = 0;
            return false;
        }
        self.quiet += 1;
        if self.quiet >= QUIET {
            self.scale = (self.scale * 2.0).min(LARGEST);
            self.quiet = 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_falls_on_overflow_and_rises_in_quiet_times() {
        let half = Arithmetic::Half(FloatDType::F16);
        let mut s = LossScale::new(half);
        assert!(!s.update(half, f64::INFINITY));
        assert_eq!(s.factor(), 32_768.0);
        assert!((0..QUIET).all(|_| s.update(half, 1.0)));
        assert_eq!(s.factor(), 65_536.0);
        let mut one = LossScale::new(Arithmetic::Full);
        assert!(one.update(Arithmetic::Full, f64::NAN));
        assert_eq!(one.factor(), 1.0);
    }
}
