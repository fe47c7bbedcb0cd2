//! Tables, in a container that scrolls by itself where they are wider than the screen.

use super::text::escape;

/// A table around rows that are HTML already.
pub(super) fn table(caption: &str, class: &str, head: &str, body: &str, foot: &str) -> String {
    let foot = if foot.is_empty() { String::new() } else { format!("<tfoot>\n{foot}</tfoot>\n") };
    // Can be reached by the keyboard, or nobody without a mouse could scroll it.
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">\n\
         <table class=\"{class}\">\n<caption>{0}</caption>\n<thead>\n{head}</thead>\n\
         <tbody>\n{body}</tbody>\n{foot}</table>\n</div>\n",
        escape(caption)
    )
}

/// A row of heads, the numeric ones to the right.
pub(super) fn heads(heads: &[(&str, bool)]) -> String {
    let cells: String = heads
        .iter()
        .map(|(head, number)| {
            let class = if *number { " class=\"n\"" } else { "" };
            format!("<th scope=\"col\"{class}>{head}</th>")
        })
        .collect();
    format!("<tr>{cells}</tr>\n")
}

/// A cell with a number.
pub(super) fn number(shown: &str) -> String {
    format!("<td class=\"n\">{shown}</td>")
}

/// What a mark (SVG, 14 by 14) stands for.
pub(super) fn sign(mark: &str, words: &str) -> String {
    format!(
        "<span><svg class=\"sign\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">{mark}</svg> {words}</span>"
    )
}

/// What the colours of bars stand for: class and words of each.
pub(super) fn legend(colours: &[(&str, &str)]) -> String {
    let mark = |class: &str| {
        format!("<rect class=\"{class}\" x=\"1\" y=\"1\" width=\"12\" height=\"12\"/>")
    };
    let all: Vec<String> = colours.iter().map(|(class, words)| sign(&mark(class), words)).collect();
    format!("<p class=\"legend\">{}</p>\n", all.join(" "))
}

/// A bar of parts one after the other, and an outline up to `outline`; `full` is all of its width. The numbers stand
/// beside it, so it is hidden from screen readers.
pub(super) fn bar(parts: &[(&str, f64)], outline: f64, full: f64) -> String {
    let place = |x: f64| {
        let share = 100.0 * x / full;
        if share.is_finite() { share.clamp(0.0, 100.0) } else { 0.0 }
    };
    let mut from = 0.0;
    let mut inside = String::new();
    for (class, value) in parts {
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        let (left, right) = (place(from), place(from + value));
        inside += &format!(
            "<rect class=\"{class}\" x=\"{left:.2}%\" y=\"1\" width=\"{:.2}%\" height=\"12\"/>",
            right - left
        );
        from += value;
    }
    format!(
        "<svg class=\"bar\" width=\"100%\" height=\"14\" aria-hidden=\"true\">{inside}\
         <rect class=\"outline\" x=\"0\" y=\"1\" width=\"{:.2}%\" height=\"12\"/></svg>",
        place(outline)
    )
}
