//! The library: archives of every level, whole, by ranges, damaged, hostile. All tests are one program, which links once and keeps both processors
//! busy; `--test all -- NAME::` runs those of a file.

mod access;
mod common;
mod damage;
#[cfg(feature = "desync")]
mod desync;
mod faults;
mod limits;
mod models;
mod neural;
mod properties;
mod roundtrip;
