//! What the test says of a damaged archive: which segments can be had, and which bytes are lost.

use std::ops::Range;
use std::path::Path;

use vxc::archive::SegmentEntry;
use vxc::salvage::Piece;
use vxc::{DecompressOptions, Header};
use vxc_format::SegmentInfo;

use super::{NO_END, bytes, open, over};
use crate::console::{Console, LINES, Shown, print};
use crate::failure::Failure;
use crate::input::Source;
use crate::list;

/// An archive within a file, for lines about its segments.
struct Place {
    /// Its number, if there are several.
    archive: Option<usize>,
    /// Where its content starts in what decompression gives.
    base: u64,
    /// The file whose unpacked form its content is.
    original: Option<u64>,
}

impl Place {
    fn new(number: usize, of: usize, base: u64, header: Option<&Header>) -> Self {
        let original = header.and_then(|h| h.original).map(|o| o.digest.len);
        Self { archive: (of > 1).then_some(number), base, original }
    }

    /// What the test says of a range of the content.
    fn line(&self, name: &Path, segment: Option<u64>, range: &Range<u64>, state: &str) -> String {
        let archive = self.prefix();
        let which = segment.map_or("segments unknown".to_owned(), |n| format!("segment {n}"));
        let range = match self.original {
            None => {
                let at = |offset: u64| self.base.saturating_add(offset);
                bytes(&(at(range.start)..at(range.end)))
            }
            Some(_) => format!("{} of the unpacked form", bytes(range)),
        };
        format!("{} : {archive}{which}, {range} : {state}\n", Shown(name))
    }

    /// Which archive, if there are several.
    fn prefix(&self) -> String {
        self.archive.map_or(String::new(), |n| format!("archive {n}, "))
    }

    /// Where the next archive's content starts, behind `content` bytes of this one's.
    fn next(&self, content: u64) -> u64 {
        self.base.saturating_add(self.original.unwrap_or(content))
    }
}

/// Says of each segment of an archive that was decoded whole that it can be had, on standard output.
///
/// # Errors
/// I/O.
pub fn report_whole(options: &DecompressOptions, name: &Path) -> Result<(), Failure> {
    let (mut archive, _) = list::open(name, options)?;
    let segments = list::segments(&mut archive)?;
    let mut segments = segments.iter().peekable();
    let headers: Vec<&Header> = archive.headers().collect();
    let mut text = String::new();
    let mut base = 0;
    for (number, (header, footer)) in headers.iter().zip(archive.footers()).enumerate() {
        let place = Place::new(number, headers.len(), base, Some(header));
        while let Some(SegmentEntry { info, .. }) = segments.next_if(|s| s.archive == number) {
            text.push_str(&place.line(name, Some(info.number), &span(info), "OK"));
            if text.len() >= LINES {
                print(&std::mem::take(&mut text))?;
            }
        }
        base = place.next(footer.content.len);
    }
    print(&text)
}

/// Says which segments cannot be had, on standard output; with `-v` also which can.
///
/// # Errors
/// A limit; I/O.
pub fn report(options: &DecompressOptions, name: &Path, console: &Console) -> Result<(), Failure> {
    let mut salvage = open(options, &mut Source::open(name)?)?;
    let most = options.limits.max_output;
    let (mut base, mut content) = (0, 0u64);
    let shown = Shown(name);
    for number in 0..salvage.archives().len() {
        let archives = salvage.archives();
        let place = Place::new(number, archives.len(), base, archives[number].header.as_ref());
        let mut reached = 0;
        let end_known = salvage.decode(number, |piece| {
            let (segment, range, state) = match piece {
                Piece::Content(header, _) => {
                    (Some(header.info.number), span(&header.info), "OK".to_owned())
                }
                Piece::Lost(loss) => {
                    (loss.segment, loss.content.clone(), format!("lost ({})", loss.why))
                }
            };
            reached = range.end;
            if content.saturating_add(reached) > most {
                return Err(over(content.saturating_add(reached), most));
            }
            match piece {
                Piece::Content(..) if !console.verbose() => Ok(()),
                _ => print(&place.line(name, segment, &range, &state)),
            }
        })?;
        content = content.saturating_add(reached);
        base = place.next(reached);
        if !end_known {
            print(&format!("{shown} : {}{NO_END}\n", place.prefix()))?;
        }
    }
    for range in salvage.damaged() {
        print(&format!("{shown} : {} of the file are damaged\n", bytes(range)))?;
    }
    Ok(())
}

fn span(info: &SegmentInfo) -> Range<u64> {
    info.raw_offset..info.raw_end()
}
