//! The frame of a plot: an SVG with axes, grid and titles.
//!
//! Every plot is drawn twice, for wide and for narrow screens, and the style sheet shows one of them: a plot that is
//! only scaled down cannot be read on a phone.

use super::axis::Axis;
use super::text::escape;

/// The two drawings of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// For screens and paper.
    Wide,
    /// For phones.
    Narrow,
}

impl Size {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Wide, Self::Narrow];

    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }

    fn width(self) -> f64 {
        match self {
            Self::Wide => 860.0,
            Self::Narrow => 340.0,
        }
    }
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    /// Area in common with another.
    pub(super) fn overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }

    /// Whether another lies in it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && other.right <= self.right
            && other.bottom <= self.bottom
    }
}

/// What a plot shows, in words.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    /// An id that no other plot of the page has.
    pub id: &'a str,
    /// For those who do not see it; not escaped yet.
    pub title: &'a str,
    /// The same, at length.
    pub describe: &'a str,
    /// Below the horizontal axis.
    pub x: &'a str,
    /// Above the vertical axis.
    pub y: &'a str,
}

/// A frame with its axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    size: Size,
    height: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    /// A frame; the height is that of the wide drawing.
    pub(super) fn new(size: Size, height: f64, x: Axis, y: Axis) -> Self {
        let height = if size == Size::Wide { height } else { height.min(340.0) };
        Self { size, height, x, y }
    }

    /// Where things are drawn.
    pub(super) fn area(&self) -> Rect {
        Rect { left: 48.0, top: 26.0, right: self.size.width() - 12.0, bottom: self.height - 44.0 }
    }

    /// Horizontal place of a value.
    pub(super) fn x(&self, value: f64) -> f64 {
        let area = self.area();
        area.left + (area.right - area.left) * self.x.at(value)
    }

    /// Vertical place of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        let area = self.area();
        area.bottom - (area.bottom - area.top) * self.y.at(value)
    }

    /// The SVG with this inside.
    pub(super) fn svg(&self, words: &Words<'_>, inside: &str) -> String {
        let (width, height, class) = (self.size.width(), self.height, self.size.class());
        let id = format!("{}-{class}", words.id);
        let (title, describe) = (escape(words.title), escape(words.describe));
        format!(
            "<svg class=\"plot {class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{describe}</desc>\n\
             {}{inside}</svg>\n",
            self.axes(words)
        )
    }

    fn axes(&self, words: &Words<'_>) -> String {
        let Rect { left, top, right, bottom } = self.area();
        let mut out = String::new();
        for tick in self.x.ticks((right - left) as usize / 48) {
            let x = left + (right - left) * tick.at;
            out += &format!(
                "<path class=\"grid\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n",
                bottom + 17.0,
                tick.label
            );
        }
        for tick in self.y.ticks((bottom - top) as usize / 40) {
            let y = bottom - (bottom - top) * tick.at;
            out += &format!(
                "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/>\
                 <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                left - 6.0,
                y + 4.0,
                tick.label
            );
        }
        out + &format!(
            "<path class=\"axis\" d=\"M{left:.1} {top:.1}V{bottom:.1}H{right:.1}\"/>\n\
             <text class=\"name\" x=\"4\" y=\"14\">{}</text>\n\
             <text class=\"name\" text-anchor=\"end\" x=\"{right:.1}\" y=\"{:.1}\">{}</text>\n",
            escape(words.y),
            self.height - 8.0,
            escape(words.x)
        )
    }
}
