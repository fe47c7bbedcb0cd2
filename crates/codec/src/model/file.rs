//! The file of a model, read and written.
//!
//! ```text
//! signature 8: 89 'V' 'X' 'M' 0D 0A 1A 0A · version u8 · level u8
//! then five sections, each: raw length varint · stored length varint · zstd frame (or the raw bytes
//! where both lengths are equal): code, names, static counts, mix state, network (empty, or its length varint, its serial
//! form, the neural state)
//! CRC32C of all before, u32 LE
//! ```
//! A state that is empty is a fresh one; a model without a network has no neural state. Names are one a
//! line.

use vxc_entropy::{read_varint, write_varint};
use vxc_format::content::crc32c;
use vxc_format::{DecodeLimits, FormatError, ModelId, SegmentKind, limits};
use vxc_tokens::layout::{MAX_FIELDS, MAX_NAME_BYTES};

use super::{Model, states_bytes};
use crate::error::Error;
use crate::level::Level;
use crate::neural::Neural;
use crate::segment_code::State;
use crate::stream_code::StreamCode;

const SIGNATURE: [u8; 8] = [0x89, b'V', b'X', b'M', 0x0D, 0x0A, 0x1A, 0x0A];
const VERSION: u8 = 1;
/// Largest model file that is written, the network's weights not counted; larger states lose their rarest contexts.
const MAX_FILE: usize = 16 << 20;
/// Bytes of all names of fields together.
const MAX_NAMES: usize = 16 << 20;
/// Largest section of a model file.
const MAX_SECTION: u64 = 256 << 20;

/// What a model file holds, before it is written.
pub(super) struct Parts<'a> {
    pub level: Level,
    pub code: &'a StreamCode,
    pub names: &'a [String],
    pub statics: &'a State,
    pub mix: &'a State,
    pub neural: Option<(&'a Neural, &'a State)>,
}

impl Model {
    /// Loads a model file within limits.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn with_limits(file: Vec<u8>, limits: &DecodeLimits) -> Result<Self, Error> {
        let bad = |what: &str| Error::ModelMismatch(what.to_string());
        let (body, crc) = file
            .split_last_chunk::<4>()
            .filter(|(body, _)| body.starts_with(&SIGNATURE))
            .ok_or_else(|| bad("not a model file"))?;
        if crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(bad("the file is damaged (checksum)"));
        }
        let (&[version, level], mut rest) = body[SIGNATURE.len()..]
            .split_first_chunk::<2>()
            .ok_or_else(|| bad("the file is cut short"))?;
        if version != VERSION {
            return Err(FormatError::UnsupportedVersion(format!("model version {version}")).into());
        }
        // The file, its sections, the states and the network are held together while it is read.
        let mut room = Room { limit: limits.max_memory, taken: 0 };
        room.take(file.len() as u64)?;
        let section = take_section(&mut rest, &mut room)?;
        let code = StreamCode::within(&section, room.left()).map_err(|e| match e {
            Error::Corruption(why) => Error::ModelMismatch(why),
            e => e,
        })?;
        room.take(code.held_bytes())?;
        let names =
            String::from_utf8(take_section(&mut rest, &mut room)?).map_err(|_| bad("names"))?;
        if names.len() > MAX_NAMES || names.lines().count() > MAX_FIELDS {
            return Err(bad("names"));
        }
        if names.lines().any(|name| name.len() > MAX_NAME_BYTES) {
            return Err(bad("a name of a field is too long"));
        }
        let (counts, mixed) =
            (take_section(&mut rest, &mut room)?, take_section(&mut rest, &mut room)?);
        let network = take_section(&mut rest, &mut room)?;
        if !rest.is_empty() {
            return Err(bad("bytes after the last section"));
        }
        let (network, beside) = match &network[..] {
            [] => (&[][..], &[][..]),
            mut section => {
                let len = read_varint(&mut section).map_err(|_| bad("length of the network"))?;
                let len = usize::try_from(len).map_err(|_| bad("length of the network"))?;
                section.split_at_checked(len).ok_or_else(|| bad("length of the network"))?
            }
        };
        let states = states_bytes(&code, !network.is_empty());
        let needed = states.saturating_add(Neural::bytes_of(network)?);
        room.take(needed)?;
        let statics = load(code.fresh(SegmentKind::Static), &counts)?;
        let mix = load(code.fresh(SegmentKind::Mix), &mixed)?;
        let neural = match network {
            [] if beside.is_empty() => None,
            [] => return Err(bad("a state without a network")),
            serial => {
                let network = Neural::from_bytes(serial, &code, room.left())?;
                Some((network, load(code.fresh(SegmentKind::Neural), beside)?))
            }
        };
        Ok(Self {
            id: ModelId::of(&file),
            level,
            code,
            names: names.lines().map(str::to_string).collect(),
            statics,
            mix,
            neural,
            file,
        })
    }
}

impl Parts<'_> {
    /// The model file; rare contexts go until it is small enough.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for what no model file may hold.
    pub fn publish(&self) -> Result<Model, Error> {
        // A layout of a caller's own making may have any.
        if self.names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
            let message = format!("a name of a field has more than {MAX_NAME_BYTES} bytes");
            return Err(Error::InvalidArgument(message));
        }
        if self.names.iter().map(|name| name.len() + 1).sum::<usize>() > MAX_NAMES {
            let message = format!("the names of the fields have more than {MAX_NAMES} bytes");
            return Err(Error::InvalidArgument(message));
        }
        let network = self.neural.map_or(0, |(neural, _)| neural.to_bytes().len());
        for visits in [1, 2, 3, 4, 6, 9, 14, 20, 30, 50, 100, 255] {
            let file = self.write(visits)?;
            if file.len() <= MAX_FILE + network {
                return Model::from_bytes(file);
            }
        }
        Err(Error::InvalidArgument("the model does not fit into 16 MiB".into()))
    }

    /// A model file without the lines that were visited fewer than `visits` times.
    fn write(&self, visits: u32) -> Result<Vec<u8>, Error> {
        let mut out = SIGNATURE.to_vec();
        out.extend([VERSION, self.level.number()]);
        let names: String =
            self.names.iter().flat_map(|n| [n.replace('\n', " "), "\n".into()]).collect();
        let mut network = Vec::new();
        if let Some((neural, state)) = self.neural {
            let serial = neural.to_bytes();
            write_varint(&mut network, serial.len() as u64);
            network.extend(serial);
            network.extend(save(state, visits));
        }
        let sections = [
            self.code.to_bytes(),
            names.into_bytes(),
            save(self.statics, visits),
            save(self.mix, visits),
            network,
        ];
        for raw in &sections {
            let coded = zstd::bulk::compress(raw, 12).map_err(Error::Io)?;
            let stored = if coded.len() < raw.len() { &coded } else { raw };
            write_varint(&mut out, raw.len() as u64);
            write_varint(&mut out, stored.len() as u64);
            out.extend_from_slice(stored);
        }
        let crc = crc32c(&out);
        out.extend(crc.to_le_bytes());
        Ok(out)
    }
}

/// Memory of reading a model file.
struct Room {
    limit: u64,
    taken: u64,
}

impl Room {
    fn take(&mut self, bytes: u64) -> Result<(), FormatError> {
        let needed = self.taken.saturating_add(bytes);
        limits::check("the memory of a model", needed, self.limit)?;
        self.taken = needed;
        Ok(())
    }

    fn left(&self) -> u64 {
        self.limit - self.taken
    }
}

/// The next section; its size counts.
fn take_section(rest: &mut &[u8], room: &mut Room) -> Result<Vec<u8>, Error> {
    let bad = || Error::ModelMismatch("a section of the file is damaged".to_string());
    let raw = read_varint(rest).map_err(|_| bad())?;
    let stored = read_varint(rest).map_err(|_| bad())?;
    if raw > MAX_SECTION || stored > raw {
        return Err(bad());
    }
    room.take(raw)?;
    let (head, tail) = rest.split_at_checked(stored as usize).ok_or_else(bad)?;
    *rest = tail;
    if raw == stored {
        return Ok(head.to_vec());
    }
    // zstd allocates what the frame says, at most `raw`.
    let section = zstd::bulk::decompress(head, raw as usize).map_err(|_| bad())?;
    if section.len() as u64 == raw { Ok(section) } else { Err(bad()) }
}

fn save(state: &State, visits: u32) -> Vec<u8> {
    let mut out = Vec::new();
    match state {
        State::None => {}
        State::Static(m) => m.save(&mut out),
        State::Fields(m) => m.save(visits, &mut out),
        State::Bytes(m) => m.save(visits, &mut out),
        State::Neural(m) => m.save(visits, &mut out),
    }
    out
}

/// A fresh state with what was saved; nothing saved leaves it fresh.
fn load(mut state: State, mut saved: &[u8]) -> Result<State, Error> {
    if saved.is_empty() {
        return Ok(state);
    }
    let result = match &mut state {
        State::None => Ok(()),
        State::Static(m) => m.load(&mut saved),
        State::Fields(m) => m.load(&mut saved),
        State::Bytes(m) => m.load(&mut saved),
        State::Neural(m) => m.load(&mut saved),
    };
    result.map_err(|e| Error::ModelMismatch(e.to_string()))?;
    if !saved.is_empty() {
        return Err(Error::ModelMismatch("bytes after a state".into()));
    }
    Ok(state)
}
