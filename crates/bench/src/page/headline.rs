//! What is said first of a file, and of all files.

use super::standing::{ours, smallest};
use super::table::{heads, number, table};
use super::text::{NONE, bytes, escape, percent, ratio};
use crate::evaluation::{Evaluation, FileResult, Row};
use crate::report::grouped;

/// Names and values side by side; both are HTML already.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let all: String = facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"))
        .collect();
    format!("<dl class=\"facts\">\n{all}</dl>\n")
}

/// A ratio and whose it is.
fn named(row: &Row) -> String {
    format!("<strong>{}</strong> {}", ratio(row.ratio), escape(&row.name))
}

fn best_ours(file: &FileResult) -> Option<&Row> {
    smallest(&file.contenders, |r| ours(r) && !r.model).or_else(|| smallest(&file.contenders, ours))
}

fn best_baseline(file: &FileResult) -> Option<&Row> {
    smallest(&file.contenders, |r| !ours(r))
}

/// The archive of the first against that of the second.
fn against(ours: &Row, baseline: &Row) -> String {
    let (a, b) = (ours.coded as f64, baseline.coded as f64);
    match ours.coded.cmp(&baseline.coded) {
        std::cmp::Ordering::Less => format!("{} fewer bytes", percent(b - a, b)),
        std::cmp::Ordering::Equal => "as many bytes".into(),
        std::cmp::Ordering::Greater => format!("{} more bytes", percent(a - b, b)),
    }
}

/// The facts of a file.
pub(super) fn of_file(file: &FileResult) -> String {
    let (ours_best, baseline) = (best_ours(file), best_baseline(file));
    let show = |row: Option<&Row>| row.map_or(NONE.into(), named);
    let mut all = vec![
        ("Size", bytes(file.bytes)),
        ("Layout", escape(&file.layout)),
        ("Best ratio of vxc", show(ours_best)),
        ("Best ratio of a baseline", show(baseline)),
    ];
    if let Some((a, b)) = ours_best.zip(baseline) {
        all.push(("vxc against it", against(a, b)));
    }
    if let Some(row) = smallest(&file.contenders, |r| ours(r) && r.model) {
        let counted = row.ratio_with_model.map_or(NONE.into(), ratio);
        all.push(("With a model file", format!("{}; {counted} with its bytes", named(row))));
    }
    if let Some(n) = file.model_bytes {
        all.push(("Model file", bytes(n)));
    }
    facts(&all)
}

/// A line for each file, which leads to it; nothing for one file alone.
pub(super) fn of_all(files: &[FileResult]) -> String {
    if files.len() < 2 {
        return String::new();
    }
    let line = |(file, n): (&FileResult, usize)| {
        let (a, b) = (best_ours(file), best_baseline(file));
        let cells = [
            grouped(file.bytes),
            a.map_or(NONE.into(), |r| ratio(r.ratio)),
            b.map_or(NONE.into(), |r| ratio(r.ratio)),
            a.zip(b).map_or(NONE.into(), |(a, b)| against(a, b)),
        ];
        let cells: String = cells.iter().map(|shown| number(shown)).collect();
        let names = [a, b].map(|r| {
            r.map_or(String::from("<td></td>"), |r| format!("<td>{}</td>", escape(&r.name)))
        });
        format!(
            "<tr><th scope=\"row\"><a href=\"#file-{n}\">{}</a></th>{cells}{}</tr>\n",
            escape(&file.name),
            names.concat()
        )
    };
    let body: String = files.iter().zip(1..).map(line).collect();
    let head = heads(&[
        ("File", false),
        ("Bytes", true),
        ("vxc", true),
        ("Baseline", true),
        ("vxc against it", true),
        ("Best of vxc", false),
        ("Best baseline", false),
    ]);
    format!(
        "<h2>Best ratios</h2>\n{}",
        table("Best ratios of all files", "files", &head, &body, "")
    )
}

/// What the page is of.
pub(super) fn of_page(evaluation: &Evaluation) -> String {
    facts(&[
        ("Program", escape(&evaluation.program)),
        ("Machine", escape(&evaluation.machine)),
        ("Files", grouped(evaluation.files.len() as u64)),
    ])
}
