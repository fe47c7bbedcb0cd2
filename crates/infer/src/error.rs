//! Why a model cannot be used.

/// What is wrong with a model or its serial form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The serial form ends early.
    #[error("integer model: truncated in {0}")]
    Truncated(&'static str),
    /// The serial form is not one, or a number in it is impossible.
    #[error("integer model: corrupt: {0}")]
    Corrupt(&'static str),
    /// A newer program wrote it.
    #[error("integer model: version {0} is not known to this program")]
    UnsupportedVersion(u8),
    /// A size is zero, above its limit, or does not fit the others.
    #[error("integer model: {0}")]
    Config(String),
    /// A tensor has another length than the configuration says.
    #[error("integer model: tensor {name} has {found} numbers, not {expected}")]
    Shape {
        /// Of the tensor.
        name: &'static str,
        /// Numbers found.
        found: usize,
        /// Numbers that the configuration asks for.
        expected: usize,
    },
    /// A number lies outside of what the arithmetic is proved for.
    #[error("integer model: tensor {name}: value {value} is outside {min}..={max}")]
    Range {
        /// Of the tensor.
        name: &'static str,
        /// Found.
        value: i64,
        /// Least allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
}
