//! Detection against the true layouts of the shared data files, where those are at hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vxc_tokens::detect::detect;
use vxc_tokens::sidecar::{LayoutFit, check_layout, parse_layout};
use vxc_tokens::{Kind, RecordLayout};

fn data_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no data (set VXC_DATA)");
    None
}

fn truth(dir: &Path, folder: &str, stem: &str) -> RecordLayout {
    let name = if stem.starts_with("cms_nano_core") {
        "cms_nano_core.layout.json".to_owned()
    } else {
        format!("{stem}.meta.json")
    };
    let json = std::fs::read_to_string(dir.join(folder).join(name)).unwrap();
    parse_layout(&json).unwrap()
}

/// Whether kinds mean the same to a tokeniser: floats must agree, integers may differ in sign and high zeros.
fn agree(want: Kind, found: Kind) -> bool {
    want == found
        || (!want.is_float() && !found.is_float() && want.bytes() == found.bytes())
        || (want == Kind::I64 && matches!(found, Kind::I32 | Kind::U32))
}

#[test]
fn strides_and_kinds() {
    let Some(dir) = data_dir() else { return };
    // folder, file, least agreement in percent
    let files = [
        ("alice", "alice_ao2d_upc_tracks", 95),
        ("alice", "alice_hyp3_o2_test", 95),
        ("alice", "alice_hyp3_o2_train", 95),
        ("atlas", "atlas_minitree_real_full", 95),
        ("atlas", "atlas_physlite_real_full", 95),
        ("atlas", "atlas_daod_123a_real_full", 95),
        ("atlas", "ftag_sim_ttbar_test", 95),
        ("atlas", "ftag_sim_ttbar_unaligned126_test", 90),
        ("atlas", "ftag_sim_zprime_test", 95),
        ("camels", "arepo_isolated32_dm", 95),
        ("camels", "gadget2_lcdm_gas_snap000_dm", 95),
        ("camels", "gadget2_lcdm_gas_snap003_test_gas", 95),
        ("cms", "cms_hzz_full", 95),
        ("cms", "cms_nano_core_test", 95),
        ("cms", "cms_nano_core_train", 95),
        ("cms", "cms_nano_ttbar_2015_mc_full", 95),
        ("cms", "cms_nano_dy_mc_full", 95),
        ("other", "root_hsimple_ntuple_train", 95),
        ("other", "gw_strain_H1L1_cast", 95),
        ("other", "taus_pt_issue79_test", 95),
    ];
    let mut failures = Vec::new();
    println!("{:<40} {:>6} {:>6}  kinds", "file", "true", "found");
    for (folder, stem, least) in files {
        let data = std::fs::read(dir.join(folder).join(format!("{stem}.bin"))).unwrap();
        let want = truth(&dir, folder, stem);
        let regions = detect(&data);
        let main = regions.iter().filter(|r| r.layout.is_some()).max_by_key(|r| r.len);
        let Some((main, found)) = main.and_then(|r| Some((r, r.layout.as_ref()?))) else {
            failures.push(format!("{stem}: no table"));
            continue;
        };
        let record = want.record_bytes;
        let (mut right, mut all) = (0, 0);
        for f in &want.fields {
            let values: BTreeSet<u64> = data.chunks_exact(record).map(|r| f.load(r)).collect();
            if values.len() > 1 {
                all += 1;
                let same = |g: &&vxc_tokens::Field| g.offset == f.offset && agree(f.kind, g.kind);
                right += usize::from(found.fields.iter().any(|g| same(&g)));
            }
        }
        println!("{stem:<40} {record:>6} {:>6}  {right}/{all}", found.record_bytes);
        if found.record_bytes != record || main.start % record != 0 || right * 100 < all * least {
            failures
                .push(format!("{stem}: {} at {}, {right}/{all}", found.record_bytes, main.start));
        }
        let fit = check_layout(&want, data.len() as u64, &data[..data.len().min(1 << 20)]);
        if fit != LayoutFit::Fits {
            failures.push(format!("{stem}: {fit:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn nothing_in_text_and_compressed_files() {
    let Some(dir) = data_dir() else { return };
    let files = [
        "hepmc/py8_ttbar_sim_test.hepmc",
        "hepmc/gohep_test.hepmc2",
        "hepmc/epos_lhc_pyhepmc.hepmc3",
        "hepmc/py8_zmumu_sim_test.hepmc",
        "originals/uproot-HZZ-zstd.root",
        "originals/uproot-HZZ-lzma.root",
        "originals/r_zstd_multi.root",
        "originals/nano_dy.root",
        "originals/PHYSLITE_example.root",
        "originals/uproot-reference.tsv",
        "atlas/ftag_sim_ttbar_test.h5",
    ];
    for name in files {
        let data = std::fs::read(dir.join(name)).unwrap();
        let tables = detect(&data).iter().filter(|r| r.layout.is_some()).count();
        assert_eq!(tables, 0, "{name}");
    }
}
