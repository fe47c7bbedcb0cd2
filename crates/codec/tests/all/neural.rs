//! Neural levels: a model with a network, its archives, and what happens without one.

use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use crate::common::{compress, decompress, jets, options};
use vxc::salvage::Piece;
use vxc::{
    Archive, CompressOptions, DecodeLimits, DecompressOptions, Error, Form, Level, Model, Salvage,
    SegmentKind, StreamCode, Trainer,
};
use vxc_infer::weights::random::Fill;
use vxc_infer::{IntConfig, IntModel};

const RECORD: usize = 124;

/// A small network that knows how frequent each symbol is, and beyond that only noise.
fn knowing(code: &StreamCode, training: &[u8], width: usize, memory: bool) -> IntModel {
    let Form::Fields(tokeniser) = &code.form else { panic!("jets have a tokeniser") };
    let vocab = tokeniser.steps().iter().map(|s| s.alphabet()).max().unwrap();
    let fields = tokeniser.steps().len();
    let base = if memory { IntConfig::memory(31) } else { IntConfig::record(31) };
    let config = IntConfig {
        d_model: width,
        n_layers: 1,
        n_heads: 1,
        d_ff: width,
        vocab,
        context_vocab: vocab,
        embedding: vxc_infer::config::Embedding::Shared,
        head: vxc_infer::config::HeadKind::Factorised,
        types: IntConfig::cycle(fields as u16),
        window: if memory { 40 } else { fields },
        memory: base.memory.map(|m| vxc_infer::config::MemoryConfig { chunk: 50, ..m }),
        ..base
    };
    let random = IntModel::random(config.clone(), 7, Fill::Typical).unwrap();
    let mut weights = random.weights().clone();
    let mut counts = vec![0u32; fields * vocab];
    let mut previous = vec![0; fields];
    for record in training.chunks_exact(RECORD) {
        let row: Vec<u64> = tokeniser.layout().fields.iter().map(|f| f.load(record)).collect();
        for (k, step) in tokeniser.steps().iter().enumerate() {
            let f = usize::from(step.field);
            let (before, _) = tokeniser.before(k, &row, &previous);
            counts[k * vocab + usize::from(step.encode(row[f], previous[f], before).symbol)] += 1;
        }
        previous = row;
    }
    weights.head_bias = counts.iter().map(|&n| ((16 * n + 1).ilog2() * 256) as i16).collect();
    for head in &mut weights.heads {
        head.weights.iter_mut().for_each(|w| *w /= 8);
    }
    IntModel::new(config, weights).unwrap()
}

/// Gives back what it was told to.
#[derive(Debug)]
struct Told {
    /// Width of the network; none: nothing was learned.
    width: Option<usize>,
    asked: AtomicUsize,
}

impl Trainer for Told {
    fn train(&self, code: &StreamCode, raw: &[u8]) -> Result<Option<(IntModel, bool)>, Error> {
        self.asked.fetch_add(1, Relaxed);
        Ok(self.width.map(|d| (knowing(code, raw, d, false), true)))
    }
}

/// Records that models are fitted to.
const TRAINED: usize = 1000;

fn model(memory: bool, bare: bool, level: u8) -> Arc<Model> {
    static FITTED: OnceLock<Model> = OnceLock::new();
    let jets = jets();
    let training = &jets[..RECORD * TRAINED];
    let fitted =
        FITTED.get_or_init(|| Model::fit(Level::default(), None, &[training.to_vec()]).unwrap());
    let network = knowing(fitted.code(), training, 16, memory);
    let (level, code) = (Level::new(level).unwrap(), fitted.code().clone());
    let model = if bare {
        Model::bare(level, &code, network, !memory)
    } else {
        Model::with_network(level, fitted, code, network, !memory, training)
    };
    Arc::new(model.unwrap())
}

fn unseen(records: usize) -> Vec<u8> {
    jets()[RECORD * TRAINED..RECORD * (TRAINED + records)].to_vec()
}

fn with(level: u8, model: &Arc<Model>) -> CompressOptions {
    CompressOptions { model: Some(model.clone()), ..options(level) }
}

fn decoding(model: &Arc<Model>) -> DecompressOptions {
    DecompressOptions { models: vec![model.clone()], threads: 1, ..DecompressOptions::default() }
}

fn kinds(archive: &[u8], model: &Arc<Model>) -> Vec<SegmentKind> {
    let archive = Archive::open(Cursor::new(archive), decoding(model)).unwrap();
    archive.segments().iter().map(|s| s.info.kind).collect()
}

#[test]
fn levels_are_points_of_their_own() {
    let (model, raw) = (model(false, false, 8), unseen(200));
    // A loaded copy decodes what the first one wrote.
    let loaded = Arc::new(Model::from_bytes(model.file().to_vec()).unwrap());
    let mut lengths = Vec::new();
    for level in [5, 7, 8] {
        let archive = vxc::compress(&raw, &with(level, &model)).unwrap();
        assert!(vxc::decompress(&archive, &decoding(&loaded)).unwrap() == raw, "-{level}");
        let kind = if level == 5 { SegmentKind::Mix } else { SegmentKind::Neural };
        assert_eq!(kinds(&archive, &model), [kind], "-{level}");
        lengths.push(archive.len());
    }
    assert!(lengths[2] < lengths[1], "{lengths:?}");
    let pure = CompressOptions { pure: true, ..with(8, &model) };
    // All the same but for the level in the header.
    assert_eq!(vxc::compress(&raw, &pure).unwrap().len(), lengths[1]);
}

#[test]
fn without_a_network_neural_levels_are_level_6() {
    let raw = unseen(300);
    for level in [7, 8, 9] {
        let archive = compress(&raw, level);
        assert_eq!(archive.len(), compress(&raw, 6).len());
        assert!(decompress(&archive).unwrap() == raw);
    }
}

#[test]
fn a_network_trained_on_the_input_stays_away_where_it_does_not_pay() {
    let raw = unseen(500);
    let with = |told: &Arc<Told>| {
        let trainer: Arc<dyn Trainer> = told.clone();
        let options = CompressOptions { trainer: Some(trainer), ..options(8) };
        let archive = vxc::compress(&raw, &options).unwrap();
        assert_eq!(told.asked.load(Relaxed), 1, "once, for the largest table");
        // Nothing is needed to decompress.
        assert!(decompress(&archive).unwrap() == raw);
        archive
    };
    let told = |width| Arc::new(Told { width, asked: AtomicUsize::new(0) });
    let mix = compress(&raw, 8).len();
    assert_eq!(with(&told(None)).len(), mix);
    // Too large for what it knows.
    assert_eq!(with(&told(Some(64))).len(), mix);
}

#[test]
fn a_network_travels_in_the_archive() {
    let (model, raw) = (model(false, true, 8), unseen(600));
    for pure in [false, true] {
        let options = CompressOptions {
            embed_model: true,
            pure,
            segment_bytes: Some(16_000),
            ..with(8, &model)
        };
        let mut archive = Vec::new();
        let mut encoder = vxc::Encoder::new(&mut archive, options).unwrap();
        encoder.push(&raw).unwrap();
        let summary = encoder.finish().unwrap().1;
        // What does not pay is left out, unless it was asked for.
        assert_eq!(summary.networks, usize::from(pure));
        assert_eq!(summary.embedded_bytes, if pure { model.file().len() as u64 } else { 0 });
        assert!(decompress(&archive).unwrap() == raw, "nothing is needed to decompress");
        let mut reader =
            Archive::open(Cursor::new(&archive), DecompressOptions::default()).unwrap();
        let mut some = [0; 500];
        assert_eq!(reader.read_range(40_001, &mut some).unwrap(), 500);
        assert!(some[..] == raw[40_001..40_501]);
        for at in (0..archive.len()).step_by(archive.len() / 15) {
            let mut damaged = archive.clone();
            damaged[at] ^= 0x10;
            assert!(decompress(&damaged).is_err(), "{at}");
            assert!(decompress(&archive[..at]).is_err(), "{at}");
        }
    }
}

#[test]
fn a_network_that_was_trained_on_the_input_travels_in_the_archive() {
    let raw = unseen(500);
    let told = Arc::new(Told { width: Some(16), asked: AtomicUsize::new(0) });
    let options = CompressOptions { trainer: Some(told), pure: true, ..options(8) };
    let archive = vxc::compress(&raw, &options).unwrap();
    assert!(decompress(&archive).unwrap() == raw);
    let archive = Archive::open(Cursor::new(&archive), DecompressOptions::default()).unwrap();
    let kinds: Vec<_> = archive.segments().iter().map(|s| s.info.kind).collect();
    assert!(kinds.contains(&SegmentKind::Neural), "{kinds:?}");
}

/// How long a symbol takes is up to the network, how many there are to the archive: together they are no one's choice.
#[test]
fn an_archive_may_not_bring_a_slow_network() {
    let fitted =
        Model::fit(Level::default(), None, &[jets()[..RECORD * TRAINED].to_vec()]).unwrap();
    let config = knowing(fitted.code(), &[], 16, true).config().clone();
    let slow = IntConfig { window: 8192, n_layers: 3, ..config };
    assert!(slow.work_per_symbol() > 1 << 19);
    let network = IntModel::random(slow, 7, Fill::Typical).unwrap();
    let level = Level::new(8).unwrap();
    let model = Arc::new(Model::bare(level, fitted.code(), network, false).unwrap());
    let raw = unseen(2);
    let given = CompressOptions { pure: true, ..with(8, &model) };
    let archive = vxc::compress(&raw, &given).unwrap();
    assert!(vxc::decompress(&archive, &decoding(&model)).unwrap() == raw, "given, it is used");
    let embedded = CompressOptions { embed_model: true, ..given };
    let error = vxc::compress(&raw, &embedded).unwrap_err();
    assert_eq!(error.exit_code(), 4, "{error}");
    assert!(error.to_string().contains("multiply-adds"), "{error}");
}

#[test]
fn missing_data_ends_decoding_early() {
    let model = model(true, true, 8);
    let raw_len = RECORD << 12;
    // The network alone, one lane, eight bytes of code for many records (zeros: the first symbol each time, which every
    // field has), the mark, and what fills up a segment.
    let mut short = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    short.resize(vxc_format::min_coded_len(raw_len as u64) as usize, 0);
    let kind = SegmentKind::Neural;
    let mut state = model.fresh(kind);
    let mut out = Vec::new();
    let result = model.code().decode(model.neural(), kind, &mut state, &short, &mut out, raw_len);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("that ends too early"), "{error}");
}

#[test]
fn segments_threads_and_random_access() {
    for memory in [false, true] {
        let (model, raw) = (model(memory, true, 8), unseen(600));
        let some =
            |threads| CompressOptions { segment_bytes: Some(16_000), threads, ..with(8, &model) };
        let archive = vxc::compress(&raw, &some(1)).unwrap();
        assert!(archive == vxc::compress(&raw, &some(2)).unwrap(), "threads changed the archive");
        let kinds = kinds(&archive, &model);
        assert!(kinds.len() > 4 && kinds.iter().all(|&k| k == SegmentKind::Neural), "{kinds:?}");
        let two = DecompressOptions { threads: 2, ..decoding(&model) };
        assert!(vxc::decompress(&archive, &two).unwrap() == raw);
        let mut reader = Archive::open(Cursor::new(&archive), decoding(&model)).unwrap();
        for at in [40_001u64, 5, 74_000] {
            let mut some = [0; 700];
            let n = reader.read_range(at, &mut some).unwrap();
            assert!(some[..n] == raw[at as usize..at as usize + n]);
        }
    }
}

#[test]
fn a_model_that_is_missing_is_named() {
    let (model, raw) = (model(false, true, 8), unseen(100));
    let archive = vxc::compress(&raw, &with(8, &model)).unwrap();
    let missing = decompress(&archive).unwrap_err();
    assert!(matches!(missing, Error::ModelMissing { .. }), "{missing}");
    assert!(vxc::decompress(&archive, &decoding(&model)).unwrap() == raw);
}

#[test]
fn damage_is_found_and_limits_hold() {
    let (model, raw) = (model(false, true, 8), unseen(40));
    for level in [7, 8, 9] {
        let archive = vxc::compress(&raw, &with(level, &model)).unwrap();
        assert_eq!(kinds(&archive, &model), [SegmentKind::Neural]);
        let options = decoding(&model);
        for n in (0..archive.len()).step_by(31) {
            assert!(vxc::decompress(&archive[..n], &options).is_err(), "-{level} cut at {n}");
        }
        for at in (0..archive.len()).step_by(29) {
            let mut bad = archive.clone();
            bad[at] ^= 1 << (at % 8);
            if let Ok(back) = vxc::decompress(&bad, &options) {
                assert!(back == raw, "-{level} byte {at}");
            }
        }
        let limits = DecodeLimits { max_memory: 1 << 20, ..DecodeLimits::default() };
        let e = vxc::decompress(&archive, &DecompressOptions { limits, ..options }).unwrap_err();
        assert_eq!(e.exit_code(), 4, "{e}");
    }
}

/// Of a damaged archive every intact segment comes back, and what starts from a lost one is named.
#[test]
fn intact_segments_are_salvaged() {
    let (model, raw) = (model(false, true, 8), unseen(200));
    for level in [7, 8, 9] {
        let small =
            CompressOptions { segment_bytes: Some(RECORD as u64 * 40), ..with(level, &model) };
        let archive = vxc::compress(&raw, &small).unwrap();
        let opened = Archive::open(Cursor::new(&archive), decoding(&model)).unwrap();
        let segments = opened.segments();
        let primed = segments.iter().filter(|s| s.info.primed_by.is_some()).count();
        println!("-{level}: {} segments, {primed} of them primed", segments.len());
        // The network alone leaves nothing behind.
        assert!(segments.len() >= 4 && (primed > 0) == (level > 7));
        // The key of the others, one of these, and the last.
        for hit in [&segments[0], &segments[2], &segments[segments.len() - 1]] {
            let mut bad = archive.clone();
            bad[(hit.file_offset + hit.file_bytes - 2) as usize] ^= 0x40;
            assert!(vxc::decompress(&bad, &decoding(&model)).is_err());
            let mut salvage = Salvage::open(Cursor::new(&bad), decoding(&model)).unwrap();
            let (mut reached, mut lost) = (0, Vec::new());
            let end_known = salvage.decode(0, |piece| {
                match piece {
                    Piece::Content(header, bytes) => {
                        assert_eq!(header.info.raw_offset, reached);
                        assert!(raw[reached as usize..].starts_with(bytes), "-{level}");
                        reached += bytes.len() as u64;
                    }
                    Piece::Lost(loss) => {
                        reached = loss.content.end;
                        lost.push(loss.segment.unwrap());
                    }
                }
                Ok::<_, Error>(())
            });
            assert!(end_known.unwrap() && reached == raw.len() as u64);
            let number = hit.info.number;
            let needs = |s: &&vxc::archive::SegmentEntry| {
                s.info.number == number || s.info.primed_by == Some(number)
            };
            let expected: Vec<u64> = segments.iter().filter(needs).map(|s| s.info.number).collect();
            assert_eq!(lost, expected, "-{level}");
        }
    }
}

#[test]
fn a_model_file_is_hostile_input() {
    let model = model(false, true, 8);
    let file = model.file().to_vec();
    let small = DecodeLimits { max_memory: 1 << 20, ..DecodeLimits::default() };
    assert_eq!(Model::with_limits(file.clone(), &small).unwrap_err().exit_code(), 4);
    for n in (0..file.len()).step_by(file.len() / 20) {
        assert!(Model::from_bytes(file[..n].to_vec()).is_err());
    }
    // Damage that the checksum does not see.
    for at in (10..file.len() - 4).step_by(file.len() / 20) {
        let mut bad = file.clone();
        bad[at] ^= 0x55;
        let end = bad.len() - 4;
        let crc = vxc_format::content::crc32c(&bad[..end]);
        bad[end..].copy_from_slice(&crc.to_le_bytes());
        let _ = Model::from_bytes(bad);
    }
    // A network of other records.
    let other = IntModel::random(IntConfig::record(5), 1, Fill::Typical).unwrap();
    let code = model.code().clone();
    let level = Level::new(8).unwrap();
    let e = Model::bare(level, &code, other, true).unwrap_err();
    assert!(matches!(e, Error::ModelMismatch(_)), "{e}");
}
