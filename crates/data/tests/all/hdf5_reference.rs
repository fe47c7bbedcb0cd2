//! HDF5 files of the shared data: the jets against their raw twins, a snapshot of other writers read whole. The files are no
//! part of the repository: without them the tests say so and pass.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use vxc_data::hdf5::Hdf5File;

fn folder() -> PathBuf {
    std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    )
}

fn open(name: &str) -> Option<Hdf5File> {
    let path = folder().join(name);
    match File::open(&path) {
        Ok(file) => Some(Hdf5File::open(BufReader::new(file)).unwrap()),
        Err(_) => {
            eprintln!("SKIPPED: no {}", path.display());
            None
        }
    }
}

#[test]
fn jets_are_their_twins() {
    for name in ["ftag_sim_ttbar_test", "ftag_sim_ttbar_train", "ftag_sim_zprime_test"] {
        let Some(file) = open(&format!("atlas/{name}.h5")) else { continue };
        let twin = std::fs::read(folder().join("atlas").join(name).with_extension("bin")).unwrap();
        let jets = file.dataset("jets").unwrap();
        let mut at = 0;
        for slab in file.rows(&jets).unwrap() {
            let slab = slab.unwrap();
            assert!(twin[at..].starts_with(&slab.bytes), "{name} at byte {at}");
            at += slab.bytes.len();
        }
        assert_eq!(at, twin.len());
        let layout = jets.layout().unwrap();
        assert_eq!((layout.record_bytes, layout.fields.len()), (124, 30));
        println!("{name}: {} jets equal, {}", jets.records(), jets.compression());
    }
}

#[test]
fn a_snapshot_is_read_whole() {
    let Some(file) = open("originals/g2_lcdm_gas_snapshot_000.hdf5") else { return };
    let mut bytes = 0;
    for entry in file.entries().unwrap() {
        let dataset = entry.dataset.unwrap();
        let values = file.values(&dataset).unwrap();
        assert_eq!(values.len() as u64, dataset.content_bytes());
        bytes += values.len();
        println!("{}: {} {:?}", entry.path, dataset.dtype.label(), dataset.shape);
        // The gas twin: coordinates and velocities are its first columns.
        if entry.path == "PartType0/Coordinates" {
            let twin = folder().join("camels/gadget2_lcdm_gas_snap000_gas.bin");
            let twin = std::fs::read(twin).unwrap();
            assert!(twin.chunks(36).zip(values.chunks(12)).all(|(a, b)| a.starts_with(b)));
        }
    }
    assert!(bytes > 1_900_000, "{bytes}");
}
