//! Where fuzzers start: small whole files of every kind, made by the code itself or kept as fixtures by other crates.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vxc::stream::Stream;
use vxc::{CompressOptions, Form, Level, Method, Model, StreamCode};
use vxc_format::{
    ArchiveWriter, Block, BlockReader, DecodeLimits, Header, NewSegment, Original, RawSummary,
    TokeniserSource,
};
use vxc_infer::IntModel;
use vxc_remake::RemakeError;
use vxc_tokens::{Endian, Field, Kind, RecordLayout};

use crate::mutate::Random;

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
    for (name, model, method) in [
        ("fitted", fitted(), Method::Mix),
        ("network", bare_network(), Method::Neural { pure: false }),
    ] {
        seeds.push(seed(format!("with_{name}.vxm.vxc"), carrying(model, method, &table)));
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

/// An archive that brings its model along: two segments, the second starts from the first. An encoder would leave the
/// model out, which is larger than what so few records save.
fn carrying(model: Model, method: Method, raw: &[u8]) -> Vec<u8> {
    let stream = Stream::of_model(Arc::new(model));
    let model = stream.model().expect("it is of one");
    let header = Header { level: model.level(), profile: vxc::PROFILE, ..Header::default() };
    let mut writer = ArchiveWriter::new(Vec::new(), &header).expect("a header");
    let id = writer.embed_model(model.file()).expect("memory is written");
    let source = TokeniserSource::Model(id);
    let id = writer.define_stream(stream.code().kind(), source, &[]).expect("a stream");
    let mut state = stream.fresh(method.kind());
    let record = stream.code().record_bytes();
    let (key, rest) = raw.split_at(raw.len() / record / 3 * record);
    for (raw, primed_by) in [(key, None), (rest, Some(0))] {
        let (kind, coded) = stream.encode(method, &mut state, raw).expect("records are coded");
        let (coded, raw_summary) = (&coded[..], RawSummary::of(raw));
        let segment = NewSegment { stream: id, kind, primed_by, raw: raw_summary, coded };
        writer.segment(&segment).expect("a segment");
        writer.content(raw);
    }
    writer.finish().expect("an archive").0
}

/// Model files, with and without a network.
///
/// # Panics
/// If the crates cannot make them.
pub fn models() -> Vec<Seed> {
    let fitted = fitted();
    let code = fitted.code().clone();
    let network = network(&code);
    let level = Level::default();
    let networked = Model::with_network(level, &fitted, code, network, true, &training());
    vec![
        seed("fitted.vxm", fitted.file().to_vec()),
        seed("network.vxm", networked.expect("a network fits its code").file().to_vec()),
    ]
}

/// What [`models`] are fitted to.
fn training() -> Vec<u8> {
    records(300)
}

fn fitted() -> Model {
    Model::fit(Level::default(), Some(&layout()), &[training()]).expect("records fit")
}

/// A network alone, with tables for short segments: a file that is small, and loaded in no time.
fn bare_network() -> Model {
    let code = StreamCode { size_bits: 12, ..fitted().code().clone() };
    let level = Level::new(8).unwrap_or_default();
    Model::bare(level, &code, network(&code), true).expect("a network fits its code")
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

/// Safetensors files behind the number of a level, as of `targets::weights`: two short tensors, and one of which every
/// level makes something else.
pub fn checkpoints() -> Vec<Seed> {
    let files = [("level", short_tensors()), ("weights", weights())];
    let all = files.iter().flat_map(|(name, file)| {
        (1..=3u8).map(move |level| seed(format!("{name}_{level}"), [&[level][..], file].concat()))
    });
    all.collect()
}

fn short_tensors() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[20,30],"data_offsets":[0,2400]},"b":{"dtype":"BF16","shape":[64],"data_offsets":[2400,2528]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    for i in 0..632u32 {
        file.extend_from_slice(&(f64::from(i * i % 977) / 1e4 - 0.05).to_bits().to_be_bytes()[..4]);
    }
    file.truncate(8 + header.len() + 2528);
    file
}

/// Floats of 16 bits whose exponent depends on the column, and the leading bits of the mantissa on the exponent: each
/// level finds more of it.
fn weights() -> Vec<u8> {
    let header = br#"{"w":{"dtype":"BF16","shape":[100,30],"data_offsets":[0,6000]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    let mut random = Random::new(1);
    for i in 0..3000u16 {
        let noise = random.bits() as u16;
        let large = i % 30 / 15;
        // Sign and last bits are noise, of the first four bits of the mantissa two.
        let bits = noise & 0x8007 | (119 + large) << 7 | large << 6 | (noise >> 4 & 3) << 3;
        file.extend_from_slice(&bits.to_le_bytes());
    }
    file
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
