//! What other compressors make of the validation data: the figures that a network is measured by.

use std::sync::Arc;

use vxc::{CompressOptions, Level, Model};
use vxc_bench::peers::Peer;

use crate::error::TrainError;
use crate::source::Source;

/// A compressor and its ratio (raw over whole coded file).
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Name.
    pub name: String,
    /// Ratio.
    pub ratio: f64,
}

/// gzip, zstd, xz, pco per column, and our own static and mix levels with the fitted model.
///
/// # Errors
/// Whatever a compressor says.
pub fn measure(source: &Source) -> Result<Vec<Baseline>, TrainError> {
    let raw = source.bytes_of(source.split.validation.clone());
    let ratio = |coded: usize| raw.len() as f64 / coded.max(1) as f64;
    let mut peers =
        vec![Peer::Gzip(9), Peer::Zstd(19), Peer::Xz { extreme: false, aligned: false }];
    peers.extend(source.layout.clone().map(|layout| Peer::PcoColumns(8, layout)));
    let mut out = Vec::new();
    for peer in peers {
        let coded = peer.compress(raw).map_err(|e| TrainError::Data(e.to_string()))?;
        out.push(Baseline { name: peer.name(), ratio: ratio(coded.len()) });
    }
    let model = Arc::new(source.fitted.clone());
    for level in [3, 5] {
        out.push(Baseline {
            name: format!("vxc -{level}"),
            ratio: ratio(own(&model, level, raw)?),
        });
    }
    Ok(out)
}

fn own(model: &Arc<Model>, level: u8, raw: &[u8]) -> Result<usize, TrainError> {
    let options = CompressOptions {
        level: Level::new(level)?,
        layout: model.layout().cloned(),
        // A static level has nothing of a model without static tables: it would mix.
        model: (level > 3 || model.code().plan.is_some()).then(|| model.clone()),
        ..CompressOptions::default()
    };
    Ok(vxc::compress(raw, &options)?.len())
}
