//! The targets. Each takes any bytes, and panics where a promise is broken.

mod archive;
mod header;
mod model;
mod readers;
mod remake;
mod roundtrip;
mod tokeniser;
mod weights;

/// A target.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const ALL: [(&str, Target); 11] = [
    ("roundtrip", roundtrip::run),
    ("archive", archive::run),
    ("header", header::run),
    ("tokeniser", tokeniser::run),
    ("model", model::run),
    ("hdf5", readers::hdf5),
    ("root", readers::root),
    ("numpy", readers::numpy),
    ("remake", remake::run),
    ("unpack", remake::form),
    ("weights", weights::run),
];

/// The target of a name.
pub fn named(name: &str) -> Option<Target> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}
