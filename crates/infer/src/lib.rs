//! Integer kernels and the instruction set chosen at run time.
//!
//! Scalar code is the definition of every kernel; the other instruction sets run the same body compiled
//! for wider registers, so the integers cannot differ (integer sums do not depend on order), and tests
//! compare them all the same. No floating point: nothing in this crate may depend on rounding.
//!
//! `unsafe` is allowed at two kinds of call only, each marked: entering a function compiled for an
//! instruction set that an [`Isa`] value proves present, and prefetch hints.
#![deny(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod isa;
pub mod kernels;
pub mod prefetch;

pub use isa::{Isa, IsaError, Task};
pub use prefetch::prefetch;
