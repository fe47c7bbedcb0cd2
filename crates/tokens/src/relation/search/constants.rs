//! Fitting the constants of `c·f(x)` and `c·f(x) + d`, and writing them short.
//!
//! A rounded table leaves an interval for the constant; the shortest decimal number in it is most likely
//! what the producer wrote (1000, 0.001, 57.29578).

use super::Sample;
use super::seek::half_ulp;
use crate::ordered::to_f64;

/// Rows used.
const ROWS: usize = 1024;

/// The constant c of y = c·f(x), from the rows that agree with check row `start`.
pub(crate) fn fit_scale(
    sample: &Sample,
    target: u16,
    f: fn(f64) -> f64,
    s: u16,
    start: usize,
) -> f64 {
    let (kind, source) = (sample.kinds[target as usize], sample.kinds[s as usize]);
    let interval = |y_raw: u64, x_raw: u64| {
        let (y, u) = (to_f64(kind, y_raw), f(to_f64(source, x_raw)));
        // The source was rounded as well: allow for a little more than half a unit.
        let h = 0.75 * half_ulp(kind, y_raw, y).max(y.abs() * f64::EPSILON) * 2.0;
        let (a, b) = ((y - h) / u, (y + h) / u);
        if a < b { (a, b) } else { (b, a) }
    };
    let first = interval(sample.raw(target, start), sample.raw(s, start));
    let (mut lo, mut hi) = first;
    let (ys, xs) = (sample.search(target), sample.search(s));
    for (&y, &x) in ys.iter().zip(xs).take(ROWS) {
        let (a, b) = interval(y, x);
        // Rows that contradict are violations of the relation.
        if a.is_finite() && b.is_finite() && a <= hi && b >= lo {
            let (l, h) = (lo.max(a), hi.min(b));
            if l < h {
                (lo, hi) = (l, h);
            }
        }
    }
    shortest(lo, hi)
}

/// Constants c, d of y = c·f(x) + d: least squares over the rows near the line, as fitted and written short.
pub(crate) fn fit_affine(sample: &Sample, target: u16, f: fn(f64) -> f64, s: u16) -> Vec<[f64; 2]> {
    let (kind, source) = (sample.kinds[target as usize], sample.kinds[s as usize]);
    let mode = sample.mode[target as usize];
    let points: Vec<(f64, f64)> = sample
        .search(target)
        .iter()
        .zip(sample.search(s))
        .filter(|(y, _)| **y != mode)
        .map(|(&y, &x)| (f(to_f64(source, x)), to_f64(kind, y)))
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .take(ROWS)
        .collect();
    if points.len() < 3 {
        return Vec::new();
    }
    // A robust start: the median slope of pairs of rows far apart in the list.
    let n = points.len();
    let mut slopes: Vec<f64> = (0..n)
        .map(|i| (points[i], points[(i + n / 2) % n]))
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .filter(|s| s.is_finite())
        .collect();
    let Some(mut c) = median(&mut slopes) else { return Vec::new() };
    let mut rests: Vec<f64> = points.iter().map(|p| p.1 - c * p.0).collect();
    let Some(mut d) = median(&mut rests) else { return Vec::new() };
    for _ in 0..2 {
        let mut off: Vec<f64> = points.iter().map(|p| (p.1 - c * p.0 - d).abs()).collect();
        let Some(m) = median(&mut off) else { break };
        let near: Vec<(f64, f64)> =
            points.iter().copied().filter(|p| (p.1 - c * p.0 - d).abs() <= 4.0 * m).collect();
        let k = near.len() as f64;
        let (mu, my) = near.iter().fold((0.0, 0.0), |a, p| (a.0 + p.0, a.1 + p.1));
        let (mu, my) = (mu / k, my / k);
        let (mut suu, mut suy) = (0.0, 0.0);
        for p in &near {
            suu += (p.0 - mu) * (p.0 - mu);
            suy += (p.0 - mu) * (p.1 - my);
        }
        if suu > 0.0 {
            c = suy / suu;
            d = my - c * mu;
        }
    }
    if c == 0.0 || !c.is_finite() || !d.is_finite() {
        return Vec::new();
    }
    let mut out = vec![[c, d]];
    // As short decimals, within what the scatter allows.
    let wide = c.abs() * 1e-6;
    let short_c = shortest(c - wide, c + wide);
    let mut rests: Vec<f64> = points.iter().map(|p| p.1 - short_c * p.0).collect();
    if let Some(m) = median(&mut rests) {
        let mut spread: Vec<f64> = rests.iter().map(|r| (r - m).abs()).collect();
        let wide = median(&mut spread).unwrap_or(0.0).max(m.abs() * 1e-7);
        out.push([short_c, m]);
        out.push([short_c, shortest(m - wide, m + wide)]);
    }
    out
}

fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let mid = values.len() / 2;
    Some(*values.select_nth_unstable_by(mid, f64::total_cmp).1)
}

/// The decimal number of fewest digits in [lo, hi]; the middle where there is none.
pub(crate) fn shortest(lo: f64, hi: f64) -> f64 {
    let mid = lo + (hi - lo) / 2.0;
    if lo <= 0.0 && hi >= 0.0 {
        return 0.0;
    }
    for digits in 0..17 {
        let text = format!("{mid:.digits$e}");
        if let Ok(x) = text.parse::<f64>()
            && x >= lo
            && x <= hi
        {
            return x;
        }
    }
    mid
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn finds_what_was_written() {
        assert_eq!(shortest(999.9999, 1000.0001), 1000.0);
        assert_eq!(shortest(-0.001_000_1, -0.000_999_9), -0.001);
        assert_eq!(shortest(-1.0, 1.0), 0.0);
        assert!((shortest(57.295_779, 57.295_780) - 57.295_779_5).abs() < 1e-6);
    }
}
