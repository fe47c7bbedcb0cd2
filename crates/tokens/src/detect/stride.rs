//! Which strides are worth a look: autocorrelation of bytes, rare bytes weighing more.
//!
//! score(L) = Σ weight(b[i]) over positions with b[i] = b[i + L]; weight = −log2 of the byte's frequency,
//! in half bits, at most 15. Taken at several spots of the input, each with its own peaks, so that a
//! second table is seen too. All integer.

use crate::log2::log2;

/// Largest stride looked for, in bytes.
pub(crate) const MAX_STRIDE: usize = 16 * 1024;
/// Positions compared at each spot.
const SPOT: usize = 4096;
/// Short strides, of which a spot names only two: near bytes resemble each other in any data.
const TINY: usize = 16;
/// Lags up to here are compared at all spots.
const SHORT: usize = 2048;
const LANES: usize = 32;

/// Strides that stand out, at most `limit`, the most telling first.
pub(crate) fn candidates(data: &[u8], limit: usize) -> Vec<usize> {
    let n = data.len();
    let max_lag = MAX_STRIDE.min(n / 3);
    if max_lag < 2 {
        return Vec::new();
    }
    let room = n - max_lag;
    let spots = (room / (24 * 1024)).clamp(1, if n >= 8 << 20 { 16 } else { 8 });
    let width = SPOT.min(room);
    // Noise reaches 5 mean deviations among many lags; small inputs cannot do much better.
    let noise = if n < 32 * 1024 { 4 } else { 8 };
    let mut sum = vec![0u64; max_lag + 1];
    let mut lists = Vec::new();
    for s in 0..spots {
        let start = if spots == 1 { room - width } else { (room - width) / (spots - 1) * s };
        // Long lags only at every third spot: they are many.
        let lags = if s % 3 == 0 { max_lag } else { max_lag.min(SHORT) };
        let score = correlate(data, start, width, lags);
        for (a, b) in sum.iter_mut().zip(&score) {
            *a += b;
        }
        if spots > 1 {
            lists.push(peaks(&score, 2, noise));
        }
    }
    let long = spots.div_ceil(3);
    for s in sum.iter_mut().skip(1 + SHORT) {
        *s = *s * spots as u64 / long as u64;
    }
    let mut out = peaks(&sum, 4, noise);
    for rank in 0..2 {
        for list in &lists {
            if let Some(&l) = list.get(rank)
                && !out.contains(&l)
                && out.len() < limit
            {
                out.push(l);
            }
        }
    }
    out.truncate(limit);
    out
}

/// score(L) for L in 0..=max_lag at one spot.
fn correlate(data: &[u8], start: usize, width: usize, max_lag: usize) -> Vec<u64> {
    let end = (start + width + max_lag).min(data.len());
    let mut counts = [0u64; 256];
    for &b in &data[start..end] {
        counts[usize::from(b)] += 1;
    }
    let total = log2((end - start) as u64);
    let weight = counts.map(|c| if c == 0 { 0 } else { ((total - log2(c)) >> 15).min(15) as u8 });
    let base = &data[start..start + width];
    let w: Vec<u8> = base.iter().map(|&b| weight[usize::from(b)]).collect();
    let mut score = vec![0u64; max_lag + 1];
    for lag in 1..=max_lag {
        score[lag] = matches(base, &w, &data[start + lag..start + lag + width]);
    }
    score
}

/// Σ w[i] where a[i] = b[i]; 16 rows of byte lanes never overflow a byte.
fn matches(a: &[u8], w: &[u8], b: &[u8]) -> u64 {
    const BLOCK: usize = LANES * 16;
    let mut sum = 0u64;
    let (ca, cb, cw) = (a.chunks(BLOCK), b.chunks(BLOCK), w.chunks(BLOCK));
    for ((a, b), w) in ca.zip(cb).zip(cw) {
        let mut acc = [0u8; LANES];
        let (ra, rb) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let rw = w.as_chunks::<LANES>();
        for ((a, b), w) in ra.0.iter().zip(rb.0).zip(rw.0) {
            for i in 0..LANES {
                acc[i] += w[i] & u8::from(a[i] == b[i]).wrapping_neg();
            }
        }
        sum += acc.iter().map(|&x| u64::from(x)).sum::<u64>();
        for ((a, b), w) in ra.1.iter().zip(rb.1).zip(rw.1) {
            sum += if a == b { u64::from(*w) } else { 0 };
        }
    }
    sum
}

/// Outstanding strides of one score, the fundamental before its multiples: at most two short ones (up to
/// [`TINY`]) and `limit` long ones.
fn peaks(score: &[u64], limit: usize, noise: i64) -> Vec<usize> {
    let max_lag = score.len() - 1;
    let flat = prominence(score);
    let spread =
        (flat.iter().map(|s| s.unsigned_abs()).sum::<u64>() / max_lag as u64).max(1) as i64;
    // Mean over the first multiples.
    let harmonic = |l: usize| {
        let k = (max_lag / l).min(8);
        (1..=k).map(|i| flat[i * l]).sum::<i64>() / k as i64
    };
    let all: Vec<i64> = (0..=max_lag).map(|l| if l < 2 { i64::MIN } else { harmonic(l) }).collect();
    let mut order: Vec<usize> = (2..=max_lag).collect();
    // More multiples, more certain: weight by √k in eighths.
    const ROOT: [i64; 9] = [0, 8, 11, 14, 16, 18, 20, 21, 23];
    let rank = |l: usize| all[l].saturating_mul(ROOT[(max_lag / l).min(8)]);
    order.sort_unstable_by_key(|&l| (std::cmp::Reverse(rank(l)), l));
    let mut found: Vec<usize> = Vec::new();
    let mut long = 0;
    for &top in order.iter().take(60) {
        if rank(top) <= spread * 8 * noise {
            break;
        }
        // The smallest divisor that is nearly as good stands for the peak.
        let good = |&d: &usize| top % d == 0 && all[d] * 100 >= all[top] * 88;
        let from = if top > TINY { TINY + 1 } else { 2 };
        let d = (from..=top).find(good).unwrap_or(top);
        for l in [d, top] {
            // A multiple of a stride found, or next to one, is its shadow.
            let covered = found.iter().any(|&f| {
                let off = l % f;
                let shadow = all[f] >= all[l] && off.min(f - off) * 32 <= f && f < l;
                let same = (f > TINY) == (l > TINY);
                // A divisor shines through its multiples alone: a share of l / f.
                let weak = all[l] <= all[f] / 4 + all[f] / f as i64 * l as i64;
                same && ((off == 0 && all[f] * 100 >= all[l] * 80)
                    || (f > TINY && shadow)
                    || (f.is_multiple_of(l) && weak))
            });
            let room = if l <= TINY { found.len() - long < 2 } else { long < limit };
            if !covered && room {
                long += usize::from(l > TINY);
                found.push(l);
            }
        }
    }
    found
}

/// score − its mean around: over the lags of the same phase modulo 4 within 64, or the two neighbours of a tiny lag.
fn prominence(score: &[u64]) -> Vec<i64> {
    let max_lag = score.len() - 1;
    (0..=max_lag)
        .map(|l| {
            if l < 2 {
                return 0;
            }
            if l <= TINY && l < max_lag {
                return score[l] as i64 - (score[l - 1].max(score[1]) + score[l + 1]) as i64 / 2;
            }
            let (from, to) = (l.saturating_sub(64).max(1), (l + 64).min(max_lag));
            let around = (from + (l - from) % 4..=to).step_by(4);
            let (sum, count) = around.fold((0u64, 0u64), |(s, c), i| (s + score[i], c + 1));
            score[l] as i64 - (sum / count) as i64
        })
        .collect()
}
