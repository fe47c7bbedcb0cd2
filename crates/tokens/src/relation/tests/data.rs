//! Real and simulated tables, where the shared data is at hand (`VXC_DATA`): skipped otherwise.

use std::path::PathBuf;

use crate::layout::{Endian, Field, Kind, RecordLayout};
use crate::relation::{Found, Function, SearchOptions, find_relations};

fn read(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("VXC_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        println!("skipped: {name} is not there");
    }
    bytes
}

fn find(bytes: &[u8], kinds: &[Kind]) -> Found {
    let mut offset = 0;
    let fields = kinds
        .iter()
        .map(|&kind| {
            let at = offset;
            offset += kind.bytes();
            Field { name: String::new(), offset: at, kind, endian: Endian::Little, group: 0 }
        })
        .collect();
    let layout = RecordLayout::new(offset, fields).expect("layout");
    let records: Vec<&[u8]> = bytes.chunks_exact(offset).take(8192).collect();
    let columns: Vec<Vec<u64>> =
        layout.fields.iter().map(|f| records.iter().map(|r| f.load(r)).collect()).collect();
    let total = (bytes.len() / offset) as u64;
    find_relations(kinds, &columns, &SearchOptions { records_total: total, ..Default::default() })
}

#[test]
fn simulated_jets() {
    let Some(bytes) = read("atlas/ftag_sim_ttbar_train.bin") else { return };
    let mut kinds = vec![Kind::F32; 30];
    (7..12).for_each(|f| kinds[f] = Kind::I32);
    kinds[24] = Kind::I32;
    kinds[29] = Kind::I64;
    let found = find(&bytes, &kinds);
    // One field of each of the three closed relations, wherever its sources are.
    for (fields, least) in
        [(vec![2, 3, 5, 6], 20.0), (vec![14, 15, 16, 17], 16.0), (vec![18, 19, 20], 16.0)]
    {
        let saved = fields.iter().any(|&f| {
            found.saved_bits[f] > least
                && matches!(&found.predictors[f], Some(p) if matches!(p.function, Function::Formula { .. }))
        });
        assert!(saved, "{fields:?}: {:?}", found.saved_bits);
    }
    // Approximate ones on top: the two scales of pt and eta.
    assert!(found.saved_bits.iter().sum::<f64>() > 62.0 + 10.0, "{:?}", found.saved_bits);
}

#[test]
fn reconstructed_and_generated_particles() {
    let Some(bytes) = read("alice/alice_hyp3_o2_train.bin") else { return };
    let found = find(&bytes, &[Kind::F32; 14]);
    assert!(found.saved_bits.iter().sum::<f64>() > 10.0, "{:?}", found.saved_bits);
}
