//! The ratio along the file, segment by segment.

use super::axis::{Axis, drawable};
use super::plot::{Frame, Size, Words};
use super::text::{count, fixed, ratio};
use crate::evaluation::SegmentPoint;

/// More steps than this no screen shows: neighbours are put together.
const STEPS: usize = 400;

/// A stretch of one or more segments.
#[derive(Clone, Copy, Debug)]
struct Step {
    start: f64,
    end: f64,
    ratio: f64,
}

/// The curve, and its extremes in words.
pub(super) fn section(id: &str, file: &str, segments: &[SegmentPoint]) -> String {
    if segments.is_empty() {
        return "<p>No segments.</p>\n".into();
    }
    let steps = steps(segments);
    let drawn: Vec<f64> = steps.iter().map(|s| s.ratio).filter(|&r| drawable(r)).collect();
    let Some(y) = Axis::ratios(&drawn) else {
        return "<p>No segment has a ratio to plot.</p>\n".into();
    };
    let end = steps.iter().map(|s| s.end).fold(1.0, f64::max);
    let (unit, bytes) = unit(end);
    let all = whole(segments);
    let words = in_words(segments, &steps, all, unit, bytes);
    let about = Words {
        id: &format!("{id}-segments"),
        title: &format!("{file}: ratio by position"),
        describe: &words,
        x: &format!("position in the file, {unit}"),
        y: if y.is_log() { "ratio (logarithmic)" } else { "ratio" },
    };
    let drawings: String = Size::ALL
        .into_iter()
        .map(|size| {
            let frame = Frame::new(size, 280.0, Axis::up_to(end / bytes), y);
            frame.svg(&about, &draw(&frame, &steps, all, bytes))
        })
        .collect();
    format!(
        "<figure>\n{drawings}<figcaption>{words}{}</figcaption>\n</figure>\n",
        if steps.len() > 1 {
            " The dashed line is the ratio of all segments together."
        } else {
            ""
        }
    )
}

fn steps(segments: &[SegmentPoint]) -> Vec<Step> {
    let together = segments.len().div_ceil(STEPS).max(1);
    segments
        .chunks(together)
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let end = last.start.saturating_add(last.raw);
            Some(Step { start: first.start as f64, end: end as f64, ratio: whole(chunk) })
        })
        .collect()
}

/// The ratio of segments together.
fn whole(segments: &[SegmentPoint]) -> f64 {
    let sum = |of: fn(&SegmentPoint) -> u64| segments.iter().map(|s| of(s) as f64).sum::<f64>();
    sum(|s| s.raw) / sum(|s| s.coded)
}

fn draw(frame: &Frame, steps: &[Step], all: f64, bytes: f64) -> String {
    let mut path = String::new();
    let mut pen = None;
    for step in steps {
        if !drawable(step.ratio) {
            pen = None;
            continue;
        }
        let (x, y, end) =
            (frame.x(step.start / bytes), frame.y(step.ratio), frame.x(step.end / bytes));
        path += &match pen {
            Some(at) if at == step.start => format!("V{y:.1}H{end:.1}"),
            _ => format!("M{x:.1} {y:.1}H{end:.1}"),
        };
        pen = Some(step.end);
    }
    let mut out = String::new();
    if steps.len() > 1 && drawable(all) {
        let (area, y) = (frame.area(), frame.y(all));
        out +=
            &format!("<path class=\"mean\" d=\"M{:.1} {y:.1}H{:.1}\"/>\n", area.left, area.right);
    }
    out + &format!("<path class=\"curve\" d=\"{path}\"/>\n")
}

fn in_words(segments: &[SegmentPoint], steps: &[Step], all: f64, unit: &str, bytes: f64) -> String {
    let segments = count(segments.len(), "segment", "segments");
    let drawn = || steps.iter().filter(|s| drawable(s.ratio));
    let least = drawn().reduce(|a, b| if b.ratio < a.ratio { b } else { a });
    let most = drawn().reduce(|a, b| if b.ratio > a.ratio { b } else { a });
    match (least, most) {
        (Some(least), Some(most)) if least.ratio < most.ratio => {
            let at = |s: &Step| fixed(s.start / bytes, 1);
            format!(
                "{segments}: ratio {} together, from {} at {} {unit} to {} at {} {unit}.",
                ratio(all),
                ratio(least.ratio),
                at(least),
                ratio(most.ratio),
                at(most)
            )
        }
        _ => format!("{segments}: ratio {}.", ratio(all)),
    }
}

/// The unit of positions up to `end`, and its bytes.
fn unit(end: f64) -> (&'static str, f64) {
    match end {
        e if e < 2e4 => ("bytes", 1.0),
        e if e < 2e6 => ("kB", 1e3),
        e if e < 2e10 => ("MB", 1e6),
        _ => ("GB", 1e9),
    }
}
