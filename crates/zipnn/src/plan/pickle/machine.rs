//! Opcodes, one after the other: each puts objects together, none does anything.

use std::collections::BTreeMap;

use super::{Id, Object, Pickle};
use crate::memory::Room;

/// Items of all dictionaries together: a state that is set again and again could make them many.
const MAX_ITEMS: usize = 1 << 24;
/// What the allocator adds to an object.
const ALLOCATION: usize = 16;
/// What an object takes in a memo.
const REMEMBERED: usize = 48;

/// What a pickle is a program for.
pub(super) struct Machine<'a> {
    input: &'a [u8],
    room: &'a Room,
    pickle: Pickle,
    stack: Vec<Id>,
    /// Heights of the stack at open marks.
    marks: Vec<usize>,
    /// By number, in order: memos are dense.
    memo: BTreeMap<u64, Id>,
    /// Items that were put into dictionaries.
    copied: usize,
}

impl<'a> Machine<'a> {
    pub fn new(input: &'a [u8], room: &'a Room) -> Self {
        let (pickle, stack, marks) = (Pickle::default(), Vec::new(), Vec::new());
        Self { input, room, pickle, stack, marks, memo: BTreeMap::new(), copied: 0 }
    }

    /// Runs to the end; gives all objects and the top one.
    pub fn run(mut self) -> Option<(Pickle, Id)> {
        while self.step()? {}
        let top = self.stack.pop()?;
        Some((self.pickle, top))
    }

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
                    Object::Dict(items) => &items[..],
                    _ => &[],
                };
                // For a while it is there once more.
                self.room.take(size_of_val(items))?;
                let items = items.to_vec();
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
