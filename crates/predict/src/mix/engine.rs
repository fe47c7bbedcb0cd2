//! The engine: one symbol coded and learned.

use vxc_entropy::{BinaryCoder, PROB_MIN};
use vxc_infer::kernels::LANES;
use vxc_infer::{Isa, Task};

use crate::error::PredictError;
use crate::mix::apm::{Apm, ApmAt};
use crate::mix::mixer::{self, WeightSet};
use crate::mix::saved;
use crate::mix::slots::{Line, Place, Slots, head_after, head_run};
use crate::mix::squash::{INPUT_MAX, squash, stretch_signed};
use crate::mix::{MAX_APMS, MAX_CONTEXTS, MAX_EXTRA, MAX_SETS, MixConfig, SetConfig, counter};

const MAX_WIDTH: usize = MAX_CONTEXTS * 2 + MAX_EXTRA + LANES;
const _: () = assert!(MAX_WIDTH <= vxc_infer::kernels::MAX_INPUTS);
/// Counters of a context's runs: by run length and decision in the nibble.
pub(super) const RUN_COUNTERS: usize = 64;
/// Weight vectors of the final mixer.
pub(super) const LAST_VECTORS: usize = 256;
/// Constant input: lets a mixer learn a bias.
const BIAS: i32 = 80;
/// A counter whose logit is about [`BIAS`]: p = 0.5775.
const BIAS_COUNTER: i32 = 332_859_965;

/// Where the engine stands for one symbol.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// One hash for each context, in the order of [`MixConfig::limits`].
    pub hashes: &'a [u32],
    /// One selector for each weight set, below its size.
    pub sets: &'a [u32],
    /// One selector for each final map, below its size.
    pub apms: &'a [u32],
    /// Selector of the final mixer, 0..256.
    pub last: u32,
    /// Number of decisions, 1..=8 and at most [`MixConfig::depth`].
    pub depth: u32,
}

/// Gives extra inputs to the mixer and learns from each decision.
pub trait Expert {
    /// Writes this expert's inputs (logits, within ±2047) for the decision at `node` (1-prefixed path of
    /// the bits so far) of `depth` decisions.
    fn inputs(&mut self, node: u32, depth: u32, inputs: &mut [i32]);
    /// Learns the decision last asked for.
    fn learn(&mut self, bit: bool);
}

/// No extra inputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoExpert;

impl Expert for NoExpert {
    #[inline(always)]
    fn inputs(&mut self, _: u32, _: u32, _: &mut [i32]) {}
    #[inline(always)]
    fn learn(&mut self, _: bool) {}
}

/// A context-mixing model of symbols of up to 8 decisions.
#[derive(Clone, Debug)]
pub struct Mix {
    isa: Isa,
    contexts: usize,
    runs: bool,
    extra: usize,
    width: usize,
    depth: u32,
    /// Counter limits, padded to whole blocks.
    limits: Vec<i32>,
    slots: Slots,
    /// Whether a context's last nibble comes again, by (context, run, decision in the nibble).
    run_counters: Vec<i32>,
    sets: Vec<WeightSet>,
    by_node: Vec<bool>,
    last: WeightSet,
    apms: Vec<Apm>,
}

impl Mix {
    /// An engine that knows nothing yet.
    ///
    /// # Panics
    /// If the configuration exceeds [`MAX_CONTEXTS`], [`MAX_SETS`], [`MAX_EXTRA`] or [`MAX_APMS`], or has no set.
    pub fn new(config: &MixConfig) -> Self {
        let contexts = config.limits.len();
        assert!(contexts <= MAX_CONTEXTS && config.extra_inputs <= MAX_EXTRA, "too many inputs");
        assert!((1..=MAX_SETS).contains(&config.sets.len()), "1 to {MAX_SETS} weight sets");
        assert!(config.apms.len() <= MAX_APMS && (1..=8).contains(&config.depth));
        let width = config.width();
        let nodes = 1usize << config.depth;
        let mut limits: Vec<i32> = config.limits.iter().map(|&l| i32::from(l)).collect();
        limits.resize(contexts.next_multiple_of(LANES), 1);
        let initial = 65_536 * 4 / (contexts as i32 + config.extra_inputs as i32 + 6);
        let set = |s: &SetConfig| WeightSet::new(config.vectors(s), width, initial, s.rate);
        Self {
            isa: Isa::current(),
            contexts,
            runs: config.runs,
            extra: config.extra_inputs,
            width,
            depth: config.depth,
            limits,
            slots: Slots::new(contexts, config.line_bits),
            run_counters: vec![0; if config.runs { contexts * RUN_COUNTERS } else { 0 }],
            sets: config.sets.iter().map(set).collect(),
            by_node: config.sets.iter().map(|s| s.by_node).collect(),
            last: WeightSet::new(
                LAST_VECTORS,
                LANES,
                65_536 / config.sets.len() as i32,
                mixer::rate(2),
            ),
            apms: config.apms.iter().map(|&n| Apm::new(n * nodes, 255)).collect(),
        }
    }

    /// Runs on another instruction set: for tests that compare them.
    pub fn set_isa(&mut self, isa: Isa) {
        self.isa = isa;
    }

    /// Appends what was learned, rounded; see [`crate::mix::saved`]. Lines visited fewer than `visits` times are left
    /// out.
    pub fn save(&self, visits: u32, out: &mut Vec<u8>) {
        self.slots.save(visits, out);
        saved::put_words(self.run_counters.iter().map(|&c| saved::counter_to_saved(c)), out);
        for set in self.sets.iter().chain([&self.last]) {
            set.save(out);
        }
        for apm in &self.apms {
            apm.save(out);
        }
    }

    /// Loads what an engine of the same configuration saved. This one must be fresh.
    ///
    /// # Errors
    /// [`PredictError::Corrupt`] for bytes that no engine of this configuration saves.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        self.slots.load(input)?;
        let n = self.run_counters.len();
        for (c, s) in self.run_counters.iter_mut().zip(saved::take_words(input, n)?) {
            *c = saved::counter_from_saved(s);
        }
        for set in self.sets.iter_mut().chain([&mut self.last]) {
            set.load(input)?;
        }
        for apm in &mut self.apms {
            apm.load(input)?;
        }
        Ok(())
    }

    /// Hints that a later symbol will have this hash in this context: only the cache takes notice. Worth
    /// calling for contexts known before the current symbol is.
    ///
    /// # Panics
    /// In builds with debug assertions, if there is no such context.
    #[inline(always)]
    pub fn hint(&self, context: usize, hash: u32) {
        let _ = self.slots.place(context, hash, 1);
    }

    /// Codes the next symbol and learns it. An encoder passes the symbol; a decoder passes anything. Gives back
    /// the symbol.
    ///
    /// # Panics
    /// If the query does not fit the configuration.
    #[inline]
    pub fn code<C: BinaryCoder, E: Expert>(
        &mut self,
        coder: &mut C,
        query: &Query<'_>,
        symbol: u32,
        expert: &mut E,
    ) -> u32 {
        self.isa.run(Code { mix: self, coder, query, symbol, expert })
    }

    #[inline(always)]
    fn code_here<C: BinaryCoder, E: Expert>(
        &mut self,
        coder: &mut C,
        query: &Query<'_>,
        symbol: u32,
        expert: &mut E,
    ) -> u32 {
        let depth = query.depth.clamp(1, self.depth);
        let n = self.contexts;
        // Padded to whole blocks, so that the loops over them become vector code.
        let padded = n.next_multiple_of(LANES);
        let mut at = [0u32; MAX_CONTEXTS];
        let mut lines = [Line::default(); MAX_CONTEXTS];
        let lines = &mut lines[..padded];
        let mut counters = [0i32; MAX_CONTEXTS];
        let counters = &mut counters[..padded];
        let mut inputs = [0i32; MAX_WIDTH];
        let inputs = &mut inputs[..self.width];
        let from = padded * if self.runs { 2 } else { 1 };
        // The constant input comes from a line of the padding where there is one.
        if padded > n {
            lines[n] = Line([BIAS_COUNTER; 16]);
        } else {
            inputs[from + self.extra] = BIAS;
        }
        let mut node = 1u32;
        let mut left = depth;
        while left > 0 {
            let bits = left.min(4);
            // The lines are worked on in a copy: a plain array on the stack.
            self.take_lines(&query.hashes[..n], node, &mut at[..n], lines);
            let mut sub = 1u32;
            for i in 0..bits {
                expert.inputs(node, depth, &mut inputs[from..from + self.extra]);
                let (logits, rest) = inputs.split_at_mut(padded);
                let place = RunPlace { sub, decision: i, bits };
                if self.runs {
                    self.run_inputs(&lines[..n], place, &mut rest[..n]);
                }
                let groups = lines.as_chunks::<LANES>().0.iter().zip(blocks_mut(counters));
                for (i, (lines, counters)) in groups.enumerate() {
                    let c = lines.each_ref().map(|line| line.0[(sub & 15) as usize]);
                    *counters = c;
                    logits.as_chunks_mut::<LANES>().0[i] = c.map(stretch_signed);
                }
                left -= 1;
                let bit = self.decide(coder, query, inputs, node, symbol >> left & 1 != 0);
                for (c, limits) in blocks_mut(counters).zip(blocks(&self.limits)) {
                    *c = counter::all_updated(*c, bit, limits);
                }
                for (c, line) in counters[..n].iter().zip(&mut *lines) {
                    line.0[(sub & 15) as usize] = *c;
                }
                if self.runs {
                    self.learn_runs(&lines[..n], place, bit);
                }
                expert.learn(bit);
                sub = sub << 1 | u32::from(bit);
                node = node << 1 | u32::from(bit);
            }
            if self.runs {
                let nibble = sub & ((1 << bits) - 1);
                for line in &mut lines[..n] {
                    line.0[0] = head_after(line.0[0], nibble);
                }
            }
            for (line, &at) in lines.iter().zip(&at[..n]) {
                self.slots.put(at, line);
            }
        }
        node & ((1 << depth) - 1)
    }

    /// Looks up one line for each context. All are asked for before the first is read, so that the cache
    /// misses overlap.
    #[inline(always)]
    fn take_lines(&mut self, hashes: &[u32], node: u32, at: &mut [u32], lines: &mut [Line]) {
        let mut places = [Place::default(); MAX_CONTEXTS];
        for (context, (place, &hash)) in places.iter_mut().zip(hashes).enumerate() {
            *place = self.slots.place(context, hash, node);
        }
        for ((at, line), &place) in at.iter_mut().zip(lines).zip(&places) {
            *at = self.slots.take(place, line);
        }
    }

    /// Writes the inputs of the contexts' last nibbles.
    #[inline(always)]
    fn run_inputs(&self, lines: &[Line], place: RunPlace, inputs: &mut [i32]) {
        for (i, (line, input)) in lines.iter().zip(inputs).enumerate() {
            *input = match place.expected(line.0[0]) {
                Some((at, bit)) => {
                    let logit = stretch_signed(self.run_counters[i * 64 + at]);
                    if bit { logit } else { -logit }
                }
                None => 0,
            };
        }
    }

    #[inline(always)]
    fn learn_runs(&mut self, lines: &[Line], place: RunPlace, bit: bool) {
        for (i, line) in lines.iter().enumerate() {
            if let Some((at, expected)) = place.expected(line.0[0]) {
                let c = &mut self.run_counters[i * 64 + at];
                *c = counter::updated(*c, bit == expected, 1023);
            }
        }
    }

    /// Mixes, codes and trains one decision.
    #[inline(always)]
    fn decide<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        query: &Query<'_>,
        inputs: &[i32],
        node: u32,
        bit: bool,
    ) -> bool {
        let mut outputs = [0i32; MAX_SETS];
        let mut vectors = [0usize; MAX_SETS];
        let sets = self.sets.len();
        for i in 0..sets {
            let selector = query.sets[i] as usize;
            vectors[i] = if self.by_node[i] {
                let next = (node << 1) as usize & ((1 << self.depth) - 1);
                self.sets[i].prefetch(selector << self.depth | next);
                self.sets[i].prefetch(selector << self.depth | next | 1);
                selector << self.depth | node as usize
            } else {
                selector
            };
            outputs[i] = self.sets[i].mix(vectors[i], inputs).clamp(-INPUT_MAX, INPUT_MAX);
        }
        let logit = self.last.mix_few(query.last as usize, &outputs[..sets]);
        let mixed = squash(logit);
        let mut at = [ApmAt::default(); MAX_APMS];
        let mut sum = mixed;
        for (i, apm) in self.apms.iter().enumerate() {
            let context = (query.apms[i] as usize) << self.depth | node as usize;
            let (p, place) = apm.refine(context, logit);
            at[i] = place;
            sum += p;
        }
        let p = match self.apms.len() {
            0 => sum,
            1 => sum / 2,
            2 => sum / 3,
            _ => sum / 4,
        };
        let p = p.clamp(PROB_MIN, 65_536 - PROB_MIN);
        let bit = coder.bit(p, bit);
        for i in 0..sets {
            self.sets[i].learn(vectors[i], inputs, outputs[i], bit);
        }
        self.last.learn_few(query.last as usize, &outputs[..sets], logit, bit);
        for (apm, &place) in self.apms.iter_mut().zip(&at) {
            apm.learn(place, bit);
        }
        bit
    }
}

#[inline(always)]
fn blocks(items: &[i32]) -> impl Iterator<Item = &[i32; LANES]> {
    items.as_chunks::<LANES>().0.iter()
}

#[inline(always)]
fn blocks_mut(items: &mut [i32]) -> impl Iterator<Item = &mut [i32; LANES]> {
    items.as_chunks_mut::<LANES>().0.iter_mut()
}

/// A decision inside a nibble: the path so far, its length, and the nibble's length in bits.
#[derive(Clone, Copy)]
struct RunPlace {
    sub: u32,
    decision: u32,
    bits: u32,
}

impl RunPlace {
    /// The counter (by run and decision) and the bit that a line's last nibble makes expect, if the path
    /// agrees with it so far.
    #[inline(always)]
    fn expected(self, head: i32) -> Option<(usize, bool)> {
        let (nibble, run) = head_run(head);
        let path = nibble | 1 << self.bits;
        if run == 0 || path >> (self.bits - self.decision) != self.sub {
            return None;
        }
        let bit = path >> (self.bits - self.decision - 1) & 1 != 0;
        Some((run as usize * 4 + self.decision as usize, bit))
    }
}

struct Code<'a, 'q, C, E> {
    mix: &'a mut Mix,
    coder: &'a mut C,
    query: &'a Query<'q>,
    symbol: u32,
    expert: &'a mut E,
}

impl<C: BinaryCoder, E: Expert> Task for Code<'_, '_, C, E> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        self.mix.code_here(self.coder, self.query, self.symbol, self.expert)
    }
}

#[cfg(test)]
mod tests;
