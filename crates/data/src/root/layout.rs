//! How the bytes of a branch's entries are to be read: numbers, arrays of numbers, sequences of numbers.
//!
//! A layout follows from the leaves of a `TBranch`, and from type number, class name and streamer of a
//! `TBranchElement`. What is no number here is refused with its reason, never guessed. Sources: ROOT's
//! documentation of `TLeaf`, `TBranchElement`, `TVirtualStreamerInfo::EReadWrite`.

use crate::root::primitive::Primitive;
use crate::root::structure::Structure;

/// How many records an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One.
    Fixed,
    /// Any number, after so many bytes that carry nothing; offsets say where an entry ends.
    Jagged {
        /// 0, or 1 for arrays behind a pointer.
        header: u8,
    },
    /// A sequence, or sequences of sequences, each with its length.
    Sequence {
        /// How many lie in one another, from 1.
        depth: u32,
    },
    /// The sequences that are a member of the objects of a collection: as [`Shape::Sequence`], but the outermost has
    /// no number and goes on to the end of the entry.
    Members {
        /// How many lie in one another, from 2.
        depth: u32,
    },
}

/// What a number stored in place of a float means: `min + number · (max − min) / 2^bits`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Value of number 0.
    pub min: f64,
    /// End of the range.
    pub max: f64,
    /// Bits in use.
    pub bits: u32,
}

/// One member of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name of its leaf.
    pub name: String,
    /// Type of its values.
    pub primitive: Primitive,
    /// Values, more than one for a fixed array.
    pub count: u32,
    /// For `Float16_t` and `Double32_t` with a range, whose values are the stored integers.
    pub range: Option<Range>,
}

/// The layout of a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// How many records an entry holds.
    pub shape: Shape,
    /// The numbers of a record, in order. Never empty.
    pub members: Vec<Member>,
    /// What lies between them in the file, where anything does.
    pub(crate) structure: Option<Structure>,
}

impl Layout {
    /// A layout whose records are their numbers and nothing else.
    pub(crate) fn plain(shape: Shape, members: Vec<Member>) -> Self {
        Self { shape, members, structure: None }
    }

    /// Bytes that it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        let members = self.members.iter().map(|m| size_of::<Member>().saturating_add(m.name.len()));
        let between = self.structure.as_ref().map_or(0, Structure::held_bytes);
        members.fold(between, usize::saturating_add)
    }

    /// Whether records lie in the file as their numbers and nothing else; otherwise headers of objects lie
    /// between them.
    pub fn is_plain(&self) -> bool {
        self.structure.is_none()
    }

    /// Bytes of a record's numbers; saturates where a file declares nonsense, which no basket can then fit.
    pub fn record_bytes(&self) -> usize {
        self.members.iter().fold(0usize, |sum, member| {
            let count = usize::try_from(member.count).unwrap_or(usize::MAX);
            sum.saturating_add(count.saturating_mul(member.primitive.bytes()))
        })
    }

    /// Values in a record, over all members.
    pub fn record_values(&self) -> u64 {
        self.members.iter().map(|member| u64::from(member.count)).sum()
    }

    /// As people write it: `float32`, `float32[3]`, `float32[][2]`, `{a: int32, b: float32}`,
    /// `uint32 as 0..1 in 16 bits` for a float stored as an integer.
    pub fn describe(&self) -> String {
        let one = |member: &Member| match member.count {
            1 => String::new(),
            n => format!("[{n}]"),
        };
        let jagged = match self.shape {
            Shape::Fixed => 0,
            Shape::Jagged { .. } => 1,
            Shape::Sequence { depth } | Shape::Members { depth } => {
                usize::try_from(depth).unwrap_or(1)
            }
        };
        let jagged = "[]".repeat(jagged);
        match self.members.as_slice() {
            [member] => {
                let range =
                    member.range.map(|r| format!(" as {}..{} in {} bits", r.min, r.max, r.bits));
                let (name, range) = (member.primitive.name(), range.unwrap_or_default());
                format!("{name}{jagged}{}{range}", one(member))
            }
            many => {
                let inner: Vec<String> = many
                    .iter()
                    .map(|m| format!("{}: {}{}", m.name, m.primitive.name(), one(m)))
                    .collect();
                format!("{{{}}}{jagged}", inner.join(", "))
            }
        }
    }
}

/// The range in a leaf's title, such as `pt[n]/D[0,100,12]` or `[0,2*pi,16]`: the last bracket with two or
/// three parts. `Ok(None)` where there is none, `Err` where one part is no number.
pub(crate) fn range(title: &str) -> Result<RangeText, String> {
    let Some((inside, _)) = title
        .rsplit_once('[')
        .and_then(|(_, after)| after.split_once(']'))
        .filter(|(inside, _)| {
            let parts = inside.split(',').count();
            (2..=3).contains(&parts)
        })
    else {
        return Ok(RangeText::None);
    };
    let mut parts = inside.split(',').map(|part| number(part.trim()));
    let min = parts.next().flatten().ok_or_else(|| format!("range [{inside}]"))?;
    let max = parts.next().flatten().ok_or_else(|| format!("range [{inside}]"))?;
    let bits = match parts.next() {
        None => 32,
        Some(Some(bits)) if (2.0..=32.0).contains(&bits) && bits.fract() == 0.0 => {
            #[expect(clippy::cast_possible_truncation, reason = "2 to 32")]
            #[expect(clippy::cast_sign_loss, reason = "2 to 32")]
            let bits = bits as u32;
            bits
        }
        Some(_) => 32,
    };
    if min < max { Ok(RangeText::Range(Range { min, max, bits })) } else { Ok(RangeText::Bits) }
}

/// What a title says about the packing of a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RangeText {
    /// Nothing.
    None,
    /// A number of bits without a range: three bytes.
    Bits,
    /// Integers within a range.
    Range(Range),
}

/// A decimal number, or a multiple of pi as ROOT writes them.
fn number(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let text = text.trim();
    let value = match text {
        "pi" => std::f64::consts::PI,
        "2pi" | "2*pi" | "twopi" => std::f64::consts::TAU,
        "pi/2" => std::f64::consts::FRAC_PI_2,
        "pi/4" => std::f64::consts::FRAC_PI_4,
        _ => text.parse().ok().filter(|value: &f64| value.is_finite())?,
    };
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let full = Range { min: 0.0, max: 10.22, bits: 8 };
        assert_eq!(range("[0.0, 10.22, 8]"), Ok(RangeText::Range(full)));
        assert_eq!(range("x[n]/d[0,0,14]"), Ok(RangeText::Bits));
        assert_eq!(range("x[n]/d"), Ok(RangeText::None));
        assert_eq!(range("no brackets"), Ok(RangeText::None));
        let RangeText::Range(pi) = range("[-pi,2*pi]").unwrap() else { panic!() };
        assert_eq!((pi.min, pi.bits), (-std::f64::consts::PI, 32));
        assert!(range("[a,b,c]").is_err());
    }

    #[test]
    fn descriptions() {
        let member = |name: &str, count| Member {
            name: name.into(),
            primitive: Primitive::F32,
            count,
            range: None,
        };
        let mut layout = Layout::plain(Shape::Fixed, vec![member("x", 3)]);
        assert_eq!((layout.describe().as_str(), layout.record_bytes()), ("float32[3]", 12));
        layout.shape = Shape::Sequence { depth: 2 };
        assert_eq!(layout.describe(), "float32[][][3]");
        layout.members.push(member("y", 1));
        let mut packed = Layout::plain(Shape::Fixed, vec![member("z", 1)]);
        packed.members[0].range = Some(Range { min: -1.5, max: 1.0, bits: 8 });
        assert_eq!(packed.describe(), "float32 as -1.5..1 in 8 bits");
        layout.shape = Shape::Fixed;
        assert_eq!(layout.describe(), "{x: float32[3], y: float32}");
    }
}
