//! The layout of a `TBranchElement`: a member of a class, or a whole object.
//!
//! Its type number is that of the streamer's element: 1 to 19 a number, 20 more for a fixed array, 40 more
//! for an array behind a pointer, 300 for a sequence, −1 for an object stored whole. The branch's own
//! number tells whether it belongs to a collection: 3 and 4 count one, 31 and 41 are members of one.
//! Source: ROOT's documentation of `TBranchElement` and `TVirtualStreamerInfo`.

use crate::error::DataError;
use crate::root::layout::{Layout, Member, Shape};
use crate::root::leaf::{Leaf, packed};
use crate::root::object::Object;
use crate::root::primitive::Primitive;
use crate::root::streamer::{Element, Streamers};
use crate::root::structure::Structure;
use crate::root::typename;

/// What the branch says about itself.
struct Declared<'a> {
    name: &'a str,
    class: &'a str,
    class_version: u32,
    id: i64,
    branch_type: i64,
    streamer_type: i64,
}

/// The layout, or why there is none.
///
/// # Errors
/// Outside: the branch lacks a member. Inside: the reason for a refusal.
pub(crate) fn layout(
    object: &Object,
    name: &str,
    leaves: &[Leaf],
    has_children: bool,
    streamers: &Streamers,
) -> Result<Result<Layout, String>, DataError> {
    let declared = Declared {
        name,
        class: object.text("fClassName")?,
        class_version: u32::try_from(object.int("fClassVersion")?).unwrap_or(0),
        id: object.int("fID")?,
        branch_type: object.int("fType")?,
        streamer_type: object.int("fStreamerType")?,
    };
    Ok(decide(&declared, leaves, has_children, streamers))
}

fn decide(
    branch: &Declared<'_>,
    leaves: &[Leaf],
    has_children: bool,
    streamers: &Streamers,
) -> Result<Layout, String> {
    let in_collection = matches!(branch.branch_type, 31 | 41);
    if matches!(branch.branch_type, 3 | 4) {
        return Ok(one(branch.name, Shape::Fixed, Primitive::I32, 1));
    }
    if has_children {
        return Err("a group of branches".into());
    }
    let element = element(branch, streamers);
    match branch.streamer_type {
        -1 => {
            let header = branch.branch_type == -1;
            stored(branch.name, branch.class, in_collection, header, streamers)
        }
        kind @ 1..=19 => {
            let shape = if in_collection { Shape::Jagged { header: 0 } } else { Shape::Fixed };
            number(branch.name, kind, shape, 1, element)
        }
        kind @ 21..=39 => {
            let own = || leaves.first().and_then(|leaf| u32::try_from(leaf.len).ok());
            let count = element.map(|e| e.array_length).or_else(own);
            let count = count.filter(|&n| n > 0).ok_or("an array of no length")?;
            let shape = if in_collection { Shape::Jagged { header: 0 } } else { Shape::Fixed };
            number(branch.name, kind.saturating_sub(20), shape, count, element)
        }
        kind @ 41..=59 if !in_collection => {
            let shape = Shape::Jagged { header: 1 };
            number(branch.name, kind.saturating_sub(40), shape, 1, element)
        }
        300 | 500 => {
            let element = element.ok_or_else(|| {
                format!("member {} of {}, not described", branch.name, branch.class)
            })?;
            stored(branch.name, &element.type_name, in_collection, true, streamers)
        }
        61 | 62 if !in_collection && element.is_some() => {
            let class = element.map(|e| e.type_name.as_str()).unwrap_or_default();
            stored(branch.name, class, false, true, streamers)
        }
        65 | 365 => Err("text".into()),
        kind => Err(format!("type {kind} of class {}", branch.class)),
    }
}

fn one(name: &str, shape: Shape, primitive: Primitive, count: u32) -> Layout {
    Layout::plain(shape, vec![Member { name: name.into(), primitive, count, range: None }])
}

/// An object stored whole, or a member that is a sequence; `header` says whether an object has one.
fn stored(
    name: &str,
    class: &str,
    in_collection: bool,
    header: bool,
    streamers: &Streamers,
) -> Result<Layout, String> {
    let (depth, of) = typename::sequences(class).ok_or_else(|| format!("class {class}"))?;
    let shape = match (depth, in_collection) {
        (0, true) => return Err(format!("{class} inside a collection")),
        (0, false) => Shape::Fixed,
        (depth, true) => Shape::Members { depth: depth.saturating_add(1) },
        (depth, false) => Shape::Sequence { depth },
    };
    if let Some(primitive) = typename::primitive(of) {
        return Ok(one(name, shape, primitive, 1));
    }
    if matches!(of, "string" | "TString" | "std::string") {
        return Err("text".into());
    }
    let (structure, members) = Structure::of(of, header || depth > 0, streamers)?;
    Ok(Layout { shape, members, structure: Some(structure) })
}

fn number(
    name: &str,
    kind: i64,
    shape: Shape,
    count: u32,
    element: Option<&Element>,
) -> Result<Layout, String> {
    let (primitive, range) = match (kind, Primitive::of_kind(kind)) {
        // An object's bits may be followed by two bytes, which only a fixed number of them excludes.
        (15, _) if shape == Shape::Fixed => (Primitive::U32, None),
        (9 | 19, Some(plain)) => {
            let element =
                element.ok_or_else(|| format!("{name}: a packed float, not described"))?;
            packed(&element.title, plain)?
        }
        (_, Some(plain)) => (plain, None),
        (7, None) => return Err("text".into()),
        (kind, None) => return Err(format!("type {kind}")),
    };
    let mut layout = one(name, shape, primitive, count);
    for member in &mut layout.members {
        member.range = range;
    }
    Ok(layout)
}

/// The streamer's element that the branch holds: by its index if the name agrees, else by name.
fn element<'a>(branch: &Declared<'_>, streamers: &'a Streamers) -> Option<&'a Element> {
    let full = branch.name.split('[').next().unwrap_or_default();
    let short = full.rsplit('.').next().unwrap_or_default();
    let is_named = |element: &&Element| element.name == short || element.name == full;
    let exact = streamers.get(branch.class, branch.class_version);
    let others = streamers.versions(branch.class);
    for info in exact.into_iter().chain(others) {
        let by_index = usize::try_from(branch.id).ok().and_then(|at| info.elements.get(at));
        if let Some(found) = by_index.filter(is_named) {
            return Some(found);
        }
        if let Some(found) = info.elements.iter().find(is_named) {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::streamer::StreamerInfo;

    fn streamers() -> Streamers {
        let element = |name: &str, kind, type_name: &str, title: &str| Element {
            name: name.into(),
            title: title.into(),
            kind,
            array_length: 4,
            type_name: type_name.into(),
            count_name: String::new(),
        };
        let elements = vec![
            element("n", 3, "int", ""),
            element("list", 300, "vector<unsigned short>", ""),
            element("packed", 9, "Double32_t", "[0,1,8]"),
            element("array", 25, "float", ""),
            element("words", 300, "vector<string>", ""),
        ];
        Streamers::of([StreamerInfo { class: "C".into(), checksum: 1, version: 2, elements }])
    }

    /// Branch type, streamer type, class, index and name; what comes out.
    #[test]
    fn layouts() {
        for (branch_type, streamer_type, class, id, name, expected) in [
            (0, -1, "vector<float>", -1, "v", Ok("float32[]")),
            (0, -1, "vector<vector<bool> >", -1, "v", Ok("bool[][]")),
            (0, -1, "string", -1, "s", Err("text")),
            (4, -1, "vector<C>", -1, "c", Ok("int32")),
            (0, 3, "C", 0, "c.n", Ok("int32")),
            (41, 13, "C", 0, "c.n", Ok("uint32[]")),
            (0, 300, "C", 1, "c.list", Ok("uint16[]")),
            (41, 300, "C", 1, "c.list", Ok("uint16[][]")),
            // The index of another member: the name decides.
            (0, 300, "C", 0, "c.list", Ok("uint16[]")),
            (0, 9, "C", 2, "c.packed", Ok("uint32 as 0..1 in 8 bits")),
            (0, 9, "C", 9, "c.other", Err("c.other: a packed float, not described")),
            (0, 25, "C", 3, "c.array[4]", Ok("float32[4]")),
            (31, 25, "C", 3, "c.array[4]", Ok("float32[][4]")),
            (0, 45, "C", 9, "c.pointer", Ok("float32[]")),
            (0, 15, "C", 9, "c.fBits", Ok("uint32")),
            (41, 15, "C", 9, "c.fBits", Err("type 15")),
            (0, 300, "C", 4, "c.words", Err("text")),
            (0, 300, "C", 9, "c.none", Err("member c.none of C, not described")),
            (0, 64, "C", 9, "c.pointer", Err("type 64 of class C")),
        ] {
            let class_version = 2;
            let branch = Declared { name, class, class_version, id, branch_type, streamer_type };
            let found = decide(&branch, &[], false, &streamers()).map(|layout| layout.describe());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{name}");
        }
    }
}
