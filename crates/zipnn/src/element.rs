//! What the elements of a tensor are, as far as coding needs to know.

/// The type of a tensor's elements; little-endian, as both file formats keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE-754, 64 bits.
    F64,
    /// IEEE-754, 32 bits.
    F32,
    /// IEEE-754, 16 bits.
    F16,
    /// The upper half of a 32-bit float.
    Bf16,
    /// Integers, booleans and small floats: of 1, 2, 4 or 8 bytes.
    Other(u8),
}

impl Element {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Other(n) => usize::from(n),
        }
    }

    /// Whether the top bit is a sign and exponents follow it.
    pub fn is_float(self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// The name that safetensors has for it, where it is a float.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Other(1) => "8 bits",
            Self::Other(2) => "16 bits",
            Self::Other(4) => "32 bits",
            Self::Other(_) => "64 bits",
        }
    }
}
