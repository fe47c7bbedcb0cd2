//! `TStreamerInfo`: the file's own description of how its classes are laid out.
//!
//! The record of streamers is a `TList` of `TStreamerInfo`, each with a `TObjArray` of elements in the
//! order in which an object's members are written. These few classes are decoded by hand; all others
//! ([`decode`](crate::root::decode)) by what is found here. Source: ROOT's documentation of
//! `TStreamerInfo` and `TStreamerElement`.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::any::{Any, any};
use crate::root::cursor::Cursor;
use std::collections::HashMap;
use std::sync::Arc;

/// One member, or base class, of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    /// Name of the member; of the class, for a base.
    pub name: String,
    /// The comment of the member, which may hold `[min,max,bits]` or `[count]`.
    pub title: String,
    /// ROOT's number of the type.
    pub kind: i32,
    /// Elements of a fixed array.
    pub array_length: u32,
    /// C++ type.
    pub type_name: String,
    /// Member that counts a variable array; empty elsewhere.
    pub count_name: String,
}

/// The layout of one version of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamerInfo {
    pub class: String,
    pub checksum: u32,
    pub version: u32,
    pub elements: Vec<Element>,
}

/// All layouts of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streamers {
    classes: HashMap<String, Vec<Arc<StreamerInfo>>>,
}

impl Streamers {
    /// Parses the payload of the record of streamers, whose key has `origin` bytes.
    pub fn parse(payload: &[u8], origin: u64, limits: &Limits) -> Result<Self, DataError> {
        let mut c = Cursor::new(payload);
        let mut out = Self::default();
        let list = c.version()?;
        c.t_object()?;
        c.string()?;
        let n = c.count("list of streamers")?;
        let mut elements = 0u64;
        for _ in 0..n {
            if let Any::Object { class, end, .. } = any(&mut c, origin)? {
                if class == "TStreamerInfo" {
                    let info = info(&mut c.until(end)?, origin)?;
                    let more = u64::try_from(info.elements.len()).unwrap_or(u64::MAX);
                    elements = elements.saturating_add(more);
                    limits::check("members of all classes", elements, limits.max_values)?;
                    out.classes.entry(info.class.clone()).or_default().push(Arc::new(info));
                }
                c = c.at(end)?;
            }
            let option = usize::from(c.u8()?);
            c.skip(option)?;
        }
        c.finish(list)?;
        out.add_leaves();
        Ok(out)
    }

    /// Leaves have never changed, and not every writer describes them. Of what follows the base nothing is
    /// needed.
    fn add_leaves(&mut self) {
        let element = |name: &str, kind| Element {
            name: name.into(),
            title: String::new(),
            kind,
            array_length: 0,
            type_name: String::new(),
            count_name: String::new(),
        };
        let mut add = |class: &str, version, elements| {
            let info = StreamerInfo { class: class.into(), checksum: 0, version, elements };
            self.classes.entry(class.into()).or_insert_with(|| vec![Arc::new(info)]);
        };
        let base = [
            ("TNamed", 67),
            ("fLen", 3),
            ("fLenType", 3),
            ("fOffset", 3),
            ("fIsRange", 18),
            ("fIsUnsigned", 18),
            ("fLeafCount", 64),
        ];
        add("TLeaf", 2, base.map(|(name, kind)| element(name, kind)).into());
        for letter in ["B", "S", "I", "L", "G", "F", "D", "O", "C", "F16", "D32", "Element"] {
            add(&format!("TLeaf{letter}"), 1, vec![element("TLeaf", 0)]);
        }
    }

    /// These layouts.
    #[cfg(test)]
    pub fn of(all: impl IntoIterator<Item = StreamerInfo>) -> Self {
        let mut out = Self::default();
        for info in all {
            out.classes.entry(info.class.clone()).or_default().push(Arc::new(info));
        }
        out
    }

    /// The layout of a version of a class.
    pub fn get(&self, class: &str, version: u32) -> Option<&Arc<StreamerInfo>> {
        self.classes.get(class)?.iter().find(|info| info.version == version)
    }

    /// The layout of a class by its checksum, by which classes without a version are told apart.
    pub fn by_checksum(&self, class: &str, checksum: u32) -> Option<&Arc<StreamerInfo>> {
        self.classes.get(class)?.iter().find(|info| info.checksum == checksum)
    }

    /// Every layout of a class, the newest first.
    pub fn versions(&self, class: &str) -> Vec<&Arc<StreamerInfo>> {
        let mut all: Vec<_> = self.classes.get(class).into_iter().flatten().collect();
        all.sort_by_key(|info| std::cmp::Reverse(info.version));
        all
    }
}

fn info(c: &mut Cursor<'_>, origin: u64) -> Result<StreamerInfo, DataError> {
    let version = c.version()?;
    let (class, _) = c.named()?;
    let checksum = c.u32()?;
    let class_version = c.u32()?;
    let mut elements = Vec::new();
    if let Any::Object { class: array, end, .. } = any(c, origin)? {
        if array != "TObjArray" {
            return Err(DataError::corrupt(format!("members of {class} in a {array}")));
        }
        let mut inner = c.until(end)?;
        inner.version()?;
        inner.t_object()?;
        inner.string()?;
        let n = inner.count("members of a class")?;
        inner.skip(4)?;
        for _ in 0..n {
            if let Any::Object { class: kind, end, .. } = any(&mut inner, origin)? {
                elements.push(element(&mut inner.until(end)?, kind)?);
                inner = inner.at(end)?;
            }
        }
        *c = c.at(end)?;
    }
    c.finish(version)?;
    Ok(StreamerInfo { class, checksum, version: class_version, elements })
}

fn element(c: &mut Cursor<'_>, kind: &str) -> Result<Element, DataError> {
    c.version()?;
    if kind == "TStreamerSTLstring" {
        c.version()?;
    }
    let version = c.version()?;
    let (name, title) = c.named()?;
    let number = c.i32()?;
    let _size = c.i32()?;
    let array_length = c.u32()?;
    let _dimensions = c.i32()?;
    if version.number == 1 {
        let n = c.count("dimensions of an array")?;
        c.skip(n.saturating_mul(4))?;
    } else {
        c.skip(20)?;
    }
    let type_name = c.string()?;
    c.finish(version)?;
    let count_name = match kind {
        "TStreamerBasicPointer" | "TStreamerLoop" => {
            let _count_version = c.i32()?;
            c.string()?
        }
        _ => String::new(),
    };
    Ok(Element { name, title, kind: number, array_length, type_name, count_name })
}
