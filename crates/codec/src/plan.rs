//! What is in the input, and how each part is to be coded: from the look-ahead alone.

use vxc_entropy::RangeEncoder;
use vxc_predict::bytes::{ByteKind, ByteModel, ByteModelConfig};
use vxc_predict::fields::FieldModel;
use vxc_predict::lz::LzPlan;
use vxc_predict::static_model::contexts::Contexts;
use vxc_predict::static_model::{StaticModel, StaticPlan};
use vxc_tokens::detect::detect;
use vxc_tokens::log2::{BIT, entropy, log2};
use vxc_tokens::sidecar::check_layout;
use vxc_tokens::{FitOptions, RecordLayout, Tokeniser, fit};

use crate::error::Error;
use crate::level::Level;
use crate::model::Model;
use crate::segment_code::{Method, State};
use crate::stream_code::{Form, StreamCode};

/// Bytes of each place where a given layout is compared with the data.
const CHECK_BYTES: usize = 256 << 10;
/// Bytes at both ends that are compared with text.
const TEXT_BYTES: usize = 64 << 10;
/// Bytes that decide between ways of coding.
const TRIAL_BYTES: usize = 256 << 10;
/// The same for wide or short tables, where learning costs most.
pub const LONG_TRIAL_BYTES: usize = 1 << 20;

/// A part of the input that is one stream.
#[derive(Clone, Debug)]
pub struct Part {
    /// Length in bytes within the look-ahead.
    pub len: usize,
    /// Layout, where it is a table.
    pub layout: Option<RecordLayout>,
}

/// Splits the look-ahead into parts. With a given layout: its records, and a tail that is no whole record.
/// `open` says that more bytes follow.
pub fn parts(sample: &[u8], layout: Option<&RecordLayout>, open: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = match layout {
        Some(l) => {
            let whole = sample.len() / l.record_bytes * l.record_bytes;
            let mut parts = vec![Part { len: whole, layout: Some(l.clone()) }];
            parts.push(Part { len: sample.len() - whole, layout: None });
            parts
        }
        None => detect(sample).into_iter().map(|r| Part { len: r.len, layout: r.layout }).collect(),
    };
    parts.retain(|p| p.len > 0);
    // The look-ahead ends inside a record: what follows is the table's.
    if let [.., table, tail] = &parts[..]
        && open
        && tail.layout.is_none()
        && table.layout.as_ref().is_some_and(|l| tail.len < l.record_bytes)
    {
        parts.pop();
    }
    parts
}

/// As [`parts`], where the bytes bear the given layout out; where they do not, they are looked at without it, and it
/// holds for the tables of its record size alone. `checked`: somebody has compared it with the start.
pub fn parts_like(
    sample: &[u8],
    layout: Option<&RecordLayout>,
    open: bool,
    checked: bool,
) -> Vec<Part> {
    let Some(layout) = layout else { return parts(sample, None, open) };
    if holds(layout, sample, checked) {
        return parts(sample, Some(layout), open);
    }
    let mut found = parts(sample, None, open);
    for part in &mut found {
        if part.layout.as_ref().is_some_and(|l| l.record_bytes == layout.record_bytes) {
            part.layout = Some(layout.clone());
        }
    }
    found
}

/// Whether nothing speaks against a layout, at its start, in the middle and at its end: another table or text may follow.
fn holds(layout: &RecordLayout, sample: &[u8], checked: bool) -> bool {
    let record = layout.record_bytes;
    let ends = TEXT_BYTES.min(sample.len());
    if !is_text(&sample[..ends]) && is_text(&sample[sample.len() - ends..]) {
        return false;
    }
    let records = sample.len() / record;
    let window = (CHECK_BYTES / record).clamp(1, records.max(1));
    let at = |first: usize| &sample[first * record..((first + window) * record).min(sample.len())];
    let fits = |bytes: &[u8]| !check_layout(layout, bytes.len() as u64, bytes).is_contradiction();
    let (start, last) = (at(0), records.saturating_sub(window));
    if !checked && !fits(start) {
        return false;
    }
    // The comparison takes a tenth of a second: it is left out where the bytes are like those at the start.
    [last / 2, last].iter().all(|&first| alike(start, at(first), record) || fits(at(first)))
}

/// Whether the byte frequencies of each column of one piece fit another nearly as well as its own. Few records say
/// nothing.
fn alike(one: &[u8], other: &[u8], record: usize) -> bool {
    if one.len() / record < 256 {
        return false;
    }
    let (mut foreign, mut own) = (0, 0);
    for column in 0..record {
        let count = |bytes: &[u8]| {
            let mut counts = [1u32; 256];
            bytes.iter().skip(column).step_by(record).for_each(|&b| counts[usize::from(b)] += 1);
            counts
        };
        let (a, b) = (count(one), count(other));
        let total = |counts: &[u32; 256]| log2(counts.iter().map(|&c| u64::from(c)).sum());
        let (all_a, all_b) = (total(&a), total(&b));
        for (&a, &b) in a.iter().zip(&b).filter(|&(_, &b)| b > 1) {
            let uses = u64::from(b - 1);
            foreign += uses * (all_a - log2(a.into()));
            own += uses * (all_b - log2(b.into()));
        }
    }
    foreign <= own + own / 8
}

/// A stream's code with the encoder's method.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the decoder needs.
    pub code: StreamCode,
    /// What the encoder does.
    pub method: Method,
}

/// Chooses how to code a part. `total` is the number of bytes that the stream will have, `largest` the
/// longest segment.
///
/// # Errors
/// [`Error::Corruption`] if a library fails.
pub fn plan(
    level: Level,
    layout: Option<&RecordLayout>,
    sample: &[u8],
    total: u64,
    largest: u64,
) -> Result<Planned, Error> {
    let mix_level = u32::from(level.number()).clamp(4, 6);
    let form = if is_text(sample) { Form::Text } else { Form::Bytes };
    let base = StreamCode::new(form, mix_level, largest);
    let Some(layout) = layout else { return plan_bytes(level, base, sample) };
    if level.is_mix() {
        plan_mix(level, base, layout, sample, total)
    } else {
        plan_static(level, base, layout, sample, total)
    }
}

/// Whether bytes read as text: nearly all of them printable ASCII or white space.
fn is_text(sample: &[u8]) -> bool {
    let looked_at = || sample.iter().step_by(sample.len() / 65_536 + 1);
    let strange =
        looked_at().filter(|&&b| (b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t')) || b >= 0x7f);
    strange.count() * 20 <= looked_at().count()
}

/// Unknown bytes: noise is stored and what repeats without end goes to the LZ kind at every level, since
/// a mix would only be slow there.
fn plan_bytes(level: Level, code: StreamCode, sample: &[u8]) -> Result<Planned, Error> {
    let (lz, raw, coded) = LzPlan::choose(level.number().min(3).into(), None, sample)?;
    let method = if coded >= raw && is_noise(sample) {
        Method::Stored
    } else if !level.is_mix() || coded * 500 < raw {
        Method::Lz(lz)
    } else {
        Method::Mix
    };
    Ok(Planned { code, method })
}

/// Whether the byte frequencies of the sample are those of noise.
fn is_noise(sample: &[u8]) -> bool {
    let mut counts = [0u64; 256];
    for &b in sample.iter().take(TRIAL_BYTES) {
        counts[usize::from(b)] += 1;
    }
    let n: u64 = counts.iter().sum();
    // Chance alone takes about 255/2·log2(e) bits off the entropy.
    entropy(counts, n) + 400 * BIT >= n * 8 * BIT
}

fn fitted(
    level: Level,
    layout: &RecordLayout,
    sample: &[u8],
    total: u64,
) -> Result<Tokeniser, Error> {
    let options = FitOptions {
        records: total / layout.record_bytes as u64,
        relations: level.relations(),
        bin_bits: level.bin_bits(),
        ..FitOptions::default()
    };
    Ok(fit(layout, sample, &options)?)
}

/// The static plan of a tokeniser at a level.
pub fn static_plan(level: Level, tokeniser: &Tokeniser, sample: &[u8], total: u64) -> StaticPlan {
    let records = total / tokeniser.layout().record_bytes as u64;
    let contexts = if level.number() >= 3 {
        Contexts::choose(tokeniser, sample, records)
    } else {
        Contexts::none(tokeniser.steps().len())
    };
    StaticPlan { contexts, exact: level.number() >= 2 }
}

fn plan_static(
    level: Level,
    base: StreamCode,
    layout: &RecordLayout,
    sample: &[u8],
    total: u64,
) -> Result<Planned, Error> {
    let tokeniser = fitted(level, layout, sample, total)?;
    let plan = static_plan(level, &tokeniser, sample, total);
    let trial = trial(sample, layout, TRIAL_BYTES);
    let coded = StaticModel::new(&tokeniser, &plan).encode(&tokeniser, &plan, trial).len();
    let code = StreamCode { form: Form::Fields(tokeniser), plan: Some(plan), ..base.clone() };
    let fields = price(coded, trial.len(), total, &code);
    // A dictionary pays where many values repeat; hardly ever where fields take half of the bytes.
    if fields < total / 2 || layout.fields.len() > 64 || sample.len() < 4096 {
        let (lz, raw, coded) = LzPlan::choose(level.number().into(), Some(layout), sample)?;
        let plain = StreamCode { form: Form::Records(layout.clone()), ..base };
        if price(coded, raw, total, &plain) < fields {
            return Ok(Planned { code: plain, method: Method::Lz(lz) });
        }
    }
    Ok(Planned { code, method: Method::Static })
}

fn plan_mix(
    level: Level,
    base: StreamCode,
    layout: &RecordLayout,
    sample: &[u8],
    total: u64,
) -> Result<Planned, Error> {
    let rows = sample.len() / layout.record_bytes;
    let clear = rows >= 4096 && layout.fields.len() <= 256;
    let trial = trial(sample, layout, if clear { TRIAL_BYTES } else { LONG_TRIAL_BYTES });
    let size = trial.len() as u64;
    let mut candidates: Vec<(u64, StreamCode)> = Vec::new();

    let tokeniser = fitted(level, layout, sample, total)?;
    let mut counter = RangeEncoder::new();
    let records = size / layout.record_bytes as u64;
    FieldModel::new(&tokeniser, records, base.mix_level).encode(&tokeniser, &mut counter, trial)?;
    let code = StreamCode { form: Form::Fields(tokeniser), ..base.clone() };
    candidates.push((price(counter.finish().len(), trial.len(), total, &code), code));

    let code = StreamCode { form: Form::Records(layout.clone()), ..base.clone() };
    for (kind, code) in [(ByteKind::Record(layout.clone()), code), (ByteKind::Binary, base.clone())]
    {
        // Forgetting that it is a table pays only where there is next to no table.
        if matches!(kind, ByteKind::Binary) && rows > 64 {
            continue;
        }
        let mut counter = RangeEncoder::new();
        let config = ByteModelConfig { kind, level: base.mix_level, len: size };
        ByteModel::new(&config).encode(&mut counter, trial);
        candidates.push((price(counter.finish().len(), trial.len(), total, &code), code));
    }
    let best = candidates.into_iter().min_by_key(|(cost, _)| *cost);
    let code = best.map_or(base, |(_, code)| code);
    Ok(Planned { code, method: Method::Mix })
}

/// Whether a model codes the sample smaller than a plan of its own: `most` bytes of its start, at most.
///
/// # Errors
/// [`Error::Corruption`] if a library fails.
pub fn model_helps(
    model: &Model,
    method: Method,
    own: &Planned,
    sample: &[u8],
    total: u64,
    (embed, most): (bool, usize),
) -> Result<bool, Error> {
    let record = own.code.record_bytes();
    let trial = &sample[..sample.len().min(most.max(record)) / record * record];
    let coded = |code: &StreamCode, neural, method: Method, mut state: State| {
        let coded = code.encode(neural, method, &mut state, trial)?.1.len() as u64;
        Ok::<_, Error>(scaled(coded, trial.len(), total))
    };
    let with = coded(model.code(), model.neural(), method, model.fresh(method.kind()))?;
    let without = coded(&own.code, None, own.method, own.code.fresh(own.method.kind()))?;
    let carried = if embed { model.file().len() as u64 } else { 0 };
    Ok(with + carried <= without + own.code.to_bytes().len() as u64)
}

/// Whole records from the start of the sample.
fn trial<'a>(sample: &'a [u8], layout: &RecordLayout, most: usize) -> &'a [u8] {
    let size = layout.record_bytes;
    let n = sample.len().min(most.max(size)) / size * size;
    &sample[..n]
}

/// Bytes of a whole stream by its sample: `coded` bytes of `of`, and the code itself.
fn price(coded: usize, of: usize, total: u64, code: &StreamCode) -> u64 {
    scaled(coded as u64, of, total) + code.to_bytes().len() as u64
}

fn scaled(coded: u64, of: usize, total: u64) -> u64 {
    (u128::from(coded) * u128::from(total) / of.max(1) as u128) as u64
}
