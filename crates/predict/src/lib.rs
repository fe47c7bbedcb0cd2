//! Symbol models: static tables, context mixing, and a transformer mixed in.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod error;
pub mod fields;
pub mod lz;
pub mod mix;
pub mod model;
pub mod neural;
pub mod static_model;

pub use error::PredictError;
pub use mix::{Mix, MixConfig, Query};
pub use model::SymbolModel;
