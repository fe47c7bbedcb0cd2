//! What the fuzzers do, usable without one.
//!
//! ```text
//! fuzz/ (libFuzzer) ─────────────┐
//! tests/replay.rs (regressions, ─┴─► targets::ALL ──► the crates
//!   seeds, short mutation)
//! ```
//! A [target](targets) takes any bytes and panics where a promise is broken: a round trip that gives other bytes, a
//! value that does not come back. That decoders end in bounded time and memory is judged by the fuzzer's own limits.
//! [`seeds`] are where a fuzzer starts; [`reseal`] repairs checksums, so that damage gets past them; [`mutate`] is a
//! plain mutator for runs without coverage. Files that once crashed a target are in `regressions/TARGET/`.
#![forbid(unsafe_code)]

pub mod input;
pub mod mutate;
pub mod reseal;
pub mod seeds;
pub mod targets;
