//! Record layouts and the fitted tokeniser: values to symbols and offsets, and back.
#![forbid(unsafe_code)]

pub mod bins;
pub mod columns;
pub mod detect;
pub mod error;
pub mod fit;
pub mod fit_bins;
pub mod layout;
pub mod log2;
pub mod ordered;
pub mod relation;
mod restore;
pub mod sidecar;
pub mod step;
pub mod symbol_table;
pub mod tokeniser;
pub mod transform;
pub mod wire;

pub use columns::{Block, TokenColumn};
pub use error::TokenError;
pub use fit::{FitOptions, fit};
pub use layout::{Endian, Field, Kind, RecordLayout};
pub use step::{Before, Step, Token};
pub use tokeniser::Tokeniser;
