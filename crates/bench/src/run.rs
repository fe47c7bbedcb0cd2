//! One compression and decompression of a whole input, measured and compared.

use std::sync::Arc;

use vxc::tokens::RecordLayout;
use vxc::{CompressOptions, Decoder, DecompressOptions, Level, Model};

use crate::input::Input;
use crate::measure::{median, peak_memory, reset_peak_memory, speed, time};
use crate::peers::Peer;

/// Who compresses.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Vortex-Codec with these options.
    Vxc(Box<CompressOptions>),
    /// Somebody else.
    Peer(Peer),
}

/// What one run took; seconds are CPU seconds of all threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Bytes of the whole coded file.
    pub coded: usize,
    /// Everything that the caller waits for.
    pub compress: f64,
    /// Detection, fit, choice of the coder (0 for peers: not apart).
    pub plan: f64,
    /// Coding alone.
    pub coding: f64,
    /// Decoding and comparing before publication (0 for peers: they do not).
    pub verify: f64,
    /// Decompression: everything that the caller waits for.
    pub decompress: f64,
    /// Decoding alone, without the checksums of the whole content.
    pub decoding: f64,
    /// Seconds by the wall clock of compression.
    pub compress_wall: f64,
    /// Seconds by the wall clock of compression without the plan, which is serial.
    pub coding_wall: f64,
    /// Seconds by the wall clock of decompression.
    pub decompress_wall: f64,
    /// Most memory of the process during both, the input included; 0 where the system does not say.
    pub peak: u64,
}

impl Contender {
    /// The same with another number of threads; peers have one.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        if let Self::Vxc(options) = &mut self {
            options.threads = threads;
        }
        self
    }

    /// Vortex-Codec at a level with one thread.
    ///
    /// # Errors
    /// A number that is no level.
    pub fn level(
        number: u8,
        layout: Option<&RecordLayout>,
        model: Option<&Arc<Model>>,
    ) -> Result<Self, String> {
        let level = Level::new(number).map_err(|e| e.to_string())?;
        Ok(Self::Vxc(Box::new(CompressOptions {
            level,
            layout: layout.cloned(),
            model: model.cloned(),
            threads: 1,
            ..CompressOptions::default()
        })))
    }

    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Vxc(o) => {
                let model = if o.model.is_some() { ", model" } else { "" };
                let threads =
                    if o.threads == 1 { String::new() } else { format!(" -T{}", o.threads) };
                format!("vxc -{}{threads}{model}", o.level.number())
            }
            Self::Peer(peer) => peer.name(),
        }
    }

    /// Compresses, decompresses, and compares.
    ///
    /// # Errors
    /// A line for the user, also if the bytes that come back are not those that went in.
    pub fn run(&self, raw: &[u8]) -> Result<Sample, String> {
        let name = self.name();
        reset_peak_memory();
        let (sample, back) = match self {
            Self::Vxc(options) => run_vxc(raw, options),
            Self::Peer(peer) => run_peer(raw, peer),
        }
        .map_err(|e| format!("{name}: {e}"))?;
        if back != raw {
            return Err(format!("{name}: NOT LOSSLESS"));
        }
        Ok(Sample { peak: peak_memory().unwrap_or(0), ..sample })
    }
}

fn run_vxc(raw: &[u8], options: &CompressOptions) -> Result<(Sample, Vec<u8>), String> {
    let (done, compress) = time(|| vxc::compress_stream(raw, Vec::new(), options));
    let (coded, summary) = done.map_err(|e| e.to_string())?;
    let back = DecompressOptions {
        models: options.model.iter().cloned().collect(),
        threads: options.threads,
        ..DecompressOptions::default()
    };
    let (decoded, decompress) = time(|| {
        let mut decoder = Decoder::new(&coded[..], back)?;
        Ok::<_, vxc::Error>((decoder.decode_all()?, decoder.coding_seconds()))
    });
    let (raw, decoding) = decoded.map_err(|e| e.to_string())?;
    // The codec's own clocks go on while another program has the processor; the CPU time of the whole does
    // not. What waited is taken to be spread evenly over the parts.
    let parts = summary.plan_seconds + summary.coding_seconds + summary.verify_seconds;
    let busy = (compress.cpu / parts.max(1e-9)).min(1.0);
    let decode_busy = (decompress.cpu / decoding.max(decompress.wall).max(1e-9)).min(1.0);
    let sample = Sample {
        coded: coded.len(),
        compress: compress.cpu,
        plan: busy * summary.plan_seconds,
        coding: busy * summary.coding_seconds,
        verify: busy * summary.verify_seconds,
        decompress: decompress.cpu,
        decoding: decode_busy * decoding,
        compress_wall: compress.wall,
        coding_wall: compress.wall - summary.plan_seconds,
        decompress_wall: decompress.wall,
        peak: 0,
    };
    Ok((sample, raw))
}

fn run_peer(raw: &[u8], peer: &Peer) -> Result<(Sample, Vec<u8>), String> {
    let (coded, compress) = time(|| peer.compress(raw));
    let coded = coded.map_err(|e| e.to_string())?;
    let (back, decompress) = time(|| peer.decompress(&coded, raw.len()));
    let sample = Sample {
        coded: coded.len(),
        compress: compress.cpu,
        coding: compress.cpu,
        decompress: decompress.cpu,
        decoding: decompress.cpu,
        compress_wall: compress.wall,
        coding_wall: compress.wall,
        decompress_wall: decompress.wall,
        ..Sample::default()
    };
    Ok((sample, back.map_err(|e| e.to_string())?))
}

/// All runs of one contender on one input.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Bytes of the input.
    pub raw: usize,
    /// Its runs; the i-th is of the same round as the i-th of every other series.
    pub samples: Vec<Sample>,
}

impl Series {
    /// Raw bytes to coded bytes.
    pub fn ratio(&self) -> f64 {
        self.raw as f64 / self.coded().max(1) as f64
    }

    /// Bytes of the coded file: the same in every run.
    pub fn coded(&self) -> usize {
        self.samples.first().map_or(0, |s| s.coded)
    }

    /// Median speed in MB/s of what `seconds` picks.
    pub fn speed(&self, seconds: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(|s| speed(self.raw, seconds(s))))
    }

    /// Most memory of all runs, in bytes.
    pub fn peak(&self) -> u64 {
        self.samples.iter().map(|s| s.peak).max().unwrap_or(0)
    }

    /// Median over the rounds of how many times faster than `other` it was in the same round.
    pub fn times(&self, other: &Self, seconds: impl Fn(&Sample) -> f64) -> f64 {
        let pairs = self.samples.iter().zip(&other.samples);
        median(pairs.map(|(a, b)| seconds(b) / seconds(a).max(1e-9)))
    }
}

/// Runs all contenders on an input `rounds` times, each round all of them one after the other, so that what
/// slows the machine down meets all.
///
/// # Errors
/// The first failure.
pub fn rounds(
    input: &Input,
    contenders: &[Contender],
    rounds: usize,
) -> Result<Vec<Series>, String> {
    let mut all: Vec<Series> = contenders
        .iter()
        .map(|c| Series { name: c.name(), raw: input.bytes.len(), samples: Vec::new() })
        .collect();
    for _ in 0..rounds.max(1) {
        for (contender, series) in contenders.iter().zip(&mut all) {
            let sample = contender.run(&input.bytes)?;
            if series.samples.first().is_some_and(|s| s.coded != sample.coded) {
                return Err(format!("{}: another size in another run", series.name));
            }
            series.samples.push(sample);
        }
    }
    Ok(all)
}

/// A model fitted to training files of one kind, as `vxc fit` makes it.
///
/// # Errors
/// A line for the user.
pub fn fit(level: u8, training: Vec<Input>) -> Result<Model, String> {
    let level = Level::new(level).map_err(|e| e.to_string())?;
    let layout = training.first().and_then(|input| input.told.clone());
    let files: Vec<Vec<u8>> = training.into_iter().map(|input| input.bytes).collect();
    Model::fit(level, layout.as_ref(), &files).map_err(|e| e.to_string())
}
