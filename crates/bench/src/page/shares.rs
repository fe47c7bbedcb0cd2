//! Where the bytes go: bits a record of each field.

use super::table::{bar, heads, legend, number, table};
use super::text::{bits, count, escape, percent};
use crate::evaluation::FieldShare;

/// So many fields are shown; the others are summed up.
const SHOWN: usize = 40;

/// Sums of fields.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    raw: f64,
    symbols: f64,
    offsets: f64,
}

impl Sum {
    /// Of some fields; what is not finite does not count.
    fn of<'a>(fields: impl IntoIterator<Item = &'a FieldShare>) -> Self {
        let number = |x: f64| if x.is_finite() { x } else { 0.0 };
        fields.into_iter().fold(Self::default(), |sum, f| Self {
            raw: sum.raw + number(f.raw_bits),
            symbols: sum.symbols + number(f.symbol_bits),
            offsets: sum.offsets + number(f.offset_bits),
        })
    }

    fn coded(&self) -> f64 {
        self.symbols + self.offsets
    }

    fn cells(&self, all: &Self) -> String {
        [
            bits(self.coded()),
            percent(self.coded(), all.coded()),
            bits(self.raw),
            bits(self.symbols),
            bits(self.offsets),
        ]
        .iter()
        .map(|shown| number(shown))
        .collect()
    }
}

/// The table with its bars.
pub(super) fn section(fields: &[FieldShare]) -> String {
    if fields.is_empty() {
        return "<p>No fields: the file was not coded as a table of records.</p>\n".into();
    }
    let all = Sum::of(fields);
    let shown = largest(fields);
    let full = fields.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(f, _)| Sum::of([f]));
    let full = full.map(|s| s.raw.max(s.coded())).fold(0.0, f64::max);
    let line = |f: &FieldShare| {
        let sum = Sum::of([f]);
        let parts = [("symbols", sum.symbols), ("offsets", sum.offsets)];
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"chart\">{}</td>{}<td>{}</td><td class=\"text\">{}</td></tr>\n",
            escape(&f.name),
            bar(&parts, sum.raw, full),
            sum.cells(&all),
            escape(&f.kind),
            escape(&f.coding)
        )
    };
    let body: String =
        fields.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(f, _)| line(f)).collect();
    let rest: Vec<&FieldShare> =
        fields.iter().zip(&shown).filter(|(_, shown)| !**shown).map(|(f, _)| f).collect();
    let sum = |name: &str, sum: &Sum| {
        format!(
            "<tr><th scope=\"row\">{name}</th><td></td>{}<td></td><td></td></tr>\n",
            sum.cells(&all)
        )
    };
    let mut foot = String::new();
    if !rest.is_empty() {
        let name = count(rest.len(), "smaller field", "smaller fields");
        foot += &sum(&name, &Sum::of(rest.iter().copied()));
    }
    foot += &sum("All", &all);
    let head = heads(&[
        ("Field", false),
        ("Bits", false),
        ("Coded", true),
        ("Share", true),
        ("Raw", true),
        ("Symbols", true),
        ("Offsets", true),
        ("Type", false),
        ("Coding", false),
    ]);
    let words = format!(
        "<p>{}: {} bits a record as stored, {} coded, of which symbols take {} and offsets {}.{}</p>\n",
        count(fields.len(), "field", "fields"),
        bits(all.raw),
        bits(all.coded()),
        bits(all.symbols),
        bits(all.offsets),
        if rest.is_empty() {
            String::new()
        } else {
            format!(" Shown are the {SHOWN} that take most.")
        }
    );
    words
        + &legend(&[("symbols", "symbols"), ("offsets", "offsets"), ("outline", "as stored")])
        + &table("Bits a record by field", "shares", &head, &body, &foot)
}

/// For each field, whether it is one of those that take most; the first of equals.
fn largest(fields: &[FieldShare]) -> Vec<bool> {
    let mut order: Vec<(usize, f64)> =
        fields.iter().map(|f| Sum::of([f]).coded()).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut shown: Vec<usize> = order.into_iter().take(SHOWN).map(|(i, _)| i).collect();
    shown.sort_unstable();
    (0..fields.len()).map(|i| shown.binary_search(&i).is_ok()).collect()
}
