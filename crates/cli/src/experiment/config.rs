//! What an experiment is: its `config.yaml`.

use std::path::PathBuf;

use serde::Deserialize;

/// A `config.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// What it is called.
    pub name: String,
    /// Where the data is described.
    #[allow(dead_code, reason = "for people")]
    pub record: String,
    /// Its licence.
    pub licence: String,
    /// What to download.
    pub files: Vec<RemoteFile>,
    /// What is taken out of the files.
    pub form: Form,
    /// Of arrays and padded tables: which one; without it, the largest.
    #[serde(default)]
    pub array: Option<String>,
    /// Of padded tables: values of a list.
    #[serde(default)]
    pub objects: Option<u32>,
    /// Records with the same value of this field stay together.
    #[serde(default)]
    pub by: Option<String>,
    /// As `vxc data split --parts`.
    pub parts: String,
    /// Levels without a model.
    pub levels: Vec<u8>,
    /// How a network is trained; without it, none is.
    #[serde(default)]
    pub train: Option<TrainPart>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoteFile {
    pub url: String,
    #[serde(default)]
    pub bytes: Option<u64>,
    #[serde(default)]
    pub adler32: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// Arrays as they are.
    Arrays,
    /// A ROOT table as one padded float32 matrix.
    Padded,
    /// Text, out of gzip and tar where it is in them.
    Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrainPart {
    /// A configuration of `vxc train`, beside the repository's others.
    pub config: PathBuf,
    /// Keys that differ.
    #[serde(default)]
    pub set: Vec<String>,
}
