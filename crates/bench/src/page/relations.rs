//! Relations between fields, and what each saves.

use super::table::{bar, heads, legend, number, table};
use super::text::{bits, escape, percent};
use crate::evaluation::RelationSaving;

/// The table with its bars.
pub(super) fn section(relations: &[RelationSaving]) -> String {
    if relations.is_empty() {
        return "<p>No relations between fields were found.</p>\n".into();
    }
    let sides = relations.iter().flat_map(|r| [r.bits_without, r.bits_with]);
    let full = sides.filter(|x| x.is_finite()).fold(0.0, f64::max);
    let body: String = relations.iter().map(|r| line(r, full)).collect();
    let finite = |r: &&RelationSaving| r.bits_without.is_finite() && r.bits_with.is_finite();
    let (without, with) = relations
        .iter()
        .filter(finite)
        .fold((0.0, 0.0), |sum, r| (sum.0 + r.bits_without, sum.1 + r.bits_with));
    let foot = format!(
        "<tr><th scope=\"row\">All</th><td></td>{}<td></td></tr>\n",
        numbers(without, with)
    );
    let head = heads(&[
        ("Field", false),
        ("Bits", false),
        ("Saved", true),
        ("Share", true),
        ("Without", true),
        ("With", true),
        ("Predicted from", false),
    ]);
    legend(&[("symbols", "with relations"), ("saved", "saved")])
        + &table("Bits a record that relations save", "shares", &head, &body, &foot)
}

fn line(r: &RelationSaving, full: f64) -> String {
    let parts = [("symbols", r.bits_with), ("saved", r.bits_without - r.bits_with)];
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"chart\">{}</td>{}<td class=\"text\">{}</td></tr>\n",
        escape(&r.field),
        bar(&parts, r.bits_without, full),
        numbers(r.bits_without, r.bits_with),
        escape(&r.formula)
    )
}

fn numbers(without: f64, with: f64) -> String {
    let saved = without - with;
    [bits(saved), percent(saved, without), bits(without), bits(with)]
        .iter()
        .map(|shown| number(shown))
        .collect()
}
