//! What the codec is measured with: generated tables, the compressors that it competes with, and clocks.
//!
//! [`generator`] is all that there is without the feature `peers`, so that tests of other crates can use it
//! without building any compressor. The programs `demo`, `bench` and `targets`, and the criterion benchmark
//! `speed`, run Vortex-Codec and its peers in one process.
#![forbid(unsafe_code)]

#[cfg(feature = "peers")]
pub mod evaluate;
#[cfg(feature = "peers")]
pub mod evaluation;
pub mod generator;
#[cfg(feature = "peers")]
pub mod input;
#[cfg(feature = "peers")]
pub mod measure;
#[cfg(feature = "peers")]
pub mod page;
#[cfg(feature = "peers")]
pub mod peers;
#[cfg(feature = "peers")]
pub mod report;
#[cfg(feature = "peers")]
pub mod run;
#[cfg(feature = "peers")]
pub mod streamed;
