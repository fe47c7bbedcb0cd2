//! Huffman codes of bounded length, as zlib's `trees.c` and GNU gzip make them of what a block counted.
//!
//! Which of several codes of equal cost comes out depends on the order of a heap, which is kept here as it is there.
//! Invariant: fewer than 2^16 symbols are counted in a block, so sums of frequencies fit their 16 bits there.

/// One of the three codes: what is known of its symbols before any is counted.
#[derive(Clone, Copy)]
pub enum Alphabet {
    Literals,
    Distances,
    Lengths,
}

impl Alphabet {
    /// Bits that follow a code.
    pub fn extra(self, code: usize) -> u32 {
        let code = narrow(code);
        match self {
            Alphabet::Literals => match code {
                265..=284 => (code - 261) / 4,
                _ => 0,
            },
            Alphabet::Distances => {
                if code < 4 {
                    0
                } else {
                    code / 2 - 1
                }
            }
            Alphabet::Lengths => match code {
                16 => 2,
                17 => 3,
                18 => 7,
                _ => 0,
            },
        }
    }

    /// Bits of the fixed code; the third has none.
    pub const fn fixed(self, code: usize) -> u32 {
        match self {
            Alphabet::Literals => match code {
                0..=143 => 8,
                144..=255 => 9,
                256..=279 => 7,
                _ => 8,
            },
            Alphabet::Distances => 5,
            Alphabet::Lengths => 0,
        }
    }

    const fn longest(self) -> usize {
        match self {
            Alphabet::Lengths => 7,
            _ => 15,
        }
    }
}

/// A code of a block's symbols.
#[derive(Default)]
pub struct Code {
    pub lengths: Vec<u8>,
    /// The last symbol that has a code.
    pub last: usize,
    /// Bits of all symbols by this code, and by the fixed one.
    pub bits: i64,
    pub fixed_bits: i64,
}

/// What is at a place; the default behind the end, where nothing here looks.
pub fn get<T: Copy + Default>(from: &[T], at: usize) -> T {
    from.get(at).copied().unwrap_or_default()
}

fn set<T>(to: &mut [T], at: usize, value: T) {
    if let Some(slot) = to.get_mut(at) {
        *slot = value;
    }
}

/// A number far below 2^32.
pub fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A heap of nodes from place 1 on, the rarest first, among equals the shallowest.
struct Heap {
    nodes: Vec<usize>,
    frequencies: Vec<u32>,
    depths: Vec<u8>,
}

impl Heap {
    fn before(&self, a: usize, b: usize) -> bool {
        (get(&self.frequencies, a), get(&self.depths, a))
            <= (get(&self.frequencies, b), get(&self.depths, b))
    }

    fn down(&mut self, mut at: usize) {
        let node = get(&self.nodes, at);
        let last = self.nodes.len() - 1;
        let mut below = 2 * at;
        while below <= last {
            if below < last && self.before(get(&self.nodes, below + 1), get(&self.nodes, below)) {
                below += 1;
            }
            let other = get(&self.nodes, below);
            if self.before(node, other) {
                break;
            }
            set(&mut self.nodes, at, other);
            at = below;
            below *= 2;
        }
        set(&mut self.nodes, at, node);
    }

    fn remove(&mut self) -> usize {
        let top = get(&self.nodes, 1);
        if let Some(last) = self.nodes.pop()
            && self.nodes.len() > 1
        {
            set(&mut self.nodes, 1, last);
            self.down(1);
        }
        top
    }
}

/// The code of what was counted.
pub fn build(counts: &[u16], alphabet: Alphabet) -> Code {
    let mut code = Code { lengths: vec![0; counts.len()], ..Code::default() };
    let mut heap = Heap {
        nodes: vec![0],
        frequencies: counts.iter().map(|&n| n.into()).collect(),
        depths: vec![0; counts.len()],
    };
    let used = counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(symbol, _)| symbol);
    heap.nodes.extend(used);
    let mut last = if heap.nodes.len() > 1 { heap.nodes.last().copied() } else { None };
    // At least two codes, those of symbols that never come for nothing.
    while heap.nodes.len() < 3 {
        let node = match last {
            None => 0,
            Some(n) if n < 2 => n + 1,
            Some(_) => 0,
        };
        if last.is_none_or(|n| n < 2) {
            last = Some(node);
        }
        heap.nodes.push(node);
        set(&mut heap.frequencies, node, 1);
        code.bits -= 1;
        code.fixed_bits -= i64::from(alphabet.fixed(node));
    }
    code.last = last.unwrap_or(0);
    for at in (1..=(heap.nodes.len() - 1) / 2).rev() {
        heap.down(at);
    }
    let mut parents = vec![0; counts.len()];
    // From the rarest on: each is after all that are below it.
    let mut removed = Vec::new();
    while heap.nodes.len() > 2 {
        let a = heap.remove();
        let b = get(&heap.nodes, 1);
        removed.extend([a, b]);
        let node = heap.frequencies.len();
        heap.frequencies.push(get(&heap.frequencies, a) + get(&heap.frequencies, b));
        heap.depths.push(get(&heap.depths, a).max(get(&heap.depths, b)) + 1);
        parents.push(0);
        set(&mut parents, a, node);
        set(&mut parents, b, node);
        set(&mut heap.nodes, 1, node);
        heap.down(1);
    }
    lengths(&mut code, &heap.frequencies, &parents, &removed, alphabet);
    code
}

/// Lengths of codes, none longer than may be, and what all symbols cost.
fn lengths(
    code: &mut Code,
    frequencies: &[u32],
    parents: &[usize],
    removed: &[usize],
    alphabet: Alphabet,
) {
    let symbols = code.lengths.len();
    let longest = alphabet.longest();
    let mut depths = vec![0usize; frequencies.len()];
    let mut of_length = [0u32; 16];
    let mut overflow = 0i32;
    for &node in removed.iter().rev() {
        let mut bits = get(&depths, get(parents, node)) + 1;
        if bits > longest {
            bits = longest;
            overflow += 1;
        }
        set(&mut depths, node, bits);
        if node < symbols {
            of_length.get_mut(bits).into_iter().for_each(|n| *n += 1);
        }
    }
    if overflow > 0 {
        limit(&mut depths, &mut of_length, removed, symbols, longest, overflow);
    }
    for &node in removed.iter().filter(|node| **node < symbols) {
        let bits = get(&depths, node);
        set(&mut code.lengths, node, u8::try_from(bits).unwrap_or(0));
        let frequency = i64::from(get(frequencies, node));
        let extra = i64::from(alphabet.extra(node));
        code.bits += frequency * (bits as i64 + extra);
        code.fixed_bits += frequency * (i64::from(alphabet.fixed(node)) + extra);
    }
}

/// Makes a code of depths that are cut off: the rarest symbols get the longest codes.
fn limit(
    depths: &mut [usize],
    of_length: &mut [u32],
    removed: &[usize],
    symbols: usize,
    longest: usize,
    mut overflow: i32,
) {
    while overflow > 0 {
        let bits = (1..longest).rev().find(|&bits| get(of_length, bits) > 0).unwrap_or(0);
        for (bits, less, more) in [(bits, 1, 0), (bits + 1, 0, 2), (longest, 1, 0)] {
            let n: u32 = get(of_length, bits);
            set(of_length, bits, n.saturating_sub(less) + more);
        }
        overflow -= 2;
    }
    let mut rarest = removed.iter().copied().filter(|&node| node < symbols);
    for bits in (1..=longest).rev() {
        for node in rarest.by_ref().take(get(of_length, bits) as usize) {
            set(depths, node, bits);
        }
    }
}

/// The codes of these lengths, each with its first bit lowest.
pub fn codes(lengths: &[u8]) -> Vec<(u32, u32)> {
    let mut next = [0u32; 16];
    let mut code = 0;
    for bits in 1..16u8 {
        code <<= 1;
        set(&mut next, bits.into(), code);
        code += narrow(lengths.iter().filter(|n| **n == bits).count());
    }
    let mut one = |&bits: &u8| {
        let code: u32 = get(&next, bits.into());
        set(&mut next, bits.into(), code.wrapping_add(1));
        if bits == 0 {
            return (0, 0);
        }
        (code.reverse_bits() >> (32 - u32::from(bits)), u32::from(bits))
    };
    lengths.iter().map(&mut one).collect()
}

/// Lengths as symbols of the third code: symbol and the value of its extra bits.
pub fn runs(lengths: &[u8], out: &mut Vec<(usize, u32)>) {
    let mut previous = None;
    for run in lengths.chunk_by(|a, b| a == b) {
        let length = get(run, 0);
        let mut left = narrow(run.len());
        while left > 0 {
            let repeats = length != 0 && previous == Some(length);
            let (most, least) = match (length, repeats) {
                (0, _) => (138, 3),
                (_, true) => (6, 3),
                _ => (7, 4),
            };
            let n = left.min(most);
            left -= n;
            if n < least {
                out.extend((0..n).map(|_| (usize::from(length), 0)));
            } else if length == 0 {
                out.push(if n <= 10 { (17, n - 3) } else { (18, n - 11) });
            } else {
                if !repeats {
                    out.push((length.into(), 0));
                }
                out.push((16, n - u32::from(!repeats) - 3));
            }
            previous = Some(length);
        }
    }
}
