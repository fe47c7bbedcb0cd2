//! Every number that the format fixes, with its reason. Changing one is a change of format version.

/// First bytes of an archive. As in PNG: a byte above 127 (7-bit transfers break it), letters to
/// recognise, CR LF and LF (text-mode transfers break them), and 0x1A, which ends a listing on DOS.
pub const SIGNATURE: [u8; 8] = [0x89, b'V', b'X', b'C', 0x0D, 0x0A, 0x1A, 0x0A];

/// Last bytes of an archive: the signature's first four reversed, so neither is found in the other.
pub const END_MAGIC: [u8; 4] = [b'C', b'X', b'V', 0x89];

/// The format version that this crate writes, and the only one that it reads.
pub const FORMAT_VERSION: u8 = 1;

/// Largest header body in bytes. It holds a name of [`MAX_NAME_BYTES`] and leaves room for later fields;
/// a reader never buffers more before the header's checksum has been seen to hold.
pub const MAX_HEADER_BODY: usize = 8192;

/// Largest original name in bytes: the longest path of Linux. Names are base names, far shorter.
pub const MAX_NAME_BYTES: usize = 4096;

/// Largest head of a block: its length is a varint of one byte. The largest that version 1 can write is
/// a segment's with 49 bytes.
pub const MAX_HEAD_BYTES: usize = 127;

/// Largest number of bytes before a block's payload: tag 1, head length 1, payload length 10, payload
/// checksum 4, head, head checksum 4. A scan for blocks needs that much look-ahead.
pub const MAX_FRAME_PREFIX: usize = 1 + 1 + 10 + 4 + MAX_HEAD_BYTES + 4;

/// Size of the footer in bytes; fixed, so that it is found from the end of the file.
pub const FOOTER_BYTES: usize = 64;

/// Largest raw length of a segment: 1 GiB, so that lengths and offsets inside a segment fit 32 bits on
/// every machine and one segment's memory can be had.
pub const MAX_SEGMENT_RAW: u64 = 1 << 30;

/// A segment of `c` coded bytes declares at most `MAX_EXPANSION · c + EXPANSION_SLACK` raw bytes.
/// This bounds the work that a coded byte can ask for, before any model runs. A probability is at most
/// 1 − 2^-12 in a binary decision (3.5e-4 bits), a byte is 8 decisions, so 2,839 raw bytes per coded byte
/// is the most that clamped byte models reach; a field of 8 bytes coded as one symbol reaches 22,715. The
/// power of two between costs a constant input at most one zero byte in 16 KiB (0.006 %).
pub const MAX_EXPANSION: u64 = 1 << 14;

/// Raw bytes that a segment may declare whatever its coded length: a page, so that small segments need
/// no padding. A segment's head costs more than 20 bytes of input, so work stays bounded by input bytes.
pub const EXPANSION_SLACK: u64 = 4096;

/// A segment of `r` raw bytes has at most `MAX_CODED_FACTOR · r + CODED_SLACK` coded bytes. What does not
/// shrink is stored, so only a segment that others are primed by ever exceeds its raw size, and by little.
pub const MAX_CODED_FACTOR: u64 = 2;

/// See [`MAX_CODED_FACTOR`].
pub const CODED_SLACK: u64 = 4096;

/// Number of bytes of a model id: a whole BLAKE3 hash.
pub const MODEL_ID_BYTES: usize = 32;

/// How many streams have a segment that may prime others: a reader keeps no more final states. Of each stream it is the
/// last segment that starts from no other, and a further stream takes the place of the one whose is oldest.
pub const KEPT_KEYS: usize = 2;

/// Largest number of stream definitions in an archive: a container of many tables (a tar of npy files)
/// has thousands; ids must fit 32 bits with room.
pub const MAX_STREAMS: u32 = 1 << 24;

/// First memory step when a declared number of bytes is read; later steps double what has arrived.
/// A reader's choice, no part of the format.
pub const READ_STEP: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_do_not_contain_each_other() {
        assert!(!SIGNATURE.windows(4).any(|w| w == END_MAGIC));
        assert_eq!(SIGNATURE[..4], [0x89, 0x56, 0x58, 0x43]);
        let mut reversed = END_MAGIC;
        reversed.reverse();
        assert_eq!(reversed, SIGNATURE[..4]);
    }

    #[test]
    fn sizes_are_consistent() {
        // Footer: index offset, index length, raw size, BLAKE3, Adler-32, CRC32C, end magic.
        assert_eq!(FOOTER_BYTES, 8 + 4 + 8 + 32 + 4 + 4 + 4);
        const {
            assert!(MAX_FRAME_PREFIX == 147 && CODED_SLACK == 4096 && EXPANSION_SLACK == 4096);
            // Segment head: number, raw offset, stream, kind, primed-by, raw length, XXH3, at their longest.
            assert!(10 + 10 + 5 + 1 + 10 + 5 + 8 <= MAX_HEAD_BYTES);
            assert!(5 + 1 + 1 + MODEL_ID_BYTES <= MAX_HEAD_BYTES);
            assert!(MAX_HEAD_BYTES < 128, "the head length must be a varint of one byte");
            // Header body: level, profile, writer, name, mtime, mode, raw size, original.
            assert!(2 + 15 + 2 + MAX_NAME_BYTES + 8 + 5 + 10 + 47 <= MAX_HEADER_BODY);
        }
    }

    #[test]
    fn the_expansion_bound_lies_above_what_byte_models_reach() {
        let bits_per_byte = -8.0 * (1.0 - 1.0 / 4096.0f64).log2();
        let reached = 8.0 / bits_per_byte;
        assert!((reached - 2839.0).abs() < 1.0, "{reached}");
        assert!(MAX_EXPANSION as f64 > reached);
    }
}
