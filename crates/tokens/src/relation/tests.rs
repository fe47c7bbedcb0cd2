//! Tests of the whole: tables from a generator have their relations found, noise has none, bytes round-trip.

mod bytes;
mod data;
mod exact;
mod generator;
mod noise;
mod pinned;
mod wide;
