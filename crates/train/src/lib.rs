//! Training of the compressive transformer: data, optimiser, schedule, checkpoints and what is shown meanwhile.
//!
//! A run is decided by its configuration, its data and its seed alone: on one kind of CPU it gives the same bytes
//! whatever the number of threads, and a run that was interrupted and resumed equals one that was not.
#![forbid(unsafe_code)]

pub mod baseline;
pub mod budget;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod device;
pub mod early_stop;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod gradients;
pub mod log;
pub mod network;
pub mod optim;
pub mod precision;
pub mod run;
pub mod schedule;
pub mod scoreboard;
pub mod seed;
pub mod shard;
pub mod source;
pub mod start;
pub mod tensorboard;
pub mod trainer;

pub use config::Config;
pub use error::TrainError;
