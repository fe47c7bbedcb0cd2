//! Checkpoints of `torch.save`: a ZIP archive with a pickle (`data.pkl`) and each storage as a file of its own
//! (`data/0`, `data/1`, …), stored, not compressed.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::pickle::{Id, Object, Pickle};
use super::{Piece, Tensor, element, rows};

/// A pickle beyond this is not read.
const MAX_PICKLE: u64 = 64 << 20;
/// Deepest nesting of dictionaries and objects that is followed.
const MAX_DEPTH: usize = 32;
/// Bytes of names, of all tensors and what leads to them: keys may be shared.
const MAX_NAMES: usize = 16 << 20;
/// Objects that are visited: sharing could make them many.
const MAX_VISITS: usize = 1 << 22;

/// A stored file of the archive.
#[derive(Clone, Copy)]
struct Storage {
    start: u64,
    len: u64,
}

/// Tensors, and typed ranges; none if the file is no such archive.
pub(super) fn read<R: Read + Seek>(file: &mut R) -> io::Result<Option<(Vec<Tensor>, Vec<Piece>)>> {
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || magic != *b"PK\x03\x04" {
        return Ok(None);
    }
    let Ok(mut zip) = zip::ZipArchive::new(file) else { return Ok(None) };
    let mut storages = BTreeMap::new();
    let mut pickle = None;
    let mut big_endian = false;
    for i in 0..zip.len() {
        let Ok(mut entry) = zip.by_index_raw(i) else { continue };
        if entry.compression() != zip::CompressionMethod::Stored || entry.encrypted() {
            continue;
        }
        let Ok(name) = entry.name() else { continue };
        let Some((_, name)) = name.split_once('/') else { continue };
        let (name, len) = (name.to_owned(), entry.size());
        if name == "data.pkl" && len <= MAX_PICKLE {
            let mut bytes = Vec::new();
            entry.by_ref().take(MAX_PICKLE).read_to_end(&mut bytes).ok();
            pickle = Some(bytes);
        } else if name == "byteorder" {
            let mut order = String::new();
            entry.by_ref().take(16).read_to_string(&mut order).ok();
            big_endian = order == "big";
        } else if let (Some(key), Some(start)) = (name.strip_prefix("data/"), entry.data_start()) {
            storages.insert(key.to_owned(), Storage { start, len });
        }
    }
    let Some(pickle) = pickle.filter(|_| !big_endian) else { return Ok(None) };
    let Some((pickle, top)) = Pickle::read(&pickle) else { return Ok(None) };
    let mut walk =
        Walk { pickle: &pickle, storages: &storages, visits: 0, names: 0, found: Vec::new() };
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
    Ok(Some((walk.found.into_iter().map(|f| f.tensor).collect(), typed)))
}

struct Found {
    tensor: Tensor,
    storage: Storage,
}

/// Goes through the objects of a checkpoint and collects tensors.
struct Walk<'a> {
    pickle: &'a Pickle,
    storages: &'a BTreeMap<String, Storage>,
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
                        self.found.extend(self.tensor(args, path));
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
    fn tensor(&self, args: &[Id], path: &str) -> Option<Found> {
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
