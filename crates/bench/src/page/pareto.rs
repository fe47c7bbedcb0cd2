//! Ratio against speed: a mark for each contender, and the front of those that nobody beats in both.

use super::axis::{Axis, drawable};
use super::labels::{Mark, place};
use super::plot::{Frame, Rect, Size, Words};
use super::table::sign;
use super::text::{count, escape, ratio, speed};
use crate::evaluation::Row;

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Compression,
    Decompression,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Compression => "compression",
            Self::Decompression => "decompression",
        }
    }

    fn speed(self, row: &Row) -> f64 {
        match self {
            Self::Compression => row.compress_cpu,
            Self::Decompression => row.decompress_cpu,
        }
    }
}

/// A contender in the plot.
#[derive(Clone, Copy, Debug)]
struct Dot<'a> {
    /// Its number in the table.
    number: usize,
    row: &'a Row,
    speed: f64,
}

impl Dot<'_> {
    fn class(&self) -> &'static str {
        if self.row.level.is_some() { "ours" } else { "base" }
    }
}

/// The figure with its legend; `id` is of the file.
pub(super) fn figure(id: &str, file: &str, rows: &[Row], way: Way) -> String {
    let word = way.word();
    let all = rows.iter().zip(1..).map(|(row, number)| Dot { number, row, speed: way.speed(row) });
    let (dots, left_out): (Vec<Dot<'_>>, Vec<Dot<'_>>) =
        all.partition(|d| d.row.lossless && drawable(d.speed) && drawable(d.row.ratio));
    let ratios: Vec<f64> = dots.iter().map(|d| d.row.ratio).collect();
    let axes = Axis::log(dots.iter().map(|d| d.speed)).zip(Axis::ratios(&ratios));
    let Some((x, y)) = axes else {
        return format!("<p>No contender has a ratio and a speed of {word} to plot.</p>\n");
    };
    let front = front(&dots);
    let words = Words {
        id: &format!("{id}-{word}"),
        title: &format!("{file}: ratio against speed of {word}"),
        describe: &describe(&dots, &front, way),
        x: &format!("{word}, MB/s of CPU time (logarithmic)"),
        y: if y.is_log() { "ratio (logarithmic)" } else { "ratio" },
    };
    let drawings: String = Size::ALL
        .into_iter()
        .map(|size| {
            let frame = Frame::new(size, 480.0, x, y);
            frame.svg(&words, &draw(&frame, &dots, &front, size))
        })
        .collect();
    format!(
        "<figure>\n{}{drawings}{}<figcaption>Up: smaller archives; right: faster. On the line: nobody is \
         both smaller and faster.{}{}</figcaption>\n</figure>\n",
        legend(&dots),
        key(&dots),
        models(&dots),
        missing(&left_out)
    )
}

/// Those that nobody is both smaller and faster than, from the smallest to the fastest.
fn front<'a>(dots: &[Dot<'a>]) -> Vec<Dot<'a>> {
    let mut sorted = dots.to_vec();
    sorted.sort_by(|a, b| b.row.ratio.total_cmp(&a.row.ratio).then(b.speed.total_cmp(&a.speed)));
    let mut fastest = 0.0;
    sorted.retain(|d| {
        let faster = d.speed > fastest;
        fastest = d.speed.max(fastest);
        faster
    });
    sorted
}

fn draw(frame: &Frame, dots: &[Dot<'_>], front: &[Dot<'_>], size: Size) -> String {
    let (path, steps) = step_line(frame, front);
    let mut out = format!("<path class=\"front\" d=\"{path}\"/>\n");
    // Labels of the front are placed first.
    let mut dots = dots.to_vec();
    dots.sort_by_key(|d| !front.iter().any(|f| f.number == d.number));
    let place_of = |d: &Dot<'_>| (frame.x(d.speed), frame.y(d.row.ratio));
    let marks: Vec<Mark> = dots
        .iter()
        .map(|d| {
            let (x, y) = place_of(d);
            let short = d.number.to_string();
            let text = if size == Size::Wide { d.row.name.clone() } else { short.clone() };
            Mark { x, y, text, short }
        })
        .collect();
    let labels = place(&marks, &frame.area(), &steps);
    for ((dot, mark), label) in dots.iter().zip(&marks).zip(&labels) {
        if let Some((x, y)) = label.leader {
            out += &format!(
                "<path class=\"leader\" d=\"M{:.1} {:.1}L{x:.1} {y:.1}\"/>\n",
                mark.x, mark.y
            );
        }
        out += &format!(
            "<text class=\"label {}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            dot.class(),
            label.x,
            label.y,
            escape(&label.text)
        );
    }
    for dot in &dots {
        let (x, y) = place_of(dot);
        out +=
            &format!("<g><title>{}</title>{}</g>\n", escape(&say(dot)), shape(dot.class(), x, y));
    }
    out
}

/// Ours are filled circles, baselines are open squares: to be told apart without colours.
fn shape(class: &str, x: f64, y: f64) -> String {
    if class == "ours" {
        format!("<circle class=\"ours\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>")
    } else {
        let (x, y) = (x - 4.5, y - 4.5);
        format!("<rect class=\"base\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"9\" height=\"9\"/>")
    }
}

/// The path of the front, from the left edge to the bottom, and thin rectangles along it.
fn step_line(frame: &Frame, front: &[Dot<'_>]) -> (String, Vec<Rect>) {
    let area = frame.area();
    let (mut path, mut steps) = (String::new(), Vec::new());
    let mut from = area.left;
    for (i, dot) in front.iter().enumerate() {
        let (x, y) = (frame.x(dot.speed), frame.y(dot.row.ratio));
        let below = front.get(i + 1).map_or(area.bottom, |next| frame.y(next.row.ratio));
        path += &match i {
            0 => format!("M{from:.1} {y:.1}H{x:.1}V{below:.1}"),
            _ => format!("H{x:.1}V{below:.1}"),
        };
        steps.push(Rect { left: from, top: y - 1.0, right: x, bottom: y + 1.0 });
        steps.push(Rect { left: x - 1.0, top: y, right: x + 1.0, bottom: below });
        from = x;
    }
    (path, steps)
}

fn say(dot: &Dot<'_>) -> String {
    format!("{}: ratio {}, {} MB/s", dot.row.name, ratio(dot.row.ratio), speed(dot.speed))
}

fn describe(dots: &[Dot<'_>], front: &[Dot<'_>], way: Way) -> String {
    let front: Vec<String> = front.iter().map(say).collect();
    format!(
        "{}. On the front of ratio and speed of {}, from the smallest to the fastest: {}.",
        count(dots.len(), "contender", "contenders"),
        way.word(),
        front.join("; ")
    )
}

fn legend(dots: &[Dot<'_>]) -> String {
    let entries = [("ours", "vxc"), ("base", "baseline")].into_iter();
    let there = entries.filter(|(class, _)| dots.iter().any(|d| d.class() == *class));
    let signs: Vec<String> =
        there.map(|(class, words)| sign(&shape(class, 7.0, 7.0), words)).collect();
    format!("<p class=\"legend\">{}</p>\n", signs.join(" "))
}

/// The names that belong to the numbers of the narrow drawing.
fn key(dots: &[Dot<'_>]) -> String {
    let entries: String = dots
        .iter()
        .map(|d| {
            let name = escape(&d.row.name);
            format!("<li value=\"{}\" class=\"{}\">{name}</li>\n", d.number, d.class())
        })
        .collect();
    format!("<ol class=\"key narrow\">\n{entries}</ol>\n")
}

fn models(dots: &[Dot<'_>]) -> &'static str {
    if dots.iter().any(|d| d.row.model) {
        " Ratios with a model are without the bytes of the model file."
    } else {
        ""
    }
}

fn missing(left_out: &[Dot<'_>]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let names: Vec<String> = left_out.iter().map(|d| escape(&d.row.name)).collect();
    format!(" Not in the plot (not lossless, or nothing to measure): {}.", names.join("; "))
}
