//! The program, as users run it. All tests are one program, which links once and keeps both processors
//! busy; `--test all -- NAME::` runs those of a file.

mod bad_input;
mod common;
mod data;
#[cfg(feature = "download")]
mod download;
mod evaluate;
mod experiments;
#[cfg(unix)]
mod files;
mod generate;
mod golden;
#[cfg(unix)]
mod kills;
mod layouts;
mod memory;
mod models;
mod names;
mod round_trip;
mod salvage;
mod self_test;
#[cfg(unix)]
mod system;
mod unpacked;
mod weights;
