//! Text and numbers of the page.
//!
//! Text of the data reaches the page only through [`escape`] or [`escape_lines`]. Numbers have fixed decimals, so that
//! one evaluation gives one page.

use crate::report::{grouped, rate};

/// What stands for a value that there is not.
pub(super) const NONE: &str = "–";

/// Text for content and quoted attributes. Control characters, and those that turn the direction of writing, are shown
/// by their number: a name cannot break lines, nor look like another.
pub(super) fn escape(text: &str) -> String {
    escape_but(text, |_| false)
}

/// The same for preformatted text, where line feeds and tabs stay.
pub(super) fn escape_lines(text: &str) -> String {
    escape_but(text, |c| matches!(c, '\n' | '\t'))
}

fn escape_but(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if keep(c) => out.push(c),
            c if hidden(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, breaks of lines and paragraphs, marks of direction.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A number with so many decimals.
pub(super) fn fixed(x: f64, decimals: usize) -> String {
    let sign = if x < 0.0 { "−" } else { "" };
    let size = x.abs();
    match size {
        s if s.is_nan() => NONE.into(),
        s if s.is_infinite() => format!("{sign}∞"),
        s if s >= 1e9 => format!("{sign}{s:.2e}"),
        s => {
            let digits = format!("{s:.decimals$}");
            // What rounds to zero has no sign.
            let sign = if digits.bytes().any(|b| matches!(b, b'1'..=b'9')) { sign } else { "" };
            format!("{sign}{digits}")
        }
    }
}

/// A ratio, or bits a byte.
pub(super) fn ratio(x: f64) -> String {
    fixed(x, 3)
}

/// Bits a record.
pub(super) fn bits(x: f64) -> String {
    fixed(x, 2)
}

/// A speed in MB/s.
pub(super) fn speed(x: f64) -> String {
    if x.is_finite() && (0.0..1e9).contains(&x) { rate(x) } else { fixed(x, 2) }
}

/// A part of a whole in per cent.
pub(super) fn percent(part: f64, whole: f64) -> String {
    let share = 100.0 * part / whole;
    if share.is_finite() { format!("{} %", fixed(share, 1)) } else { NONE.into() }
}

/// Bytes in words.
pub(super) fn bytes(n: u64) -> String {
    format!("{} {}", grouped(n), if n == 1 { "byte" } else { "bytes" })
}

/// A count of things: one, or many.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n as u64), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_hidden_characters_are_shown() {
        assert_eq!(escape("<a b='c' d=\"e\">&"), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
        assert_eq!(escape("a\n\u{202e}b\0é"), "a\\n\\u{202e}b\\u{0}é");
        assert_eq!(escape_lines("a\n\tb\r"), "a\n\tb\\r");
    }

    #[test]
    fn numbers_of_all_kinds() {
        let all = [1.23456, -0.5, -0.0001, 0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
        let shown = ["1.235", "−0.500", "0.000", "0.000", "–", "∞", "−∞", "1.00e300"];
        assert_eq!(all.map(ratio), shown);
        assert_eq!([0.0, 12.34, 1e4].map(speed), ["0.00", "12.3", "10000"]);
        assert_eq!([speed(f64::NAN), speed(f64::INFINITY)], ["–", "∞"]);
        assert_eq!([percent(1.0, 4.0), percent(1.0, 0.0)], ["25.0 %", "–"]);
    }
}
