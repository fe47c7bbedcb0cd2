//! The tensors among the objects of a checkpoint.
//!
//! Objects are shared, so that a short pickle may lead to the same ones again and again, by names as long as it likes.
//! Each step, and each byte of a name, is counted before anything is done for it, and past a limit nothing goes on.

use std::collections::BTreeMap;

use super::super::pickle::{Id, Object, Pickle};
use super::super::zip::Storage;
use super::super::{Piece, Tensor, element};
use crate::memory::Room;

/// Deepest nesting of dictionaries and objects that is followed.
const MAX_DEPTH: usize = 32;
/// Bytes of names, of all tensors and what leads to them: keys may be shared.
const MAX_NAMES: usize = 16 << 20;
/// Objects that are visited, and dimensions: sharing could make them many.
const MAX_VISITS: usize = 1 << 22;
/// Arguments of a tensor behind its strides that are looked at: no version has more.
const MORE: usize = 4;

/// What a tensor that was found takes beside its name and dimensions: itself, its range, a copy of both on the way.
const TENSOR: usize = 2 * (size_of::<Found>() + size_of::<Piece>()) + 32;

/// A tensor, and the storage that it lies in.
pub(super) struct Found {
    pub tensor: Tensor,
    pub storage: Storage,
}

/// Goes through the objects of a checkpoint and collects tensors.
pub(super) struct Walk<'a> {
    pickle: &'a Pickle,
    storages: &'a BTreeMap<String, Storage>,
    room: &'a Room,
    visits: usize,
    names: usize,
    /// The keys that lead to what is visited, joined by dots.
    path: String,
    found: Vec<Found>,
}

impl<'a> Walk<'a> {
    pub fn new(
        pickle: &'a Pickle,
        storages: &'a BTreeMap<String, Storage>,
        room: &'a Room,
    ) -> Self {
        let (path, found) = (String::new(), Vec::new());
        Self { pickle, storages, room, visits: 0, names: 0, path, found }
    }

    /// The tensors in an object and in what it holds; past a limit, those before it.
    pub fn tensors(mut self, top: Id) -> Vec<Found> {
        let _ = self.object(top, 0);
        self.found
    }

    /// Visits an object. As below, none past a limit: that ends the walk.
    fn object(&mut self, id: Id, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return Some(());
        }
        let pickle = self.pickle;
        match pickle.get(id) {
            Object::Dict(items) => self.items(items, depth),
            Object::List(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(i, &item)| self.child(&i.to_string(), item, depth))
            }
            Object::Call { callable, args, items } => {
                let Object::Global(module, name) = pickle.get(*callable) else { return Some(()) };
                let args = pickle.list(*args);
                match (module.as_str(), name.as_str(), args) {
                    ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor_v3", _) => {
                        let found = self.tensor(args);
                        self.found.extend(found);
                        Some(())
                    }
                    ("torch._utils", "_rebuild_parameter", [data, ..]) => {
                        self.count(1, 0)?;
                        self.object(*data, depth + 1)
                    }
                    _ => self.items(items, depth),
                }
            }
            _ => Some(()),
        }
    }

    fn items(&mut self, items: &[(Id, Id)], depth: usize) -> Option<()> {
        let pickle = self.pickle;
        items.iter().try_for_each(|&(key, value)| match pickle.get(key) {
            Object::Text(text) => self.child(text, value, depth),
            Object::Int(n) => self.child(&n.to_string(), value, depth),
            _ => self.count(1, 0),
        })
    }

    /// Visits what has a name in the object that is visited.
    fn child(&mut self, name: &str, id: Id, depth: usize) -> Option<()> {
        let before = self.path.len();
        let len = before + usize::from(before > 0) + name.len();
        self.count(1, len)?;
        if let Some(more) = len.checked_sub(self.path.capacity()) {
            self.room.take(more)?;
            self.path.reserve_exact(len - before);
        }
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let done = self.object(id, depth + 1);
        self.path.truncate(before);
        done
    }

    /// Counts visits, and bytes of names.
    fn count(&mut self, visits: usize, names: usize) -> Option<()> {
        self.visits = self.visits.saturating_add(visits);
        self.names = self.names.saturating_add(names);
        let within = self.visits <= MAX_VISITS && self.names <= MAX_NAMES;
        (within && self.room.check().is_ok()).then_some(())
    }

    /// A tensor of contiguous elements within its storage.
    fn tensor(&mut self, args: &[Id]) -> Option<Found> {
        let pickle = self.pickle;
        let [storage, offset, shape, stride, more @ ..] = args else { return None };
        let Object::Persistent(reference) = pickle.get(*storage) else { return None };
        let [kind, class, key, ..] = pickle.list(*reference) else { return None };
        if pickle.text(*kind) != Some("storage") {
            return None;
        }
        let Object::Global(_, class) = pickle.get(*class) else { return None };
        // The third version names the type of the elements, not of the storage.
        let dtype = more.iter().take(MORE).find_map(|&id| match pickle.get(id) {
            Object::Global(module, name) if module == "torch" => dtype(name),
            _ => None,
        });
        let dtype = dtype.or_else(|| dtype_of_storage(class))?;
        let key = pickle.text(*key)?;
        let (shape, stride) = (pickle.list(*shape), pickle.list(*stride));
        if shape.len() != stride.len() {
            return None;
        }
        // One long key, or list of dimensions, may be that of many tensors.
        self.count(shape.len(), key.len())?;
        let storage = *self.storages.get(key)?;
        self.room.take(TENSOR + self.path.len() + 16 * shape.len())?;
        let ints = |list: &[Id]| list.iter().map(|&i| pickle.int(i)).collect();
        let (shape, stride): (Option<Vec<u64>>, Option<Vec<u64>>) = (ints(shape), ints(stride));
        let (shape, stride) = (shape?, stride?);
        let mut elements = 1u64;
        for (&d, &s) in shape.iter().zip(&stride).rev() {
            if d != 1 && s != elements {
                return None;
            }
            elements = elements.checked_mul(d)?;
        }
        // A complex number is two elements.
        let parts = if dtype == "C64" { 2 } else { 1 };
        let width = element(dtype)?.bytes() as u64 * parts;
        let start = storage.start.checked_add(pickle.int(*offset)?.checked_mul(width)?)?;
        let len = elements.checked_mul(width)?;
        let end = start.checked_add(len)?;
        (end <= storage.start.checked_add(storage.len)?).then(|| Found {
            tensor: Tensor { name: self.path.clone(), dtype, shape, start, len },
            storage,
        })
    }
}

fn dtype_of_storage(class: &str) -> Option<&'static str> {
    Some(match class {
        "DoubleStorage" => "F64",
        "FloatStorage" => "F32",
        "HalfStorage" => "F16",
        "BFloat16Storage" => "BF16",
        "LongStorage" => "I64",
        "IntStorage" => "I32",
        "ShortStorage" => "I16",
        "CharStorage" => "I8",
        "ByteStorage" => "U8",
        "BoolStorage" => "BOOL",
        "ComplexFloatStorage" => "C64",
        _ => return None,
    })
}

fn dtype(name: &str) -> Option<&'static str> {
    Some(match name {
        "float64" => "F64",
        "float32" => "F32",
        "float16" => "F16",
        "bfloat16" => "BF16",
        "int64" => "I64",
        "int32" => "I32",
        "int16" => "I16",
        "int8" => "I8",
        "uint8" => "U8",
        "uint16" => "U16",
        "uint32" => "U32",
        "uint64" => "U64",
        "bool" => "BOOL",
        "float8_e4m3fn" => "F8_E4M3",
        "float8_e5m2" => "F8_E5M2",
        "complex64" => "C64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text, which memo 0 keeps.
    fn key(len: usize) -> Vec<u8> {
        let mut out = vec![b'X'];
        out.extend((len as u32).to_le_bytes());
        out.resize(out.len() + len, b'k');
        out.extend(b"q\x00");
        out
    }

    /// What was done for a pickle, within so much memory: visits, bytes of names, bytes of the path.
    fn work(pickle: &[&[u8]], room: &Room) -> (usize, usize, usize) {
        let bytes = [b"\x80\x02", &pickle.concat()[..], b"."].concat();
        let (pickle, top) = Pickle::read(&bytes, &Room::unlimited()).unwrap();
        let storages = BTreeMap::new();
        let mut walk = Walk::new(&pickle, &storages, room);
        let _ = walk.object(top, 0);
        (walk.visits, walk.names, walk.path.capacity())
    }

    #[test]
    fn a_key_that_is_too_long_is_not_even_copied() {
        let again = b"h\x00h\x01".repeat(1000);
        let key = key(MAX_NAMES + 1);
        let done = work(&[b"}(", &key, b"K\x01q\x01", &again, b"u"], &Room::unlimited());
        assert_eq!(done, (1, MAX_NAMES + 1, 0));
    }

    #[test]
    fn the_walk_ends_where_names_are_too_long() {
        // Dictionaries of lists: the third step is one too many, and the last, whoever has more to visit.
        let (half, items) = (MAX_NAMES / 2, b"K\x01".repeat(1000));
        let again = b"h\x00h\x01".repeat(1000);
        let key = key(half - 1);
        let list = [b"](", &items[..], b"eq\x01"].concat();
        let done = work(&[b"}(", &key, &list, &again, b"u"], &Room::unlimited());
        assert_eq!(done, (3, 3 * (half - 1) + 4, half + 1));
    }

    #[test]
    fn keys_that_are_no_names_are_visits_too() {
        // A dictionary of 1,000 of them, in 5,000 dictionaries.
        let unnamed = b"NN".repeat(1000);
        let again = b"h\x00".repeat(5000);
        let pickle: [&[u8]; 5] = [b"](}(", &unnamed, b"uq\x00", &again, b"e"];
        assert_eq!(work(&pickle, &Room::unlimited()).0, MAX_VISITS + 1);
    }

    #[test]
    fn the_path_is_memory() {
        let pickle: [&[u8]; 3] = [b"}(", &key(1000), b"K\x01K\x07K\x01u"];
        let room = |limit| Room::new("names", limit);
        assert_eq!(work(&pickle, &room(1000)), (2, 1001, 1000));
        let short = room(999);
        assert_eq!(work(&pickle, &short), (1, 1000, 0));
        assert!(short.check().is_err());
    }

    #[test]
    fn long_lists_of_arguments_are_not_gone_through() {
        // A thousand tensors of the same arguments: dimensions and the storage's key count for each.
        let mut args = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000tQK\0(".to_vec();
        args.extend(b"K\x01".repeat(100));
        args.extend(b"tq\x02h\x02tq\x03");
        let tensors = b"ctorch._utils\n_rebuild_tensor_v2\nh\x03R".repeat(1000);
        let done = work(&[&args, b"](", &tensors, b"e"], &Room::unlimited());
        let digits = 10 + 2 * 90 + 3 * 900;
        assert_eq!((done.0, done.1), (1000 * 101, digits + 1000));
        // Strides that do not fit are not looked at.
        let mut args = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000tQK\0(".to_vec();
        args.extend(b"K\x01".repeat(100));
        args.extend(b"t)tq\x03");
        let done = work(&[&args, b"](", &tensors, b"e"], &Room::unlimited());
        assert_eq!((done.0, done.1), (1000, digits));
    }
}
