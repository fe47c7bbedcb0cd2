//! A network in a directory: `model.safetensors` (weights) and `model.json` (configuration).

use std::fs;
use std::io::Write;
use std::path::Path;

use burn::tensor::Device;

use crate::config::TransformerConfig;
use crate::error::ModelError;
use crate::production::OptimisedCompressiveTransformer;
use crate::weights::{apply_weights, enough, from_safetensors, to_safetensors, weights};

/// Name of the weights file.
pub const WEIGHTS: &str = "model.safetensors";
/// Name of the configuration file.
pub const CONFIG: &str = "model.json";

/// Writes a network into a directory, which is made where it is missing. Each file appears whole or not at all.
///
/// # Errors
/// [`ModelError::Io`], or [`ModelError::Format`] if the weights cannot be written down.
pub fn save(model: &OptimisedCompressiveTransformer, directory: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    let path = directory.join(WEIGHTS);
    let bytes = to_safetensors(&weights(model)).map_err(|e| ModelError::format(&path, e))?;
    replace(directory, WEIGHTS, &bytes)?;
    let path = directory.join(CONFIG);
    let text =
        serde_json::to_vec_pretty(model.config()).map_err(|e| ModelError::format(&path, e))?;
    replace(directory, CONFIG, &text)
}

/// Reads a network from a directory.
///
/// # Errors
/// [`ModelError::Io`], [`ModelError::Format`], [`ModelError::Config`], or [`ModelError::Weights`] for weights that are
/// missing, unexpected or of another shape.
pub fn load(
    directory: &Path,
    device: &Device,
) -> Result<OptimisedCompressiveTransformer, ModelError> {
    let path = directory.join(CONFIG);
    let text = fs::read(&path).map_err(ModelError::io(&path))?;
    let config: TransformerConfig =
        serde_json::from_slice(&text).map_err(|e| ModelError::format(&path, e))?;
    let path = directory.join(WEIGHTS);
    let bytes = fs::read(&path).map_err(ModelError::io(&path))?;
    let weights = from_safetensors(&bytes).map_err(|e| ModelError::format(&path, e))?;
    config.validate()?;
    enough(config.parameter_count(), &weights).map_err(|e| ModelError::format(&path, e))?;
    apply_weights(OptimisedCompressiveTransformer::new(&config, 0, device)?, weights)
}

fn replace(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), ModelError> {
    let path = directory.join(name);
    let fail = || ModelError::io(&path);
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(fail())?;
    file.write_all(bytes).map_err(fail())?;
    file.as_file().sync_all().map_err(fail())?;
    file.persist(&path).map_err(|e| fail()(e.error))?;
    Ok(())
}
