//! Values of an array, a few megabytes at a time.

/// Bytes of a slab, unless one element has more.
pub const SLAB_BYTES: u64 = 8 << 20;

/// Successive elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slab {
    /// Number of the first one, counted from 0 in the order of the array.
    pub first_element: u64,
    /// Their bytes, as the dtype says.
    pub bytes: Vec<u8>,
}
