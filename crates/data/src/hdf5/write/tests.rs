use super::*;
use crate::dtype::{DtypeKind, Member};
use crate::hdf5::Hdf5File;
use std::io::Cursor;
use vxc_tokens::layout::{Endian, Kind};

#[test]
fn checksums_of_the_author() {
    assert_eq!(lookup3(b""), 0xdead_beef);
    assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
}

fn number(kind: Kind, endian: Endian) -> Dtype {
    Dtype { bytes: kind.bytes(), kind: DtypeKind::Number(kind, endian) }
}

fn datasets() -> Vec<NewDataset> {
    let kinds =
        [Kind::F16, Kind::F32, Kind::F64, Kind::I8, Kind::I16, Kind::I32, Kind::I64, Kind::U8];
    let kinds = kinds.into_iter().chain([Kind::U16, Kind::U32, Kind::U64]);
    let all =
        kinds.flat_map(|kind| [Endian::Little, Endian::Big].map(|endian| number(kind, endian)));
    let (mut members, mut offset) = (Vec::new(), 1usize);
    for (i, dtype) in all.enumerate() {
        let bytes = dtype.bytes;
        // A byte has no order, and is read as little-endian.
        if bytes == 1 && i % 2 == 1 {
            continue;
        }
        members.push(Member { name: format!("m{i}"), offset, dtype });
        offset += bytes + i % 3;
    }
    let base = Box::new(number(Kind::U8, Endian::Little));
    let names = vec![("FALSE".into(), vec![0]), ("TRUE".into(), vec![1])];
    let f4 = Box::new(number(Kind::F32, Endian::Little));
    let kinds = [
        (1, DtypeKind::Enum { base, names }),
        (24, DtypeKind::Array { base: f4, shape: vec![2, 3] }),
        (5, DtypeKind::Bytes("string")),
        (9, DtypeKind::Bytes("opaque")),
    ];
    for (i, (bytes, kind)) in kinds.into_iter().enumerate() {
        members.push(Member { name: format!("k{i}"), offset, dtype: Dtype { bytes, kind } });
        offset += bytes;
    }
    let compound = Dtype { bytes: offset + 3, kind: DtypeKind::Compound(members) };
    let of = |path: &str, dtype: &Dtype, shape: &[u64]| NewDataset {
        path: path.into(),
        dtype: dtype.clone(),
        shape: shape.to_vec(),
    };
    vec![
        of("jets", &compound, &[7]),
        of("a/b/matrix", &number(Kind::F32, Endian::Little), &[3, 5]),
        of("a/scalar", &number(Kind::F64, Endian::Little), &[]),
        of("a/empty", &number(Kind::I16, Endian::Big), &[0, 4]),
        of("a/b/n\u{e9}", &number(Kind::U8, Endian::Little), &[3]),
    ]
}

#[test]
fn what_is_written_is_read() {
    let datasets = datasets();
    let values: Vec<Vec<u8>> = datasets
        .iter()
        .map(|d| (0..d.bytes().unwrap()).map(|i| (i * i % 251) as u8).collect())
        .collect();
    let mut file = Vec::new();
    write(&mut file, &datasets, |at, out| Ok(out.write_all(&values[at])?)).unwrap();
    let file = Hdf5File::open(Cursor::new(file)).unwrap();
    let entries = file.entries().unwrap();
    assert_eq!(entries.len(), datasets.len());
    for entry in entries {
        let at = datasets.iter().position(|d| d.path == entry.path).unwrap();
        let found = entry.dataset.unwrap();
        assert_eq!(found.shape, datasets[at].shape, "{}", entry.path);
        assert_eq!(found.dtype, datasets[at].dtype, "{}", entry.path);
        assert_eq!(file.values(&found).unwrap(), values[at], "{}", entry.path);
    }
}

#[test]
fn what_cannot_be_written() {
    let of = |path: &str, bytes| NewDataset {
        path: path.into(),
        dtype: Dtype { bytes, kind: DtypeKind::Bytes("opaque") },
        shape: vec![2],
    };
    let run =
        |datasets: &[NewDataset]| write(Vec::new(), datasets, |_, out| Ok(out.write_all(b"ab")?));
    assert!(run(&[of("a", 1)]).is_ok());
    for paths in [&["a", "a"][..], &["a", "a/b"], &["a/b", "a"], &["/a"], &["a/"], &[""], &["a//b"]]
    {
        let datasets: Vec<_> = paths.iter().map(|path| of(path, 1)).collect();
        assert!(run(&datasets).is_err(), "{paths:?}");
    }
    assert!(run(&[of("a", 3)]).is_err());
    let huge = NewDataset { shape: vec![u64::MAX, 9], ..of("a", 1) };
    assert!(run(&[huge]).is_err());
}
