//! Inputs: a regular file, standard input, or a pipe with a name. Directories and devices are refused before they
//! are opened; opening a named pipe waits for whoever writes to it, as `cat` does.

use std::fs::{File, Metadata};
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::failure::Failure;
use crate::meta::identity;

/// An open input.
pub struct Source {
    /// As given; `-` for standard input.
    pub name: PathBuf,
    /// What it is called for people and in the archive: its name, unless it stands for another file.
    pub title: PathBuf,
    /// The file, where it is a regular one.
    pub file: Option<File>,
    /// What the system says of it, if it is a regular file with a name.
    pub meta: Option<Metadata>,
    /// Its length, where that is known.
    pub len: Option<u64>,
    head: Vec<u8>,
    reader: Box<dyn Read>,
}

/// Whether a name means standard input.
pub fn is_stdin(name: &Path) -> bool {
    name == Path::new("-") || name == Path::new("/dev/stdin")
}

impl Source {
    /// Opens an input.
    ///
    /// # Errors
    /// I/O, or what it is instead of a file.
    pub fn open(name: &Path) -> Result<Self, Failure> {
        if is_stdin(name) {
            return Self::stdin();
        }
        let (file, meta) = open_file(name)?;
        let regular = meta.is_file();
        let reader = file.try_clone().map_err(Failure::io(""))?;
        Ok(Self {
            name: name.to_owned(),
            title: name.to_owned(),
            file: regular.then_some(file),
            len: regular.then_some(meta.len()),
            meta: regular.then_some(meta),
            head: Vec::new(),
            reader: Box::new(reader),
        })
    }

    fn stdin() -> Result<Self, Failure> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(Failure::usage(
                "nothing is read from a terminal; name a file or use a pipe (see vxc --help)",
            ));
        }
        let (len, reader) = stdin_reader(stdin)?;
        let name = PathBuf::from("-");
        let title = name.clone();
        Ok(Self { name, title, file: None, meta: None, len, head: Vec::new(), reader })
    }

    /// The first bytes, up to `most`. They are read again afterwards.
    ///
    /// # Errors
    /// I/O.
    pub fn peek(&mut self, most: usize) -> Result<&[u8], Failure> {
        if self.head.len() < most {
            let more = (most - self.head.len()) as u64;
            self.reader
                .by_ref()
                .take(more)
                .read_to_end(&mut self.head)
                .map_err(Failure::io("cannot read"))?;
        }
        Ok(&self.head)
    }

    /// Everything, as a reader that counts.
    pub fn into_reader(self, count: Arc<AtomicU64>) -> impl Read {
        Counting { inner: Cursor::new(self.head).chain(self.reader), count }
    }
}

/// Whether a name is that of a pipe: one made by `mkfifo`, or one that the shell opened.
pub fn is_pipe(name: &Path) -> bool {
    std::fs::metadata(name).is_ok_and(|meta| is_fifo(&meta))
}

#[cfg(unix)]
fn is_fifo(meta: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&meta.file_type())
}

#[cfg(not(unix))]
fn is_fifo(_: &Metadata) -> bool {
    false
}

/// Opens a regular file or a pipe, also one that the shell opened (`/dev/fd/63` of `<(command)`).
///
/// # Errors
/// I/O, or what it is instead of a file.
pub fn open_file(name: &Path) -> Result<(File, Metadata), Failure> {
    let meta = std::fs::metadata(name).map_err(Failure::io(""))?;
    let shell = ["/dev/fd/", "/proc/self/fd/"]
        .iter()
        .any(|folder| name.as_os_str().as_encoded_bytes().starts_with(folder.as_bytes()));
    if meta.is_dir() {
        return Err(Failure::usage("is a directory, not a file (tar -I vxc packs directories)"));
    }
    if !meta.is_file() && !is_fifo(&meta) && !shell {
        return Err(Failure::usage("is neither a regular file nor a pipe"));
    }
    let file = File::open(name).map_err(Failure::io(""))?;
    let meta = file.metadata().map_err(Failure::io(""))?;
    Ok((file, meta))
}

/// Whether two names lead to one file.
pub fn same_file(a: &Metadata, b: &Metadata) -> bool {
    identity(a).is_some() && identity(a) == identity(b)
}

/// The rest of standard input, unbuffered, and its length if it is a file.
#[cfg(unix)]
fn stdin_reader(stdin: io::Stdin) -> Result<(Option<u64>, Box<dyn Read>), Failure> {
    use std::os::fd::AsFd;
    let owned = stdin.as_fd().try_clone_to_owned().map_err(Failure::io("standard input"))?;
    let file = File::from(owned);
    let meta = file.metadata().map_err(Failure::io("standard input"))?;
    if meta.is_dir() {
        return Err(Failure::usage("standard input is a directory"));
    }
    Ok((meta.is_file().then_some(meta.len()), Box::new(file)))
}

#[cfg(not(unix))]
fn stdin_reader(stdin: io::Stdin) -> Result<(Option<u64>, Box<dyn Read>), Failure> {
    Ok((None, Box::new(stdin)))
}

/// Counts what is read.
struct Counting<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Relaxed);
        Ok(n)
    }
}
