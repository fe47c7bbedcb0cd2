//! `TBranch`: a column of a tree, its layout, and where its baskets are.
//!
//! Baskets on disk come in the order of the branch's table, those written with the branch after them:
//! they are what had not been flushed when the tree was written. Invariant: baskets follow one another
//! without gaps, and together hold the branch's entries. Source: ROOT's documentation of `TBranch`.

use crate::error::DataError;
use crate::root::basket::Basket;
use crate::root::branch_element;
use crate::root::decode::Decoder;
use crate::root::layout::{Layout, Shape};
use crate::root::leaf::{self, Leaf};
use crate::root::object::{Object, Value};
use crate::root::streamer::Streamers;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a basket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A record of the file.
    Record {
        /// Its offset.
        offset: u64,
        /// Its bytes, key included.
        bytes: u64,
    },
    /// Written with the tree, in [`Branch::embedded`] at this index.
    Embedded(usize),
}

/// A basket by its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BasketInfo {
    /// First entry.
    pub first_entry: u64,
    /// Entries.
    pub entries: u64,
    /// Where it is.
    pub place: Place,
}

/// A column, or a group of columns.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Name.
    pub name: String,
    /// Names of the branches it lies in and its own, joined by `/`.
    pub path: String,
    /// Title: a leaf list, or a comment.
    pub title: String,
    /// C++ class of what it holds; empty for plain numbers.
    pub class: String,
    /// Index of the branch it lies in.
    pub parent: Option<usize>,
    /// Entries.
    pub entries: u64,
    /// Compression of its baskets: 100 × algorithm + level, as declared.
    pub compression: i32,
    /// Bytes of its baskets, keys included, once decompressed; as declared.
    pub raw_bytes: u64,
    /// Bytes of its baskets in the file, keys included; as declared.
    pub stored_bytes: u64,
    /// The leaf that counts its records, where one does and the file names it.
    pub counter: Option<String>,
    /// The branch of that leaf.
    pub counts: Option<Arc<Branch>>,
    /// How to read its entries, or why they cannot be read as numbers.
    pub layout: Result<Layout, String>,
    /// Its baskets.
    pub baskets: Vec<BasketInfo>,
    /// Baskets written with the tree.
    pub embedded: Vec<Basket>,
}

/// Appends a branch and all below it.
pub(crate) fn collect(
    object: Object,
    parent: Option<usize>,
    decoder: &mut Decoder<'_>,
    streamers: &Streamers,
    out: &mut Vec<Branch>,
) -> Result<(), DataError> {
    let class = object.info.class.clone();
    let object_base = object
        .base("TBranch")
        .ok_or_else(|| DataError::corrupt(format!("{class} is no branch")))?;
    let (name, title) = object_base
        .named()
        .map(|(name, title)| (name.to_owned(), title.to_owned()))
        .ok_or_else(|| DataError::corrupt("a branch without a name"))?;
    let mut leaves = Vec::new();
    for value in object_base.list("fLeaves")? {
        if let Value::Object(leaf) = value {
            leaves.push(Leaf::parse(leaf, decoder)?);
        }
    }
    let children = object_base.list("fBranches")?;
    let has_children = children.iter().any(|child| matches!(child, Value::Object(_)));
    let is_element = object.get("fStreamerType").is_some();
    let layout = match class.as_str() {
        _ if is_element => {
            branch_element::layout(&object, &name, &leaves, has_children, streamers)?
        }
        "TBranchObject" | "TBranchRef" => Err(format!("a branch of class {class}")),
        _ if leaves.is_empty() && has_children => Err("a group of branches".into()),
        _ => leaf::layout(&leaves),
    };
    let layout = match object_base.text("fFileName") {
        Ok(file) if !file.is_empty() => Err(format!("baskets in another file, {file}")),
        _ => layout,
    };
    let entries = object_base.count("fEntries")?;
    let (baskets, embedded) = baskets(object_base, entries)?;
    let mut path = parent.and_then(|at| out.get(at)).map(|b| b.path.clone()).unwrap_or_default();
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(&name);
    let held = layout.as_ref().map_or(0, Layout::held_bytes).saturating_add(path.len());
    decoder.charge(held.div_ceil(8))?;
    let own = out.len();
    out.push(Branch {
        path,
        title,
        class: if is_element { object.text("fClassName")?.to_owned() } else { String::new() },
        parent,
        entries,
        compression: i32::try_from(object_base.int("fCompress")?).unwrap_or(0),
        raw_bytes: object_base.count("fTotBytes")?,
        stored_bytes: object_base.count("fZipBytes")?,
        counts: None,
        counter: leaves.iter().find_map(|leaf| leaf.counter.clone()).filter(|c| !c.is_empty()),
        layout,
        baskets,
        embedded,
        name,
    });
    for child in take_children(object) {
        collect(child, Some(own), decoder, streamers, out)?;
    }
    Ok(())
}

/// Gives every branch the one that counts its records.
pub(crate) fn find_counters(branches: &mut [Branch]) {
    let mut counters: HashMap<String, Option<Arc<Branch>>> =
        branches.iter().filter_map(|branch| Some((branch.counter.clone()?, None))).collect();
    for branch in branches.iter().filter(|branch| branch.counter.is_none()) {
        let Ok(Layout { shape: Shape::Fixed, members, .. }) = &branch.layout else { continue };
        let [member] = members.as_slice() else { continue };
        if let Some(found @ None) = counters.get_mut(&member.name) {
            *found = Some(Arc::new(branch.clone()));
        }
    }
    for branch in branches {
        let found = branch.counter.as_ref().and_then(|name| counters.get(name));
        branch.counts = found.cloned().flatten();
    }
}

/// The branches of a branch or of a tree, out of the object.
pub(crate) fn take_children(object: Object) -> Vec<Object> {
    let Object { info, values } = object;
    let mut out = Vec::new();
    for (element, value) in info.elements.iter().zip(values) {
        match value {
            Value::List(list) if element.name == "fBranches" => {
                out.extend(list.into_iter().filter_map(|value| match value {
                    Value::Object(child) => Some(*child),
                    _ => None,
                }));
            }
            Value::Object(base) if element.kind == 0 => out.extend(take_children(*base)),
            _ => {}
        }
    }
    out
}

fn baskets(branch: &Object, entries: u64) -> Result<(Vec<BasketInfo>, Vec<Basket>), DataError> {
    let written = usize::try_from(branch.count("fWriteBasket")?).unwrap_or(usize::MAX);
    let sizes = branch.ints("fBasketBytes")?;
    let firsts = branch.ints("fBasketEntry")?;
    let seeks = branch.ints("fBasketSeek")?;
    let unsigned = |n: i64, what: &str| {
        u64::try_from(n).map_err(|_| DataError::corrupt(format!("{what} of a basket: {n}")))
    };
    let mut out = Vec::new();
    let mut next = branch.count("fFirstEntry").unwrap_or(0);
    for (at, ((&seek, &size), &first)) in seeks.iter().zip(sizes).zip(firsts).enumerate() {
        if at >= written || seek == 0 {
            break;
        }
        let first = unsigned(first, "first entry")?;
        if first != next {
            return Err(DataError::corrupt(format!("basket {at} starts at {first}, not {next}")));
        }
        let after = at.checked_add(1).filter(|&i| i <= written).and_then(|i| firsts.get(i));
        let end = match after {
            Some(&n) if unsigned(n, "first entry")? >= first && n != 0 => unsigned(n, "end")?,
            _ => entries,
        };
        let count = end
            .checked_sub(first)
            .ok_or_else(|| DataError::corrupt(format!("basket {at} ends before it starts")))?;
        let place =
            Place::Record { offset: unsigned(seek, "offset")?, bytes: unsigned(size, "length")? };
        out.push(BasketInfo { first_entry: first, entries: count, place });
        next = end;
    }
    let mut embedded = Vec::new();
    for value in branch.list("fBaskets")? {
        let Value::Basket(basket) = value else { continue };
        let Some(basket) = basket.as_ref().clone().into_basket() else { continue };
        if next >= entries || basket.entries == 0 {
            continue;
        }
        let count = u64::from(basket.entries);
        let place = Place::Embedded(embedded.len());
        out.push(BasketInfo { first_entry: next, entries: count, place });
        next = next
            .checked_add(count)
            .ok_or_else(|| DataError::corrupt("more entries than can be counted"))?;
        embedded.push(basket);
    }
    Ok((out, embedded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::basket::EmbeddedBasket;
    use crate::root::streamer::{Element, StreamerInfo};

    fn object(members: Vec<(&str, Value)>) -> Object {
        let element = |name: &str| Element {
            name: name.into(),
            title: String::new(),
            kind: 3,
            array_length: 0,
            type_name: String::new(),
            count_name: String::new(),
        };
        let elements = members.iter().map(|(name, _)| element(name)).collect();
        let info = StreamerInfo { class: "TBranch".into(), checksum: 0, version: 13, elements };
        let values = members.into_iter().map(|(_, value)| value).collect();
        Object { info: Arc::new(info), values }
    }

    fn branch(firsts: [i64; 4], seeks: [i64; 4], written: i64) -> Object {
        let basket = Basket {
            entries: 5,
            content: vec![0; 5],
            value_bytes: 5,
            offsets: None,
            counted: false,
        };
        let embedded = Value::Basket(Box::new(EmbeddedBasket::of(basket)));
        object(vec![
            ("fWriteBasket", Value::Int(written)),
            ("fFirstEntry", Value::Int(0)),
            ("fBasketBytes", Value::Ints(vec![50, 60, 0, 0])),
            ("fBasketEntry", Value::Ints(firsts.into())),
            ("fBasketSeek", Value::Ints(seeks.into())),
            ("fBaskets", Value::List(vec![embedded])),
        ])
    }

    #[test]
    fn embedded_baskets_come_last() {
        let (found, embedded) = baskets(&branch([0, 10, 30, 0], [100, 200, 0, 0], 2), 35).unwrap();
        let place = |offset, bytes| Place::Record { offset, bytes };
        let info = |first_entry, entries, place| BasketInfo { first_entry, entries, place };
        assert_eq!(
            found,
            [
                info(0, 10, place(100, 50)),
                info(10, 20, place(200, 60)),
                info(30, 5, Place::Embedded(0))
            ]
        );
        assert_eq!(embedded.len(), 1);

        // Where those on disk hold all entries, it is a leftover.
        let (found, embedded) = baskets(&branch([0, 10, 30, 0], [100, 200, 0, 0], 2), 30).unwrap();
        assert_eq!((found.len(), embedded.len()), (2, 0));
    }

    #[test]
    fn baskets_out_of_order_are_corrupt() {
        for (firsts, seeks) in [
            ([5, 10, 30, 0], [100, 200, 0, 0]),
            ([0, -1, 30, 0], [100, 200, 0, 0]),
            ([0, 10, 30, 0], [-100, 200, 0, 0]),
        ] {
            assert!(matches!(
                baskets(&branch(firsts, seeks, 2), 35),
                Err(DataError::Corruption(_))
            ));
        }
    }
}
