//! Interleaved rANS for the static levels: many symbols a second from fixed tables.
//!
//! [`LANES`] states of 32 bits, each in `2^16 .. 2^32`, take the symbols in turn: symbol `i` of the whole
//! sequence, whatever runs it came in, goes to state `i % LANES`. A state that leaves its interval moves 16
//! bits. Tables have a precision of 12 bits, uniform values one of 14.
//!
//! rANS is last in, first out: the encoder collects slots and codes them backwards at the end, the decoder
//! reads forwards. Layout: nothing if there was nothing to say (no symbols, or only certain ones); else `LANES` states (u32, little-endian), then
//! 16-bit words (little-endian) in the order in which the decoder needs them. All states start the encoder
//! at 2^16, so the decoder must find them there at the end. [`RansDecoder::finish`] checks it, and so accepts
//! exactly what the encoder writes.
//!
//! Sources: J. Duda, "Asymmetric numeral systems" (arXiv:1311.2540); F. Giesen, "Interleaved entropy coders"
//! (arXiv:1402.3392).

mod decoder;
mod encoder;
mod freq;
mod uniform;

pub use decoder::{DecTable, RansDecoder};
pub use encoder::{EncTable, RansEncoder};
pub use freq::FreqTable;
pub use uniform::MAX_UNIFORM;

/// States that take turns.
pub const LANES: usize = 8;
/// Precision of tables in bits.
pub const PRECISION: u32 = 12;
/// Slots of a table: the sum of its frequencies.
pub const SLOTS: usize = 1 << PRECISION;

/// Lower end of the interval of a state; the upper end is 2^16 times as much.
const STATE_MIN: u32 = 1 << 16;
