//! A transformer as the symbol model uses it: its integers, packed for the engine, and how records follow each other.

use std::sync::Arc;

use vxc_infer::{Engine, IntConfig, IntModel, Isa, PackedModel};
use vxc_tokens::Tokeniser;

use crate::error::PredictError;

/// A transformer over the field symbols of a tokeniser.
#[derive(Clone, Debug)]
pub struct Network {
    packed: Arc<PackedModel>,
    /// Whether it reads every record by itself; else it goes on from record to record of a lane.
    alone: bool,
}

impl Network {
    /// A network from its integers. `alone`: it was trained on single records.
    pub fn new(model: IntModel, alone: bool) -> Self {
        Self { packed: Arc::new(PackedModel::new(model)), alone }
    }

    /// Its shape.
    pub fn config(&self) -> &IntConfig {
        self.packed.config()
    }

    /// Its integers.
    pub fn model(&self) -> &IntModel {
        self.packed.model()
    }

    /// Whether it reads every record by itself.
    pub fn alone(&self) -> bool {
        self.alone
    }

    /// Whether it has a position for every step of a tokeniser.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] if not.
    pub fn fits(&self, tokeniser: &Tokeniser) -> Result<(), PredictError> {
        if self.config().types.len() == tokeniser.steps().len() {
            Ok(())
        } else {
            Err(PredictError::Corrupt("the network is for records of other fields"))
        }
    }

    /// Bytes that its engine holds for so many lanes.
    pub fn state_bytes(&self, lanes: usize) -> u64 {
        Engine::state_bytes(self.config(), lanes)
    }

    pub(super) fn engine(&self, lanes: usize, isa: Isa) -> Result<Engine, PredictError> {
        Engine::new(Arc::clone(&self.packed), lanes, isa)
            .map_err(|_| PredictError::Corrupt("number of lanes"))
    }
}
