//! Hostile model files: as they are, with a checksum that holds, and with sections that were not compressed. What loads
//! is used: it codes and decodes.

use arbitrary::Unstructured;
use std::sync::Arc;
use vxc::{CompressOptions, DecompressOptions, Level, Model};

use crate::input::{LIMITS, below, decoding};
use crate::reseal;

/// The input: a model file; or, after a zero byte, version, level and five sections with their lengths.
pub fn run(data: &[u8]) {
    if let [0, rest @ ..] = data {
        let mut u = Unstructured::new(rest);
        let (version, level) = (1 + below(&mut u, 32) as u8 / 31, 1 + below(&mut u, 9) as u8);
        let mut sections = [&[][..]; 5];
        for section in &mut sections {
            let len = usize::from(u.arbitrary::<u16>().unwrap_or(0)).min(u.len());
            *section = u.bytes(len).unwrap_or_default();
        }
        load(reseal::model_of(version, level, &sections));
        return;
    }
    load(data.to_vec());
    let mut sealed = data.to_vec();
    reseal::model(&mut sealed);
    load(sealed);
}

fn load(file: Vec<u8>) {
    let Ok(model) = Model::with_limits(file, &LIMITS) else { return };
    let record = model.layout().map_or(1, |l| l.record_bytes);
    let raw: Vec<u8> = (0..record * 5).map(|i| (i * i / 7) as u8).collect();
    if raw.len() > 1 << 16 {
        return;
    }
    let networked = model.neural().is_some();
    let model = Arc::new(model);
    let level = Level::new(if networked { 8 } else { 5 }).unwrap_or_default();
    let options = CompressOptions {
        level,
        model: Some(model.clone()),
        threads: 1,
        memory: 64 << 20,
        ..CompressOptions::default()
    };
    // A model may ask for more than the limits; it may not give other bytes.
    let Ok(archive) = vxc::compress(&raw, &options) else { return };
    let options = DecompressOptions { models: vec![model], ..decoding(1) };
    match vxc::decompress(&archive, &options) {
        Ok(back) => assert!(back == raw, "other bytes came back"),
        Err(e) => assert_eq!(e.exit_code(), 4, "{e}"),
    }
}
