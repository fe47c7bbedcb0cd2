//! Names in a group, without a look at what they lead to.
//!
//! The library lists a group by opening the header of every member, and refuses the group where one of them is in a form
//! that it does not know. Then the names come from here: from link messages in the group's own header, from a heap of such
//! messages, or from the symbol table of the older form.

use crate::error::DataError;
use crate::hdf5::file::Hdf5File;
use crate::hdf5::seam;
use crate::limits;
use hdf5_reader::btree_v1::collect_btree_v1_leaves_storage;
use hdf5_reader::btree_v2::{BTreeV2Header, BTreeV2Record, collect_btree_v2_records_storage};
use hdf5_reader::error::Error;
use hdf5_reader::fractal_heap::{FractalHeap, FractalHeapDirectBlockCache};
use hdf5_reader::io::Cursor;
use hdf5_reader::local_heap::LocalHeap;
use hdf5_reader::messages::{HdfMessage, attribute_info, link, link_info, symbol_table_msg};
use hdf5_reader::symbol_table::SymbolTableNode;

/// The names in the group whose header is at an address.
///
/// # Errors
/// Those of damaged metadata; [`DataError::LimitExceeded`] beyond [`Limits::max_keys`](crate::Limits::max_keys).
pub(crate) fn names(file: &Hdf5File, address: u64) -> Result<Vec<String>, DataError> {
    let header = seam::call(|| file.library().get_or_parse_header(address))?;
    let (offsets, lengths) = widths(file);
    let mut out = Vec::new();
    for message in &header.messages {
        match message {
            HdfMessage::Link(link) => out.push(link.name.clone()),
            HdfMessage::LinkInfo(info) => {
                let at = [info.fractal_heap_address, info.btree_name_index_address];
                for (_, bytes) in seam::call(|| dense(file, at))? {
                    let mut cursor = Cursor::new(&bytes);
                    let link =
                        seam::call(|| link::parse(&mut cursor, offsets, lengths, bytes.len()))?;
                    out.push(link.name);
                }
            }
            HdfMessage::SymbolTable(table) => {
                let old = seam::call(|| old(file, table.btree_address, table.heap_address))?;
                out.extend(old.into_iter().map(|old| old.name));
            }
            _ => {}
        }
    }
    let count = u64::try_from(out.len()).unwrap_or(u64::MAX);
    limits::check("number of links", count, file.limits().max_keys)?;
    Ok(out)
}

/// Bytes of an offset and of a length.
fn widths(file: &Hdf5File) -> (u8, u8) {
    let superblock = file.library().superblock();
    (superblock.offset_size, superblock.length_size)
}

/// The link messages that a link info message leads to.
///
/// # Errors
/// As [`names`].
pub(crate) fn dense_links(file: &Hdf5File, info: &[u8]) -> Result<Vec<Vec<u8>>, DataError> {
    let (offsets, lengths) = widths(file);
    let at = seam::call(|| {
        let info = link_info::parse(&mut Cursor::new(info), offsets, lengths, info.len())?;
        Ok([info.fractal_heap_address, info.btree_name_index_address])
    })?;
    let found = seam::call(|| dense(file, at))?;
    Ok(found.into_iter().map(|(_, bytes)| bytes).collect())
}

/// The attribute messages that an attribute info message leads to, with flags and order, in that order.
///
/// # Errors
/// As [`names`].
pub(crate) fn dense_attributes(
    file: &Hdf5File,
    info: &[u8],
) -> Result<Vec<(u8, u16, Vec<u8>)>, DataError> {
    let (offsets, lengths) = widths(file);
    let at = seam::call(|| {
        let info = attribute_info::parse(&mut Cursor::new(info), offsets, lengths, info.len())?;
        Ok([info.fractal_heap_address, info.btree_name_index_address])
    })?;
    let mut out = Vec::new();
    for (record, bytes) in seam::call(|| dense(file, at))? {
        let BTreeV2Record::AttributeNameHash { flags, creation_order, .. } = record else {
            return Err(DataError::corrupt("attributes in an index of something else"));
        };
        // 2^16 - 1 where no order is kept.
        out.push((flags, u16::try_from(creation_order).unwrap_or(u16::MAX), bytes));
    }
    out.sort_by_key(|(_, order, _)| *order);
    Ok(out)
}

/// The links of an older group, whose message about its symbol table this is, as link messages.
///
/// # Errors
/// As [`names`].
pub(crate) fn symbols(file: &Hdf5File, table: &[u8]) -> Result<Vec<Vec<u8>>, DataError> {
    let (offsets, lengths) = widths(file);
    let found = seam::call(|| {
        let mut cursor = Cursor::new(table);
        let table = symbol_table_msg::parse(&mut cursor, offsets, lengths, table.len())?;
        old(file, table.btree_address, table.heap_address)
    })?;
    let text = |out: &mut Vec<u8>, text: &str| {
        let bytes =
            u16::try_from(text.len()).map_err(|_| DataError::unsupported("a name of 64 KiB"))?;
        out.extend(bytes.to_le_bytes());
        out.extend_from_slice(text.as_bytes());
        Ok::<_, DataError>(())
    };
    let message = |link: OldLink| {
        // Version 1; lengths of names in two bytes; with a kind where it is no hard link.
        let mut out = if link.soft.is_some() { vec![1, 0x09, 1] } else { vec![1, 0x01] };
        text(&mut out, &link.name)?;
        match &link.soft {
            Some(path) => text(&mut out, path)?,
            None => out.extend(link.address.to_le_bytes()),
        }
        Ok(out)
    };
    found.into_iter().map(message).collect()
}

/// What an index over a heap names: its records and the bytes. Addresses: heap, index by name.
fn dense(file: &Hdf5File, at: [u64; 2]) -> Result<Vec<(BTreeV2Record, Vec<u8>)>, Error> {
    let (storage, (offsets, lengths)) = (file.library().storage(), widths(file));
    let [heap, tree] = at;
    if Cursor::is_undefined_offset(heap, offsets) {
        return Ok(Vec::new());
    }
    let heap = FractalHeap::parse_at_storage(storage, heap, offsets, lengths)?;
    let tree = BTreeV2Header::parse_at_storage(storage, tree, offsets, lengths)?;
    let records =
        collect_btree_v2_records_storage(storage, &tree, offsets, lengths, None, &[], None)?;
    let mut cache = FractalHeapDirectBlockCache::default();
    let mut out = Vec::with_capacity(records.len());
    for record in records {
        let (BTreeV2Record::LinkNameHash { heap_id, .. }
        | BTreeV2Record::CreationOrder { heap_id, .. }
        | BTreeV2Record::AttributeNameHash { heap_id, .. }) = &record
        else {
            continue;
        };
        let bytes =
            heap.get_object_storage_cached(heap_id, storage, offsets, lengths, &mut cache)?;
        out.push((record, bytes));
    }
    Ok(out)
}

/// An entry of a symbol table.
struct OldLink {
    name: String,
    address: u64,
    /// The path of a soft link.
    soft: Option<String>,
}

/// Cache type of soft links.
const SOFT: u32 = 2;

fn old(file: &Hdf5File, tree: u64, heap: u64) -> Result<Vec<OldLink>, Error> {
    let (storage, (offsets, lengths)) = (file.library().storage(), widths(file));
    let heap = LocalHeap::parse_at_storage(storage, heap, offsets, lengths)?;
    let leaves = collect_btree_v1_leaves_storage(storage, tree, offsets, lengths, None, &[], None)?;
    // An entry is two offsets and 24 bytes more; a node has eight bytes before its entries.
    let entry = usize::from(offsets).saturating_mul(2).saturating_add(24);
    let mut out = Vec::new();
    for (_, at) in leaves {
        let prefix = storage.read_range(at, 8)?;
        let count = match prefix.as_ref() {
            [.., low, high] => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        let node = storage.read_range(at, count.saturating_mul(entry).saturating_add(8))?;
        let node = SymbolTableNode::parse(&mut Cursor::new(node.as_ref()), offsets, lengths)?;
        for entry in &node.entries {
            let [a, b, c, d, ..] = entry.scratch;
            let soft = (entry.cache_type == SOFT).then(|| u32::from_le_bytes([a, b, c, d]));
            let soft = soft.map(|at| heap.get_string_storage(at.into(), storage)).transpose()?;
            let name = heap.get_string_storage(entry.link_name_offset, storage)?;
            out.push(OldLink { name, address: entry.object_header_address, soft });
        }
    }
    Ok(out)
}
