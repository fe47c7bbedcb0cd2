//! Numbers as text: what counts as one, exact reading and exact writing.
//!
//! ```text
//! integer := bracket* sign? digit+ bracket*             within i64; bracket := '[' | ']'
//! real    := sign? digit* '.' digit* exponent?          at least one digit beside the point; finite in f64
//! exponent := ('e' | 'E') sign? digit+
//! sign := '+' | '-'
//! ```
//! The grammar is checked here, byte by byte, so that nothing else is ever read as a number, whatever later
//! versions of the standard library accept. What passes is read by `str::parse::<f64>` and written by `{:e}`, both
//! correctly rounded by definition and therefore the same on every machine.

use std::fmt::Write;

/// Longest token that is read as a number or guessed.
pub const TOKEN_MAX: usize = 40;

/// A text of at most [`TOKEN_MAX`] bytes.
#[derive(Clone, Copy, Debug)]
pub struct Short {
    bytes: [u8; TOKEN_MAX],
    len: usize,
}

impl Short {
    const EMPTY: Short = Short { bytes: [0; TOKEN_MAX], len: 0 };

    /// A copy, if it is not too long.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut out = Self::EMPTY;
        out.push(text)?;
        Some(out)
    }

    /// The bytes.
    #[inline(always)]
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, text: &[u8]) -> Option<()> {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(text);
        self.len = end;
        Some(())
    }
}

impl Write for Short {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push(s.as_bytes()).ok_or(std::fmt::Error)
    }
}

/// C's `%.*e`: an exponent of at least two digits, with its sign.
pub fn write_real(x: f64, digits: usize) -> Option<Short> {
    if !x.is_finite() || digits > 20 {
        return None;
    }
    let mut plain = Short::EMPTY;
    write!(plain, "{x:.digits$e}").ok()?;
    let at = plain.text().iter().position(|&b| b == b'e')?;
    let (mantissa, exponent) = plain.text().split_at(at);
    let exponent = read_integer(&exponent[1..])?;
    let mut out = Short::new(mantissa)?;
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "e{sign}{:02}", exponent.unsigned_abs()).ok()?;
    Some(out)
}

/// The shortest decimal text.
pub fn write_integer(x: i64) -> Option<Short> {
    let mut out = Short::EMPTY;
    write!(out, "{x}").ok()?;
    Some(out)
}

/// An integer of the grammar.
pub fn read_integer(token: &[u8]) -> Option<i64> {
    let bracket = |b: &u8| matches!(b, b'[' | b']');
    let from = token.iter().position(|b| !bracket(b))?;
    let to = token.iter().rposition(|b| !bracket(b))?;
    let (negative, digits) = sign(&token[from..=to]);
    if digits.is_empty() {
        return None;
    }
    // Downwards, where there is one number more.
    let value = digits.iter().try_fold(0i64, |value, &b| {
        let digit = b.is_ascii_digit().then(|| i64::from(b - b'0'))?;
        value.checked_mul(10)?.checked_sub(digit)
    })?;
    if negative { Some(value) } else { value.checked_neg() }
}

/// A real of the grammar, correctly rounded.
pub fn read_real(token: &[u8]) -> Option<f64> {
    let (_, unsigned) = sign(token);
    let (whole, rest) = digits(unsigned);
    let (fraction, rest) = digits(rest.strip_prefix(b".")?);
    let exponent_is_sound = match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let (digits, rest) = digits(sign(exponent).1);
            !digits.is_empty() && rest.is_empty()
        }
        _ => false,
    };
    if (whole.is_empty() && fraction.is_empty()) || !exponent_is_sound {
        return None;
    }
    let text = std::str::from_utf8(token).ok()?;
    text.parse().ok().filter(|x: &f64| x.is_finite())
}

/// Digits between the point and the exponent, where a token has both.
pub fn fraction_digits(token: &[u8]) -> Option<usize> {
    let point = token.iter().position(|&b| b == b'.')?;
    let exponent = token.iter().position(|&b| b == b'e')?;
    Some(exponent.saturating_sub(point + 1))
}

/// Whether there is a minus, and what follows the sign.
fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// The digits at the start, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
    text.split_at(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reals_are_written_as_c_does() {
        let text = |x: f64| String::from_utf8(write_real(x, 16).unwrap().text().to_vec()).unwrap();
        assert_eq!(text(247.499_644_040_163_4), "2.4749964404016339e+02");
        assert_eq!(text(0.0), "0.0000000000000000e+00");
        assert_eq!(text(-9.947_598_300_641_403e-14), "-9.9475983006414026e-14");
        assert_eq!(text(1.5e-300), "1.5000000000000001e-300");
        assert!(write_real(f64::NAN, 16).is_none());
    }

    #[test]
    fn integers_of_the_grammar() {
        let read = |text: &str| read_integer(text.as_bytes());
        assert_eq!(read("[-17]"), Some(-17));
        assert_eq!(read("+007"), Some(7));
        assert_eq!(read("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        for none in ["", "-", "+", "[]", "1 ", "0x1", "1_0", "--1", "9223372036854775808", "½"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn reals_of_the_grammar() {
        let read = |text: &str| read_real(text.as_bytes());
        assert_eq!(read("-1.5e-03"), Some(-0.0015));
        assert_eq!(read("+1."), Some(1.0));
        assert_eq!(read(".5E2"), Some(50.0));
        // A tie between two doubles, and what decides it forty places behind.
        assert_eq!(read("9007199254740993.0"), Some(9_007_199_254_740_992.0));
        assert_eq!(read("9007199254740993.00000000000000000001"), Some(9_007_199_254_740_994.0));
        for none in
            ["", ".", "1", "1e5", "nan", "inf", ".e5", "1.e", "1.e+", "1.5f", "1._5", "1.e999"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bits in any::<u64>(), integer in any::<i64>()) {
            let x = f64::from_bits(bits);
            if let Some(text) = write_real(x, 16) {
                prop_assert_eq!(read_real(text.text()).map(f64::to_bits), Some(bits));
            }
            prop_assert_eq!(read_integer(write_integer(integer).unwrap().text()), Some(integer));
        }

        /// The grammar lies within what the library reads: nothing that it accepts is lost.
        #[test]
        fn the_grammar_lies_within_the_librarys(text in "[+-]?[0-9.]{0,4}[.eE+-]{0,2}[0-9]{0,3}") {
            let library = text.parse::<f64>().ok().filter(|x| x.is_finite() && text.contains('.'));
            prop_assert_eq!(read_real(text.as_bytes()), library);
        }
    }
}
