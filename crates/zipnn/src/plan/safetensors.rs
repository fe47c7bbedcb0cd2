//! The list of tensors at the front of a safetensors file. The crate `safetensors` reads and checks it.

use std::io::{self, Read, Seek, SeekFrom};

use ::safetensors::tensor::{Dtype, Metadata};

use super::Tensor;

/// The format's own limit of its header.
const MAX_HEADER: u64 = 100_000_000;

/// Tensors of a file of `len` bytes; none if it is no such file.
pub(super) fn read<R: Read + Seek>(file: &mut R, len: u64) -> io::Result<Option<Vec<Tensor>>> {
    file.seek(SeekFrom::Start(0))?;
    let mut front = [0; 8];
    if len < 10 || file.read_exact(&mut front).is_err() {
        return Ok(None);
    }
    let header = u64::from_le_bytes(front);
    if !(2..=MAX_HEADER.min(len - 8)).contains(&header) {
        return Ok(None);
    }
    let mut json = vec![0];
    file.read_exact(&mut json)?;
    if json != b"{" {
        return Ok(None);
    }
    file.take(header - 1).read_to_end(&mut json)?;
    let Ok(metadata) = serde_json::from_slice::<Metadata>(&json) else { return Ok(None) };
    let base = 8 + header;
    let names = metadata.offset_keys();
    let tensors = names.into_iter().filter_map(|name| {
        let info = metadata.info(&name)?;
        let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        let tensor = Tensor {
            name,
            dtype: dtype(info.dtype),
            shape: info.shape.iter().map(|&d| d as u64).collect(),
            start: base.checked_add(from)?,
            len: to.checked_sub(from)?,
        };
        tensor.start.checked_add(tensor.len).filter(|&end| end <= len)?;
        Some(tensor)
    });
    Ok(Some(tensors.collect()))
}

fn dtype(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::BOOL => "BOOL",
        Dtype::F4 => "F4",
        Dtype::F6_E2M3 => "F6_E2M3",
        Dtype::F6_E3M2 => "F6_E3M2",
        Dtype::U8 => "U8",
        Dtype::I8 => "I8",
        Dtype::F8_E5M2 => "F8_E5M2",
        Dtype::F8_E4M3 => "F8_E4M3",
        Dtype::F8_E8M0 => "F8_E8M0",
        Dtype::F8_E4M3FNUZ => "F8_E4M3FNUZ",
        Dtype::F8_E5M2FNUZ => "F8_E5M2FNUZ",
        Dtype::I16 => "I16",
        Dtype::U16 => "U16",
        Dtype::F16 => "F16",
        Dtype::BF16 => "BF16",
        Dtype::I32 => "I32",
        Dtype::U32 => "U32",
        Dtype::F32 => "F32",
        Dtype::C64 => "C64",
        Dtype::F64 => "F64",
        Dtype::I64 => "I64",
        Dtype::U64 => "U64",
        _ => "unknown",
    }
}
