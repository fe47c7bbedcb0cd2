//! C++ type names, as far as columns need them: numbers, and sequences of numbers of any depth.

use crate::root::primitive::Primitive;

/// Containers that are written as a number of elements and the elements.
const SEQUENCES: [&str; 11] = [
    "vector",
    "list",
    "deque",
    "forward_list",
    "set",
    "multiset",
    "unordered_set",
    "unordered_multiset",
    "RVec",
    "ROOT::VecOps::RVec",
    "ROOT::RVec",
];

/// How many sequences lie in one another, and what they hold; none where a name is not well formed. A class with
/// arguments that is no sequence is what is held.
pub(crate) fn sequences(name: &str) -> Option<(u32, &str)> {
    let mut rest = name.trim();
    let mut depth = 0u32;
    while let Some((head, inner)) = rest.split_once('<') {
        let head = head.trim();
        let head = head.strip_prefix("std::").unwrap_or(head);
        if !SEQUENCES.contains(&head) {
            break;
        }
        if depth == 16 {
            return None;
        }
        let inner = inner.trim_end().strip_suffix('>')?;
        rest = first_argument(inner).trim();
        depth = depth.saturating_add(1);
    }
    let open = rest.matches('<').count();
    (open == rest.matches('>').count() && !rest.is_empty()).then_some((depth, rest))
}

/// Up to the first comma outside brackets: what follows is an allocator or a comparison.
fn first_argument(arguments: &str) -> &str {
    let mut open = 0u32;
    for (at, letter) in arguments.char_indices() {
        match letter {
            '<' => open = open.saturating_add(1),
            '>' => open = open.saturating_sub(1),
            ',' if open == 0 => return arguments.get(..at).unwrap_or_default(),
            _ => {}
        }
    }
    arguments
}

/// A number by its C++ name or one of ROOT's own, as it is stored in a container: `Double32_t` as a single.
pub(crate) fn primitive(name: &str) -> Option<Primitive> {
    let name = name.strip_prefix("std::").unwrap_or(name);
    Some(match name {
        "bool" | "Bool_t" => Primitive::Bool,
        "char" | "signed char" | "Char_t" | "int8_t" => Primitive::I8,
        "unsigned char" | "UChar_t" | "Byte_t" | "uint8_t" | "byte" => Primitive::U8,
        "short" | "Short_t" | "int16_t" => Primitive::I16,
        "unsigned short" | "UShort_t" | "uint16_t" => Primitive::U16,
        "int" | "Int_t" | "int32_t" => Primitive::I32,
        "unsigned" | "unsigned int" | "UInt_t" | "uint32_t" => Primitive::U32,
        "long" | "Long_t" | "long long" | "Long64_t" | "int64_t" => Primitive::I64,
        "unsigned long" | "ULong_t" | "unsigned long long" | "ULong64_t" | "uint64_t"
        | "size_t" => Primitive::U64,
        "float" | "Float_t" | "Double32_t" => Primitive::F32,
        "double" | "Double_t" => Primitive::F64,
        "Float16_t" => Primitive::Truncated,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let of = |name| {
            let (depth, held) = sequences(name)?;
            primitive(held).map(|primitive| (depth, primitive))
        };
        assert_eq!(of("vector<float>"), Some((1, Primitive::F32)));
        assert_eq!(of("std::vector<std::uint32_t>"), Some((1, Primitive::U32)));
        assert_eq!(of("vector<vector<unsigned long> >"), Some((2, Primitive::U64)));
        assert_eq!(of("vector<float,allocator<float> >"), Some((1, Primitive::F32)));
        assert_eq!(of("ROOT::VecOps::RVec<bool>"), Some((1, Primitive::Bool)));
        assert_eq!(of("unsigned int"), Some((0, Primitive::U32)));
        assert_eq!(of("vector<string>"), None);
        assert_eq!(of("map<int,float>"), None);
        assert_eq!(of("vector<ElementLink<DataVector<int> > >"), None);
        assert_eq!(of("vector<vector<float>"), None);
        assert_eq!(sequences(&"vector<".repeat(10_000)), None);
        assert_eq!(sequences("vector<vector<A<B> > >"), Some((2, "A<B>")));
        assert_eq!(sequences("vector<>"), None);
    }
}
