//! What a caller can ask for.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use vxc_format::{DecodeLimits, Original};
use vxc_tokens::RecordLayout;

use crate::level::Level;
use crate::model::Model;
use crate::trainer::Trainer;

/// What is kept of the original file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Base name, in the bytes of its system.
    pub name: Option<Vec<u8>>,
    /// Modification time, ns since 1970-01-01 UTC.
    pub mtime: Option<i64>,
    /// Unix mode bits.
    pub mode: Option<u32>,
}

/// How to compress. The archive depends on `level`, `layout`, `model`, `embed_model`,
/// `trainer`, `pure`, `segment_bytes`, `metadata` and `original` alone.
#[derive(Clone, Debug)]
pub struct CompressOptions {
    /// Level. Default 5.
    pub level: Level,
    /// Layout of the records; none: found in the bytes.
    pub layout: Option<RecordLayout>,
    /// A fitted model.
    pub model: Option<Arc<Model>>,
    /// Whether the model travels in the archive.
    pub embed_model: bool,
    /// At the neural levels without a model: trains a network on the input. It travels in the archive where that is
    /// smaller than without.
    pub trainer: Option<Arc<dyn Trainer>>,
    /// At the neural levels: code with the network's distributions alone, as -7 does.
    pub pure: bool,
    /// Largest raw length of a segment, in bytes; none: the level's own. Smaller ones give finer random
    /// access and more parallelism for a worse ratio.
    pub segment_bytes: Option<u64>,
    /// Original file.
    pub metadata: Metadata,
    /// If the content is the unpacked form of a file: that file's size and checksums.
    pub original: Option<Original>,
    /// Threads; 0 = one for each processor. Reduced where memory would not suffice.
    pub threads: usize,
    /// Decode each segment and compare before it is written. Default true.
    pub verify: bool,
    /// Memory to stay below, in bytes, about. Default 512 MiB.
    pub memory: u64,
    /// Counts the content bytes that have been coded (and verified), for whoever shows progress.
    pub progress: Option<Arc<AtomicU64>>,
}

impl Default for CompressOptions {
    fn default() -> Self {
        Self {
            level: Level::default(),
            layout: None,
            model: None,
            embed_model: false,
            trainer: None,
            pure: false,
            segment_bytes: None,
            metadata: Metadata::default(),
            original: None,
            threads: 0,
            verify: true,
            memory: 512 << 20,
            progress: None,
        }
    }
}

/// How to decompress.
#[derive(Clone, Debug, Default)]
pub struct DecompressOptions {
    /// Models that archives may name.
    pub models: Vec<Arc<Model>>,
    /// What the decoder is willing to spend.
    pub limits: DecodeLimits,
    /// Threads; 0 = one for each processor. Reduced where memory would not suffice.
    pub threads: usize,
}

/// The number of threads that is asked for; 0: one for each processor.
pub(crate) fn threads_asked(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

/// The number of threads to use: the number asked for, at most what memory allows, at least one.
pub(crate) fn threads(asked: usize, memory: u64, fixed: u64, each: u64) -> usize {
    let fit = memory.saturating_sub(fixed) / each.max(1);
    threads_asked(asked).min(usize::try_from(fit).unwrap_or(usize::MAX)).max(1)
}
