//! The integer transformer, and the kernels and instruction sets below it.
//!
//! [`IntModel`] holds configuration and weights and has a serial form; [`ops`] defines every operation in exact
//! integers; [`mod@reference`] runs a model in the plainest way, [`engine`] in the fast one, and tests hold them equal bit for
//! bit. Scalar code is the definition of every kernel; the other instruction sets must give the same integers (integer
//! sums do not depend on order), and tests compare them. No floating point: nothing in this crate may depend on
//! rounding.
//!
//! `unsafe` is allowed in kernels and at entry to them only, each place marked with its reason: entering a function
//! compiled for an instruction set that an [`Isa`] value proves present; intrinsics of the architecture's baseline; loads
//! and stores of vector registers from and to array references; prefetch hints.
#![deny(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod config;
pub mod engine;
pub mod error;
pub mod isa;
pub mod kernels;
pub mod ops;
pub mod prefetch;
pub mod reference;
pub mod weights;

pub use config::IntConfig;
pub use engine::{Engine, PackedModel};
pub use error::ModelError;
pub use isa::{Isa, IsaError, Task};
pub use ops::embed::Token;
pub use prefetch::prefetch;
pub use reference::{Input, ReferenceLane};
pub use weights::{IntModel, Weights};
