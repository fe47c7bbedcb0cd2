//! Single tensors out of an archive, as a safetensors file of their own.

use std::io::{self, Read, Seek, SeekFrom, Write};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::archive::Archive;
use crate::error::WeightsError;
use crate::memory::check;
use crate::plan::Tensor;

/// Writes the file with the named tensors and gives its length. Of the archive only the blocks that hold them, and what
/// lists them, are decoded, and no tensor is held.
///
/// # Errors
/// [`WeightsError::InvalidArgument`] if there is no such tensor or its type has no place in safetensors;
/// [`WeightsError::LimitExceeded`]: nothing is written then, unless it is a block that takes too much; I/O, damage.
pub fn extract<R: Read + Seek, W: Write>(
    archive: &mut Archive<R>,
    names: &[String],
    mut output: W,
) -> Result<u64, WeightsError> {
    if let Some(name) =
        names.iter().enumerate().find_map(|(i, n)| names.iter().take(i).find(|m| *m == n))
    {
        return Err(WeightsError::InvalidArgument(format!("tensor {name:?} is named twice")));
    }
    let (header, tensors) = list(archive, names)?;
    output.write_all(&(header.len() as u64).to_le_bytes())?;
    output.write_all(header.as_bytes())?;
    let mut written = 8 + header.len() as u64;
    for tensor in &tensors {
        archive.seek(SeekFrom::Start(tensor.start))?;
        let copied = io::copy(&mut archive.by_ref().take(tensor.len), &mut output)?;
        if copied != tensor.len {
            return Err(WeightsError::corrupt("a tensor ends too early"));
        }
        written += copied;
    }
    output.flush()?;
    Ok(written)
}

/// The header of the file, and its tensors in order.
fn list<R: Read + Seek>(
    archive: &mut Archive<R>,
    names: &[String],
) -> Result<(String, Vec<Tensor>), WeightsError> {
    let all = archive.tensors()?;
    let mut tensors = Vec::new();
    let mut bytes = 0u64;
    for name in names {
        let tensor = all.iter().find(|t| t.name == *name).ok_or_else(|| {
            WeightsError::InvalidArgument(format!("there is no tensor {name:?} (see --list)"))
        })?;
        bytes = bytes.saturating_add(tensor.len);
        tensors.push((dtype(tensor.dtype)?, tensor.clone()));
    }
    check("content", bytes, archive.limits().max_output)?;
    // As the library has them: the widest types first, then by name.
    tensors.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.name.cmp(&y.name)));
    let mut at = 0usize;
    let infos = tensors.iter().map(|(dtype, tensor)| {
        let from = at;
        at = usize::try_from(tensor.len).ok().and_then(|len| at.checked_add(len))?;
        let shape = tensor.shape.iter().map(|&d| d as usize).collect();
        Some((tensor.name.clone(), TensorInfo { dtype: *dtype, shape, data_offsets: (from, at) }))
    });
    let infos =
        infos.collect::<Option<Vec<_>>>().ok_or_else(|| invalid("tensors are too large"))?;
    let header = Metadata::new(None, infos).map_err(invalid)?;
    let mut header = serde_json::to_string(&header).map_err(invalid)?;
    // Numbers begin at a multiple of eight.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    Ok((header, tensors.into_iter().map(|(_, tensor)| tensor).collect()))
}

fn dtype(name: &str) -> Result<Dtype, WeightsError> {
    serde_json::from_value(name.into()).map_err(invalid)
}

fn invalid(e: impl std::fmt::Display) -> WeightsError {
    WeightsError::InvalidArgument(e.to_string())
}
