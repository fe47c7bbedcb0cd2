//! Checkpoints of `torch.save`: a ZIP archive with a pickle (`data.pkl`) and each storage as a file of its own
//! (`data/0`, `data/1`, …), stored, not compressed.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::pickle::{Id, Object, Pickle};
use super::zip::{self, Storage};
use super::{Format, Piece, Tensor, element, rows};
use crate::memory::Room;

/// A pickle beyond this is not read.
const MAX_PICKLE: u64 = 64 << 20;
/// Deepest nesting of dictionaries and objects that is followed.
const MAX_DEPTH: usize = 32;
/// Bytes of names, of all tensors and what leads to them: keys may be shared.
const MAX_NAMES: usize = 16 << 20;
/// Objects that are visited: sharing could make them many.
const MAX_VISITS: usize = 1 << 22;

/// What a tensor that was found takes beside its name and dimensions: itself, its range, a copy of both on the way.
const TENSOR: usize = 2 * (size_of::<Found>() + size_of::<Piece>()) + 32;

/// Tensors, and typed ranges; none if the file is no such archive, or they do not fit.
pub(super) fn read<R: Read + Seek>(
    file: &mut R,
    len: u64,
    room: &Room,
) -> io::Result<Option<super::Found>> {
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || magic != *b"PK\x03\x04" {
        return Ok(None);
    }
    Ok(found(file, len, room).map(|(tensors, typed)| super::Found {
        format: Format::Torch,
        tensors,
        typed: Some(typed),
    }))
}

fn found<R: Read + Seek>(file: &mut R, len: u64, room: &Room) -> Option<(Vec<Tensor>, Vec<Piece>)> {
    let mut storages = BTreeMap::new();
    let mut pickle = None;
    let mut big_endian = false;
    for (name, storage) in zip::stored(file, len, room)? {
        if name == "data.pkl" && storage.len <= MAX_PICKLE {
            room.take(storage.len as usize)?;
            pickle = Some(read_whole(file, storage)?);
        } else if name == "byteorder" {
            big_endian =
                read_whole(file, Storage { len: storage.len.min(16), ..storage })? == b"big";
        } else if let Some(key) = name.strip_prefix("data/") {
            storages.insert(key.to_owned(), storage);
        }
    }
    let pickle = pickle.filter(|_| !big_endian)?;
    let (pickle, top) = Pickle::read(&pickle, room)?;
    let mut walk =
        Walk { pickle: &pickle, storages: &storages, room, visits: 0, names: 0, found: Vec::new() };
    walk.object(top, "", 0);
    let mut typed: BTreeMap<u64, Piece> = BTreeMap::new();
    for found in &walk.found {
        let Some(element) = element(found.tensor.dtype) else { continue };
        let Storage { start, len } = found.storage;
        // Rows are those of the tensor that fills its storage.
        let whole = found.tensor.start == start && found.tensor.len == len;
        let (row, inner) = if whole { rows(&found.tensor.shape) } else { (0, 0) };
        typed.entry(start).or_insert(Piece { start, len, element: Some(element), row, inner });
    }
    let typed = typed.into_values().collect();
    Some((walk.found.into_iter().map(|f| f.tensor).collect(), typed))
}

/// A stored file as a whole, or what is there of it.
fn read_whole<R: Read + Seek>(file: &mut R, storage: Storage) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(storage.start)).ok()?;
    let mut bytes = Vec::new();
    file.by_ref().take(storage.len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

struct Found {
    tensor: Tensor,
    storage: Storage,
}

/// Goes through the objects of a checkpoint and collects tensors.
struct Walk<'a> {
    pickle: &'a Pickle,
    storages: &'a BTreeMap<String, Storage>,
    room: &'a Room,
    visits: usize,
    names: usize,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn object(&mut self, id: Id, path: &str, depth: usize) {
        self.visits += 1;
        self.names += path.len();
        if depth > MAX_DEPTH || self.visits > MAX_VISITS || self.names > MAX_NAMES {
            return;
        }
        let pickle = self.pickle;
        match pickle.get(id) {
            Object::Dict(items) => self.items(items, path, depth),
            Object::List(items) => {
                for (i, &item) in items.iter().enumerate() {
                    self.object(item, &join(path, &i.to_string()), depth + 1);
                }
            }
            Object::Call { callable, args, items } => {
                let Object::Global(module, name) = pickle.get(*callable) else { return };
                let args = pickle.list(*args);
                match (module.as_str(), name.as_str(), args) {
                    ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor_v3", _) => {
                        let found = self.tensor(args, path);
                        self.found.extend(found);
                    }
                    ("torch._utils", "_rebuild_parameter", [data, ..]) => {
                        self.object(*data, path, depth + 1);
                    }
                    _ => self.items(items, path, depth),
                }
            }
            _ => {}
        }
    }

    fn items(&mut self, items: &[(Id, Id)], path: &str, depth: usize) {
        let pickle = self.pickle;
        for &(key, value) in items {
            let name = match pickle.get(key) {
                Object::Text(text) => text.clone(),
                Object::Int(n) => n.to_string(),
                _ => continue,
            };
            self.object(value, &join(path, &name), depth + 1);
        }
    }

    /// A tensor of contiguous elements within its storage.
    fn tensor(&mut self, args: &[Id], path: &str) -> Option<Found> {
        let [storage, offset, shape, stride, more @ ..] = args else { return None };
        let Object::Persistent(reference) = self.pickle.get(*storage) else { return None };
        let [kind, class, key, ..] = self.pickle.list(*reference) else { return None };
        if self.pickle.text(*kind) != Some("storage") {
            return None;
        }
        let Object::Global(_, class) = self.pickle.get(*class) else { return None };
        // The third version names the type of the elements, not of the storage.
        let dtype = more.iter().find_map(|&id| match self.pickle.get(id) {
            Object::Global(module, name) if module == "torch" => dtype(name),
            _ => None,
        });
        let dtype = dtype.or_else(|| dtype_of_storage(class))?;
        let storage = *self.storages.get(self.pickle.text(*key)?)?;
        // One long list of dimensions may be that of many tensors.
        let dimensions = self.pickle.list(*shape).len();
        self.visits = self.visits.saturating_add(dimensions);
        if self.visits > MAX_VISITS {
            return None;
        }
        self.room.take(TENSOR + path.len() + 16 * dimensions)?;
        let ints = |id: Id| self.pickle.list(id).iter().map(|&i| self.pickle.int(i)).collect();
        let (shape, stride): (Option<Vec<u64>>, Option<Vec<u64>>) = (ints(*shape), ints(*stride));
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
        let start = storage.start.checked_add(self.pickle.int(*offset)?.checked_mul(width)?)?;
        let len = elements.checked_mul(width)?;
        let end = start.checked_add(len)?;
        (shape.len() == stride.len() && end <= storage.start.checked_add(storage.len)?).then(|| {
            Found { tensor: Tensor { name: path.to_owned(), dtype, shape, start, len }, storage }
        })
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
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
