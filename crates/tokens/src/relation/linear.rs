//! Approximate relations: a weighted sum of products of basis functions, one per source and term.
//!
//! value = Σ_t c_t · Π_k basis(term_t[k], source_k), or its square root, or e to that power. The numbers of the basis functions
//! are part of the format.

use std::fmt;

use super::math::{exp, log, sqrt};

/// Most sources of a linear predictor.
pub const MAX_LINEAR_SOURCES: usize = 3;
/// Most terms of a linear predictor.
pub const MAX_TERMS: usize = 48;
/// Number of basis functions; valid numbers lie below.
pub const BASES: u8 = 10;

/// A weighted sum of products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Indices of the source fields, 1 to [`MAX_LINEAR_SOURCES`].
    pub sources: Vec<u16>,
    /// For each term, the basis function of each source; entries beyond the sources are 0.
    pub terms: Vec<[u8; MAX_LINEAR_SOURCES]>,
    /// The coefficient of each term: f64 bits.
    pub coefficients: Vec<u64>,
    /// How the prediction follows from the sum.
    pub link: Link,
}

impl Linear {
    /// Bytes that its terms hold, about.
    pub(crate) fn held_bytes(&self) -> usize {
        self.terms.len() * (MAX_LINEAR_SOURCES + size_of::<u64>())
    }
}

/// What makes a prediction of the sum; the numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The sum itself.
    Identity = 0,
    /// e to the sum.
    Exp = 1,
    /// The square root of the sum.
    Sqrt = 2,
}

impl Link {
    /// The link of a number.
    pub fn from_number(n: u8) -> Option<Self> {
        [Link::Identity, Link::Exp, Link::Sqrt].into_iter().find(|&l| l as u8 == n)
    }

    /// The prediction for a sum.
    #[inline]
    pub fn apply(self, sum: f64) -> f64 {
        match self {
            Link::Identity => sum,
            Link::Exp => exp(sum),
            Link::Sqrt => sqrt(sum),
        }
    }
}

/// The value of basis function `b` at `x`. Logarithms of zero count as 0.
#[inline]
pub fn basis(b: u8, x: f64) -> f64 {
    match b {
        1 => x,
        2 => x.abs(),
        3 => log_abs(x),
        4 => x * x,
        5 => {
            let l = log_abs(x);
            l * l
        }
        6 => x * log_abs(x),
        7 => {
            let l = log_abs(x);
            x * l * l
        }
        8 => x * x * x,
        9 => 1.0 / x,
        _ => 1.0,
    }
}

fn log_abs(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { log(x.abs()) }
}

/// The text of basis function `b`.
pub(crate) fn basis_text(
    f: &mut fmt::Formatter<'_>,
    b: u8,
    name: &impl fmt::Display,
) -> fmt::Result {
    match b {
        1 => write!(f, "{name}"),
        2 => write!(f, "abs({name})"),
        3 => write!(f, "log|{name}|"),
        4 => write!(f, "{name}^2"),
        5 => write!(f, "log|{name}|^2"),
        6 => write!(f, "{name} log|{name}|"),
        7 => write!(f, "{name} log|{name}|^2"),
        8 => write!(f, "{name}^3"),
        9 => write!(f, "1/{name}"),
        _ => f.write_str("1"),
    }
}
