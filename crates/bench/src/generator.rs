//! Deterministic inputs: a physics-like table of any size, and small files of awkward shapes.
//!
//! The bytes depend on the seed and the arguments alone: integer random numbers, IEEE `+ − × ÷ √` in a fixed
//! order and the pure-Rust `libm`, never the platform's mathematical library. Tests pin a hash of them, so
//! that figures of different machines and versions are about the same file.

mod columns;
mod event;
mod rng;
mod shapes;
mod table;
mod text;

pub use columns::{Column, Number};
pub use rng::Rng;
pub use shapes::{
    column_major, random_bytes, records_with_header_and_tail, schema_change, two_tables, zeros,
};
pub use table::{Table, Variant};
pub use text::text_events;
