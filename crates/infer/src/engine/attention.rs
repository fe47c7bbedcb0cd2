//! Attention of one lane: rings of keys and values in panels, and one query at a time.
//!
//! Neither a softmax nor a sum of integers depends on the order of the keys, so a ring needs no rotation: the newest
//! entry takes the slot of the oldest. Slots beyond those held get no weight, whatever is left in them.

use super::packed::PackedLayer;
use crate::config::IntConfig;
use crate::kernels::panel::{LANES, PairOfRows, multiply};
use crate::kernels::powers::{ABSENT, softmax};
use crate::ops::ACTIVATION_MAX;
use crate::ops::attention::{mix, weighted};
use crate::ops::rescale::Raised;
use crate::{Isa, Task};

/// Keys and values of the last entries of every lane.
#[derive(Clone, Debug)]
pub(super) struct KeyValues {
    heads: usize,
    d_head: usize,
    slots: usize,
    /// (lane, head, slot / 8, pair of channels), rows are slots.
    keys: Vec<PairOfRows>,
    /// (lane, head, channel / 8, pair of slots), rows are channels.
    values: Vec<PairOfRows>,
    /// Entries ever pushed, of each lane.
    pushed: Vec<u64>,
}

impl KeyValues {
    /// Room for the last `slots` entries of each lane.
    pub fn new(config: &IntConfig, lanes: usize, slots: usize) -> Self {
        let (heads, d_head) = (config.n_heads, config.d_head());
        let mut new = Self {
            heads,
            d_head,
            slots,
            keys: Vec::new(),
            values: Vec::new(),
            pushed: vec![0; lanes],
        };
        new.keys = vec![[[0; 2]; LANES]; lanes * heads * new.key_panels() * new.key_pairs()];
        new.values = vec![[[0; 2]; LANES]; lanes * heads * new.value_panels() * new.value_pairs()];
        new
    }

    /// Bytes of keys and values of one lane.
    pub fn lane_bytes(config: &IntConfig, slots: usize) -> u64 {
        let (d_head, pair) = (config.d_head(), 2);
        let keys = slots.next_multiple_of(LANES) * d_head.next_multiple_of(pair);
        let values = d_head.next_multiple_of(LANES) * slots.next_multiple_of(pair);
        (config.n_heads * (keys + values) * size_of::<i16>()) as u64
    }

    fn key_panels(&self) -> usize {
        self.slots.div_ceil(LANES)
    }

    fn key_pairs(&self) -> usize {
        self.d_head.div_ceil(2)
    }

    fn value_panels(&self) -> usize {
        self.d_head.div_ceil(LANES)
    }

    fn value_pairs(&self) -> usize {
        self.slots.div_ceil(2)
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.pushed.fill(0);
    }

    /// Entries that a lane holds.
    #[inline]
    pub fn held(&self, lane: usize) -> usize {
        self.pushed[lane].min(self.slots as u64) as usize
    }

    /// The slot of a lane's last entry.
    fn newest(&self, lane: usize) -> usize {
        (self.pushed[lane].wrapping_sub(1) % self.slots as u64) as usize
    }

    /// Puts a key and a value (D) in the place of the oldest.
    pub fn push(&mut self, lane: usize, key: &[i16], value: &[i16]) {
        self.pushed[lane] += 1;
        let slot = self.newest(lane);
        let (key_pairs, value_pairs) = (self.key_pairs(), self.value_pairs());
        let (key_panels, value_panels) = (self.key_panels(), self.value_panels());
        for head in 0..self.heads {
            let channels = head * self.d_head..(head + 1) * self.d_head;
            let panel = (lane * self.heads + head) * key_panels + slot / LANES;
            let keys = &mut self.keys[panel * key_pairs..][..key_pairs];
            for (pair, key) in keys.iter_mut().zip(pairs(&key[channels.clone()])) {
                pair[slot % LANES] = key;
            }
            let panel = (lane * self.heads + head) * value_panels;
            let values = &mut self.values[panel * value_pairs..][..value_panels * value_pairs];
            let panels = values.chunks_exact_mut(value_pairs);
            for (panel, value) in panels.zip(value[channels].chunks(LANES)) {
                for (row, &value) in panel[slot / 2].iter_mut().zip(value) {
                    row[slot % 2] = value;
                }
            }
        }
    }

    fn head_keys(&self, lane: usize, head: usize) -> &[PairOfRows] {
        let len = self.key_panels() * self.key_pairs();
        &self.keys[(lane * self.heads + head) * len..][..len]
    }

    fn head_values(&self, lane: usize, head: usize) -> &[PairOfRows] {
        let len = self.value_panels() * self.value_pairs();
        &self.values[(lane * self.heads + head) * len..][..len]
    }
}

/// Scratch of a query.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    query: Vec<[i16; 2]>,
    scores: Vec<[i32; LANES]>,
    probabilities: Vec<[i16; LANES]>,
    totals: Vec<[i32; LANES]>,
    remembered: Vec<i16>,
    window: usize,
}

impl Attention {
    pub fn new(config: &IntConfig) -> Self {
        let d_head = config.d_head();
        Self {
            query: vec![[0; 2]; d_head.div_ceil(2)],
            scores: vec![[0; LANES]; config.window.div_ceil(LANES)],
            probabilities: vec![[0; LANES]; config.window.div_ceil(LANES)],
            totals: vec![[0; LANES]; d_head.div_ceil(LANES)],
            remembered: vec![0; config.d_model],
            window: config.window,
        }
    }

    /// What a query (D) finds in the window of its lane, into `y` (D).
    pub fn local(
        &mut self,
        isa: Isa,
        window: (&KeyValues, usize),
        q: &[i16],
        layer: &PackedLayer,
        y: &mut [i16],
    ) {
        self.attend(isa, window, q, layer.score, &layer.distance, y);
    }

    /// Mixes what a query finds in the memory of its lane into `y`, which holds what it found in the window.
    pub fn remember(
        &mut self,
        isa: Isa,
        memory: (&KeyValues, usize),
        q: &[i16],
        layer: &PackedLayer,
        beta: &[i16],
        y: &mut [i16],
    ) {
        let mut remembered = std::mem::take(&mut self.remembered);
        self.attend(isa, memory, q, layer.memory_score, &[], &mut remembered);
        let d_head = memory.0.d_head;
        for ((y, found), &beta) in y.chunks_mut(d_head).zip(remembered.chunks(d_head)).zip(beta) {
            for (y, &found) in y.iter_mut().zip(found) {
                *y = mix(*y, found, beta);
            }
        }
        self.remembered = remembered;
    }

    /// `distance`: biases as packed, or nothing.
    fn attend(
        &mut self,
        isa: Isa,
        (entries, lane): (&KeyValues, usize),
        q: &[i16],
        scale: Raised,
        distance: &[i16],
        y: &mut [i16],
    ) {
        let held = entries.held(lane);
        let scores = &mut self.scores[..held.div_ceil(LANES)];
        let probabilities = &mut self.probabilities[..held.div_ceil(LANES)];
        for (head, (q, y)) in q.chunks(entries.d_head).zip(y.chunks_mut(entries.d_head)).enumerate()
        {
            for (pair, q) in self.query.iter_mut().zip(pairs(q)) {
                *pair = q;
            }
            let keys = entries.head_keys(lane, head);
            multiply(isa, keys, entries.key_pairs(), &self.query, scores);
            // The slot of the newest key has distance 0, the one before it 1, and so on around the ring.
            let first = head * 2 * self.window + self.window - 1 - entries.newest(lane);
            let bias = distance.get(first..).and_then(|bias| bias.get(..held)).unwrap_or_default();
            isa.run(Score { products: scores, held, scale, bias });
            softmax(isa, scores, probabilities);
            let probabilities =
                &probabilities.as_flattened().as_chunks::<2>().0[..held.div_ceil(2)];
            let values = entries.head_values(lane, head);
            multiply(isa, values, entries.value_pairs(), probabilities, &mut self.totals);
            for (y, &total) in y.iter_mut().zip(self.totals.as_flattened()) {
                *y = weighted(total);
            }
        }
    }
}

/// The numbers of a vector by twos, the last with a zero where it is alone.
#[inline(always)]
fn pairs(x: &[i16]) -> impl Iterator<Item = [i16; 2]> {
    let (pairs, rest) = x.as_chunks::<2>();
    pairs.iter().copied().chain(rest.first().map(|&last| [last, 0]))
}

/// From products of query and keys to scores.
struct Score<'a> {
    products: &'a mut [[i32; LANES]],
    held: usize,
    scale: Raised,
    bias: &'a [i16],
}

impl Task for Score<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for products in self.products.iter_mut() {
            for product in products {
                *product = self.scale.apply(*product).clamp(-ACTIVATION_MAX, ACTIVATION_MAX);
            }
        }
        let (scores, rest) = self.products.as_flattened_mut().split_at_mut(self.held);
        for (score, &bias) in scores.iter_mut().zip(self.bias) {
            *score += i32::from(bias);
        }
        rest.fill(ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a lane is said to take is what it takes, for any numbers of channels and slots.
    #[test]
    fn lanes_take_what_is_said() {
        for (d_model, n_heads, slots) in
            [(16, 1, 8), (12, 4, 13), (40, 2, 1), (18, 2, 31), (9, 3, 0)]
        {
            let config = IntConfig { d_model, n_heads, ..IntConfig::record(3) };
            let all = KeyValues::new(&config, 5, slots);
            let bytes = size_of_val(&all.keys[..]) + size_of_val(&all.values[..]);
            assert_eq!(
                5 * KeyValues::lane_bytes(&config, slots),
                bytes as u64,
                "{config:?}, {slots}"
            );
        }
    }
}
