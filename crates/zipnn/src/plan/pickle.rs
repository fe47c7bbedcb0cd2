//! Pickles read as data. Nothing is ever called or imported: names of callables are kept as names.
//!
//! Objects live in an arena, so that sharing and cycles, which memos allow, cost nothing. What opcodes of protocols 2
//! to 5 that `torch.save` does not write would need, ends reading.
//!
//! Source: the comments of CPython's `Lib/pickletools.py`.

mod machine;

use self::machine::Machine;
use crate::memory::Room;

/// Index of an object in [`Pickle::objects`].
pub(super) type Id = usize;

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    /// Something whose value does not matter here.
    Other,
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// Module and name.
    Global(String, String),
    /// A tuple, list or set.
    List(Vec<Id>),
    /// A dictionary.
    Dict(Vec<(Id, Id)>),
    /// A reference out of the pickle.
    Persistent(Id),
    /// What a callable would give for arguments, and the state set on it.
    Call {
        /// The callable.
        callable: Id,
        /// Its arguments.
        args: Id,
        /// Items added and state set afterwards.
        items: Vec<(Id, Id)>,
    },
}

/// All objects of a pickle.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    pub objects: Vec<Object>,
}

impl Pickle {
    /// Reads a pickle; gives it and its top object. None for anything that is not understood, or does not fit.
    pub fn read(bytes: &[u8], room: &Room) -> Option<(Self, Id)> {
        Machine::new(bytes, room).run()
    }

    pub fn get(&self, id: Id) -> &Object {
        self.objects.get(id).unwrap_or(&Object::Other)
    }

    pub fn list(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Object::List(items) => items,
            _ => &[],
        }
    }

    pub fn int(&self, id: Id) -> Option<u64> {
        match self.get(id) {
            Object::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dictionary() {
        // pickle.dumps({"a": (1, 300), "b": [-1]}, 2)
        let bytes = b"\x80\x02}q\x00(X\x01\0\0\0aq\x01K\x01M,\x01\x86q\x02X\x01\0\0\0bq\x03]q\x04J\xff\xff\xff\xffau.";
        let (pickle, top) = Pickle::read(bytes, &Room::unlimited()).unwrap();
        let Object::Dict(items) = pickle.get(top) else { panic!() };
        assert_eq!(items.len(), 2);
        assert_eq!(pickle.text(items[0].0), Some("a"));
        let numbers: Vec<_> = pickle.list(items[0].1).iter().map(|&i| pickle.int(i)).collect();
        assert_eq!(numbers, [Some(1), Some(300)]);
        assert_eq!(*pickle.get(pickle.list(items[1].1)[0]), Object::Int(-1));
    }

    #[test]
    fn sharing_grows_with_the_input_alone() {
        // Each list holds the one before twice: 2^n leaves.
        let mut bytes = b"\x80\x02]q\x00".to_vec();
        for n in 0..200u8 {
            bytes.extend(b"](h");
            bytes.extend([n, b'h', n, b'e', b'q', n + 1]);
        }
        bytes.push(b'.');
        let (pickle, _) = Pickle::read(&bytes, &Room::unlimited()).unwrap();
        assert_eq!(pickle.objects.len(), 201);
    }

    #[test]
    fn states_that_double_are_bounded() {
        // A dictionary that takes itself as state doubles with each opcode.
        let mut bytes = b"\x80\x02}q\x00(K\x01K\x02u".to_vec();
        for _ in 0..64 {
            bytes.extend(b"h\x00b");
        }
        bytes.push(b'.');
        assert!(Pickle::read(&bytes, &Room::unlimited()).is_none());
    }

    #[test]
    fn the_copy_of_a_state_is_memory() {
        // A dictionary as the state of another one.
        let items = b"K\x01K\x02".repeat(1000);
        let bytes = [b"\x80\x02}}(", &items[..], b"ub."].concat();
        let least = |bytes: &[u8]| {
            (0..1 << 20).step_by(8).find(|&n| Pickle::read(bytes, &Room::new("", n)).is_some())
        };
        let without = least(&[b"\x80\x02}}(", &items[..], b"u."].concat()).unwrap();
        // Beside it, what the other one holds then.
        let state = 1000 * size_of::<(Id, Id)>() as u64;
        assert_eq!(least(&bytes).unwrap(), without + 2 * state);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            let _ = Pickle::read(&bytes, &Room::unlimited());
        }
    }
}
