//! A small table with something to learn, and a run that is over in a second.

use std::path::Path;

use vxc_tokens::{Endian, Kind, RecordLayout};
use vxc_train::Config;
use vxc_train::run::Request;

/// Records of five i32: a label, two numbers that depend on it, noise, and a counter that stands still for a while.
pub fn table(records: u32) -> (Vec<u8>, RecordLayout) {
    let mut state = 12_345u64;
    let mut random = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut bytes = Vec::new();
    for i in 0..records {
        let label = random(4) as i32;
        let row = [
            label,
            10 * label + random(3) as i32,
            label ^ random(2) as i32,
            random(50) as i32,
            i as i32 / 7,
        ];
        bytes.extend(row.iter().flat_map(|x| x.to_le_bytes()));
    }
    (bytes, RecordLayout::array(Kind::I32, Endian::Little, 5).unwrap())
}

/// A run of `steps` steps over that table; `set` overrides the configuration.
pub fn request(folder: &Path, steps: u64, set: &[&str]) -> Request {
    let (bytes, layout) = table(900);
    let yaml = "
model: {preset: record, d_model: 16, n_layers: 1, n_heads: 2, d_ff: 32, dropout: 0.1, window: 16, chunk_sizes: [8, 16]}
data: {symbols: fields, validation: 0.2}
training: {batch_size: 16, sequence: 32, shards: 2, lr: 1e-2, min_lr: 1e-4, warmup: 5, eval_every: 5,
           checkpoint_every: 5, log_every: 2, patience: 0}
";
    let mut all = vec![format!("max_steps={steps}")];
    all.extend(set.iter().map(|s| s.to_string()));
    Request {
        files: vec![bytes],
        layout: Some(layout),
        model: None,
        config: Config::parse(yaml, &all).unwrap(),
        folder: folder.to_owned(),
        device: "cpu".into(),
        resume: false,
        quiet: true,
        compare: false,
        test: None,
        until: None,
    }
}
