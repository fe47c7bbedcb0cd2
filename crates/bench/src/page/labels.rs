//! Places for the labels of marks, without overlap as far as there is room.
//!
//! One label after the other takes the cheapest of a fixed set of places around its mark. One that finds none that is
//! free is shortened; every label is placed.

use super::plot::Rect;

/// Directions around a mark, those that read best first.
const AROUND: [(f64, f64); 12] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.0, -1.0),
    (0.0, 1.0),
    (0.8, -0.6),
    (0.8, 0.6),
    (-0.8, -0.6),
    (-0.8, 0.6),
    (0.5, -0.9),
    (0.5, 0.9),
    (-0.5, -0.9),
    (-0.5, 0.9),
];

/// Distances from a mark.
const AWAY: [f64; 8] = [10.0, 14.0, 20.0, 28.0, 38.0, 50.0, 66.0, 86.0];

/// From this distance on a line leads from the mark to its label.
const LEADER_FROM: f64 = 15.0;

/// Height of a line of text, and the width of a letter, of 13 pixels. Fonts differ; most are narrower.
const LINE: f64 = 15.0;
const LETTER: f64 = 7.6;

/// A mark that wants a label.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub x: f64,
    pub y: f64,
    /// What it should say.
    pub text: String,
    /// What it says where there is no room.
    pub short: String,
}

/// A label in its place.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// Where the text begins.
    pub x: f64,
    /// Its base line.
    pub y: f64,
    pub text: String,
    /// Where the line from the mark ends, if there is one.
    pub leader: Option<(f64, f64)>,
}

/// What is on the plot already.
struct Taken<'a> {
    bounds: &'a Rect,
    /// The front, in thin rectangles.
    lines: &'a [Rect],
    dots: Vec<Rect>,
    labels: Vec<Rect>,
    /// Points of the lines that lead to labels.
    leaders: Vec<Rect>,
}

/// A label for each mark, in their order, within `bounds`: the first have the best places. `lines` are avoided where
/// that is cheap.
pub(super) fn place(marks: &[Mark], bounds: &Rect, lines: &[Rect]) -> Vec<Label> {
    let dots = marks.iter().map(|m| around(m.x, m.y, 8.0, 6.0)).collect();
    let mut taken = Taken { bounds, lines, dots, labels: Vec::new(), leaders: Vec::new() };
    marks.iter().map(|mark| taken.put(mark)).collect()
}

impl Taken<'_> {
    fn put(&mut self, mark: &Mark) -> Label {
        let long = self.cheapest(mark, &mark.text);
        let (text, (rect, away)) = if self.free(&long.0) {
            (&mark.text, long)
        } else {
            (&mark.short, self.cheapest(mark, &mark.short))
        };
        let far = away >= LEADER_FROM;
        if far {
            self.leaders.extend(leader(mark, &rect));
        }
        self.labels.push(rect);
        Label {
            x: rect.left,
            y: rect.bottom - 4.0,
            text: text.clone(),
            leader: far.then(|| nearest(mark, &rect)),
        }
    }

    fn free(&self, rect: &Rect) -> bool {
        self.labels.iter().chain(&self.dots).all(|t| t.overlap(rect) <= 0.0)
    }

    /// The cheapest place for a text, and its distance.
    fn cheapest(&self, mark: &Mark, text: &str) -> (Rect, f64) {
        let half_width = LETTER * text.chars().count() as f64 / 2.0 + 1.0;
        let half_height = LINE / 2.0;
        let beside = |(dx, dy): (f64, f64), away: f64| {
            // The edge of the text, not its middle, lies at the distance.
            let x = mark.x + dx * away + half_width * side(dx);
            let y = mark.y + dy * away + half_height * dy;
            around(x, y, half_width, half_height)
        };
        let mut best = (beside((1.0, 0.0), 10.0), 10.0);
        let mut least = f64::INFINITY;
        for away in AWAY {
            for (order, direction) in AROUND.into_iter().enumerate() {
                let rect = beside(direction, away);
                let price = self.price(mark, &rect, away) + 0.2 * order as f64;
                if self.bounds.holds(&rect) && price < least {
                    (best, least) = ((rect, away), price);
                }
            }
        }
        best
    }

    fn price(&self, mark: &Mark, rect: &Rect, away: f64) -> f64 {
        let over = |all: &[Rect], rect: &Rect| all.iter().map(|r| r.overlap(rect)).sum::<f64>();
        let crossed: f64 = if away < LEADER_FROM {
            0.0
        } else {
            leader(mark, rect).map(|point| over(&self.labels, &point)).sum()
        };
        20.0 * (over(&self.labels, rect) + over(&self.leaders, rect) + crossed)
            + 10.0 * over(&self.dots, rect)
            + 0.6 * over(self.lines, rect)
            + away
    }
}

/// Where the line from a mark meets its label.
fn nearest(mark: &Mark, rect: &Rect) -> (f64, f64) {
    (mark.x.clamp(rect.left, rect.right), mark.y.clamp(rect.top, rect.bottom))
}

/// Points of the line from a mark to its label.
fn leader(mark: &Mark, rect: &Rect) -> impl Iterator<Item = Rect> {
    const POINTS: i32 = 12;
    let (x, y) = (mark.x, mark.y);
    let (to_x, to_y) = nearest(mark, rect);
    (1..POINTS).map(move |i| {
        let share = f64::from(i) / f64::from(POINTS);
        around(x + (to_x - x) * share, y + (to_y - y) * share, 1.0, 1.0)
    })
}

fn around(x: f64, y: f64, half_width: f64, half_height: f64) -> Rect {
    Rect {
        left: x - half_width,
        top: y - half_height,
        right: x + half_width,
        bottom: y + half_height,
    }
}

/// −1, 0 or 1.
fn side(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Rect = Rect { left: 0.0, top: 0.0, right: 800.0, bottom: 400.0 };

    fn mark(x: f64, y: f64, text: &str) -> Mark {
        Mark { x, y, text: text.into(), short: "1".into() }
    }

    fn rect(label: &Label) -> Rect {
        let width = LETTER * label.text.chars().count() as f64;
        Rect {
            left: label.x,
            top: label.y + 4.0 - LINE,
            right: label.x + width,
            bottom: label.y + 4.0,
        }
    }

    #[test]
    fn labels_lie_apart_and_within() {
        let marks: Vec<Mark> = (0..25)
            .map(|i| {
                mark(
                    60.0 + 27.0 * f64::from(i),
                    60.0 + f64::from(i * i % 29 * 10),
                    "pco 12 per column",
                )
            })
            .collect();
        let labels = place(&marks, &BOUNDS, &[]);
        assert_eq!(labels.len(), marks.len());
        for (i, a) in labels.iter().enumerate() {
            assert!(BOUNDS.holds(&rect(a)), "{a:?}");
            for b in labels.iter().skip(i + 1) {
                assert!(rect(a).overlap(&rect(b)) <= 0.0, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn marks_in_one_place_all_have_labels() {
        let marks = vec![mark(5.0, 5.0, &"long ".repeat(40)); 9];
        assert_eq!(place(&marks, &BOUNDS, &[]).len(), 9);
    }
}
