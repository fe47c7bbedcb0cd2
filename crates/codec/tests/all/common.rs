//! What the tests of the library share: the repository's samples and small generated inputs.
#![allow(dead_code, missing_docs)]

use vxc::{CompressOptions, DecompressOptions, Level};

pub const LEVELS: [u8; 6] = [1, 2, 3, 4, 5, 6];

/// The simulated jets: records of 124 bytes.
pub fn jets() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/ftag_jets.bin");
    std::fs::read(path).expect("the sample is in the repository")
}

/// Simulated events as text.
pub fn events() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/py8_ttbar.hepmc");
    std::fs::read(path).expect("the sample is in the repository")
}

pub fn options(level: u8) -> CompressOptions {
    CompressOptions { level: Level::new(level).unwrap(), threads: 1, ..CompressOptions::default() }
}

pub fn compress(raw: &[u8], level: u8) -> Vec<u8> {
    vxc::compress(raw, &options(level)).unwrap()
}

pub fn decompress(archive: &[u8]) -> Result<Vec<u8>, vxc::Error> {
    vxc::decompress(archive, &DecompressOptions { threads: 1, ..DecompressOptions::default() })
}

/// Deterministic noise.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
