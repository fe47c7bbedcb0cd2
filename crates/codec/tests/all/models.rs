//! Model files: fitted, saved, loaded, embedded, lost, damaged.

use std::sync::{Arc, OnceLock};

use crate::common::{Random, compress, events, options};
use vxc::{CompressOptions, DecompressOptions, Error, Level, Model};

/// Enough of them.
fn jets() -> Vec<u8> {
    crate::common::jets()[..124 * 4000].to_vec()
}

fn model() -> Arc<Model> {
    static FITTED: OnceLock<Arc<Model>> = OnceLock::new();
    let fit = || {
        let jets = jets();
        let half = jets.len() / 248 * 124;
        Arc::new(Model::fit(Level::default(), None, &[jets[..half].to_vec()]).unwrap())
    };
    FITTED.get_or_init(fit).clone()
}

/// Jets that the model has not seen.
fn unseen() -> Vec<u8> {
    let jets = jets();
    jets[jets.len() / 248 * 124..].to_vec()
}

#[test]
fn a_model_helps_on_files_like_its_training_files() {
    let (model, raw) = (model(), unseen());
    assert!(model.file().len() <= 16 << 20);
    let again = Model::from_bytes(model.file().to_vec()).unwrap();
    assert_eq!(again.id(), model.id());
    for level in [1, 3, 5] {
        let with = CompressOptions { model: Some(model.clone()), ..options(level) };
        let archive = vxc::compress(&raw, &with).unwrap();
        assert!(archive.len() < compress(&raw, level).len(), "-{level}");
        // The loaded copy decodes it.
        let models = vec![Arc::new(again.clone())];
        let decoding = DecompressOptions { models, ..DecompressOptions::default() };
        assert!(vxc::decompress(&archive, &decoding).unwrap() == raw);
        // Without it the error names it.
        let e = vxc::decompress(&archive, &DecompressOptions::default()).unwrap_err();
        assert!(matches!(&e, Error::ModelMissing { id, .. } if *id == model.id()), "{e}");
        assert_eq!(e.exit_code(), 3);
        assert!(e.to_string().contains(&model.id().to_string()));
    }
}

#[test]
fn a_model_that_costs_more_than_it_gains_is_not_embedded() {
    let (model, raw) = (model(), unseen());
    let with = CompressOptions { model: Some(model), embed_model: true, ..options(5) };
    let archive = vxc::compress(&raw, &with).unwrap();
    assert!(vxc::decompress(&archive, &DecompressOptions::default()).unwrap() == raw);
    let without = vxc::compress(&raw, &options(5)).unwrap();
    assert!(archive.len() <= without.len() + 64, "{} {}", archive.len(), without.len());
}

#[test]
fn a_model_for_other_data_is_not_used() {
    let with = CompressOptions { model: Some(model()), ..options(5) };
    let text = events()[..20_000].to_vec();
    let archive = vxc::compress(&text, &with).unwrap();
    assert!(vxc::decompress(&archive, &DecompressOptions::default()).unwrap() == text);
    // The same record size, but noise.
    let noise = Random(3).bytes(124 * 400);
    let layout = model().layout().cloned();
    let with = CompressOptions { layout, ..with };
    let archive = vxc::compress(&noise, &with).unwrap();
    assert!(archive.len() <= noise.len() + 1024);
}

#[test]
fn damaged_models_are_refused() {
    let file = model().file().to_vec();
    let step = file.len() / 300 + 1;
    for at in (0..file.len()).step_by(step) {
        assert!(Model::from_bytes(file[..at].to_vec()).is_err());
        let mut bad = file.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(Model::from_bytes(bad).is_err());
    }
    // With the checksum repaired nothing may panic.
    let mut random = Random(17);
    for _ in 0..200 {
        let mut bad = file.clone();
        let at = 10 + random.next() as usize % 4000;
        bad[at] ^= 1 << (random.next() % 8);
        let body = bad.len() - 4;
        let crc = vxc_format::content::crc32c(&bad[..body]);
        bad[body..].copy_from_slice(&crc.to_le_bytes());
        let _ = Model::from_bytes(bad);
    }
    assert!(Model::from_bytes(Vec::new()).is_err());
}

#[test]
fn a_model_is_used_for_its_tables_alone() {
    let (model, events) = (model(), events());
    let table = |n: usize| -> Vec<u8> {
        let mut random = Random(5);
        (0..n)
            .flat_map(|i| [(i as u64) << 9, random.next() % 1000].map(u64::to_le_bytes))
            .flatten()
            .collect()
    };
    for raw in [
        [unseen(), table(40_000)].concat(),
        [unseen(), events[..200_000.min(events.len())].to_vec()].concat(),
    ] {
        let with = CompressOptions { model: Some(model.clone()), ..options(3) };
        let archive = vxc::compress(&raw, &with).unwrap();
        let models = vec![model.clone()];
        let decoding = DecompressOptions { models, ..DecompressOptions::default() };
        assert!(vxc::decompress(&archive, &decoding).unwrap() == raw);
        let without = compress(&raw, 3);
        assert!(archive.len() < without.len(), "{} {}", archive.len(), without.len());
    }
}

#[test]
fn a_fit_leaves_out_what_is_no_table() {
    let training = [
        b"# 77 bytes of a header that no record is a part of, ten times over\n".repeat(10),
        jets(),
    ]
    .concat();
    let with_header = Model::fit(Level::new(3).unwrap(), None, &[training]).unwrap();
    let alone = Model::fit(Level::new(3).unwrap(), None, &[jets()]).unwrap();
    let (a, b) = (with_header.file().len(), alone.file().len());
    assert!(a.abs_diff(b) * 50 < b, "{a} {b}");
}

#[test]
fn a_given_layout_is_used_for_its_tables_alone() {
    let (jets, events) = (jets(), events());
    let layout = vxc::tokens::detect::detect(&jets)[0].layout.clone();
    let raw = [jets.clone(), events[..200_000.min(events.len())].to_vec()].concat();
    let with = CompressOptions { layout, ..options(3) };
    let archive = vxc::compress(&raw, &with).unwrap();
    assert!(vxc::decompress(&archive, &DecompressOptions::default()).unwrap() == raw);
    // Text in records of jets would cost its own size or more.
    let apart = compress(&jets, 3).len() + compress(&events[..200_000.min(events.len())], 3).len();
    assert!(archive.len() < apart + apart / 50, "{} {apart}", archive.len());
}
