//! Object headers as lists of messages that nobody has interpreted, read from either version and written as version 2.

use crate::error::DataError;
use crate::hdf5::file::Hdf5File;
use crate::hdf5::message::{CONTINUATION, MODIFIED, NIL, REFERENCES};
use crate::hdf5::seam;
use crate::hdf5::write::{lookup3, wide};
use crate::root::cursor::Cursor;

/// Flag of a message: what stands there is where it really is.
pub const SHARED: u8 = 0x02;
/// Flags of a header: orders of attributes are kept, limits of their storage stand there, and times.
const ORDERED: u8 = 0x04;
const PHASES: u8 = 0x10;
const TIMES: u8 = 0x20;
/// And those that say how many bytes its size has.
const SIZE: u8 = 0x03;
/// Most blocks of a header.
const MAX_BLOCKS: usize = 1024;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: u16,
    pub flags: u8,
    /// When it was made, among attributes.
    pub order: u16,
    pub bytes: Vec<u8>,
}

/// A header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    flags: u8,
    times: Vec<u8>,
    phases: Vec<u8>,
    pub messages: Vec<Message>,
}

impl Header {
    /// Reads the header at an address.
    ///
    /// # Errors
    /// Those of damaged files; [`DataError::LimitExceeded`].
    pub fn read(file: &Hdf5File, address: u64) -> Result<Self, DataError> {
        let start = part(file, address, 4)?;
        if start == b"OHDR" { Self::read_2(file, address) } else { Self::read_1(file, address) }
    }

    fn read_1(file: &Hdf5File, address: u64) -> Result<Self, DataError> {
        let prefix = part(file, address, 16)?;
        let mut at = Cursor::new(&prefix);
        let version = at.u8()?;
        at.skip(3)?;
        let references = at.le_u32()?;
        let size = at.le_u32()?;
        if version != 1 {
            return Err(DataError::unsupported("an object header of another version"));
        }
        let mut own = Self::default();
        let mut blocks = vec![(address.saturating_add(16), u64::from(size))];
        let mut next = 0usize;
        while let Some(&(offset, bytes)) = blocks.get(next) {
            next = next.saturating_add(1);
            let block = block(file, offset, bytes, next)?;
            let mut at = Cursor::new(&block);
            while at.remaining() >= 8 {
                let kind = at.le_u16()?;
                let size = at.le_u16()?;
                let flags = at.u8()?;
                at.skip(3)?;
                let bytes = at.bytes(usize::from(size))?.to_vec();
                own.add(Message { kind, flags, order: 0, bytes }, &mut blocks)?;
            }
        }
        // Where version 2 has it.
        if references != 1 {
            let mut bytes = vec![0];
            bytes.extend(references.to_le_bytes());
            own.messages.push(Message { kind: REFERENCES, flags: 0, order: 0, bytes });
        }
        let modified = own.messages.iter().position(|m| m.kind == MODIFIED);
        if let Some(at) = modified {
            let message = own.messages.remove(at);
            // Access, modification, change, birth: version 1 gives its one time as that of the last change.
            own.times = vec![0; 16];
            let times = own.times.iter_mut().skip(8);
            times.zip(message.bytes.get(4..8).unwrap_or(&[])).for_each(|(to, from)| *to = *from);
            own.flags |= TIMES;
        }
        Ok(own)
    }

    fn read_2(file: &Hdf5File, address: u64) -> Result<Self, DataError> {
        let prefix = part(file, address, 6 + 16 + 4 + 8)?;
        let mut at = Cursor::new(&prefix);
        at.skip(4)?;
        let version = at.u8()?;
        let flags = at.u8()?;
        if version != 2 {
            return Err(DataError::unsupported("an object header of another version"));
        }
        let mut own = Self { flags: flags & !SIZE, ..Self::default() };
        if flags & TIMES != 0 {
            own.times = at.bytes(16)?.to_vec();
        }
        if flags & PHASES != 0 {
            own.phases = at.bytes(4)?.to_vec();
        }
        let width = 1usize << (flags & SIZE);
        let size = number(&mut at, width)?;
        let start = address.saturating_add(wide(at.position()));
        let mut blocks = vec![(start, size)];
        let mut next = 0usize;
        while let Some(&(offset, bytes)) = blocks.get(next) {
            next = next.saturating_add(1);
            let mut block = block(file, offset, bytes, next)?;
            if next > 1 {
                // A signature before and a checksum behind, both checked by the library when it parsed the object.
                block.truncate(block.len().saturating_sub(4));
                block.drain(..block.len().min(4));
            }
            let mut at = Cursor::new(&block);
            let head = if flags & ORDERED != 0 { 6 } else { 4 };
            while at.remaining() >= head {
                let kind = u16::from(at.u8()?);
                let size = at.le_u16()?;
                let message_flags = at.u8()?;
                let order = if flags & ORDERED != 0 { at.le_u16()? } else { 0 };
                let bytes = at.bytes(usize::from(size))?.to_vec();
                own.add(Message { kind, flags: message_flags, order, bytes }, &mut blocks)?;
            }
        }
        Ok(own)
    }

    fn add(&mut self, message: Message, blocks: &mut Vec<(u64, u64)>) -> Result<(), DataError> {
        match message.kind {
            NIL => {}
            CONTINUATION => {
                let mut at = Cursor::new(&message.bytes);
                let block = (at.le_u64()?, at.le_u64()?);
                if blocks.len() >= MAX_BLOCKS || blocks.contains(&block) {
                    return Err(DataError::corrupt("an object header without end"));
                }
                blocks.push(block);
            }
            _ => self.messages.push(message),
        }
        Ok(())
    }

    /// Bytes of the header as it will be written.
    pub fn bytes(&self) -> u64 {
        let messages: usize = self.messages.iter().map(|m| self.message_bytes(m)).sum();
        wide(10usize.saturating_add(self.times.len()).saturating_add(self.phases.len()))
            .saturating_add(wide(messages))
            .saturating_add(4)
    }

    fn message_bytes(&self, message: &Message) -> usize {
        let head = if self.flags & ORDERED != 0 { 6 } else { 4 };
        message.bytes.len().saturating_add(head)
    }

    /// The header, its size in four bytes.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] for messages of more than 64 KiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DataError> {
        let large = |_| DataError::unsupported("an object header of 4 GiB, or a message of 64 KiB");
        let size: usize = self.messages.iter().map(|m| self.message_bytes(m)).sum();
        let mut out = b"OHDR\x02".to_vec();
        out.push(self.flags | 2);
        out.extend_from_slice(&self.times);
        out.extend_from_slice(&self.phases);
        out.extend(u32::try_from(size).map_err(large)?.to_le_bytes());
        for message in &self.messages {
            out.push(u8::try_from(message.kind).map_err(large)?);
            out.extend(u16::try_from(message.bytes.len()).map_err(large)?.to_le_bytes());
            out.push(message.flags);
            if self.flags & ORDERED != 0 {
                out.extend(message.order.to_le_bytes());
            }
            out.extend_from_slice(&message.bytes);
        }
        let sum = lookup3(&out);
        out.extend(sum.to_le_bytes());
        Ok(out)
    }
}

/// A little-endian number of `n` bytes, at most eight.
pub fn number(at: &mut Cursor<'_>, n: usize) -> Result<u64, DataError> {
    Ok(at.bytes(n)?.iter().rev().fold(0, |all, &byte| (all << 8) | u64::from(byte)))
}

/// Bytes at an address, as many as there are up to a number.
fn part(file: &Hdf5File, address: u64, bytes: usize) -> Result<Vec<u8>, DataError> {
    let storage = file.library().storage();
    let left = storage.len().saturating_sub(address);
    let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(bytes);
    Ok(seam::call(|| storage.read_range(address, bytes))?.as_ref().to_vec())
}

/// A block of a header.
fn block(file: &Hdf5File, offset: u64, bytes: u64, number: usize) -> Result<Vec<u8>, DataError> {
    crate::limits::check("object header", bytes, file.limits().max_object)?;
    if number > MAX_BLOCKS {
        return Err(DataError::corrupt("an object header without end"));
    }
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let block = seam::call(|| file.library().storage().read_range(offset, bytes))?;
    Ok(block.as_ref().to_vec())
}
