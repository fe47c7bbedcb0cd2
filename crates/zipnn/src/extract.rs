//! Single tensors out of an archive, as a safetensors file of their own.

use std::io::{Read, Seek, SeekFrom};

use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::archive::Archive;
use crate::error::WeightsError;
use crate::plan::{Plan, Tensor};

/// The file with the named tensors. Of the archive only the blocks that hold them, and what lists them, are decoded.
///
/// # Errors
/// [`WeightsError::InvalidArgument`] if there is no such tensor or its type has no place in safetensors; I/O, damage.
pub fn extract<R: Read + Seek>(
    archive: &mut Archive<R>,
    names: &[String],
) -> Result<Vec<u8>, WeightsError> {
    let plan = Plan::of(archive)?;
    if let Some(name) =
        names.iter().enumerate().find_map(|(i, n)| names.iter().take(i).find(|m| *m == n))
    {
        return Err(WeightsError::InvalidArgument(format!("tensor {name:?} is named twice")));
    }
    let mut found: Vec<(&Tensor, Vec<u8>)> = Vec::new();
    for name in names {
        let tensor = plan.tensors.iter().find(|t| t.name == *name).ok_or_else(|| {
            WeightsError::InvalidArgument(format!("there is no tensor {name:?} (see --list)"))
        })?;
        archive.seek(SeekFrom::Start(tensor.start))?;
        let mut data = Vec::new();
        archive.by_ref().take(tensor.len).read_to_end(&mut data)?;
        found.push((tensor, data));
    }
    let views = found.iter().map(|(tensor, data)| {
        // In this order, as the library multiplies.
        let shape: Vec<usize> = tensor.shape.iter().map(|&d| d as usize).collect();
        if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none() {
            return Err(WeightsError::InvalidArgument(format!("{:?} is no shape", tensor.shape)));
        }
        let view = TensorView::new(dtype(tensor.dtype)?, shape, data).map_err(invalid)?;
        Ok((tensor.name.clone(), view))
    });
    let views = views.collect::<Result<Vec<_>, WeightsError>>()?;
    serialize(views, None).map_err(invalid)
}

fn dtype(name: &str) -> Result<Dtype, WeightsError> {
    serde_json::from_value(name.into()).map_err(invalid)
}

fn invalid(e: impl std::fmt::Display) -> WeightsError {
    WeightsError::InvalidArgument(e.to_string())
}
