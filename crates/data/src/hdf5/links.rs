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
use hdf5_reader::messages::link_info::LinkInfoMessage;
use hdf5_reader::messages::symbol_table_msg::SymbolTableMessage;
use hdf5_reader::messages::{HdfMessage, link};
use hdf5_reader::symbol_table::SymbolTableNode;

/// The names in the group whose header is at an address.
///
/// # Errors
/// Those of damaged metadata; [`DataError::LimitExceeded`] beyond [`Limits::max_keys`](crate::Limits::max_keys).
pub(crate) fn names(file: &Hdf5File, address: u64) -> Result<Vec<String>, DataError> {
    let header = seam::call(|| file.library().get_or_parse_header(address))?;
    let mut out = Vec::new();
    for message in &header.messages {
        match message {
            HdfMessage::Link(link) => out.push(link.name.clone()),
            HdfMessage::LinkInfo(info) => out.extend(seam::call(|| dense(file, info))?),
            HdfMessage::SymbolTable(table) => out.extend(seam::call(|| old(file, table))?),
            _ => {}
        }
    }
    let count = u64::try_from(out.len()).unwrap_or(u64::MAX);
    limits::check("number of links", count, file.limits().max_keys)?;
    Ok(out)
}

fn dense(file: &Hdf5File, info: &LinkInfoMessage) -> Result<Vec<String>, Error> {
    let (storage, superblock) = (file.library().storage(), file.library().superblock());
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    if Cursor::is_undefined_offset(info.fractal_heap_address, offsets) {
        return Ok(Vec::new());
    }
    let heap = FractalHeap::parse_at_storage(storage, info.fractal_heap_address, offsets, lengths)?;
    let tree =
        BTreeV2Header::parse_at_storage(storage, info.btree_name_index_address, offsets, lengths)?;
    let records =
        collect_btree_v2_records_storage(storage, &tree, offsets, lengths, None, &[], None)?;
    let mut cache = FractalHeapDirectBlockCache::default();
    let mut out = Vec::with_capacity(records.len());
    for record in &records {
        let (BTreeV2Record::LinkNameHash { heap_id, .. }
        | BTreeV2Record::CreationOrder { heap_id, .. }) = record
        else {
            continue;
        };
        let bytes =
            heap.get_object_storage_cached(heap_id, storage, offsets, lengths, &mut cache)?;
        out.push(link::parse(&mut Cursor::new(&bytes), offsets, lengths, bytes.len())?.name);
    }
    Ok(out)
}

fn old(file: &Hdf5File, table: &SymbolTableMessage) -> Result<Vec<String>, Error> {
    let (storage, superblock) = (file.library().storage(), file.library().superblock());
    let (offsets, lengths) = (superblock.offset_size, superblock.length_size);
    let heap = LocalHeap::parse_at_storage(storage, table.heap_address, offsets, lengths)?;
    let leaves = collect_btree_v1_leaves_storage(
        storage,
        table.btree_address,
        offsets,
        lengths,
        None,
        &[],
        None,
    )?;
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
            out.push(heap.get_string_storage(entry.link_name_offset, storage)?);
        }
    }
    Ok(out)
}
