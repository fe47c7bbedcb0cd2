//! Record layouts and the fitted tokeniser: values to symbols and offsets, and back.
#![forbid(unsafe_code)]

pub mod error;
pub mod layout;
pub mod ordered;

pub use error::TokenError;
pub use layout::{Endian, Field, Kind, RecordLayout};
