//! Attributes with addresses in them: of named types, of texts and lists in heaps, of objects that are referred to.
//!
//! ```text
//! attribute := version · flags · name, type, space bytes u16 each · [name's encoding] · name · type · space · value
//! ```
//! In version 1 name, type and space are filled up to multiples of 8. A type that is shared stands there as the address of
//! the object that has it.

use super::heap::NewHeap;
use super::{Addresses, header};
use crate::error::DataError;
use crate::hdf5::file::Hdf5File;
use crate::hdf5::seam;
use crate::root::cursor::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::datatype::{self, Datatype, ReferenceType, StringSize};

/// Flags: the type, or the space, is shared.
const SHARED_TYPE: u8 = 1;
const SHARED_SPACE: u8 = 2;
/// Bytes of a value of variable length: how many, and where.
const VARIABLE: usize = 16;

/// What is needed to put new addresses in place of old ones.
pub struct Relocation<'a> {
    pub file: &'a Hdf5File,
    pub addresses: &'a Addresses,
    pub heap: &'a mut NewHeap,
}

impl Relocation<'_> {
    /// Puts new addresses into an attribute message.
    ///
    /// # Errors
    /// [`DataError::Unsupported`], [`DataError::Corruption`].
    pub fn attribute(&mut self, message: &mut [u8]) -> Result<(), DataError> {
        let mut at = Cursor::new(message);
        let (version, flags) = (at.u8()?, at.u8()?);
        // Not used by version 1.
        let flags = if version == 1 { 0 } else { flags };
        let [name, kind, space] = [at.le_u16()?, at.le_u16()?, at.le_u16()?].map(usize::from);
        if version == 3 {
            at.skip(1)?;
        }
        let filled = |n: usize| if version == 1 { n.next_multiple_of(8) } else { n };
        at.skip(filled(name))?;
        let kind_at = at.position();
        let encoded = at.bytes(kind)?.to_vec();
        at.skip(filled(kind).saturating_sub(kind))?;
        at.skip(filled(space))?;
        let value_at = at.position();
        if flags & SHARED_SPACE != 0 {
            return Err(DataError::unsupported("a shared shape"));
        }
        let datatype = if flags & SHARED_TYPE != 0 {
            let (found, new) = self.shared(&encoded)?;
            let place = message.get_mut(kind_at..).and_then(|m| m.get_mut(..kind));
            put(place, &new)?;
            found
        } else {
            seam::call(|| {
                datatype::parse(&mut hdf5_reader::io::Cursor::new(&encoded), encoded.len())
            })?
            .datatype
        };
        if holds_addresses(&datatype) {
            let value = message.get_mut(value_at..).unwrap_or_default();
            let width = size(&datatype)?;
            let whole =
                value.len().checked_rem(width).and_then(|rest| value.len().checked_sub(rest));
            // Version 1 may be filled up behind the value.
            let value = whole.and_then(|n| value.get_mut(..n)).unwrap_or_default();
            self.values(&datatype, value)?;
        }
        Ok(())
    }

    /// The type that a shared message leads to, and the message with the new address.
    pub fn shared(&self, message: &[u8]) -> Result<(Datatype, Vec<u8>), DataError> {
        let (address, at) = shared_address(message)?;
        let header = seam::call(|| self.file.library().get_or_parse_header(address))?;
        let found = header.messages.iter().find_map(|message| match message {
            HdfMessage::Datatype(found) => Some(found.datatype.clone()),
            _ => None,
        });
        let found = found.ok_or_else(|| DataError::corrupt("a named type that is none"))?;
        let mut new = message.to_vec();
        let place = new.get_mut(at..).and_then(|m| m.get_mut(..8));
        put(place, &self.address(address)?.to_le_bytes())?;
        Ok((found, new))
    }

    /// The new address of an object.
    pub fn address(&self, old: u64) -> Result<u64, DataError> {
        let new = self.addresses.get(&old).copied();
        new.ok_or_else(|| DataError::unsupported("a reference to an object without a name"))
    }

    /// Puts new addresses into values, one after the other.
    fn values(&mut self, datatype: &Datatype, values: &mut [u8]) -> Result<(), DataError> {
        let width = size(datatype)?;
        for value in values.chunks_exact_mut(width) {
            self.value(datatype, value)?;
        }
        Ok(())
    }

    fn value(&mut self, datatype: &Datatype, value: &mut [u8]) -> Result<(), DataError> {
        match datatype {
            Datatype::String { size: StringSize::Variable, .. } => self.variable(None, value),
            Datatype::VarLen { base, .. } => self.variable(Some(base), value),
            Datatype::Reference { ref_type: ReferenceType::Object, size: 8 } => {
                let old = Cursor::new(value).le_u64()?;
                // Nothing is referred to.
                if old == 0 || old == u64::MAX {
                    return Ok(());
                }
                let new = self.address(old)?;
                put(Some(value), &new.to_le_bytes())
            }
            Datatype::Reference { .. } => {
                Err(DataError::unsupported("a reference to a part of a dataset"))
            }
            Datatype::Array { base, .. } => self.values(base, value),
            Datatype::Compound { fields, .. } => {
                for field in fields {
                    let at = usize::try_from(field.byte_offset).unwrap_or(usize::MAX);
                    let part =
                        value.get_mut(at..).and_then(|v| v.get_mut(..size(&field.datatype).ok()?));
                    let part = part.ok_or_else(outside)?;
                    if holds_addresses(&field.datatype) {
                        self.value(&field.datatype, part)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A value of variable length: number of elements u32, collection u64, object u32.
    fn variable(&mut self, base: Option<&Datatype>, value: &mut [u8]) -> Result<(), DataError> {
        let mut at = Cursor::new(value);
        let count = at.le_u32()?;
        let (address, number) = (at.le_u64()?, at.le_u32()?);
        let new = if address == 0 || address == u64::MAX {
            [0; VARIABLE]
        } else {
            let mut bytes = self.heap.object(self.file, address, number)?;
            if let Some(base) = base.filter(|base| holds_addresses(base)) {
                self.values(base, &mut bytes)?;
            }
            let (address, number) = self.heap.add(&bytes);
            let mut new = [0; VARIABLE];
            let parts = count.to_le_bytes().into_iter().chain(address.to_le_bytes());
            let parts = parts.chain(number.to_le_bytes());
            new.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
            new
        };
        put(Some(value), &new)
    }
}

/// Where a shared message leads, and where in it the address stands.
///
/// # Errors
/// [`DataError::Unsupported`] for what lies in a heap.
pub fn shared_address(message: &[u8]) -> Result<(u64, usize), DataError> {
    let mut at = Cursor::new(message);
    let (version, kind) = (at.u8()?, at.u8()?);
    if version == 1 {
        at.skip(6)?;
    }
    if version == 3 && kind != 2 {
        return Err(DataError::unsupported("messages shared through a heap"));
    }
    let place = at.position();
    Ok((at.le_u64()?, place))
}

/// The old address that a message of a header needs, if it is shared.
pub fn shared_object(message: &header::Message) -> Result<Option<u64>, DataError> {
    match message.flags & header::SHARED {
        0 => Ok(None),
        _ => shared_address(&message.bytes).map(|(address, _)| Some(address)),
    }
}

/// Whether values of a type hold addresses.
pub fn holds_addresses(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::String { size, .. } => *size == StringSize::Variable,
        Datatype::VarLen { .. } | Datatype::Reference { .. } => true,
        Datatype::Array { base, .. } => holds_addresses(base),
        Datatype::Compound { fields, .. } => fields.iter().any(|f| holds_addresses(&f.datatype)),
        _ => false,
    }
}

/// Bytes of a value.
fn size(datatype: &Datatype) -> Result<usize, DataError> {
    let large = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let bytes = match datatype {
        Datatype::FixedPoint { size, .. }
        | Datatype::FloatingPoint { size, .. }
        | Datatype::Bitfield { size, .. }
        | Datatype::Reference { size, .. } => usize::from(*size),
        Datatype::String { size: StringSize::Fixed(size), .. } => large(*size),
        Datatype::String { size: StringSize::Variable, .. } | Datatype::VarLen { .. } => VARIABLE,
        Datatype::Opaque { size, .. } | Datatype::Compound { size, .. } => large(*size),
        Datatype::Enum { base, .. } => size(base)?,
        Datatype::Array { base, dims } => {
            let count = dims.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
            let count = count.and_then(|n| usize::try_from(n).ok());
            count.and_then(|n| n.checked_mul(size(base).ok()?)).ok_or_else(outside)?
        }
    };
    if bytes == 0 { Err(DataError::corrupt("a type of no bytes")) } else { Ok(bytes) }
}

fn outside() -> DataError {
    DataError::corrupt("a member outside of its compound")
}

fn put(place: Option<&mut [u8]>, bytes: &[u8]) -> Result<(), DataError> {
    let place = place.filter(|place| place.len() == bytes.len());
    place.ok_or_else(outside)?.copy_from_slice(bytes);
    Ok(())
}
