//! The report of an evaluation as one HTML page.
//!
//! The page needs nothing but itself: no scripts, no fonts, no network, which its content security policy also says to
//! the browser. Text of the data is escaped wherever it stands. One evaluation gives one page, byte for byte.

mod axis;
mod contenders;
mod headline;
mod labels;
mod methods;
mod pareto;
mod plot;
mod relations;
mod segments;
mod shares;
mod standing;
mod table;
mod text;

#[cfg(test)]
mod tests;

use crate::evaluation::{Evaluation, FileResult};
use pareto::Way;
use text::escape;

const STYLE: &str = include_str!("page/style.css");

/// The page.
pub fn html(evaluation: &Evaluation) -> String {
    let files: String = evaluation.files.iter().zip(1..).map(|(f, n)| file(f, n)).collect();
    let files = if files.is_empty() { "<p>No files were evaluated.</p>\n".into() } else { files };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Evaluation of Vortex-Codec</h1>\n{}{}{files}{}</main>\n</body>\n</html>\n",
        title(evaluation),
        headline::of_page(evaluation),
        headline::of_all(&evaluation.files),
        methods::section(evaluation)
    )
}

fn title(evaluation: &Evaluation) -> String {
    match evaluation.files.as_slice() {
        [one] => format!("{}: evaluation of Vortex-Codec", escape(&one.name)),
        _ => "Evaluation of Vortex-Codec".into(),
    }
}

/// All about a file.
fn file(file: &FileResult, number: usize) -> String {
    let id = format!("file-{number}");
    let (name, rows) = (&file.name, &file.contenders);
    format!(
        "<section id=\"{id}\">\n<h2>{}</h2>\n{}\
         <h3>Where a baseline wins</h3>\n{}\
         <h3>Ratio and speed of decompression</h3>\n{}\
         <h3>Ratio and speed of compression</h3>\n{}\
         <h3>All contenders</h3>\n{}\
         <h3>Where the bytes go</h3>\n{}\
         <h3>Relations between fields</h3>\n{}\
         <h3>Ratio along the file</h3>\n{}</section>\n",
        escape(name),
        headline::of_file(file),
        losses(file),
        pareto::figure(&id, name, rows, Way::Decompression),
        pareto::figure(&id, name, rows, Way::Compression),
        contenders::section(rows),
        shares::section(&file.fields),
        relations::section(&file.relations),
        segments::section(&id, name, &file.segments)
    )
}

fn losses(file: &FileResult) -> String {
    if !file.losses.is_empty() {
        let all: String = file.losses.iter().map(|l| format!("<li>{}</li>\n", escape(l))).collect();
        return format!("<ul>\n{all}</ul>\n");
    }
    if file.contenders.iter().all(standing::ours) {
        return "<p>No baselines were run.</p>\n".into();
    }
    if file.contenders.iter().any(|r| standing::unmatched(r, &file.contenders)) {
        return "<p>Nothing is listed; what no level matches is marked † in the table of contenders.</p>\n"
            .into();
    }
    "<p>Nowhere on this file.</p>\n".into()
}
