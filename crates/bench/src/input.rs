//! Files to measure, with the layout that the program `vxc` would use for them.

use std::path::{Path, PathBuf};

use vxc::tokens::detect::detect;
use vxc::tokens::sidecar::{check_layout, parse_layout};
use vxc::tokens::{Endian, Kind, RecordLayout};

/// How much of an input a layout is checked against, and detection looks at for the peers.
const SAMPLE: usize = 1 << 20;

/// A file in memory.
#[derive(Clone, Debug)]
pub struct Input {
    /// Base name.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// What the codec is told: a layout from the sidecar or from the command line. None: it detects.
    pub told: Option<RecordLayout>,
    /// What the peers that need one are given: the layout told, else the one detected for most of the bytes.
    pub layout: Option<RecordLayout>,
    /// Where the layout comes from, in words.
    pub source: &'static str,
}

impl Input {
    /// Reads a file and finds its layout; `record` is a record size in bytes that the user gave.
    ///
    /// # Errors
    /// A line for the user: I/O, or a record size beyond the limits.
    pub fn read(path: &Path, record: Option<usize>) -> Result<Self, String> {
        let fail = |e: std::io::Error| format!("{}: {e}", path.display());
        let bytes = std::fs::read(path).map_err(fail)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let told = match record {
            Some(n) => Some((of_record(n)?, "--record")),
            None => sidecar(path, &bytes).map(|l| (l, "sidecar")),
        };
        Ok(match told {
            Some((l, source)) => {
                Self { name, bytes, told: Some(l.clone()), layout: Some(l), source }
            }
            None => Self::detected(name, bytes),
        })
    }

    /// An input without any word about its layout.
    pub fn detected(name: String, bytes: Vec<u8>) -> Self {
        let sample = &bytes[..bytes.len().min(SAMPLE)];
        let layout = detect(sample)
            .into_iter()
            .max_by_key(|r| r.len)
            .filter(|r| r.len > sample.len() / 2 && r.start == 0)
            .and_then(|r| r.layout);
        let source = if layout.is_some() { "detection" } else { "no records" };
        Self { name, bytes, told: None, layout, source }
    }

    /// Name, size and record in a line.
    pub fn describe(&self) -> String {
        format!("{}: {} bytes ({})", self.name, self.bytes.len(), self.record())
    }

    /// The record, and where it comes from, in words.
    pub fn record(&self) -> String {
        match &self.layout {
            Some(l) => {
                format!(
                    "{} fields in records of {} bytes, {}",
                    l.fields.len(),
                    l.record_bytes,
                    self.source
                )
            }
            None => self.source.to_owned(),
        }
    }
}

/// `jets.bin.meta.json` or `jets.meta.json` beside `jets.bin`, unless the bytes contradict it.
fn sidecar(path: &Path, bytes: &[u8]) -> Option<RecordLayout> {
    let mut whole = path.as_os_str().to_owned();
    whole.push(".meta.json");
    let names = [PathBuf::from(whole), path.with_extension("meta.json")];
    let file = names.into_iter().find(|p| p != path && p.is_file())?;
    let layout = parse_layout(&std::fs::read_to_string(file).ok()?).ok()?;
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let fit = check_layout(&layout, bytes.len() as u64, sample);
    (!fit.is_contradiction()).then_some(layout)
}

/// Singles where they fill the record, else bytes.
fn of_record(size: usize) -> Result<RecordLayout, String> {
    if size > 0 && size.is_multiple_of(4) {
        RecordLayout::array(Kind::F32, Endian::Little, size / 4)
    } else {
        RecordLayout::new(size, Vec::new())
    }
    .map_err(|e| e.to_string())
}
