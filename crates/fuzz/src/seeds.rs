//! Where fuzzers start: small whole files of every kind, made by the code itself or kept as fixtures by other crates.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vxc::{CompressOptions, Form, Level, Model, StreamCode};
use vxc_format::{Block, BlockReader, DecodeLimits, Original};
use vxc_infer::IntModel;
use vxc_remake::RemakeError;
use vxc_tokens::{Endian, Field, Kind, RecordLayout};

/// A file: name and bytes.
pub type Seed = (String, Vec<u8>);

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "roundtrip" => raw(),
        "archive" => archives(),
        "header" => {
            archives().into_iter().map(|(n, b)| (n, b[..b.len().min(120)].to_vec())).collect()
        }
        "tokeniser" => codes(),
        "model" => models(),
        "hdf5" => fixtures("hdf5", "h5"),
        "root" => fixtures("root", "root"),
        "numpy" => [fixtures("npy", "npy"), fixtures("npy", "npz")].concat(),
        "remake" => [fixtures("hdf5", "h5"), fixtures("root", "root"), gzips()].concat(),
        "unpack" => forms(),
        "weights" => [weight_archives(), checkpoints()].concat(),
        _ => Vec::new(),
    }
}

fn seed(name: impl Into<String>, bytes: Vec<u8>) -> Seed {
    (name.into(), bytes)
}

/// Records of pt, eta (32-bit floats), a product of them (64-bit), a counter and a flag.
pub fn records(n: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for i in 0..n {
        let unit = |k: u32| f64::from(i.wrapping_mul(k) % 997) / 997.0;
        let (pt, eta) = ((20.0 + 80.0 * unit(7919)) as f32, (5.0 * unit(104_729) - 2.5) as f32);
        out.extend_from_slice(&pt.to_le_bytes());
        out.extend_from_slice(&eta.to_le_bytes());
        out.extend_from_slice(&(f64::from(pt) * f64::from(eta)).to_le_bytes());
        out.extend_from_slice(&(i / 3).to_le_bytes());
        out.push((i % 5 == 0).into());
    }
    out
}

/// The layout of [`records`].
///
/// # Panics
/// Never.
pub fn layout() -> RecordLayout {
    let mut offset = 0;
    let kinds = [Kind::F32, Kind::F32, Kind::F64, Kind::U32, Kind::U8];
    let fields = kinds.into_iter().zip(0..).map(|(kind, group)| {
        let field = Field { name: String::new(), offset, kind, endian: Endian::Little, group };
        offset += kind.bytes();
        field
    });
    let fields = fields.collect();
    RecordLayout::new(21, fields).expect("a layout")
}

/// Lines of numbers.
pub fn text(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|i| format!("P {i} {} {}.5e-03\n", i % 22, i * i % 999).into_bytes())
        .collect()
}

fn raw() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for level in 1..=6u8 {
        // Options as `targets::roundtrip` takes them from the front and (integers) from the back.
        let options = [5, 2, 0, 0, 2, 0, 1, 3, 0, 2, 9, 0, 1, level, 2, 1, 0, 200];
        seeds.push(seed(format!("records_{level}"), [&options[..], &records(40)].concat()));
        seeds.push(seed(format!("text_{level}"), [&[0, 0, level][..], &text(30)].concat()));
    }
    seeds.push(seed("empty", Vec::new()));
    seeds
}

fn options(level: u8) -> CompressOptions {
    CompressOptions {
        level: Level::new(level).unwrap_or_default(),
        layout: Some(layout()),
        threads: 1,
        ..CompressOptions::default()
    }
}

/// Archives of every kind of segment, with keys, models within, a network, and the mark of an unpacked form.
///
/// # Panics
/// If the crates cannot make them.
pub fn archives() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let table = records(90);
    let text = text(60);
    for level in 1..=6 {
        let plain = CompressOptions { layout: None, ..options(level) };
        let keyed = CompressOptions { segment_bytes: Some(700), ..options(level) };
        for (name, raw, options) in
            [("records", &table, options(level)), ("text", &text, plain), ("keyed", &table, keyed)]
        {
            let archive = vxc::compress(raw, &options).expect("records compress");
            seeds.push(seed(format!("{name}_{level}.vxc"), archive));
        }
    }
    for (name, file) in models() {
        let Ok(model) = Model::from_bytes(file) else { continue };
        let level = if model.neural().is_some() { 8 } else { 5 };
        let (model, embed_model) = (Some(Arc::new(model)), true);
        let options = CompressOptions { model, embed_model, layout: None, ..options(level) };
        let archive = vxc::compress(&table, &options).expect("records compress");
        seeds.push(seed(format!("with_{name}.vxc"), archive));
    }
    let digest = vxc::ContentDigest::of(&mut &text[..]).expect("memory is read");
    let original = Some(Original { container: 2, digest });
    for (name, form) in forms() {
        let options = CompressOptions { original, layout: None, ..options(1) };
        seeds.push(seed(format!("of_{name}.vxc"), vxc::compress(&form, &options).expect("a form")));
    }
    let two = [seeds[0].1.clone(), seeds[1].1.clone()].concat();
    seeds.push(seed("two.vxc", two));
    seeds
}

/// Model files, with and without a network.
///
/// # Panics
/// If the crates cannot make them.
pub fn models() -> Vec<Seed> {
    let table = records(300);
    let level = Level::default();
    let fitted =
        Model::fit(level, Some(&layout()), std::slice::from_ref(&table)).expect("records fit");
    let code = fitted.code().clone();
    let network = network(&code);
    let networked = Model::with_network(level, &fitted, code, network, true, &table);
    vec![
        seed("fitted.vxm", fitted.file().to_vec()),
        seed("network.vxm", networked.expect("a network fits its code").file().to_vec()),
    ]
}

/// A random network of one layer over the symbols of a code.
fn network(code: &StreamCode) -> IntModel {
    let Form::Fields(tokeniser) = &code.form else { panic!("records have a tokeniser") };
    let vocab = tokeniser.steps().iter().map(|s| s.alphabet()).max().unwrap_or(2);
    let fields = tokeniser.steps().len();
    IntModel::small(fields as u16, vocab).expect("a configuration")
}

/// Codes of streams as `targets::tokeniser` takes them: length, code, bytes.
fn codes() -> Vec<Seed> {
    archives()
        .into_iter()
        .filter_map(|(name, bytes)| {
            let mut reader = BlockReader::new(&bytes[..], DecodeLimits::default()).ok()?;
            loop {
                match reader.next_block().ok()? {
                    Block::Stream(def) if !def.payload.is_empty() => {
                        let len = u16::try_from(def.payload.len()).ok()?.to_le_bytes();
                        let parts = [&len[..], &def.payload, &[0], &records(40)];
                        return Some(seed(name, parts.concat()));
                    }
                    Block::End(_) => return None,
                    _ => {}
                }
            }
        })
        .collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures")
}

fn fixtures(kind: &str, extension: &str) -> Vec<Seed> {
    let Ok(entries) = fs::read_dir(folder().join(kind)) else { return Vec::new() };
    let mut seeds: Vec<Seed> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let matches = path.extension().is_some_and(|e| e == extension);
            let name = path.file_name()?.to_str()?.to_owned();
            matches.then(|| Some((name, fs::read(&path).ok()?))).flatten()
        })
        .collect();
    seeds.sort();
    seeds
}

/// Gzip files; members made by other programs come from mutation.
fn gzips() -> Vec<Seed> {
    // Two stored blocks: a member that is made again without an encoder.
    let mut file = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0];
    file.extend_from_slice(&[3, 0, 0xFC, 0xFF]);
    file.extend_from_slice(b"abc");
    file.extend_from_slice(&[1, 0, 0, 0xFF, 0xFF]);
    file.extend_from_slice(&[0xC2, 0x41, 0x24, 0x35, 3, 0, 0, 0]);
    vec![seed("stored.gz", file)]
}

fn forms() -> Vec<Seed> {
    [fixtures("hdf5", "h5"), fixtures("root", "root"), gzips()]
        .concat()
        .into_iter()
        .filter_map(|(name, file)| {
            let plan = vxc_remake::scan(Cursor::new(file.clone())).ok()??;
            let mut form = Vec::new();
            vxc_remake::pack(&mut Cursor::new(file), &plan, |group| {
                group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
                Ok::<_, RemakeError>(())
            })
            .ok()?;
            (form.len() < 1 << 17).then(|| seed(name, form))
        })
        .collect()
}

/// A safetensors file of two tensors behind the number of a level, as of `targets::weights`.
pub fn checkpoints() -> Vec<Seed> {
    let header = br#"{"a":{"dtype":"F32","shape":[20,30],"data_offsets":[0,2400]},"b":{"dtype":"BF16","shape":[64],"data_offsets":[2400,2528]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    for i in 0..632u32 {
        file.extend_from_slice(&(f64::from(i * i % 977) / 1e4 - 0.05).to_bits().to_be_bytes()[..4]);
    }
    file.truncate(8 + header.len() + 2528);
    (1..=3u8).map(|level| seed(format!("level_{level}"), [&[level][..], &file].concat())).collect()
}

/// Weight archives of all levels.
///
/// # Panics
/// If the crate cannot make them.
pub fn weight_archives() -> Vec<Seed> {
    checkpoints()
        .into_iter()
        .map(|(name, bytes)| {
            let level = vxc_zipnn::Level::new(bytes[0]).unwrap_or_default();
            let options = vxc_zipnn::Options { level, threads: 1, verify: true };
            let mut archive = Vec::new();
            let mut file = Cursor::new(&bytes[1..]);
            vxc_zipnn::compress(&mut file, &mut archive, &options, |_| ()).expect("it is coded");
            seed(format!("{name}.vxw"), archive)
        })
        .collect()
}
