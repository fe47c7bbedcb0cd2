//! Memory of past chunks: a queue of the positions that eviction kept.
//!
//! At the end of a chunk its kept vectors (B, k, D) are appended and the oldest beyond the cap (half the window)
//! dropped; (B, M, D), M ≤ cap, oldest first. Keys and values of the memory carry no positions.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::eviction::LearnableTokenEviction;
use crate::init::Initialiser;

/// Writes the memory.
#[derive(Module, Debug)]
pub struct MemoryManager {
    /// Chooses what is kept.
    pub eviction: LearnableTokenEviction,
    cap: usize,
}

impl MemoryManager {
    /// A memory of at most `cap` entries, one for `rate` positions.
    pub fn new(d_model: usize, rate: usize, cap: usize, init: &mut Initialiser) -> Self {
        Self { eviction: LearnableTokenEviction::new(d_model, rate, init), cap }
    }

    /// The memory (B, M, D) after a chunk (B, T, D).
    pub fn write(&self, memory: Option<Tensor<3>>, chunk: Tensor<3>) -> Tensor<3> {
        let kept = self.eviction.forward(chunk).values;
        let all = match memory {
            Some(memory) => Tensor::cat(vec![memory, kept], 1),
            None => kept,
        };
        let held = all.dims()[1];
        if held > self.cap { all.narrow(1, held - self.cap, self.cap) } else { all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn the_oldest_entries_leave_first() {
        let device = Device::flex();
        let manager = MemoryManager::new(4, 4, 5, &mut Initialiser::new(2, &device));
        let chunk = || Tensor::<3>::random([1, 8, 4], Distribution::Default, &device);
        let first = manager.write(None, chunk());
        let second = manager.write(Some(first.clone()), chunk());
        let third = manager.write(Some(second.clone()), chunk());
        assert_eq!([first.dims()[1], second.dims()[1], third.dims()[1]], [2, 4, 5]);
        let (old, new) = (second.narrow(1, 1, 3).into_data(), third.narrow(1, 0, 3).into_data());
        assert_eq!(old, new);
    }
}
