//! Pickles read as data. Nothing is ever called or imported: names of callables are kept as names.
//!
//! Objects live in an arena, so that sharing and cycles, which memos allow, cost nothing. What opcodes of protocols 2
//! to 5 that `torch.save` does not write would need, ends reading.
//!
//! Source: the comments of CPython's `Lib/pickletools.py`.

use crate::memory::Room;

/// Items of all dictionaries together: a state that is set again and again could make them many.
const MAX_ITEMS: usize = 1 << 24;

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
        let mut machine = Machine {
            input: bytes,
            room,
            pickle: Self::default(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: std::collections::BTreeMap::new(),
            copied: 0,
        };
        while machine.step()? {}
        let top = machine.stack.pop()?;
        Some((machine.pickle, top))
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

/// What the allocator adds to an object.
const ALLOCATION: usize = 16;
/// What an object takes in a memo.
const REMEMBERED: usize = 48;

struct Machine<'a> {
    input: &'a [u8],
    room: &'a Room,
    pickle: Pickle,
    stack: Vec<Id>,
    /// Heights of the stack at open marks.
    marks: Vec<usize>,
    /// By number, in order: memos are dense.
    memo: std::collections::BTreeMap<u64, Id>,
    /// Items that were put into dictionaries.
    copied: usize,
}

impl<'a> Machine<'a> {
    /// One opcode; false at the end.
    fn step(&mut self) -> Option<bool> {
        match self.bytes(1)?.first()? {
            0x80 => drop(self.bytes(1)?),
            0x95 => drop(self.bytes(8)?),
            b'.' => return Some(false),
            b'(' => {
                self.room.take(size_of::<usize>())?;
                self.marks.push(self.stack.len());
            }
            b'N' | 0x88 | 0x89 => self.push(Object::Other)?,
            b'K' => self.number(1)?,
            b'M' => self.number(2)?,
            b'J' => {
                let n = i32::from_le_bytes(self.bytes(4)?.try_into().ok()?);
                self.push(Object::Int(n.into()))?;
            }
            0x8a => {
                let n = self.len(1)?;
                self.long(n)?;
            }
            0x8b => {
                let n = self.len(4)?;
                self.long(n)?;
            }
            b'G' => {
                self.bytes(8)?;
                self.push(Object::Other)?;
            }
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'U' | b'C' => self.skip(1)?,
            b'T' | b'B' => self.skip(4)?,
            0x8e | 0x96 => self.skip(8)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Global(module, name))?;
            }
            0x93 => {
                let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                let text = |id| self.owned(self.pickle.text(id)?.as_bytes());
                let global = Object::Global(text(module)?, text(name)?);
                self.push(global)?;
            }
            b'q' => {
                let n = self.len(1)?;
                self.put(n as u64)?;
            }
            b'r' => {
                let n = self.len(4)?;
                self.put(n as u64)?;
            }
            0x94 => self.put(self.memo.len() as u64)?,
            b'h' => {
                let n = self.len(1)?;
                self.place(*self.memo.get(&(n as u64))?)?;
            }
            b'j' => {
                let n = self.len(4)?;
                self.place(*self.memo.get(&(n as u64))?)?;
            }
            b')' | b']' | 0x8f => self.push(Object::List(Vec::new()))?,
            b'}' => self.push(Object::Dict(Vec::new()))?,
            b't' | b'l' | 0x91 => {
                let items = self.marked()?;
                self.push(Object::List(items))?;
            }
            b'd' => {
                let items = pairs(&self.marked()?);
                self.push(Object::Dict(items))?;
            }
            n @ 0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(n - 0x84))?;
                let items = self.stack.split_off(from);
                self.push(Object::List(items))?;
            }
            b's' => {
                let (value, key) = (self.stack.pop()?, self.stack.pop()?);
                self.set(&[(key, value)])?;
            }
            b'u' => {
                let items = pairs(&self.marked()?);
                self.set(&items)?;
            }
            b'a' => {
                let item = self.stack.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.marked()?;
                self.append(&items)?;
            }
            b'Q' => {
                let id = self.stack.pop()?;
                self.push(Object::Persistent(id))?;
            }
            b'R' | 0x81 => {
                let (args, callable) = (self.stack.pop()?, self.stack.pop()?);
                self.push(Object::Call { callable, args, items: Vec::new() })?;
            }
            0x92 => {
                let (_, args, callable) = (self.stack.pop()?, self.stack.pop()?, self.stack.pop()?);
                self.push(Object::Call { callable, args, items: Vec::new() })?;
            }
            b'b' => {
                let state = self.stack.pop()?;
                let items = match self.pickle.get(state) {
                    Object::Dict(items) => items.clone(),
                    _ => Vec::new(),
                };
                self.set(&items)?;
            }
            b'0' => drop(self.stack.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => self.place(*self.stack.last()?)?,
            _ => return None,
        }
        Some(true)
    }

    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.input.split_at_checked(n)?;
        self.input = rest;
        Some(head)
    }

    /// A length of so many bytes.
    fn len(&mut self, bytes: usize) -> Option<usize> {
        let mut n = [0; 8];
        n.get_mut(..bytes)?.copy_from_slice(self.bytes(bytes)?);
        usize::try_from(u64::from_le_bytes(n)).ok()
    }

    fn line(&mut self) -> Option<String> {
        let end = self.input.iter().position(|&b| b == b'\n')?;
        let line = self.bytes(end)?;
        self.bytes(1)?;
        self.owned(line)
    }

    /// Bytes as a text of its own. What is no text takes up to three times as much.
    fn owned(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes);
        self.room.take(if text.is_ok() { bytes.len() } else { bytes.len().saturating_mul(3) })?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn push(&mut self, object: Object) -> Option<()> {
        let held = match &object {
            Object::List(items) => items.len() * size_of::<Id>(),
            Object::Dict(items) => items.len() * size_of::<(Id, Id)>(),
            _ => 0,
        };
        self.room.take(size_of::<Object>() + ALLOCATION + held)?;
        self.place(self.pickle.objects.len())?;
        self.pickle.objects.push(object);
        Some(())
    }

    /// Puts an object that there is on the stack.
    fn place(&mut self, id: Id) -> Option<()> {
        self.room.take(size_of::<Id>())?;
        self.stack.push(id);
        Some(())
    }

    fn number(&mut self, bytes: usize) -> Option<()> {
        let n = i64::try_from(self.len(bytes)?).ok()?;
        self.push(Object::Int(n))
    }

    fn long(&mut self, n: usize) -> Option<()> {
        let bytes = self.bytes(n)?;
        let mut wide = [if bytes.last().is_some_and(|b| b >> 7 == 1) { 255 } else { 0 }; 8];
        let object = match wide.get_mut(..n) {
            Some(low) => {
                low.copy_from_slice(bytes);
                Object::Int(i64::from_le_bytes(wide))
            }
            None => Object::Other,
        };
        self.push(object)
    }

    fn text(&mut self, bytes: usize) -> Option<()> {
        let n = self.len(bytes)?;
        let bytes = self.bytes(n)?;
        let text = self.owned(bytes)?;
        self.push(Object::Text(text))
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        let n = self.len(bytes)?;
        self.bytes(n)?;
        self.push(Object::Other)
    }

    fn put(&mut self, number: u64) -> Option<()> {
        self.room.take(REMEMBERED)?;
        self.memo.insert(number, *self.stack.last()?);
        Some(())
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Option<Vec<Id>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn set(&mut self, new: &[(Id, Id)]) -> Option<()> {
        self.room.take(size_of_val(new))?;
        match self.pickle.objects.get_mut(*self.stack.last()?)? {
            Object::Dict(items) | Object::Call { items, .. } => items.extend_from_slice(new),
            _ => {}
        }
        self.copied += new.len();
        (self.copied <= MAX_ITEMS).then_some(())
    }

    fn append(&mut self, new: &[Id]) -> Option<()> {
        self.room.take(size_of_val(new))?;
        if let Object::List(items) = self.pickle.objects.get_mut(*self.stack.last()?)? {
            items.extend_from_slice(new);
        }
        Some(())
    }
}

fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items.as_chunks::<2>().0.iter().map(|&[key, value]| (key, value)).collect()
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

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            let _ = Pickle::read(&bytes, &Room::unlimited());
        }
    }
}
