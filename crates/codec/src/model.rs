//! Model files (`.vxm`): a fitted tokeniser with what its models learned from training files.
//!
//! The code is a stream definition's payload; names are the fields' names. The id of a model is the BLAKE3 of its file.
//! Nothing in a model is executed; the code decides how much memory its states take, and that is checked against a limit
//! before they are made. The file itself: [`file`].

mod file;

use vxc_format::{DecodeLimits, ModelId, SegmentKind};
use vxc_infer::IntModel;
use vxc_tokens::RecordLayout;

use self::file::Parts;
use crate::error::Error;
use crate::level::{Level, segments};
use crate::neural::Neural;
use crate::plan::{Planned, parts, parts_like, plan, static_plan};
use crate::segment_code::{Method, State};
use crate::stream_code::{Form, StreamCode};

/// Most memory that a model's state may take.
const MAX_STATE: u64 = 1 << 30;
/// Segments that models are made for: larger ones work, with tables of this size.
const SEGMENT: u64 = 16 << 20;

/// A model file, loaded.
#[derive(Clone, Debug)]
pub struct Model {
    id: ModelId,
    file: Vec<u8>,
    level: u8,
    code: StreamCode,
    names: Vec<String>,
    statics: State,
    mix: State,
    /// The network, and the adaptive state beside it.
    neural: Option<(Neural, State)>,
}

impl Model {
    /// Fits a model to training data: the tokeniser to all of it together, and the models' states by coding it.
    /// All files must be of one kind; whole records are used.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is nothing to fit to.
    pub fn fit(
        level: Level,
        layout: Option<&RecordLayout>,
        training: &[Vec<u8>],
    ) -> Result<Self, Error> {
        Self::fit_for(SEGMENT, level, layout, training)
    }

    /// As [`Model::fit`], with tables for segments of `segment` bytes.
    fn fit_for(
        segment: u64,
        level: Level,
        layout: Option<&RecordLayout>,
        training: &[Vec<u8>],
    ) -> Result<Self, Error> {
        let found = training.first().and_then(|first| {
            // The largest part of the first file says what the files are.
            parts(first, layout, false).into_iter().max_by_key(|p| p.len)?.layout
        });
        let layout = layout.cloned().or(found);
        let record = layout.as_ref().map_or(1, |l| l.record_bytes);
        let mut data = Vec::new();
        for file in training {
            let mut at = 0;
            for part in parts_like(file, layout.as_ref(), false, false) {
                if part.layout.as_ref().map_or(1, |l| l.record_bytes) == record {
                    data.extend_from_slice(&file[at..at + part.len / record * record]);
                }
                at += part.len;
            }
        }
        if data.is_empty() {
            return Err(Error::InvalidArgument("no training data of one record or more".into()));
        }
        let mix_level = if level.is_mix() { level.without_network() } else { Level::default() };
        let total = data.len() as u64;
        let Planned { mut code, .. } = plan(mix_level, layout.as_ref(), &data, total, segment)?;
        let mut statics = State::None;
        if let Form::Fields(tokeniser) = &code.form {
            let static_level = if level.is_mix() { Level::new(3)? } else { level };
            code.plan = Some(static_plan(static_level, tokeniser, &data, total));
            statics = code.fresh(SegmentKind::Static);
            code.encode(None, Method::Static, &mut statics, &data)?;
        }
        let mix = learned(&code, None, Method::Mix, segment, &data)?;
        let names: Vec<String> =
            layout.map_or(Vec::new(), |l| l.fields.into_iter().map(|f| f.name).collect());
        let (code, names) = (&code, &names[..]);
        Parts { level, code, names, statics: &statics, mix: &mix, neural: None }.publish()
    }

    /// A model with a network: `fitted` (or only its names, where `code` is another), the network over the symbols of
    /// `code`, and the adaptive states after the training data, whole records.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] if the network does not fit the code.
    pub fn with_network(
        level: Level,
        fitted: &Self,
        mut code: StreamCode,
        network: IntModel,
        alone: bool,
        training: &[u8],
    ) -> Result<Self, Error> {
        let neural = Neural::new(network, alone, &code)?;
        let record = code.record_bytes();
        let data = &training[..training.len() / record * record];
        if let (None, Form::Fields(tokeniser)) = (&code.plan, &code.form) {
            code.plan = Some(static_plan(Level::new(3)?, tokeniser, data, data.len() as u64));
        }
        let state = learned(&code, Some(&neural), Method::Neural { pure: false }, SEGMENT, data)?;
        let mut statics = code.fresh(SegmentKind::Static);
        code.encode(None, Method::Static, &mut statics, data)?;
        let mix = if code == fitted.code {
            fitted.mix.clone()
        } else {
            learned(&code, None, Method::Mix, SEGMENT, data)?
        };
        let (code, names) = (&code, &fitted.names[..]);
        let neural = Some((&neural, &state));
        Parts { level, code, names, statics: &statics, mix: &mix, neural }.publish()
    }

    /// A network and its code alone, to travel in an archive: all states are fresh ones.
    ///
    /// # Errors
    /// As [`Model::with_network`].
    pub fn bare(
        level: Level,
        code: &StreamCode,
        network: IntModel,
        alone: bool,
    ) -> Result<Self, Error> {
        let neural = Neural::new(network, alone, code)?;
        let neural = Some((&neural, &State::None));
        let (statics, mix) = (&State::None, &State::None);
        Parts { level, code, names: &[], statics, mix, neural }.publish()
    }

    /// Loads a model file.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] if it is none, or damaged; `LimitExceeded` if it wants too much memory.
    pub fn from_bytes(file: Vec<u8>) -> Result<Self, Error> {
        let limits = DecodeLimits { max_memory: MAX_STATE, ..DecodeLimits::default() };
        Self::with_limits(file, &limits)
    }

    /// Bytes held: the file, the states and the network.
    pub fn held_bytes(&self) -> u64 {
        let network = self.neural.as_ref().map_or(0, |(n, _)| n.held_bytes());
        let name = |n: &String| (n.len() + size_of::<String>()) as u64;
        self.file.len() as u64
            + self.names.iter().map(name).sum::<u64>()
            + states_bytes(&self.code, self.neural.is_some())
            + self.code.held_bytes()
            + network
    }

    /// Its id: the BLAKE3 of the file.
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// The file's bytes.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The level that it was fitted for.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The code of streams that use it.
    pub fn code(&self) -> &StreamCode {
        &self.code
    }

    /// Names of the fields, in layout order; empty where unknown.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The layout that it is for.
    pub fn layout(&self) -> Option<&RecordLayout> {
        self.code.layout()
    }

    /// Its network.
    pub fn neural(&self) -> Option<&Neural> {
        self.neural.as_ref().map(|(neural, _)| neural)
    }

    /// What an encoder does at a level. `pure`: the network alone, where there is one, as level 7 does.
    pub fn method(&self, level: Level, pure: bool) -> Method {
        if level.is_neural() && self.neural.is_some() {
            return Method::Neural { pure: pure || level.number() == 7 };
        }
        if level.is_mix() || self.code.plan.is_none() { Method::Mix } else { Method::Static }
    }

    /// What a fresh segment starts from.
    pub fn fresh(&self, kind: SegmentKind) -> State {
        match kind {
            SegmentKind::Static => self.statics.clone(),
            SegmentKind::Mix => self.mix.clone(),
            SegmentKind::Neural => match &self.neural {
                Some((_, state)) => state.clone(),
                None => State::None,
            },
            _ => State::None,
        }
    }
}

/// Bytes of the states that a model holds.
fn states_bytes(code: &StreamCode, neural: bool) -> u64 {
    let kinds = [SegmentKind::Static, SegmentKind::Mix, SegmentKind::Neural];
    let held = kinds.iter().filter(|&&kind| neural || kind != SegmentKind::Neural);
    held.fold(0, |sum: u64, &kind| sum.saturating_add(code.state_bytes(kind)))
}

/// What a model has learned after training data. In segments: what is learned passes on, positions start anew as they
/// will in use.
fn learned(
    code: &StreamCode,
    neural: Option<&Neural>,
    method: Method,
    segment: u64,
    data: &[u8],
) -> Result<State, Error> {
    let mut state = code.fresh(method.kind());
    let mut at = 0;
    for len in segments(segment, segment, data.len() as u64, code.record_bytes() as u64) {
        code.encode(neural, method, &mut state, &data[at..at + len as usize])?;
        at += len as usize;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use super::*;
    use crate::{Archive, CompressOptions, DecompressOptions};
    use vxc_format::{ArchiveWriter, Block, BlockReader, NewSegment};
    use vxc_tokens::{Endian, Field, Kind};

    /// The archive of `raw` by a model, with the model in it.
    fn embedded(level: u8, model: &Arc<Model>, raw: &[u8]) -> Vec<u8> {
        let options = CompressOptions {
            level: Level::new(level).unwrap(),
            model: Some(model.clone()),
            segment_bytes: Some(300),
            threads: 1,
            ..CompressOptions::default()
        };
        let archive = crate::compress(raw, &options).unwrap();
        let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
        let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
        writer.embed_model(model.file()).unwrap();
        loop {
            match reader.next_block().unwrap() {
                Block::Stream(def) => {
                    writer.define_stream(def.kind, def.source, &def.payload).unwrap();
                }
                Block::Segment(s) => drop(writer.segment(&NewSegment::from(&s)).unwrap()),
                Block::Model(_) => panic!("not embedded yet"),
                Block::End(_) => break,
            }
        }
        writer.content(raw);
        writer.finish().unwrap().0
    }

    #[test]
    fn no_model_has_names_that_a_reader_refuses() {
        let training = [(0..400u32).flat_map(|i| (i * i % 97).to_le_bytes()).collect::<Vec<u8>>()];
        let fields = (0..2)
            .map(|i| Field {
                name: String::new(),
                offset: 4 * i,
                kind: Kind::U32,
                endian: Endian::Little,
                group: i as u32,
            })
            .collect();
        let mut layout = RecordLayout::new(8, fields).unwrap();
        let level = Level::default();
        for (len, fits) in [(4096, true), (4097, false)] {
            layout.fields[1].name = "n".repeat(len);
            match Model::fit_for(300, level, Some(&layout), &training) {
                Ok(model) => assert!(fits && model.names()[1].len() == len),
                Err(Error::InvalidArgument(e)) => assert!(!fits && e.contains("4096"), "{e}"),
                Err(e) => panic!("{len}: {e}"),
            }
        }
    }

    #[test]
    fn damage_to_an_archive_with_its_model_is_found() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/ftag_jets.bin");
        let jets = std::fs::read(path).unwrap();
        // With tables for small segments, so that it is loaded in no time.
        let training = [jets[..124 * 40].to_vec()];
        let model = Arc::new(Model::fit_for(300, Level::default(), None, &training).unwrap());
        let raw = &jets[124 * 4000..124 * 4008];
        for level in 1..=6 {
            let archive = embedded(level, &model, raw);
            let options = DecompressOptions { threads: 1, ..DecompressOptions::default() };
            let decompress = |bytes: &[u8]| crate::decompress(bytes, &options);
            assert!(decompress(&archive).unwrap() == raw);
            let primed = Archive::open(Cursor::new(&archive), options.clone()).unwrap();
            let primed = primed.segments().iter().filter(|s| s.info.primed_by == Some(0)).count();
            assert_eq!(primed, 2, "-{level}");
            for n in 0..archive.len() {
                assert!(decompress(&archive[..n]).is_err(), "-{level} cut at {n}");
            }
            // One bit of each byte; at two levels all bits, but for those inside the model, judged by one hash.
            let file = model.file();
            let inside = archive.windows(file.len()).position(|w| w == file).unwrap();
            let inside = inside..inside + file.len();
            let all = matches!(level, 1 | 5);
            let bits = (0..archive.len() * 8)
                .filter(|bit| bit % 8 == bit / 8 % 8 || (all && !inside.contains(&(bit / 8))));
            for bit in bits {
                let mut bad = archive.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                if let Ok(back) = decompress(&bad) {
                    assert!(back == raw, "-{level} bit {bit}");
                }
            }
        }
    }
}
