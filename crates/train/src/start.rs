//! The network that a run starts from: random weights, those of an earlier run, or a published checkpoint.

use std::path::Path;

use burn::tensor::Device;
use vxc_model::published::Published;
use vxc_model::{OptimisedCompressiveTransformer, TransformerConfig};

use crate::config::Config;
use crate::data::Corpus;
use crate::error::TrainError;
use crate::network;
use crate::seed::{SplitMix64, Stream};
use crate::source::Source;

/// The network of a new run. Where the configuration names one to start from, that network's own sizes count.
///
/// # Errors
/// [`TrainError::Config`] for sizes that do not go together, or a network that cannot read the data; whatever is
/// wrong with its files.
pub fn network(
    config: &Config,
    source: &Source,
    device: &Device,
) -> Result<OptimisedCompressiveTransformer, TrainError> {
    if let Some(from) = &config.model.start {
        let network = load(from, config, device)?;
        fits(network.config(), &source.corpus)
            .map_err(|why| TrainError::Config(format!("{}: the network {why}", from.display())))?;
        return Ok(network);
    }
    let shape = network::config(&config.model, &source.corpus)?;
    let seed = SplitMix64::new(config.training.seed, Stream::Weights, 0).next_u64();
    let counts = source.corpus.histogram(source.split.train.clone());
    Ok(OptimisedCompressiveTransformer::new(&shape, seed, device)?.init_bias(&counts)?)
}

/// A folder of a network, or a file of the published package, which does not say its window and rate: those of the
/// configuration.
fn load(
    from: &Path,
    config: &Config,
    device: &Device,
) -> Result<OptimisedCompressiveTransformer, TrainError> {
    if from.is_dir() {
        return Ok(vxc_model::load(from, device)?);
    }
    let (window, rate) = (config.model.window, config.model.compression_rate);
    Ok(Published::from_pt(from)?.into_production(window, rate, device)?)
}

/// Whether a network can read a corpus; if not, what it does that the corpus does not allow.
fn fits(network: &TransformerConfig, corpus: &Corpus) -> Result<(), String> {
    let symbols = corpus.vocabulary();
    if network.vocab < symbols || network.context_vocab < symbols {
        return Err(format!("knows {} symbols, the data has {symbols}", network.vocab));
    }
    let (types, record) = (network.types.record_len(), corpus.record_tokens);
    if !record.is_multiple_of(types) {
        return Err(format!("repeats its types every {types} tokens, a record has {record}"));
    }
    for (reads, has, what) in [
        (network.above, corpus.has_above, "the record above"),
        (network.fraction, !corpus.fractions.is_empty(), "offsets"),
        (network.copied, corpus.has_copies(), "copied symbols"),
    ] {
        if reads && !has {
            return Err(format!("reads {what}, which the data does not have"));
        }
    }
    Ok(())
}
