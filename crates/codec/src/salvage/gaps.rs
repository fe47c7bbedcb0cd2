//! What of an archive's content no intact segment holds.

use vxc_format::constants::{EXPANSION_SLACK, MAX_EXPANSION};
use vxc_format::recover::{LostContent, RecoveredArchive};

use crate::error::Error;

/// What intact heads, headers and footers of a file claim beyond this is a lie, and must not make a file of any size.
pub(super) const fn most_content(file_bytes: u64) -> u64 {
    file_bytes.saturating_mul(MAX_EXPANSION + EXPANSION_SLACK / 16)
}

/// What no intact segment of an archive holds, and whether its content's end is known. `claimed` sums the lost bytes of
/// a file, which may be `most`.
pub(super) fn gaps(
    archive: &RecoveredArchive,
    most: u64,
    claimed: &mut u64,
) -> Result<(Vec<LostContent>, bool), Error> {
    let mut lost = archive.lost_content();
    let mut end_known = archive.content_end().is_some();
    let mut left = most.saturating_sub(*claimed);
    let reached = archive.segments.last().map_or(0, |(h, _)| h.info.raw_end());
    let mut kept = 0;
    for gap in &lost {
        let Some(rest) = left.checked_sub(gap.content.end - gap.content.start) else { break };
        (left, kept) = (rest, kept + 1);
    }
    // Of a large archive that is cut short, the tail may be more than the rest can hold; its length would be all zeros.
    if lost.get(kept).is_some_and(|gap| gap.content.start < reached) {
        let message = "segments lie further apart than the file can have held";
        return Err(Error::Corruption(message.into()));
    }
    end_known &= kept == lost.len();
    lost.truncate(kept);
    *claimed = most.saturating_sub(left);
    Ok((lost, end_known))
}
