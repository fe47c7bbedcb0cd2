//! What the records of columns are made of.

use crate::dtype::{Dtype, DtypeKind, Member};
use crate::root::layout::{self, Layout, Shape};
use crate::root::primitive::Primitive;
use vxc_tokens::layout::{Endian, Kind};

pub(super) fn number_dtype(kind: Kind) -> Dtype {
    Dtype { bytes: kind.bytes(), kind: DtypeKind::Number(kind, Endian::Little) }
}

fn of_primitive(primitive: Primitive) -> Dtype {
    match primitive {
        Primitive::Bool => {
            let names = vec![("FALSE".into(), vec![0]), ("TRUE".into(), vec![1])];
            let base = Box::new(number_dtype(Kind::U8));
            Dtype { bytes: 1, kind: DtypeKind::Enum { base, names } }
        }
        Primitive::Truncated => Dtype { bytes: 3, kind: DtypeKind::Bytes("float") },
        other => number_dtype(other.kind()),
    }
}

fn of_member(member: &layout::Member) -> Dtype {
    let base = of_primitive(member.primitive);
    match member.count {
        1 => base,
        count => Dtype {
            bytes: base.bytes.saturating_mul(usize::try_from(count).unwrap_or(usize::MAX)),
            kind: DtypeKind::Array { base: Box::new(base), shape: vec![count.into()] },
        },
    }
}

/// The record of columns: a compound, or the number itself where there is one.
pub(super) fn record(names: &[&str], layouts: &[&Layout]) -> Dtype {
    if let ([layout], [_]) = (layouts, names)
        && let [member] = layout.members.as_slice()
        && layout.shape != Shape::Fixed
    {
        return of_member(member);
    }
    let (mut members, mut offset) = (Vec::new(), 0usize);
    for (name, layout) in names.iter().zip(layouts) {
        for member in &layout.members {
            let several = layout.members.len() > 1;
            let name = if several { format!("{name}.{}", member.name) } else { (*name).to_owned() };
            let dtype = of_member(member);
            let bytes = dtype.bytes;
            members.push(Member { name, offset, dtype });
            offset = offset.saturating_add(bytes);
        }
    }
    Dtype { bytes: offset.max(1), kind: DtypeKind::Compound(members) }
}
