//! The objects of a file, all that links lead to, each with the messages that it will be written with.

use super::Addresses;
use super::attribute::{Relocation, shared_object};
use super::header::{Header, Message, SHARED, number};
use super::heap::NewHeap;
use crate::dtype::{Dtype, DtypeKind};
use crate::error::DataError;
use crate::hdf5::dataset::{Dataset, Storage};
use crate::hdf5::file::Hdf5File;
use crate::hdf5::message::{
    ATTRIBUTE, ATTRIBUTE_INFO, DATATYPE, DRIVER, EXTERNAL, GROUP_INFO, LAYOUT, LINK, LINK_INFO,
    SHARED_TABLE, SYMBOLS,
};
use crate::hdf5::{links, seam};
use crate::limits;
use crate::root::cursor::Cursor;
use std::collections::{HashSet, VecDeque};

/// Undefined addresses of a heap and the trees over it.
const NOWHERE: [u8; 8] = [0xff; 8];

/// An object.
pub struct Object {
    /// Where its header lay.
    pub address: u64,
    header: Header,
    /// If it is one.
    pub dataset: Option<Dataset>,
}

/// All of them.
pub struct Objects {
    pub root: u64,
    pub all: Vec<Object>,
}

impl Objects {
    /// Reads them, in the order in which links lead to them from the root on.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] for what cannot be carried over; those of damaged files; [`DataError::LimitExceeded`].
    pub fn collect(file: &Hdf5File) -> Result<Self, DataError> {
        let superblock = file.library().superblock();
        if (superblock.offset_size, superblock.length_size) != (8, 8) {
            return Err(DataError::unsupported("addresses of another width than 8 bytes"));
        }
        let root = seam::call(|| file.library().root_group())?.address();
        let mut seen = HashSet::from([root]);
        let mut next = VecDeque::from([root]);
        let mut all = Vec::new();
        while let Some(address) = next.pop_front() {
            let object = Object::read(file, address)?;
            for target in object.targets()? {
                if seen.insert(target) {
                    let count = u64::try_from(seen.len()).unwrap_or(u64::MAX);
                    limits::check("number of objects", count, file.limits().max_keys)?;
                    next.push_back(target);
                }
            }
            all.push(object);
        }
        Ok(Self { root, all })
    }
}

impl Object {
    fn read(file: &Hdf5File, address: u64) -> Result<Self, DataError> {
        let mut header = Header::read(file, address)?;
        let mut messages = Vec::new();
        for message in std::mem::take(&mut header.messages) {
            match message.kind {
                EXTERNAL => return Err(DataError::unsupported("values in other files")),
                SHARED_TABLE => {
                    return Err(DataError::unsupported("messages shared through a heap"));
                }
                DRIVER => return Err(DataError::unsupported("a file in several parts")),
                SYMBOLS => {
                    messages.push(Message::new(
                        LINK_INFO,
                        [[0; 2].as_slice(), &NOWHERE, &NOWHERE].concat(),
                    ));
                    messages.push(Message::new(GROUP_INFO, vec![0, 0]));
                    let old = links::symbols(file, &message.bytes)?;
                    messages.extend(old.into_iter().map(|link| Message::new(LINK, link)));
                }
                LINK_INFO => {
                    let found = links::dense_links(file, &message.bytes)?;
                    messages.push(without_heap(message, 8)?);
                    messages.extend(found.into_iter().map(|link| Message::new(LINK, link)));
                }
                ATTRIBUTE_INFO => {
                    let found = links::dense_attributes(file, &message.bytes)?;
                    messages.push(without_heap(message, 2)?);
                    messages.extend(found.into_iter().map(|(flags, order, bytes)| Message {
                        kind: ATTRIBUTE,
                        flags,
                        order,
                        bytes,
                    }));
                }
                _ => messages.push(message),
            }
        }
        // Readers of version 2 look for attributes only where this message is.
        let kinds = |kind| messages.iter().any(|m| m.kind == kind);
        if kinds(ATTRIBUTE) && !kinds(ATTRIBUTE_INFO) {
            let info = [[0; 2].as_slice(), &NOWHERE, &NOWHERE].concat();
            messages.push(Message::new(ATTRIBUTE_INFO, info));
        }
        let mut own = Self { address, header, dataset: None };
        if let Some(layout) = messages.iter_mut().find(|m| m.kind == LAYOUT) {
            // Bit 0 of a chunked layout of version 4: chunks at the border are not filtered.
            if let [version, 2, flags, ..] = layout.bytes.as_slice()
                && *version >= 4
                && flags & 1 != 0
            {
                return Err(DataError::unsupported("chunks at the border without filters"));
            }
            let dataset = dataset(file, address)?;
            // Its size counts before its place is known.
            layout.bytes = provisional(&dataset, &layout.bytes);
            own.dataset = Some(dataset);
        }
        own.header.messages = messages;
        Ok(own)
    }

    /// Old addresses of the objects that it names.
    fn targets(&self) -> Result<Vec<u64>, DataError> {
        let mut out = Vec::new();
        for message in &self.header.messages {
            match message.kind {
                LINK => out.extend(link_target(&message.bytes)?.map(|(address, _)| address)),
                DATATYPE => out.extend(shared_object(message)?),
                _ => {}
            }
        }
        Ok(out)
    }

    /// Says where its values lie, by a layout message of the size that it had.
    pub fn set_layout(&mut self, bytes: Vec<u8>) {
        let layout = self.header.messages.iter_mut().find(|m| m.kind == LAYOUT);
        layout.into_iter().for_each(|layout| layout.bytes.clone_from(&bytes));
    }

    /// Bytes of its header as it will be written.
    pub fn header_bytes(&self) -> u64 {
        self.header.bytes()
    }

    /// Puts new addresses into links, types and attributes.
    ///
    /// # Errors
    /// As [`Relocation::attribute`].
    pub fn relocate(
        &mut self,
        file: &Hdf5File,
        addresses: &Addresses,
        heap: &mut NewHeap,
    ) -> Result<(), DataError> {
        let mut relocation = Relocation { file, addresses, heap };
        for message in &mut self.header.messages {
            match message.kind {
                LINK => {
                    let Some((old, at)) = link_target(&message.bytes)? else { continue };
                    let new = relocation.address(old)?.to_le_bytes();
                    let place = message.bytes.get_mut(at..).and_then(|m| m.get_mut(..8));
                    place.into_iter().for_each(|place| place.copy_from_slice(&new));
                }
                DATATYPE if message.flags & SHARED != 0 => {
                    message.bytes = relocation.shared(&message.bytes)?.1;
                }
                ATTRIBUTE if message.flags & SHARED != 0 => {
                    return Err(DataError::unsupported("messages shared through a heap"));
                }
                ATTRIBUTE => relocation.attribute(&mut message.bytes)?,
                DATATYPE => {}
                _ if message.flags & SHARED != 0 => {
                    return Err(DataError::unsupported("messages shared through a heap"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its header.
    ///
    /// # Errors
    /// As [`Header::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, DataError> {
        self.header.to_bytes()
    }
}

impl Message {
    fn new(kind: u16, bytes: Vec<u8>) -> Self {
        Self { kind, flags: 0, order: 0, bytes }
    }
}

fn dataset(file: &Hdf5File, address: u64) -> Result<Dataset, DataError> {
    let library = file.library();
    let header = seam::call(|| library.get_or_parse_header(address))?;
    let dataset =
        Dataset::new("", address, &header, &[], library.superblock().offset_size, file.limits())?;
    if refers(&dataset.dtype) {
        return Err(DataError::unsupported("references outside of attributes"));
    }
    Ok(dataset)
}

fn refers(dtype: &Dtype) -> bool {
    match &dtype.kind {
        DtypeKind::Bytes(what) => *what == "reference",
        DtypeKind::Array { base, .. } => refers(base),
        DtypeKind::Compound(members) => members.iter().any(|member| refers(&member.dtype)),
        DtypeKind::Number(..) | DtypeKind::Enum { .. } => false,
    }
}

/// A layout message of the right size; that of values in the header as it will be.
fn provisional(dataset: &Dataset, old: &[u8]) -> Vec<u8> {
    match &dataset.storage {
        Storage::Compact(data) => match old.first() {
            Some(3..) => old.to_vec(),
            _ => {
                let bytes = u16::try_from(data.len()).unwrap_or(u16::MAX);
                [[3, 0].as_slice(), &bytes.to_le_bytes(), data].concat()
            }
        },
        Storage::Contiguous(_) => vec![0; 18],
        Storage::Chunked(_) => {
            vec![0; dataset.chunk_shape.len().saturating_mul(4).saturating_add(15)]
        }
    }
}

/// An info message about links or attributes whose heap is gone: version, flags, [number of `width` bytes], addresses.
fn without_heap(mut message: Message, width: usize) -> Result<Message, DataError> {
    let mut at = Cursor::new(&message.bytes);
    let (version, flags) = (at.u8()?, at.u8()?);
    let number = if flags & 1 != 0 { at.bytes(width)?.to_vec() } else { Vec::new() };
    let addresses = NOWHERE.repeat(if flags & 2 != 0 { 3 } else { 2 });
    message.bytes = [[version, flags].as_slice(), &number, &addresses].concat();
    Ok(message)
}

/// The object that a link message leads to, and where in it the address stands; none for soft and other links.
fn link_target(message: &[u8]) -> Result<Option<(u64, usize)>, DataError> {
    let mut at = Cursor::new(message);
    let (_, flags) = (at.u8()?, at.u8()?);
    let kind = if flags & 0x08 != 0 { at.u8()? } else { 0 };
    if flags & 0x04 != 0 {
        at.skip(8)?;
    }
    if flags & 0x10 != 0 {
        at.skip(1)?;
    }
    let bytes = number(&mut at, 1 << (flags & 3))?;
    at.skip(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let place = at.position();
    Ok(if kind == 0 { Some((at.le_u64()?, place)) } else { None })
}
