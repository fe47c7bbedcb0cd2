//! Checkpoints: all that a run needs to go on as if it had not been interrupted.
//!
//! ```text
//! RUN/config.yaml  tokeniser.bin  fitted.vxm     what the run is, written once
//! RUN/checkpoints/step-00001000/                 one folder a checkpoint, the last two are kept
//!     model.safetensors  model.json  optimiser.safetensors  state.json
//! RUN/best/model.safetensors  model.json         the network with the lowest validation cost
//! RUN/log.jsonl  events.out.tfevents.*           what was measured
//! ```
//! A checkpoint is written under another name and renamed when it is complete. `optimiser.safetensors` holds
//! `NAME.moment_1` and `NAME.moment_2` of each parameter, f32, flat.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use vxc::{Model, StreamCode};
use vxc_model::OptimisedCompressiveTransformer;

use crate::config::Config;
use crate::data::{LanePosition, RecordPosition};
use crate::early_stop::EarlyStop;
use crate::error::TrainError;
use crate::optim::NamedAdamW;
use crate::precision::LossScale;
use crate::source::Source;

/// Checkpoints that are kept.
const KEPT: usize = 2;

/// Where a run stands, apart from weights and moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps that are done.
    pub step: u64,
    /// Forward passes that are done.
    pub pass: u64,
    /// Steps of each parameter's optimiser.
    pub optimiser_steps: BTreeMap<String, usize>,
    /// Sampler of records.
    pub records: RecordPosition,
    /// Lanes.
    pub lanes: LanePosition,
    /// Early stopping.
    pub early_stop: EarlyStop,
    /// Factor of the loss.
    pub loss_scale: LossScale,
    /// Cross-entropy and tokens since the last line of the log, nats.
    pub since_log: (f64, u64),
    /// Whether early stopping has ended the run.
    pub stopped: bool,
    /// Checksum of the data.
    pub data: u32,
    /// Checksum of the configuration, names of files left out.
    pub config: u32,
}

/// A checkpoint: the network, and where the run stood.
pub type Saved = (OptimisedCompressiveTransformer, Progress);

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// A folder for a new run.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if a run is in it already; I/O.
    pub fn create(root: &Path, config: &Config, source: &Source) -> Result<Self, TrainError> {
        let own = Self { root: root.to_owned() };
        if own.root.join("config.yaml").exists() {
            return Err(TrainError::Checkpoint(format!(
                "{} holds a run already; --resume continues it",
                root.display()
            )));
        }
        fs::create_dir_all(root).map_err(TrainError::io(root))?;
        own.put("tokeniser.bin", &source.code.to_bytes())?;
        own.put("fitted.vxm", source.fitted.file())?;
        own.put("config.yaml", config.to_yaml()?.as_bytes())?;
        Ok(own)
    }

    /// The folder of a run that is there.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if there is none; bad configuration; I/O.
    pub fn open(root: &Path) -> Result<(Self, Config, StreamCode, Model), TrainError> {
        let own = Self { root: root.to_owned() };
        let config = root.join("config.yaml");
        if !config.exists() {
            return Err(TrainError::Checkpoint(format!("{} holds no run", root.display())));
        }
        let config = Config::load(Some(&config), &[])?;
        let code = StreamCode::from_bytes(&own.get("tokeniser.bin")?)?;
        let model = Model::from_bytes(own.get("fitted.vxm")?)?;
        Ok((own, config, code, model))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where the best network lies.
    pub fn best(&self) -> PathBuf {
        self.root.join("best")
    }

    /// Writes a checkpoint and removes the oldest.
    ///
    /// # Errors
    /// I/O.
    pub fn save(
        &self,
        network: &OptimisedCompressiveTransformer,
        optimiser: &NamedAdamW,
        mut progress: Progress,
    ) -> Result<(), TrainError> {
        let parent = self.root.join("checkpoints");
        fs::create_dir_all(&parent).map_err(TrainError::io(&parent))?;
        let folder = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempdir_in(&parent)
            .map_err(TrainError::io(&parent))?;
        let within = Self { root: folder.path().to_owned() };
        vxc_model::save(network, folder.path())?;
        let saved = optimiser.save()?;
        progress.optimiser_steps = saved.iter().map(|(n, (t, _))| (n.clone(), *t)).collect();
        within.put(
            "optimiser.safetensors",
            &moments_to_bytes(saved.into_iter().map(|(n, s)| (n, s.1)))?,
        )?;
        let state = serde_json::to_vec_pretty(&progress)
            .map_err(|e| TrainError::Checkpoint(e.to_string()))?;
        within.put("state.json", &state)?;
        let name = parent.join(format!("step-{:08}", progress.step));
        if name.exists() {
            fs::remove_dir_all(&name).map_err(TrainError::io(&name))?;
        }
        fs::rename(folder.keep(), &name).map_err(TrainError::io(&name))?;
        let all = self.checkpoints()?;
        for old in &all[..all.len().saturating_sub(KEPT)] {
            fs::remove_dir_all(old).map_err(TrainError::io(old))?;
        }
        Ok(())
    }

    /// Loads the newest checkpoint that can be read, and says which could not; none: the run has not come to its first.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] and I/O, where none of those that are there can be read.
    pub fn load(
        &self,
        device: &Device,
        optimiser: &mut NamedAdamW,
    ) -> Result<(Option<Saved>, Vec<String>), TrainError> {
        let mut damaged = Vec::new();
        let mut first = None;
        for folder in self.checkpoints()?.into_iter().rev() {
            match Self::load_one(folder.clone(), device, optimiser) {
                Ok(found) => return Ok((Some(found), damaged)),
                Err(e) => {
                    damaged.push(format!("{}: {e}", folder.display()));
                    first.get_or_insert(e);
                }
            }
        }
        match first {
            None => Ok((None, damaged)),
            Some(e) => Err(e),
        }
    }

    fn load_one(
        folder: PathBuf,
        device: &Device,
        optimiser: &mut NamedAdamW,
    ) -> Result<Saved, TrainError> {
        let within = Self { root: folder };
        let network = vxc_model::load(&within.root, device)?;
        let progress: Progress = serde_json::from_slice(&within.get("state.json")?)
            .map_err(|e| TrainError::Checkpoint(format!("state.json: {e}")))?;
        let mut moments = moments_from_bytes(&within.get("optimiser.safetensors")?)?;
        let mut saved = BTreeMap::new();
        for (name, &steps) in &progress.optimiser_steps {
            let (Some(first), Some(second)) = (
                moments.remove(&format!("{name}.moment_1")),
                moments.remove(&format!("{name}.moment_2")),
            ) else {
                return Err(TrainError::Checkpoint(format!("the moments of {name} are missing")));
            };
            saved.insert(name.clone(), (steps, (first, second)));
        }
        if let Some(name) = moments.keys().next() {
            return Err(TrainError::Checkpoint(format!("{name} belongs to no parameter")));
        }
        optimiser.load(saved, device);
        Ok((network, progress))
    }

    /// Complete checkpoints, oldest first.
    fn checkpoints(&self) -> Result<Vec<PathBuf>, TrainError> {
        let parent = self.root.join("checkpoints");
        if !parent.exists() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for entry in fs::read_dir(&parent).map_err(TrainError::io(&parent))? {
            let path = entry.map_err(TrainError::io(&parent))?.path();
            if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("step-")) {
                all.push(path);
            }
        }
        all.sort();
        Ok(all)
    }

    /// Writes a file under another name and renames it.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        let path = self.root.join(name);
        let mut file =
            tempfile::NamedTempFile::new_in(&self.root).map_err(TrainError::io(&path))?;
        file.write_all(bytes).map_err(TrainError::io(&path))?;
        file.as_file().sync_all().map_err(TrainError::io(&path))?;
        file.persist(&path).map_err(|e| TrainError::io(&path)(e.error))?;
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let path = self.root.join(name);
        fs::read(&path).map_err(TrainError::io(&path))
    }
}

fn moments_to_bytes(
    saved: impl Iterator<Item = (String, (Vec<f32>, Vec<f32>))>,
) -> Result<Vec<u8>, TrainError> {
    let bytes = |x: Vec<f32>| x.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let flat: Vec<(String, Vec<u8>)> = saved
        .flat_map(|(name, (first, second))| {
            [
                (format!("{name}.moment_1"), bytes(first)),
                (format!("{name}.moment_2"), bytes(second)),
            ]
        })
        .collect();
    let bad = |e: safetensors::SafeTensorError| TrainError::Checkpoint(format!("optimiser: {e}"));
    let views = flat
        .iter()
        .map(|(name, data)| {
            Ok((name, TensorView::new(Dtype::F32, vec![data.len() / 4], data).map_err(bad)?))
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    serialize(views, None).map_err(bad)
}

fn moments_from_bytes(file: &[u8]) -> Result<BTreeMap<String, Vec<f32>>, TrainError> {
    let bad = |e: &dyn std::fmt::Display| TrainError::Checkpoint(format!("optimiser: {e}"));
    let all = SafeTensors::deserialize(file).map_err(|e| bad(&e))?;
    all.iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(bad(&format!("{name} is not f32")));
            }
            let (quads, _) = view.data().as_chunks::<4>();
            Ok((name.to_string(), quads.iter().map(|q| f32::from_le_bytes(*q)).collect()))
        })
        .collect()
}
