//! Fits a model to a file and compresses another with it: `model LEVEL TRAIN TEST`.
use std::sync::Arc;
use std::time::Instant;
use vxc::{CompressOptions, DecompressOptions, Level, Model};

fn main() -> Result<(), vxc::Error> {
    let a: Vec<String> = std::env::args().collect();
    let level = Level::new(a[1].parse().expect("level"))?;
    let t = Instant::now();
    let model = Model::fit(level, None, &[std::fs::read(&a[2])?])?;
    let fit = t.elapsed();
    let t = Instant::now();
    let model = Arc::new(Model::from_bytes(model.file().to_vec())?);
    let load = t.elapsed();
    let raw = std::fs::read(&a[3])?;
    for level in [1, 3, 5] {
        let options = CompressOptions {
            level: Level::new(level)?,
            model: Some(model.clone()),
            ..CompressOptions::default()
        };
        let archive = vxc::compress(&raw, &options)?;
        let options =
            DecompressOptions { models: vec![model.clone()], ..DecompressOptions::default() };
        assert!(vxc::decompress(&archive, &options)? == raw);
        println!(
            "-{level} {}: ratio {:.4}; model {} bytes, fit {fit:.2?}, load {load:.2?}",
            a[3],
            raw.len() as f64 / archive.len() as f64,
            model.file().len()
        );
    }
    Ok(())
}
