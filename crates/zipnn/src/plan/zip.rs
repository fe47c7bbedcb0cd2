//! The files of a ZIP archive that are stored as they are: where each of them lies. One entry is read after the other; a
//! library would keep all that an archive says of all files.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 to 4.3.16 (directory and its end), 4.5.3
//! (64-bit sizes).

use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::memory::Room;

/// Where a stored file lies.
#[derive(Clone, Copy)]
pub(super) struct Storage {
    pub start: u64,
    pub len: u64,
}

/// Bytes of the record at the end, without its comment.
const END: u64 = 22;
/// Bytes in front of it that say where the record with 64-bit numbers is.
const LOCATOR: u64 = 20;
/// Most bytes of a directory: entries of what is not stored take time, though no memory.
const MAX_DIRECTORY: u64 = 100_000_000;
/// What an entry takes beside its name, in this list and in a map.
const ENTRY: usize = 160;

/// Stored files of which nothing is cut off, by their names without the first folder, in the order in which they lie; none
/// if this is no such archive, or the list does not fit.
pub(super) fn stored<R: Read + Seek>(
    file: &mut R,
    len: u64,
    room: &Room,
) -> Option<Vec<(String, Storage)>> {
    let (count, start) = directory(file, len)?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut input = BufReader::with_capacity(1 << 16, file.by_ref().take(MAX_DIRECTORY));
    let mut found = Vec::new();
    for _ in 0..count {
        if let Some((name, storage)) = entry(&mut input, len)? {
            room.take(ENTRY + 2 * name.capacity())?;
            found.push((name, storage));
        }
    }
    drop(input);
    // In this order each place is read once.
    found.sort_by_key(|(_, s)| s.start);
    found.retain_mut(|(_, storage)| {
        let Some(start) = behind_header(file, storage.start) else { return false };
        storage.start = start;
        start.checked_add(storage.len).is_some_and(|end| end <= len)
    });
    Some(found)
}

/// Where the content of a file begins whose local header is here.
fn behind_header<R: Read + Seek>(file: &mut R, at: u64) -> Option<u64> {
    let mut header = [0; 30];
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut header).ok()?;
    let mut fields = Fields(&header);
    if fields.u32()? != 0x0403_4b50 {
        return None;
    }
    fields.skip(22)?;
    at.checked_add(30 + u64::from(fields.u16()?) + u64::from(fields.u16()?))
}

/// Number of entries, and where the first one is.
fn directory<R: Read + Seek>(file: &mut R, len: u64) -> Option<(u64, u64)> {
    let from = len.saturating_sub(LOCATOR + END + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut tail = Vec::new();
    file.by_ref().take(len - from).read_to_end(&mut tail).ok()?;
    // The last one whose comment ends with the file.
    let at = (0..=tail.len().checked_sub(END as usize)?).rev().find(|&at| {
        let record = tail.get(at..).unwrap_or_default();
        record.starts_with(b"PK\x05\x06") && comment(record) == Some(record.len() - END as usize)
    })?;
    let mut record = Fields(tail.get(at..)?);
    record.skip(10)?;
    let (count, _, start) = (record.u16()?, record.u32()?, record.u32()?);
    let locator = at.checked_sub(LOCATOR as usize).and_then(|from| tail.get(from..at));
    let Some(mut locator) = locator.map(Fields).filter(|l| l.0.starts_with(b"PK\x06\x07")) else {
        return Some((count.into(), start.into()));
    };
    locator.skip(8)?;
    file.seek(SeekFrom::Start(locator.u64()?)).ok()?;
    let mut record = [0; 56];
    file.read_exact(&mut record).ok()?;
    let mut record = Fields(&record);
    if record.u32()? != 0x0606_4b50 {
        return None;
    }
    record.skip(28)?;
    let (count, _, start) = (record.u64()?, record.u64()?, record.u64()?);
    Some((count, start))
}

/// Bytes of the comment behind the record at the end.
fn comment(record: &[u8]) -> Option<usize> {
    let mut fields = Fields(record);
    fields.skip(20)?;
    Some(fields.u16()?.into())
}

/// The next entry of the directory: its name and where its local header is, if it is stored as it is, in a folder. None
/// at all if there is no entry.
#[allow(clippy::option_option)]
fn entry<R: Read>(input: &mut R, len: u64) -> Option<Option<(String, Storage)>> {
    let mut header = [0; 46];
    input.read_exact(&mut header).ok()?;
    let mut fields = Fields(&header);
    if fields.u32()? != 0x0201_4b50 {
        return None;
    }
    fields.skip(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.skip(8)?;
    let (packed, size) = (fields.u32()?, fields.u32()?);
    let (name_len, extra_len, comment_len) = (fields.u16()?, fields.u16()?, fields.u16()?);
    fields.skip(8)?;
    let start = fields.u32()?;
    let mut name = vec![0; name_len.into()];
    input.read_exact(&mut name).ok()?;
    let mut extra = vec![0; extra_len.into()];
    input.read_exact(&mut extra).ok()?;
    let comment_len = u64::from(comment_len);
    if std::io::copy(&mut input.take(comment_len), &mut std::io::sink()).ok()? != comment_len {
        return None;
    }
    let (size, _, start) = wide([size, packed, start], &extra)?;
    let slash = name.iter().position(|&b| b == b'/');
    let name = slash.and_then(|at| String::from_utf8(name.split_off(at + 1)).ok());
    let stored = method == 0 && flags & 1 == 0;
    Some(name.filter(|_| stored && start < len).map(|name| (name, Storage { start, len: size })))
}

/// Sizes and position with their 64-bit values, which lie in an extra field where the short ones are at their end.
fn wide(short: [u32; 3], mut extra: &[u8]) -> Option<(u64, u64, u64)> {
    let mut long = Fields(&[]);
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let mut head = Fields(head);
        let (id, n) = (head.u16()?, usize::from(head.u16()?));
        let (body, rest) = rest.split_at_checked(n)?;
        extra = rest;
        if id == 1 {
            long = Fields(body);
            break;
        }
    }
    let [a, b, c] = short.map(|n| if n == u32::MAX { long.u64() } else { Some(n.into()) });
    Some((a?, b?, c?))
}

/// Little-endian numbers one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn skip(&mut self, n: usize) -> Option<()> {
        self.0 = self.0.get(n..)?;
        Some(())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Result, SeekFrom};

    /// An archive whose directory says again and again: a file that is packed. It exists where it is read alone.
    struct Packed {
        entries: u64,
        at: u64,
        read: u64,
    }

    /// An entry of a file without a name, packed by method 8.
    const ENTRY_BYTES: u64 = 46;

    impl Packed {
        fn tail(&self) -> Vec<u8> {
            let directory = self.entries * ENTRY_BYTES;
            let mut tail = b"PK\x06\x06".to_vec();
            tail.extend([0; 28]);
            tail.extend([self.entries, directory, 0].map(u64::to_le_bytes).concat());
            tail.extend(b"PK\x06\x07\0\0\0\0");
            tail.extend(directory.to_le_bytes());
            tail.extend([1, 0, 0, 0]);
            tail.extend(b"PK\x05\x06\0\0\0\0");
            tail.extend([255; 12]);
            tail.extend([0; 2]);
            tail
        }

        fn len(&self) -> u64 {
            self.entries * ENTRY_BYTES + self.tail().len() as u64
        }
    }

    impl Read for Packed {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let directory = self.entries * ENTRY_BYTES;
            let n = if let Some(left) = directory.checked_sub(self.at).filter(|&left| left > 0) {
                let mut entry = [0; ENTRY_BYTES as usize];
                entry[..4].copy_from_slice(b"PK\x01\x02");
                entry[10] = 8;
                let n = buffer.len().min(left as usize);
                let entries = entry.iter().cycle().skip((self.at % ENTRY_BYTES) as usize);
                buffer[..n].iter_mut().zip(entries).for_each(|(to, &from)| *to = from);
                n
            } else {
                let tail = self.tail();
                tail.get((self.at - directory) as usize..).unwrap_or_default().read(buffer)?
            };
            self.at += n as u64;
            self.read += n as u64;
            Ok(n)
        }
    }

    impl Seek for Packed {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            let SeekFrom::Start(at) = to else { panic!("{to:?}") };
            self.at = at;
            Ok(at)
        }
    }

    #[test]
    fn a_directory_without_end_is_none() {
        let found = |entries| {
            let mut file = Packed { entries, at: 0, read: 0 };
            let len = file.len();
            (stored(&mut file, len, &Room::unlimited()).map(|list| list.len()), file.read)
        };
        assert_eq!(found(1000).0, Some(0));
        let most = MAX_DIRECTORY / ENTRY_BYTES;
        assert_eq!(found(most).0, Some(0));
        let (none, read) = found(2 * most);
        assert_eq!(none, None);
        assert!(read < MAX_DIRECTORY + (1 << 17), "{read} bytes were read");
    }

    /// An entry whose file would end behind the archive.
    #[test]
    fn what_is_cut_off_is_not_there() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored_ones = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in [("m/a", &b"first"[..]), ("m/b", b"second")] {
            zip.start_file(name, stored_ones).unwrap();
            std::io::Write::write_all(&mut zip, bytes).unwrap();
        }
        let mut file = zip.finish().unwrap().into_inner();
        let names = |file: &[u8]| -> Vec<String> {
            let list = stored(&mut Cursor::new(file), file.len() as u64, &Room::unlimited());
            list.unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&file), ["a", "b"]);
        let second =
            (0..file.len()).rev().find(|&at| file[at..].starts_with(b"PK\x01\x02")).unwrap();
        let start = u32::from_le_bytes(file[second + 42..second + 46].try_into().unwrap());
        // As long as the rest of the file, and one byte longer.
        let rest = file.len() as u32 - start - 30 - 3;
        for (len, expected) in [(rest, &["a", "b"][..]), (rest + 1, &["a"])] {
            for at in [20, 24] {
                file[second + at..second + at + 4].copy_from_slice(&len.to_le_bytes());
            }
            assert_eq!(names(&file), expected, "{len} bytes");
        }
    }
}
