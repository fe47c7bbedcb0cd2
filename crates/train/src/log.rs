//! The log of a run: one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// A line. What depends on the clock stands in `seconds`, `tokens_per_second` and `memory_bytes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps that were done.
    pub step: u64,
    /// Mean cross-entropy of a token since the line before, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Bits per byte of the training data since the line before, offsets included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_bpb: Option<f64>,
    /// Bits per byte of the validation data, offsets included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_bpb: Option<f64>,
    /// Learning rate of the last step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Global norm of the last step's gradients before clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Seconds since the run was started or resumed.
    pub seconds: f64,
    /// Tokens a second since the line before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Most memory that the process has had resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// The file.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens the log of a run that stands at `step`: later lines, of work that was lost, are dropped.
    ///
    /// # Errors
    /// I/O.
    pub fn open(path: &Path, step: u64) -> Result<Self, TrainError> {
        let kept: Vec<String> = lines(path)?
            .into_iter()
            .filter(|line| {
                serde_json::from_str::<Line>(line).is_ok_and(|line| line.step <= step && step > 0)
            })
            .collect();
        let mut text = kept.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        std::fs::write(path, text).map_err(TrainError::io(path))?;
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::io(path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// I/O.
    pub fn write(&mut self, line: &Line) -> Result<(), TrainError> {
        let mut text = serde_json::to_string(line).map_err(|e| TrainError::Data(e.to_string()))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(TrainError::io(&self.path))
    }
}

fn lines(path: &Path) -> Result<Vec<String>, TrainError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(str::to_string).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(TrainError::io(path)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_continues_where_the_checkpoint_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        for step in 1..=5 {
            log.write(&Line { step, loss: Some(step as f64), ..Line::default() }).unwrap();
        }
        drop(log);
        let mut log = Log::open(&path, 3).unwrap();
        log.write(&Line { step: 4, ..Line::default() }).unwrap();
        let steps: Vec<u64> = lines(&path)
            .unwrap()
            .iter()
            .map(|l| serde_json::from_str::<Line>(l).unwrap().step)
            .collect();
        assert_eq!(steps, [1, 2, 3, 4]);
        // A new run in the same place starts an empty log.
        Log::open(&path, 0).unwrap();
        assert!(lines(&path).unwrap().is_empty());
    }
}
