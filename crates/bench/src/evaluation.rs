//! What an evaluation found: plain data, from which table, CSV, JSON and report are made.

use serde::Serialize;

/// An evaluation of some files.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Version of the program.
    pub program: String,
    /// Processor and system, in words.
    pub machine: String,
    /// Rounds that speeds are medians of.
    pub rounds: usize,
    /// The command that gives this evaluation again, and those that do single things of it by hand.
    pub commands: Vec<Command>,
    /// One for each file.
    pub files: Vec<FileResult>,
}

/// A command line, and what it does.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    /// What it does.
    pub what: String,
    /// The line.
    pub line: String,
}

/// What was found for a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileResult {
    /// Base name.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Layout, in words.
    pub layout: String,
    /// Bytes of the model file, if one was given.
    pub model_bytes: Option<u64>,
    /// Levels, then baselines.
    pub contenders: Vec<Row>,
    /// Where the bytes go: one for each field in the order of coding, at the highest level with a tokeniser.
    pub fields: Vec<FieldShare>,
    /// Relations between fields.
    pub relations: Vec<RelationSaving>,
    /// Segments in order, at the highest level.
    pub segments: Vec<SegmentPoint>,
    /// In words: where a baseline is smaller or faster.
    pub losses: Vec<String>,
}

/// One compressor on one file.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// As reports name it.
    pub name: String,
    /// The level, for ours.
    pub level: Option<u8>,
    /// Whether a model file was used.
    pub model: bool,
    /// Bytes of the whole coded file.
    pub coded: u64,
    /// Raw bytes to coded bytes.
    pub ratio: f64,
    /// Raw bytes to coded bytes and the model file's, where there is one.
    pub ratio_with_model: Option<f64>,
    /// Coded bits to raw bytes.
    pub bits_per_byte: f64,
    /// What the model's probabilities cost, without coder and container; ours only.
    pub theoretical_bits_per_byte: Option<f64>,
    /// MB/s of CPU time, all threads.
    pub compress_cpu: f64,
    /// MB/s by the wall clock.
    pub compress_wall: f64,
    /// MB/s of CPU time.
    pub decompress_cpu: f64,
    /// MB/s by the wall clock.
    pub decompress_wall: f64,
    /// Most memory of the process in bytes, the input included.
    pub peak_bytes: Option<u64>,
    /// Whether the bytes that came back were those that went in.
    pub lossless: bool,
    /// Whether nobody else is both smaller and faster to decompress.
    pub pareto: bool,
}

/// What a field takes.
#[derive(Clone, Debug, Serialize)]
pub struct FieldShare {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Bits a record as stored.
    pub raw_bits: f64,
    /// Bits a record of its symbols.
    pub symbol_bits: f64,
    /// Bits a record of its offsets.
    pub offset_bits: f64,
    /// How it is coded, in words.
    pub coding: String,
}

/// What a relation saves.
#[derive(Clone, Debug, Serialize)]
pub struct RelationSaving {
    /// The field that is predicted.
    pub field: String,
    /// From what and how, in words.
    pub formula: String,
    /// Bits a record without relations.
    pub bits_without: f64,
    /// Bits a record with them.
    pub bits_with: f64,
}

/// A segment.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentPoint {
    /// First byte in the file.
    pub start: u64,
    /// Raw bytes.
    pub raw: u64,
    /// Bytes in the archive.
    pub coded: u64,
}
