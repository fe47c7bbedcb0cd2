//! Contexts of the static level: for each step, at most one source of up to 16 classes that decides which
//! frequency table codes the symbol.

use vxc_entropy::BinaryCoder;
use vxc_tokens::log2::{BIT, log2};
use vxc_tokens::wire::{Slot, Wire};
use vxc_tokens::{Block, TokenError, Tokeniser};

/// Most classes of a context.
pub const MAX_CLASSES: usize = 16;

/// Where a step's class comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The context key of an earlier step's value in the same record.
    Step(u16),
    /// The context key of the step's prediction.
    Expected,
}

/// A source and the ascending edges between its classes: class = number of edges <= key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Where keys come from.
    pub source: Source,
    /// Edges, 1..=15 of them.
    pub edges: Vec<u16>,
}

impl Context {
    /// The class of a key, below [`MAX_CLASSES`].
    #[inline(always)]
    pub fn class(&self, key: u16) -> u8 {
        self.edges.iter().map(|&e| u8::from(e <= key)).sum()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.edges.len() + 1
    }
}

/// One optional context per step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts(pub Vec<Option<Context>>);

/// Records looked at, in [`RUNS`] runs.
const ROWS: usize = 1 << 13;
const RUNS: usize = 8;

impl Contexts {
    /// No contexts for `n` steps.
    pub fn none(n: usize) -> Self {
        Self(vec![None; n])
    }

    /// Chooses contexts from whole records in `bytes` for `total` records to come.
    pub fn choose(tokeniser: &Tokeniser, bytes: &[u8], total: u64) -> Self {
        let size = tokeniser.layout().record_bytes;
        let records = bytes.len() / size;
        let rows = records.min(ROWS);
        let mut picked = Vec::with_capacity(rows * size);
        for i in 0..RUNS {
            let start = i * records / RUNS;
            let len = ((i + 1) * rows / RUNS - i * rows / RUNS).min(records - start);
            picked.extend_from_slice(&bytes[start * size..(start + len) * size]);
        }
        let mut block = Block::default();
        tokeniser.load(&picked, &mut block);
        let previous = vec![0; tokeniser.kinds().len()];
        for k in 0..tokeniser.steps().len() {
            tokeniser.predict(k, &mut block);
            tokeniser.tokens(k, &previous, &mut block);
            tokeniser.keys(k, &mut block);
            tokeniser.expected(k, &mut block);
        }
        Self(
            (0..tokeniser.steps().len()).map(|k| choose_one(tokeniser, &block, k, total)).collect(),
        )
    }

    /// Writes the serial form, or reads it for `steps` steps.
    ///
    /// # Errors
    /// [`TokenError::Corrupt`] when reading an invalid one.
    pub fn code<C: BinaryCoder>(
        wire: &mut Wire<C>,
        own: Option<&Self>,
        steps: usize,
    ) -> Result<Self, TokenError> {
        let mut out = Vec::with_capacity(steps);
        for k in 0..steps {
            let c = own.and_then(|o| o.0[k].as_ref());
            let source = match c.map(|c| c.source) {
                None => 0,
                Some(Source::Expected) => 1,
                Some(Source::Step(j)) => 2 + (k as u64 - 1 - u64::from(j)),
            };
            let source = match wire.number(Slot::Partner, 8, source) {
                0 => {
                    out.push(None);
                    continue;
                }
                1 => Source::Expected,
                back => {
                    let j = (k as u64).checked_sub(1).and_then(|k| k.checked_sub(back - 2));
                    Source::Step(j.ok_or(TokenError::Corrupt("context step"))? as u16)
                }
            };
            let n = wire.number(Slot::Partner, 9, c.map_or(0, |c| c.edges.len() as u64));
            if n == 0 || n >= MAX_CLASSES as u64 {
                return Err(TokenError::Corrupt("classes of a context"));
            }
            let mut edges = Vec::with_capacity(n as usize);
            let mut last = 0u64;
            for i in 0..n as usize {
                let delta = c.map_or(0, |c| u64::from(c.edges[i]) - last);
                last = last.saturating_add(wire.number(Slot::Partner, 10, delta));
                edges.push(u16::try_from(last).map_err(|_| TokenError::Corrupt("context edge"))?);
            }
            out.push(Some(Context { source, edges }));
        }
        Ok(Self(out))
    }
}

/// The context with the largest expected gain, if any has one.
fn choose_one(tokeniser: &Tokeniser, block: &Block, k: usize, total: u64) -> Option<Context> {
    let own = &block.tokens[k];
    let rows = own.symbols.len();
    if rows < 64 || tokeniser.steps()[k].alphabet() < 2 {
        return None;
    }
    let mut sources: Vec<Source> =
        tokeniser.steps()[k].partners.iter().map(|&j| Source::Step(j)).collect();
    if !own.expected.is_empty() {
        sources.push(Source::Expected);
    }
    let mut best: Option<(u64, Context)> = None;
    for source in sources {
        let keys: Vec<u16> = match source {
            Source::Step(j) => block.tokens[usize::from(j)].keys.clone(),
            Source::Expected => own.expected.clone(),
        };
        let edges = edges(&keys);
        if edges.is_empty() {
            continue;
        }
        let context = Context { source, edges };
        let gain = gain(&context, &keys, &own.symbols, total);
        if gain > best.as_ref().map_or(0, |b| b.0) {
            best = Some((gain, context));
        }
    }
    best.map(|b| b.1)
}

/// Edges of classes of about equal size.
fn edges(keys: &[u16]) -> Vec<u16> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let mut edges: Vec<u16> =
        (1..MAX_CLASSES).map(|i| sorted[i * sorted.len() / MAX_CLASSES]).collect();
    edges.dedup();
    edges.retain(|&e| e > sorted[0]);
    edges
}

/// Bits (2^-16) that the context saves on `total` records, less what its tables cost to learn.
fn gain(context: &Context, keys: &[u16], symbols: &[u8], total: u64) -> u64 {
    let mut joint = vec![0u64; MAX_CLASSES * 256];
    for (&key, &s) in keys.iter().zip(symbols) {
        joint[usize::from(context.class(key)) * 256 + usize::from(s)] += 1;
    }
    let term = |c: u64| c * log2(c);
    let mut marginal = vec![0u64; 256];
    let (mut conditional, mut cells) = (0u64, 0u64);
    for class in joint.chunks(256) {
        let n: u64 = class.iter().sum();
        conditional += term(n) - class.iter().map(|&c| term(c)).sum::<u64>();
        cells += class.iter().filter(|&&c| c > 0).count().saturating_sub(1) as u64;
        for (m, c) in marginal.iter_mut().zip(class) {
            *m += c;
        }
    }
    let rows = symbols.len() as u64;
    let alone = term(rows) - marginal.iter().map(|&c| term(c)).sum::<u64>();
    let free = marginal.iter().filter(|&&c| c > 0).count().saturating_sub(1) as u64;
    let extra = cells.saturating_sub(free);
    // Chance makes the sample look better by about 0.72 bit a cell.
    let saved = alone.saturating_sub(conditional).saturating_sub(extra * BIT * 72 / 100);
    let saved = (u128::from(saved) * u128::from(total) / u128::from(rows)) as u64;
    // An adaptive table pays about half a logarithm of its uses for each cell; shrinkage halves that.
    let learning = extra * log2(total.max(4) / (extra + 1) + 2) / 4;
    saved.saturating_sub(learning + 100 * BIT)
}
