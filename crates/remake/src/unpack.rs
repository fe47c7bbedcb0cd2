//! The unpacked form as the file that it was: the inverse of [`pack`](crate::pack()).

mod group;
mod store;

use crate::codec::deflate::Stream;
use crate::error::RemakeError;
use crate::form::{Bytes, Form, Sections};
use crate::memory;
use group::{Group, Made};
use std::io::{Read, Write};
use std::ops::Range;

const UNENDED: RemakeError = RemakeError::Corruption("a stream that does not end");

/// What a reader is willing to spend, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The file.
    pub file: u64,
    /// Memory, the reader's of the form not included: a group, and what making one of its pieces takes.
    pub memory: u64,
}

impl Limits {
    /// A file of at most so many bytes, in memory that is enough for every form that is written.
    pub const fn of_file(file: u64) -> Self {
        Self { file, memory: memory::DEFAULT }
    }
}

/// Makes the file again, group by group; gives its length.
///
/// # Errors
/// [`RemakeError::Corruption`], [`RemakeError::InsufficientData`], [`RemakeError::LimitExceeded`] for what no writer
/// makes or a file that is too long; [`RemakeError::MemoryExceeded`], [`RemakeError::Encoder`], I/O. What was written
/// before is right as far as it goes.
pub fn unpack(form: impl Read, mut file: impl Write, limits: Limits) -> Result<u64, RemakeError> {
    let mut form = Form::whole(form);
    let mut unpacker = Unpacker::new(limits);
    while unpacker.next(&mut form, &mut file)? {}
    unpacker.finish()
}

/// As [`unpack`], of a form that is cut short or has gaps, where its bytes may be any: makes the file again up to the
/// first thing that needs a lost byte. `intact` says how many bytes from the start of a range on, whose last byte was
/// read, are no gap. Says whether the file is complete.
///
/// # Errors
/// As [`unpack`] where the form is intact; [`RemakeError::MemoryExceeded`] also where it is not.
pub fn unpack_damaged(
    form: impl Read,
    intact: impl Fn(Range<u64>) -> u64,
    mut file: impl Write,
    limits: Limits,
) -> Result<bool, RemakeError> {
    let mut form = Form::with_gaps(form, intact);
    let mut unpacker = Unpacker::new(limits);
    let made = loop {
        match unpacker.next(&mut form, &mut file) {
            Ok(true) => {}
            Ok(false) => break unpacker.finish(),
            Err(e) => break Err(e),
        }
    };
    match made {
        // What is lost did not ask for it.
        Err(e @ RemakeError::MemoryExceeded { .. }) => Err(e),
        Err(_) if form.damaged => Ok(false),
        made => made.map(|_| true),
    }
}

/// Makes a file again from groups that come one by one.
#[derive(Debug)]
pub struct Unpacker {
    limits: Limits,
    /// Bytes of the file so far.
    at: u64,
    /// A stream that has not ended.
    stream: Option<Stream>,
}

impl Unpacker {
    /// At the start of a file.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, at: 0, stream: None }
    }

    /// Bytes of the file so far.
    pub const fn made(&self) -> u64 {
        self.at
    }

    /// The bytes of the file that the next group stands for.
    ///
    /// # Errors
    /// As [`unpack`]; then this is at its end.
    pub fn group(&mut self, form: impl Read, file: impl Write) -> Result<(), RemakeError> {
        self.next(&mut Form::whole(form), file).map(|_| ())
    }

    /// After the last group: the length of the file.
    ///
    /// # Errors
    /// [`RemakeError::Corruption`] where a stream has not ended.
    pub fn finish(self) -> Result<u64, RemakeError> {
        if self.stream.is_some() { Err(UNENDED) } else { Ok(self.at) }
    }

    /// The next group of a form, if there is one.
    fn next<R: Read, I: Fn(Range<u64>) -> u64>(
        &mut self,
        form: &mut Form<R, I>,
        mut file: impl Write,
    ) -> Result<bool, RemakeError> {
        let limits = self.limits;
        let Some(sections) = Sections::read(form, limits.memory)? else { return Ok(false) };
        let columns: Vec<_> = sections.columns.iter().map(|column| Bytes(&column.bytes)).collect();
        let bytes = [&sections.recipe, &sections.kept].into_iter();
        let bytes = bytes.chain(sections.columns.iter().map(|column| &column.bytes));
        let sizes = bytes.map(|bytes| bytes.len() as u64);
        let mut group = Group {
            recipe: Bytes(&sections.recipe),
            kept: Bytes(&sections.kept),
            memory: limits.memory,
            taken: sizes.fold(memory::columns(columns.len() as u64), u64::saturating_add),
            columns,
            lengths: Vec::new(),
            held: 0,
            work: 0,
            last: usize::MAX,
            at: self.at,
            stream: self.stream.take(),
            damaged: form.damaged,
            stopped: false,
        };
        while !group.recipe.0.is_empty() {
            let Made { key, stored } = group.op()?;
            let bytes = (key.len() as u64).saturating_add(stored.len() as u64);
            group.at = group.at.saturating_add(bytes);
            if group.at > limits.file {
                let (needed, limit) = (group.at, limits.file);
                return Err(RemakeError::LimitExceeded { needed, limit });
            }
            file.write_all(&key)?;
            file.write_all(&stored)?;
            if group.stopped {
                return Err(RemakeError::InsufficientData);
            }
        }
        group.finish()?;
        self.at = group.at;
        self.stream = group.stream;
        if form.damaged {
            // What the recipe has lost is not known.
            return Err(RemakeError::InsufficientData);
        }
        Ok(true)
    }
}
