//! The table of contenders.

use super::standing::{counts, ours, unmatched};
use super::table::table;
use super::text::{NONE, escape, fixed, ratio, speed};
use crate::evaluation::Row;
use crate::report::grouped;

/// A column of numbers.
struct Column {
    head: &'static str,
    /// Over several columns: the common head and their number, at the first of them.
    group: Option<(&'static str, usize)>,
    value: fn(&Row) -> Option<f64>,
    show: fn(f64) -> String,
    /// Whether the greatest value is the best, and not the least.
    greatest: bool,
}

const SPEED: Column =
    Column { head: "wall", group: None, value: |_| None, show: speed, greatest: true };

const BITS: Column =
    Column { head: "coded", group: None, value: |_| None, show: ratio, greatest: false };

const RATIO: Column =
    Column { head: "archive", group: None, value: |_| None, show: ratio, greatest: true };

const COLUMNS: [Column; 10] = [
    Column {
        head: "bytes",
        group: Some(("Coded", 1)),
        value: |r| Some(r.coded as f64),
        show: whole,
        greatest: false,
    },
    Column { group: Some(("Ratio", 2)), value: |r| Some(r.ratio), ..RATIO },
    Column { head: "with model", value: |r| r.ratio_with_model, ..RATIO },
    Column { group: Some(("Bits a byte", 2)), value: |r| Some(r.bits_per_byte), ..BITS },
    Column { head: "theory", value: |r| r.theoretical_bits_per_byte, ..BITS },
    Column {
        head: "CPU",
        group: Some(("Compression, MB/s", 2)),
        value: |r| Some(r.compress_cpu),
        ..SPEED
    },
    Column { value: |r| Some(r.compress_wall), ..SPEED },
    Column {
        head: "CPU",
        group: Some(("Decompression, MB/s", 2)),
        value: |r| Some(r.decompress_cpu),
        ..SPEED
    },
    Column { value: |r| Some(r.decompress_wall), ..SPEED },
    Column {
        head: "MiB",
        group: Some(("Memory", 1)),
        value: |r| r.peak_bytes.map(|b| b as f64 / f64::from(1 << 20)),
        show: |x| fixed(x, 1),
        greatest: false,
    },
];

/// Bytes; exact below 2^53.
fn whole(x: f64) -> String {
    grouped(x as u64)
}

/// The table with what its marks mean.
pub(super) fn section(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "<p>There are no contenders.</p>\n".into();
    }
    let bests: Vec<Option<f64>> = COLUMNS.iter().map(|c| best(c, rows)).collect();
    let body: String = rows.iter().zip(1..).map(|(row, n)| line(n, row, rows, &bests)).collect();
    let any = rows.iter().any(|r| unmatched(r, rows));
    let mut legend = String::from(
        "<p class=\"note\">Bold with a tinted ground: the best of a column among what is lossless. ",
    );
    if any {
        legend += "<span class=\"dagger\">†</span> and a shaded row: a baseline that no level of vxc matches in \
                   both ratio (model file included) and speed of decompression. ";
    }
    if rows.iter().any(|r| r.model) {
        legend += "Coded bytes, ratio of the archive and bits are without the model file. ";
    }
    legend += "Front: nobody is both smaller and faster to decompress. Theory: what the probabilities cost \
               without coder and container. Memory: most of the process, the input included.</p>\n";
    table("Contenders", "contenders", &head(), &body, "") + &legend
}

fn head() -> String {
    let mut groups = String::new();
    let mut heads = String::new();
    for column in &COLUMNS {
        if let Some((group, columns)) = column.group {
            groups +=
                &format!("<th scope=\"colgroup\" colspan=\"{columns}\" class=\"n\">{group}</th>");
        }
        heads += &format!("<th scope=\"col\" class=\"n\">{}</th>", column.head);
    }
    let tall = |head: &str, class: &str| {
        format!("<th scope=\"col\" rowspan=\"2\" class=\"{class}\">{head}</th>")
    };
    format!(
        "<tr>{}{}{groups}{}{}{}{}</tr>\n<tr>{heads}</tr>\n",
        tall("Contender", ""),
        tall("No.", "n"),
        tall("Level", "n"),
        tall("Model", ""),
        tall("Lossless", ""),
        tall("Front", "")
    )
}

fn best(column: &Column, rows: &[Row]) -> Option<f64> {
    let values = rows.iter().filter(|r| counts(r)).filter_map(column.value);
    let values = values.filter(|&x| x.is_finite() && x > 0.0);
    if column.greatest { values.reduce(f64::max) } else { values.reduce(f64::min) }
}

fn line(number: usize, row: &Row, rows: &[Row], bests: &[Option<f64>]) -> String {
    let unmatched = unmatched(row, rows);
    let class = match (unmatched, ours(row)) {
        (true, _) => " class=\"unmatched\"",
        (_, true) => " class=\"vxc\"",
        _ => "",
    };
    let dagger = if unmatched { " <span class=\"dagger\">†</span>" } else { "" };
    let cells: String = COLUMNS.iter().zip(bests).map(|(c, best)| cell(c, row, *best)).collect();
    let yes = |x: bool| if x { "yes" } else { NONE };
    let lossless = if row.lossless { "yes" } else { "<strong class=\"bad\">NO</strong>" };
    format!(
        "<tr{class}><th scope=\"row\">{}{dagger}</th><td class=\"n\">{number}</td>{cells}\
         <td class=\"n\">{}</td><td>{}</td><td>{lossless}</td><td>{}</td></tr>\n",
        escape(&row.name),
        row.level.map_or(NONE.into(), |l| l.to_string()),
        yes(row.model),
        yes(row.pareto)
    )
}

fn cell(column: &Column, row: &Row, best: Option<f64>) -> String {
    let value = (column.value)(row);
    let shown = value.map_or(NONE.into(), column.show);
    if value.is_some() && value == best && counts(row) {
        format!("<td class=\"n best\"><strong>{shown}</strong></td>")
    } else {
        super::table::number(&shown)
    }
}
