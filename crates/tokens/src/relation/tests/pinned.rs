//! The arithmetic of every formula and basis function is part of the format: hashes over fixed inputs.

use super::generator::Random;
use crate::layout::Kind;
use crate::ordered::mask;
use crate::relation::eval::value;
use crate::relation::formula::{Eval, FORMULAS, MAX_SOURCES};
use crate::relation::linear::{BASES, basis};
use crate::relation::{Function, Predictor};

/// FNV-1a of the bits of values; all NaNs count as one.
fn hash(values: impl Iterator<Item = f64>) -> u64 {
    values.fold(0xcbf2_9ce4_8422_2325, |h, v| {
        let bits = if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() };
        bits.to_le_bytes().iter().fold(h, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
    })
}

/// Values as fields have them: f32, of both signs, around 1.
fn inputs(seed: u64) -> Vec<[f64; MAX_SOURCES]> {
    let mut random = Random(seed);
    (0..2000)
        .map(|_| {
            [0; MAX_SOURCES].map(|_| {
                let x = random.range(-4.0, 4.0);
                f64::from((x * x * x) as f32)
            })
        })
        .collect()
}

#[test]
fn formulas_compute_what_they_always_did() {
    let inputs = inputs(1);
    let got: Vec<(u16, u64)> = FORMULAS
        .iter()
        .map(|f| {
            let n = if f.arity() == 0 { 3 } else { f.arity() };
            let c: &[f64] = match f.eval {
                Eval::Copy => &[],
                Eval::Weighted | Eval::Whole => &[1.5, -2.0, 0.3, 7.0],
                _ => &[1.25, -0.1],
            };
            (f.id, hash(inputs.iter().map(|x| value(f.eval, &x[..n], c))))
        })
        .collect();
    for (id, h) in &got {
        let pinned = PINNED.iter().find(|p| p.0 == *id);
        assert!(pinned.is_some(), "a new formula needs its line: ({id}, {h:#018x}),");
        assert_eq!(pinned.map(|p| p.1), Some(*h), "formula {id} has changed");
    }
    assert_eq!(got.len(), PINNED.len(), "a formula has gone");
}

/// Copies and whole sums between all kinds, as predictions are made of them; and what rounds to a quantum.
#[test]
fn predictions_are_what_they_always_were() {
    let kinds = [&Kind::NUMBERS[..], &[Kind::Bytes(3)]].concat();
    let mut random = Random(3);
    let rows: Vec<[u64; 3]> = (0..200).map(|_| [0; 3].map(|_| random.next())).collect();
    let whole = [1.0, -2.0, 0.5, 7.0].map(f64::to_bits).to_vec();
    let got = [(1, vec![0], vec![]), (4, vec![0, 1, 2], whole), (40, vec![0, 1], vec![])].map(
        |(id, sources, constants)| {
            let function = Function::Formula { id, sources, constants };
            let mut hash = 0xcbf2_9ce4_8422_2325u64;
            for quantum in [0, 3] {
                let predictor = Predictor { function: function.clone(), quantum };
                for (&source, &target) in
                    kinds.iter().flat_map(|s| kinds.iter().map(move |t| (s, t)))
                {
                    for row in &rows {
                        let row = row.map(|raw| raw & mask(source.bits()));
                        let bits = predictor.predict(&[source; 3], target, &row);
                        assert!(bits <= mask(target.bits()));
                        for byte in bits.to_le_bytes() {
                            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
                        }
                    }
                }
            }
            (id, hash)
        },
    );
    assert_eq!(got, PINNED_PREDICTIONS);
}

#[test]
fn basis_functions_compute_what_they_always_did() {
    let inputs = inputs(2);
    let got: Vec<u64> = (0..BASES).map(|b| hash(inputs.iter().map(|x| basis(b, x[0])))).collect();
    assert_eq!(got, PINNED_BASES);
}

const PINNED_PREDICTIONS: [(u16, u64); 3] = [
    (1, 4_253_552_509_766_386_514),
    (4, 17_387_554_301_837_953_576),
    (40, 11_272_313_764_371_824_051),
];

const PINNED: [(u16, u64); 83] = [
    (1, 0xd492_047a_282b_0b25),
    (2, 0xbddc_87ce_b216_bc34),
    (3, 0x358c_d53b_ff68_7e7a),
    (4, 0x358c_d53b_ff68_7e7a),
    (10, 0x0b21_43ef_253a_53de),
    (11, 0x55db_c30a_28e8_d729),
    (12, 0x229b_d66f_4210_6355),
    (13, 0x577f_8fcd_b660_ac2a),
    (14, 0x551c_9d01_a5b3_bd88),
    (15, 0x28ae_6a48_eb94_dd0f),
    (16, 0x67f2_b7e2_4770_3747),
    (17, 0x678e_66fe_a3a5_1c50),
    (18, 0x2110_b858_782e_bd59),
    (19, 0x3d4f_a2ff_fbc8_c3bb),
    (20, 0xa937_d64e_66c8_5829),
    (21, 0xdc1b_f132_2f31_0eed),
    (22, 0x6630_72fb_288a_e2bc),
    (23, 0xfe81_2085_f910_4fe0),
    (24, 0x6ec0_2661_f240_77ed),
    (25, 0x5a55_a4df_b598_7eac),
    (26, 0x8e73_5af1_7977_a60c),
    (27, 0xdc32_a7c1_12b7_eef9),
    (28, 0x630e_7267_d7d6_ca96),
    (29, 0x36ae_1e0a_8955_a40c),
    (30, 0x150e_4fd0_493d_8e01),
    (40, 0xd748_efef_bd57_cf35),
    (41, 0xc038_a551_6516_7392),
    (42, 0xba8b_f004_9412_fd50),
    (43, 0x0e14_2a32_b7d8_373f),
    (44, 0xeb9c_5af6_add5_01cd),
    (45, 0xa493_e79f_bff3_fb01),
    (46, 0xdcb6_95ce_42f3_982d),
    (47, 0x0064_8d98_e27b_f81a),
    (48, 0xc0f7_2927_f08b_76f8),
    (49, 0xd9f8_cc26_524a_24d1),
    (50, 0xc0e5_ffe4_b359_0468),
    (51, 0xf5d6_6430_5af3_6175),
    (52, 0x34b0_9c0a_a6e0_0e60),
    (53, 0x7cb6_f348_83a3_24ce),
    (54, 0x96bb_88fc_0a5c_e9cb),
    (55, 0x2e19_96a3_1735_8823),
    (56, 0x16a2_433f_ea6f_0941),
    (57, 0xdbf0_15ce_41a8_bd1b),
    (58, 0x7c92_2000_89c1_bacf),
    (59, 0x6a4e_b850_e885_9d71),
    (60, 0x18c7_fe3c_5f2d_8143),
    (61, 0xc585_7e8a_4eb5_e3f3),
    (62, 0x3b46_0272_bff2_0e00),
    (63, 0xcf46_bd9e_7939_ee7a),
    (64, 0xea38_ddf9_5c41_2381),
    (65, 0xd87b_f1e8_13aa_7c25),
    (66, 0x966c_bdeb_43e2_6556),
    (67, 0xcebb_6f13_a96e_f10c),
    (68, 0x1739_d30a_2217_9455),
    (69, 0x6b63_5157_45b3_7591),
    (70, 0xf580_1169_f549_5267),
    (80, 0x7e1f_b7f4_b615_a9b3),
    (81, 0x2e3f_757b_5bd1_525c),
    (82, 0x8928_63aa_3e64_8394),
    (83, 0x573c_9467_f093_39b6),
    (84, 0x512d_59c6_5d04_b0d2),
    (85, 0x590c_031b_5ad5_e632),
    (86, 0x77da_5423_50ae_98f2),
    (87, 0xf1d8_7a17_335f_1471),
    (88, 0x51fe_dfe6_6c3b_61ff),
    (89, 0x27f5_edff_1899_c953),
    (90, 0x8394_3484_7198_2773),
    (91, 0x152d_d64d_5b6a_bea5),
    (92, 0xdb2c_ecf6_700b_461e),
    (93, 0x4e33_578e_01d6_7867),
    (94, 0xc255_4020_8224_6ca0),
    (95, 0x6c78_700b_603b_1f4c),
    (96, 0xcda0_fe90_5eaa_b650),
    (110, 0x69dc_1eb5_fb2f_a753),
    (111, 0xecf9_d680_c9eb_421c),
    (112, 0x5aff_fe68_54b0_5bc2),
    (113, 0x6b88_0bad_ab71_f4fb),
    (114, 0xe436_4ab3_06d6_ffa7),
    (115, 0x4ec4_c668_5b7d_bf72),
    (116, 0xb494_a5d8_d85f_86ed),
    (117, 0xc85b_3c3f_4ee3_203a),
    (130, 0x4919_497b_1a40_8bec),
    (131, 0x5492_ead3_f56c_390e),
];

const PINNED_BASES: [u64; 10] = [
    0x722b_2e09_4c15_5025,
    0x69e8_d911_00a7_74d6,
    0x6e9e_002a_2496_0856,
    0xd81b_f8f7_11a9_c1ea,
    0x9778_5581_1e12_9ef3,
    0xd56a_d74a_f617_2b01,
    0x14a7_ea22_9798_6f6f,
    0xe443_c27d_d6e1_cce4,
    0x4ab5_a6dc_0eda_0f01,
    0x4039_3e67_08a8_838b,
];
