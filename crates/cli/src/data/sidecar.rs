//! What stands beside an extracted array: enough to compress it by its layout, and to write it in another format.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vxc::tokens::RecordLayout;
use vxc::tokens::sidecar::{MAX_JSON_BYTES, fields_json};
use vxc_data::npy::write::{descr_text, dtype_of};
use vxc_data::{ArrayInfo, DataError};

use crate::console::hex;
use crate::failure::Failure;
use crate::input::open_file;
use crate::output::{Target, Terminal};

/// The content of `NAME.meta.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sidecar {
    /// Directories and name in the source.
    pub path: String,
    /// Name of the source.
    pub source: String,
    /// Its format.
    pub format: String,
    /// Type of an element, as NumPy describes it.
    pub descr: String,
    /// Elements in each dimension, the last one running fastest.
    pub shape: Vec<u64>,
    /// Whether the source has the dimensions in reverse order.
    #[serde(default)]
    pub fortran_order: bool,
    /// For values of entries of varying length: the path of the array of their numbers.
    #[serde(default)]
    pub lengths: Option<String>,
    /// Bytes of the values.
    pub bytes: u64,
    /// BLAKE3 of the values.
    pub blake3: String,
    /// Adler-32 of the values.
    pub adler32: String,
    /// What was lost on the way here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lossy: Option<Lossy>,
    /// Bytes of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<usize>,
    /// Its fields, in the form that layouts have here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Value>,
}

/// What a padded matrix has lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lossy {
    /// Values that float32 does not hold.
    pub inexact: u64,
    /// Values beyond the length of lists.
    pub cut: u64,
    /// Columns that are not there.
    pub left_out: Vec<String>,
}

impl Sidecar {
    /// Of an array that was written. `shape` is what it turned out to be.
    pub fn new(
        info: &ArrayInfo,
        shape: Vec<u64>,
        layout: Option<&RecordLayout>,
        source: &Path,
        format: &str,
        digest: &vxc::ContentDigest,
    ) -> Self {
        let source = source.file_name().unwrap_or(source.as_os_str());
        Self {
            path: info.path.clone(),
            source: source.to_string_lossy().into_owned(),
            format: format.into(),
            descr: descr_text(&info.dtype),
            shape,
            fortran_order: info.fortran_order,
            lengths: info.lengths.clone(),
            bytes: digest.len,
            blake3: hex(&digest.blake3),
            adler32: format!("{:08x}", digest.adler32),
            lossy: None,
            record_bytes: layout.map(|layout| layout.record_bytes),
            fields: layout.map(fields_json),
        }
    }

    /// Writes it beside `bin`.
    ///
    /// # Errors
    /// I/O; a file that is there already, unless `force`.
    pub fn write(&self, bin: &Path, force: bool) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Failure::Io("cannot write".into(), e.into()))?;
        let mut out = Target::Path(beside(bin)).open(force, Terminal::Forced)?;
        std::io::Write::write_all(&mut out, (text + "\n").as_bytes())
            .map_err(|e| out.explain(e))?;
        out.publish_one_of_many()
    }

    /// The one beside a `.bin` file, if there is one of this form; of other forms there are layouts only.
    ///
    /// # Errors
    /// I/O.
    pub fn read(bin: &Path) -> Result<Option<Self>, Failure> {
        let path = beside(bin);
        if !path.is_file() {
            return Ok(None);
        }
        let (file, _) = open_file(&path)?;
        let mut text = Vec::new();
        let most = MAX_JSON_BYTES as u64;
        file.take(most + 1).read_to_end(&mut text).map_err(Failure::io("cannot read"))?;
        Ok(serde_json::from_slice(&text).ok().filter(|_| text.len() as u64 <= most))
    }

    /// The array that it describes.
    ///
    /// # Errors
    /// A description that contradicts itself or `bytes`, the size of the file.
    pub fn info(&self, bytes: u64) -> Result<ArrayInfo, DataError> {
        let dtype = dtype_of(&self.descr)?;
        let width = dtype.bytes as u64;
        let wanted = self.shape.iter().try_fold(width, |n, &dim| n.checked_mul(dim));
        if wanted != Some(bytes) {
            let wanted = wanted.map_or_else(|| "more than can be".into(), |n| n.to_string());
            let message = format!("{bytes} bytes, its .meta.json says {wanted}");
            return Err(DataError::Corruption(message));
        }
        Ok(ArrayInfo {
            path: self.path.clone(),
            dtype,
            shape: self.shape.clone(),
            fortran_order: self.fortran_order,
            lengths: self.lengths.clone(),
        })
    }
}

fn beside(bin: &Path) -> PathBuf {
    bin.with_extension("meta.json")
}
