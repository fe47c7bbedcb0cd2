//! `TLeaf`: one quantity of a branch, by its class, number of values and what counts it.
//!
//! Sources: ROOT's documentation of `TLeaf` and its classes (`TLeafB` 1 byte, `TLeafS` 2, `TLeafI` 4,
//! `TLeafL` and `TLeafG` 8, `TLeafF`, `TLeafD`, `TLeafO` bool, `TLeafF16`, `TLeafD32`, `TLeafC` text).

use crate::error::DataError;
use crate::root::decode::Decoder;
use crate::root::layout::{Layout, Member, Range, RangeText, Shape, range};
use crate::root::object::{Object, Value};
use crate::root::primitive::Primitive;

/// A leaf as the file declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    pub class: String,
    pub name: String,
    pub title: String,
    /// Values in an entry, or in each of the counted records; negative for what has no length.
    pub len: i64,
    pub unsigned: bool,
    /// Whether another leaf counts the records of an entry, and its name where the file tells.
    pub counter: Option<String>,
}

impl Leaf {
    pub fn parse(object: &Object, decoder: &Decoder<'_>) -> Result<Self, DataError> {
        let base = object
            .base("TLeaf")
            .ok_or_else(|| DataError::corrupt(format!("{} is no leaf", object.info.class)))?;
        let (name, title) = base.named().unwrap_or_default();
        let counter = match base.get("fLeafCount") {
            Some(Value::Reference(at)) => Some(decoder.name_of(*at).unwrap_or_default().to_owned()),
            Some(Value::Object(other)) => {
                Some(other.named().map(|(name, _)| name.to_owned()).unwrap_or_default())
            }
            _ => None,
        };
        Ok(Self {
            class: object.info.class.clone(),
            name: name.to_owned(),
            title: title.to_owned(),
            len: base.int("fLen")?,
            unsigned: base.int("fIsUnsigned")? != 0,
            counter,
        })
    }

    fn member(&self) -> Result<Member, String> {
        let (primitive, range) = match (self.class.as_str(), self.unsigned) {
            ("TLeafO", _) => (Primitive::Bool, None),
            ("TLeafB", false) => (Primitive::I8, None),
            ("TLeafB", true) => (Primitive::U8, None),
            ("TLeafS", false) => (Primitive::I16, None),
            ("TLeafS", true) => (Primitive::U16, None),
            ("TLeafI", false) => (Primitive::I32, None),
            ("TLeafI", true) => (Primitive::U32, None),
            ("TLeafL" | "TLeafG", false) => (Primitive::I64, None),
            ("TLeafL" | "TLeafG", true) => (Primitive::U64, None),
            ("TLeafF", _) => (Primitive::F32, None),
            ("TLeafD", _) => (Primitive::F64, None),
            ("TLeafF16", _) => packed(&self.title, Primitive::Truncated)?,
            ("TLeafD32", _) => packed(&self.title, Primitive::F32)?,
            ("TLeafC", _) => return Err("text".into()),
            (class, _) => return Err(format!("leaf of class {class}")),
        };
        let count = u32::try_from(self.len)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| format!("a leaf of {} values", self.len))?;
        Ok(Member { name: self.name.clone(), primitive, count, range })
    }
}

/// How a `Float16_t` or `Double32_t` is stored: `plain` where its title says nothing.
pub(crate) fn packed(title: &str, plain: Primitive) -> Result<(Primitive, Option<Range>), String> {
    Ok(match range(title)? {
        RangeText::None => (plain, None),
        RangeText::Bits => (Primitive::Truncated, None),
        RangeText::Range(range) => (Primitive::U32, Some(range)),
    })
}

/// The layout of a `TBranch`, from its leaves.
pub(crate) fn layout(leaves: &[Leaf]) -> Result<Layout, String> {
    let members = leaves.iter().map(Leaf::member).collect::<Result<Vec<_>, _>>()?;
    let counted = leaves.iter().any(|leaf| leaf.counter.is_some());
    match (counted, leaves.len()) {
        (_, 0) => Err("a branch without leaves".into()),
        (true, 1) => Ok(Layout::plain(Shape::Jagged { header: 0 }, members)),
        (true, _) => Err("several leaves of which one is counted".into()),
        (false, _) => Ok(Layout::plain(Shape::Fixed, members)),
    }
}
