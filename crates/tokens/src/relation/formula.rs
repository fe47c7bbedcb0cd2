//! The registry of formulas: one line adds one.
//!
//! A formula predicts a field from one to five others. Its line gives a number (part of the format: never
//! reuse or change one), a text, the arithmetic, and how the search finds it ([`Seek`]). The order of the
//! operations inside a formula is part of the format too. Any formula but the copy and the weighted sums
//! may be followed by `× c` or `× c + d`, whose constants the search fits.

use super::math::*;

/// Most sources of a formula.
pub const MAX_SOURCES: usize = 5;

/// The arithmetic of a formula.
#[derive(Clone, Copy)]
pub enum Eval {
    /// The bits of the source where the kinds agree, otherwise its value converted.
    Copy,
    /// In f64.
    One(fn(f64) -> f64),
    /// In f64.
    Two(fn(f64, f64) -> f64),
    /// In f64.
    Three(fn(f64, f64, f64) -> f64),
    /// In f64.
    Four(fn(f64, f64, f64, f64) -> f64),
    /// In f64.
    Five(fn(f64, f64, f64, f64, f64) -> f64),
    /// c₀·s₀ + c₁·s₁ + … + c in f64, from the left.
    Weighted,
    /// The same in 64-bit integers that wrap, for integer kinds; the constants are whole numbers.
    Whole,
}

/// How the search proposes a formula.
#[derive(Clone, Copy)]
pub enum Seek {
    /// By a search of its own.
    Apart,
    /// Every source; constants `c` and `d` are fitted.
    Single,
    /// Every pair of sources: the value is looked up among the targets.
    Pair {
        /// Whether the sources may be exchanged.
        symmetric: bool,
    },
    /// Meet in the middle: `left(target, first sources) = right(other sources)`.
    Meet(Meet),
}

/// Both sides of an equation between a target and three or more sources.
#[derive(Clone, Copy)]
pub struct Meet {
    /// Number of sources on the left side.
    pub left_sources: usize,
    /// The left side.
    pub left: fn(f64, &[f64]) -> f64,
    /// The right side.
    pub right: fn(&[f64]) -> f64,
    /// Whether the sources of the left (right) side may be exchanged with each other.
    pub symmetric: (bool, bool),
}

/// One formula of the registry.
#[derive(Clone, Copy)]
pub struct Formula {
    /// Its number in the format.
    pub id: u16,
    /// For people, with the sources as `{a}` … `{e}`.
    pub text: &'static str,
    /// The arithmetic.
    pub eval: Eval,
    /// How it is found.
    pub seek: Seek,
}

impl Formula {
    /// The formula of a number.
    pub fn get(id: u16) -> Option<&'static Formula> {
        FORMULAS.binary_search_by_key(&id, |f| f.id).ok().map(|i| &FORMULAS[i])
    }

    /// Whether it takes this many sources and constants.
    pub fn accepts(&self, sources: usize, constants: usize) -> bool {
        match self.eval {
            Eval::Copy => sources == 1 && constants == 0,
            Eval::One(_) => sources == 1 && constants <= 2,
            Eval::Two(_) => sources == 2 && constants <= 2,
            Eval::Three(_) => sources == 3 && constants <= 2,
            Eval::Four(_) => sources == 4 && constants <= 2,
            Eval::Five(_) => sources == 5 && constants <= 2,
            Eval::Weighted | Eval::Whole => {
                (1..=MAX_SOURCES).contains(&sources) && constants == sources + 1
            }
        }
    }

    /// Number of sources that the arithmetic takes; 0 where it is free.
    pub fn arity(&self) -> usize {
        match self.eval {
            Eval::Copy | Eval::One(_) => 1,
            Eval::Two(_) => 2,
            Eval::Three(_) => 3,
            Eval::Four(_) => 4,
            Eval::Five(_) => 5,
            Eval::Weighted | Eval::Whole => 0,
        }
    }
}

const fn one(id: u16, text: &'static str, f: fn(f64) -> f64) -> Formula {
    Formula { id, text, eval: Eval::One(f), seek: Seek::Single }
}

/// Two sources that may not be exchanged.
const fn two(id: u16, text: &'static str, f: fn(f64, f64) -> f64) -> Formula {
    Formula { id, text, eval: Eval::Two(f), seek: Seek::Pair { symmetric: false } }
}

/// Two sources that may be exchanged.
const fn two_symmetric(id: u16, text: &'static str, f: fn(f64, f64) -> f64) -> Formula {
    Formula { id, text, eval: Eval::Two(f), seek: Seek::Pair { symmetric: true } }
}

/// `left(target, a) = right(b, c)`.
const fn three(
    id: u16,
    text: &'static str,
    f: fn(f64, f64, f64) -> f64,
    left: fn(f64, &[f64]) -> f64,
    right: fn(&[f64]) -> f64,
    symmetric: bool,
) -> Formula {
    let meet = Meet { left_sources: 1, left, right, symmetric: (false, symmetric) };
    Formula { id, text, eval: Eval::Three(f), seek: Seek::Meet(meet) }
}

const fn four(id: u16, text: &'static str, f: fn(f64, f64, f64, f64) -> f64, m: Meet) -> Formula {
    Formula { id, text, eval: Eval::Four(f), seek: Seek::Meet(m) }
}

const fn meet(
    left_sources: usize,
    left: fn(f64, &[f64]) -> f64,
    right: fn(&[f64]) -> f64,
    symmetric: (bool, bool),
) -> Meet {
    Meet { left_sources, left, right, symmetric }
}

fn sq(x: f64) -> f64 {
    x * x
}

fn b_plus_c(s: &[f64]) -> f64 {
    s[0] + s[1]
}

fn squares(s: &[f64]) -> f64 {
    s.iter().map(|x| x * x).sum()
}

/// (pt·cosh η)²: the square of a momentum.
fn momentum_squared(s: &[f64]) -> f64 {
    sq(s[0] * cosh(s[1]))
}

/// Number of the copy.
pub const COPY: u16 = 1;
/// Number of the value itself, to be scaled.
pub const VALUE: u16 = 2;
/// Number of the weighted sum in f64.
pub const WEIGHTED: u16 = 3;
/// Number of the weighted sum in integers.
pub const WHOLE: u16 = 4;

/// All formulas, by rising number.
#[rustfmt::skip]
pub static FORMULAS: &[Formula] = &[
    Formula { id: COPY, text: "{a}", eval: Eval::Copy, seek: Seek::Apart },
    one(VALUE, "{a}", |a| a),
    Formula { id: WEIGHTED, text: "weighted sum", eval: Eval::Weighted, seek: Seek::Apart },
    Formula { id: WHOLE, text: "whole weighted sum", eval: Eval::Whole, seek: Seek::Apart },
    // one source
    one(10, "abs({a})", |a| a.abs()),
    one(11, "1/{a}", |a| 1.0 / a),
    one(12, "{a}^2", |a| a * a),
    one(13, "sqrt({a})", sqrt),
    one(14, "exp({a})", exp),
    one(15, "log({a})", log),
    one(16, "10^({a})", |a| exp(a * std::f64::consts::LN_10)),
    one(17, "cos({a})", cos),
    one(18, "sin({a})", sin),
    one(19, "tanh({a})", tanh),
    one(20, "sinh({a})", sinh),
    one(21, "cosh({a})", cosh),
    one(22, "asinh({a})", asinh),
    one(23, "tan({a})", tan),
    one(24, "atan({a})", atan),
    one(25, "2 atan(exp(-{a}))", |a| 2.0 * atan(exp(-a))),
    one(26, "-log(tan({a}/2))", |a| -log(tan(a / 2.0))),
    one(27, "{a}^3", |a| a * a * a),
    one(28, "1/sqrt({a})", |a| 1.0 / sqrt(a)),
    one(29, "1/(1 + exp(-{a}))", |a| 1.0 / (1.0 + exp(-a))),
    one(30, "log({a}/(1 - {a}))", |a| log(a / (1.0 - a))),
    // two sources
    two_symmetric(40, "{a} + {b}", |a, b| a + b),
    two(41, "{a} - {b}", |a, b| a - b),
    two_symmetric(42, "{a} {b}", |a, b| a * b),
    two(43, "{a}/{b}", |a, b| a / b),
    two_symmetric(44, "hypot({a}, {b})", hypot),
    two(45, "sqrt({a}^2 - {b}^2)", |a, b| sqrt(a * a - b * b)),
    two(46, "{a} cos({b})", |a, b| a * cos(b)),
    two(47, "{a} sin({b})", |a, b| a * sin(b)),
    two(48, "{a} sinh({b})", |a, b| a * sinh(b)),
    two(49, "{a} cosh({b})", |a, b| a * cosh(b)),
    two(50, "{a}/cosh({b})", |a, b| a / cosh(b)),
    two(51, "{a}/sinh({b})", |a, b| a / sinh(b)),
    two(52, "{a} tanh({b})", |a, b| a * tanh(b)),
    two(53, "atan2({a}, {b})", atan2),
    two(54, "asinh({a}/{b})", |a, b| asinh(a / b)),
    two(55, "angle({a} - {b})", |a, b| wrap_angle(a - b)),
    two_symmetric(56, "abs(angle({a} - {b}))", |a, b| wrap_angle(a - b).abs()),
    two_symmetric(57, "abs({a} - {b})", |a, b| (a - b).abs()),
    two_symmetric(58, "sqrt({a} {b})", |a, b| sqrt(a * b)),
    two(59, "{a} sqrt({b})", |a, b| a * sqrt(b)),
    two(60, "{a}/sqrt({b})", |a, b| a / sqrt(b)),
    two_symmetric(61, "1 - {a} - {b}", |a, b| 1.0 - a - b),
    two_symmetric(62, "{a}^2 + {b}^2", |a, b| a * a + b * b),
    two(63, "{a}/({a} + {b})", |a, b| a / (a + b)),
    two(64, "({a} - {b})/({a} + {b})", |a, b| (a - b) / (a + b)),
    two(65, "log({a}/{b})", |a, b| log(a / b)),
    two(66, "{a}/tan({b})", |a, b| a / tan(b)),
    two(67, "{a}/sin({b})", |a, b| a / sin(b)),
    two_symmetric(68, "min({a}, {b})", |a, b| if a < b { a } else { b }),
    two_symmetric(69, "max({a}, {b})", |a, b| if a > b { a } else { b }),
    two(70, "{a}^2 - {b}^2", |a, b| a * a - b * b),
    // three sources: left(target, a) = right(b, c)
    three(80, "{a} + {b} + {c}", |a, b, c| a + b + c, |y, s| y - s[0], b_plus_c, true),
    three(81, "{a} - {b} - {c}", |a, b, c| a - b - c, |y, s| s[0] - y, b_plus_c, true),
    three(82, "1 - {a} - {b} - {c}", |a, b, c| 1.0 - a - b - c, |y, s| 1.0 - y - s[0], b_plus_c, true),
    three(83, "hypot({a}, {b}, {c})", |a, b, c| sqrt(a * a + b * b + c * c), |y, s| y * y - s[0] * s[0], squares, true),
    three(84, "sqrt({a}^2 - {b}^2 - {c}^2)", |a, b, c| sqrt(a * a - b * b - c * c), |y, s| s[0] * s[0] - y * y, squares, true),
    three(85, "sqrt({a}^2 + ({b} cosh({c}))^2)", |a, b, c| sqrt(a * a + sq(b * cosh(c))), |y, s| y * y - s[0] * s[0], momentum_squared, false),
    three(86, "sqrt({a}^2 - ({b} cosh({c}))^2)", |a, b, c| sqrt(a * a - sq(b * cosh(c))), |y, s| s[0] * s[0] - y * y, momentum_squared, false),
    three(87, "{a} {b} {c}", |a, b, c| a * b * c, |y, s| y / s[0], |s| s[0] * s[1], true),
    three(88, "{a} {b}/{c}", |a, b, c| a * b / c, |y, s| y / s[0], |s| s[0] / s[1], false),
    three(89, "{a}/({b} {c})", |a, b, c| a / (b * c), |y, s| s[0] / y, |s| s[0] * s[1], true),
    three(90, "({b} - {c})/{a}", |a, b, c| (b - c) / a, |y, s| y * s[0], |s| s[0] - s[1], false),
    three(91, "{a} + {b} {c}", |a, b, c| a + b * c, |y, s| y - s[0], |s| s[0] * s[1], true),
    three(92, "{a} - {b} {c}", |a, b, c| a - b * c, |y, s| s[0] - y, |s| s[0] * s[1], true),
    three(93, "({b} + {c})/{a}", |a, b, c| (b + c) / a, |y, s| y * s[0], b_plus_c, true),
    three(94, "{a}/({b} + {c})", |a, b, c| a / (b + c), |y, s| s[0] / y, b_plus_c, true),
    three(95, "hypot({a}, angle({b} - {c}))", |a, b, c| hypot(a, wrap_angle(b - c)), |y, s| y * y - s[0] * s[0], |s| sq(wrap_angle(s[0] - s[1])), true),
    three(96, "{a}/({a} + {b} + {c})", |a, b, c| a / (a + b + c), |y, s| s[0] / y - s[0], b_plus_c, true),
    // four sources
    four(110, "{a} + {b} + {c} + {d}", |a, b, c, d| a + b + c + d,
        meet(2, |y, s| y - s[0] - s[1], b_plus_c, (true, true))),
    four(111, "{a} + {b} - {c} - {d}", |a, b, c, d| a + b - c - d,
        meet(2, |y, s| s[0] + s[1] - y, b_plus_c, (true, true))),
    four(112, "1 - {a} - {b} - {c} - {d}", |a, b, c, d| 1.0 - a - b - c - d,
        meet(2, |y, s| 1.0 - y - s[0] - s[1], b_plus_c, (true, true))),
    four(113, "{a} - {b} - {c} - {d}", |a, b, c, d| a - b - c - d,
        meet(2, |y, s| s[0] - y - s[1], b_plus_c, (false, true))),
    four(114, "hypot({a}, {b}, {c}, {d})", |a, b, c, d| sqrt(a * a + b * b + c * c + d * d),
        meet(2, |y, s| y * y - s[0] * s[0] - s[1] * s[1], squares, (true, true))),
    four(115, "sqrt({a}^2 - {b}^2 - {c}^2 - {d}^2)", |a, b, c, d| sqrt(a * a - b * b - c * c - d * d),
        meet(2, |y, s| s[0] * s[0] - y * y - s[1] * s[1], squares, (false, true))),
    four(116, "hypot({a} - {b}, angle({c} - {d}))", |a, b, c, d| hypot(a - b, wrap_angle(c - d)),
        meet(2, |y, s| y * y - sq(s[0] - s[1]), |s| sq(wrap_angle(s[0] - s[1])), (true, true))),
    four(117, "sqrt(2 {a} {b} (1 - cos({c} - {d})))", |a, b, c, d| sqrt(2.0 * a * b * (1.0 - cos(c - d))),
        meet(2, |y, s| y * y / (2.0 * s[0] * s[1]), |s| 1.0 - cos(s[0] - s[1]), (true, true))),
    // five sources
    Formula { id: 130, text: "1 - {a} - {b} - {c} - {d} - {e}", eval: Eval::Five(|a, b, c, d, e| 1.0 - a - b - c - d - e),
        seek: Seek::Meet(meet(2, |y, s| 1.0 - y - s[0] - s[1], |s| s[0] + s[1] + s[2], (true, true))) },
    Formula { id: 131, text: "{a} + {b} + {c} + {d} + {e}", eval: Eval::Five(|a, b, c, d, e| a + b + c + d + e),
        seek: Seek::Meet(meet(2, |y, s| y - s[0] - s[1], |s| s[0] + s[1] + s[2], (true, true))) },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise() {
        assert!(FORMULAS.windows(2).all(|w| w[0].id < w[1].id));
    }

    #[test]
    fn both_sides_of_a_meeting_agree_with_the_formula() {
        let s = [5.3, 1.2, 0.7, 0.4, 0.3];
        for f in FORMULAS {
            let Seek::Meet(m) = f.seek else { continue };
            let n = f.arity();
            let y = match f.eval {
                Eval::Three(g) => g(s[0], s[1], s[2]),
                Eval::Four(g) => g(s[0], s[1], s[2], s[3]),
                Eval::Five(g) => g(s[0], s[1], s[2], s[3], s[4]),
                _ => unreachable!("a meeting has three sources or more"),
            };
            let (l, r) = ((m.left)(y, &s[..m.left_sources]), (m.right)(&s[m.left_sources..n]));
            assert!((l - r).abs() < 1e-9 * l.abs().max(1.0), "{}: {l} {r}", f.text);
        }
    }
}
