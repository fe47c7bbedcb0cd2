//! The fitted tokeniser of a record stream: a layout and one [`Step`] per field, in coding order.
//!
//! Records are handled in blocks, column by column; models that decode record by record use the steps
//! directly. The previous record of the first one is all zeros.

use vxc_entropy::BinaryCoder;

use crate::bins::{Bins, MAX_BINS};
use crate::error::TokenError;
use crate::fit_bins::LEN_BITS;
use crate::layout::{Endian, Field, Kind, MAX_FIELDS, RecordLayout};
use crate::relation::Predictor;
use crate::step::{Before, Step};
use crate::symbol_table::SymbolTable;
use crate::transform::Transform;
use crate::wire::{Slot, Wire};

/// Most partner steps of a step.
pub const MAX_PARTNERS: usize = 4;

/// A layout with the fitted code of each field.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokeniser {
    pub(crate) layout: RecordLayout,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) steps: Vec<Step>,
    pub(crate) tables: Vec<SymbolTable>,
}

impl Tokeniser {
    /// Puts a tokeniser together.
    ///
    /// # Errors
    /// [`TokenError::Corrupt`] unless every field of the layout has exactly one step, relations and
    /// partners refer to earlier steps, and kinds agree.
    pub fn new(layout: RecordLayout, steps: Vec<Step>) -> Result<Self, TokenError> {
        let n = layout.fields.len();
        if steps.len() != n {
            return Err(TokenError::Corrupt("one step per field"));
        }
        let mut done = vec![false; n];
        for (k, s) in steps.iter().enumerate() {
            let f = usize::from(s.field);
            if f >= n || done[f] || layout.fields[f].kind != s.kind {
                return Err(TokenError::Corrupt("field of a step"));
            }
            if s.bins.width() != s.kind.bits() || s.alphabet() > 256 {
                return Err(TokenError::Corrupt("width of a step"));
            }
            if let Transform::Relation(p) = &s.transform
                && p.sources().iter().any(|&j| usize::from(j) >= n || !done[usize::from(j)])
            {
                return Err(TokenError::Corrupt("a relation's source comes later"));
            }
            if let Transform::Quantum(q) = s.transform
                && (q < 2 || q > crate::ordered::mask(s.kind.bits() - 1))
            {
                return Err(TokenError::Corrupt("quantum"));
            }
            if s.partners.len() > MAX_PARTNERS || s.partners.iter().any(|&p| usize::from(p) >= k) {
                return Err(TokenError::Corrupt("partner comes later"));
            }
            done[f] = true;
        }
        let kinds = layout.fields.iter().map(|f| f.kind).collect();
        let tables = steps.iter().map(SymbolTable::new).collect();
        Ok(Self { layout, kinds, steps, tables })
    }

    /// The layout.
    pub fn layout(&self) -> &RecordLayout {
        &self.layout
    }

    /// Bytes that it holds, about.
    pub fn held_bytes(&self) -> u64 {
        self.steps.iter().map(step_bytes).sum()
    }

    /// Kinds by field.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The steps in coding order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Base and shift of a step for one record that is known up to this step.
    #[inline(always)]
    pub fn before(&self, k: usize, row: &[u64], previous: &[u64]) -> (Before, u64) {
        let step = &self.steps[k];
        let predicted = match &step.transform {
            Transform::Relation(p) => p.predict(&self.kinds, step.kind, row),
            _ => 0,
        };
        (step.before(previous[usize::from(step.field)], predicted), predicted)
    }

    /// Writes the serial form.
    pub fn write<C: BinaryCoder>(&self, wire: &mut Wire<C>) {
        code(wire, Some(self), u64::MAX).expect("a valid tokeniser serialises");
    }

    /// Reads the serial form of a tokeniser that holds at most so many bytes.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`]; others for anything that is not a valid tokeniser.
    pub fn read<C: BinaryCoder>(wire: &mut Wire<C>, most: u64) -> Result<Self, TokenError> {
        code(wire, None, most)
    }
}

/// Codes a layout (names excluded).
///
/// # Errors
/// [`TokenError`] when reading an invalid one.
pub fn code_layout<C: BinaryCoder>(
    wire: &mut Wire<C>,
    layout: Option<&RecordLayout>,
) -> Result<RecordLayout, TokenError> {
    let record_bytes = wire.number(Slot::Count, 0, layout.map_or(0, |l| l.record_bytes as u64));
    let n = wire.number(Slot::Count, 1, layout.map_or(0, |l| l.fields.len() as u64));
    if n > MAX_FIELDS as u64 || record_bytes > crate::layout::MAX_RECORD_BYTES as u64 {
        return Err(TokenError::Corrupt("size of the layout"));
    }
    let mut fields = Vec::new();
    let (mut offset, mut last_code, mut last_group) = (0usize, 0usize, u32::MAX);
    for i in 0..n as usize {
        let f = layout.map(|l| &l.fields[i]);
        let code = wire.number(Slot::Kind, last_code.min(16), f.map_or(0, |f| kind_code(f.kind)));
        let kind = kind_from(code)?;
        last_code = code as usize;
        let big = wire.flag(Slot::Flag, 0, f.is_some_and(|f| f.endian == Endian::Big));
        let step = wire.number(
            Slot::Flag,
            1,
            f.map_or(0, |f| u64::from(f.group.wrapping_sub(last_group.wrapping_add(1)))),
        );
        let group = last_group.wrapping_add(1).wrapping_add(step as u32);
        last_group = group;
        fields.push(Field {
            name: String::new(),
            offset,
            kind,
            endian: if big { Endian::Big } else { Endian::Little },
            group,
        });
        offset += kind.bytes();
    }
    let read = RecordLayout::new(record_bytes as usize, fields)?;
    if read.fields.len() != n as usize {
        return Err(TokenError::Corrupt("the layout does not cover the record"));
    }
    Ok(read)
}

fn kind_code(kind: Kind) -> u64 {
    match kind {
        Kind::F32 => 0,
        Kind::I32 => 1,
        Kind::F64 => 2,
        Kind::I64 => 3,
        Kind::F16 => 4,
        Kind::Bf16 => 5,
        Kind::I8 => 6,
        Kind::I16 => 7,
        Kind::U8 => 8,
        Kind::U16 => 9,
        Kind::U32 => 10,
        Kind::U64 => 11,
        Kind::Bytes(n) => 11 + u64::from(n),
    }
}

fn kind_from(code: u64) -> Result<Kind, TokenError> {
    Ok(match code {
        0 => Kind::F32,
        1 => Kind::I32,
        2 => Kind::F64,
        3 => Kind::I64,
        4 => Kind::F16,
        5 => Kind::Bf16,
        6 => Kind::I8,
        7 => Kind::I16,
        8 => Kind::U8,
        9 => Kind::U16,
        10 => Kind::U32,
        11 => Kind::U64,
        12..=19 => Kind::Bytes((code - 11) as u8),
        _ => return Err(TokenError::Corrupt("kind of a field")),
    })
}

fn code<C: BinaryCoder>(
    wire: &mut Wire<C>,
    own: Option<&Tokeniser>,
    most: u64,
) -> Result<Tokeniser, TokenError> {
    let layout = code_layout(wire, own.map(|t| &t.layout))?;
    let n = layout.fields.len();
    let mut steps = Vec::new();
    let (mut expected, mut relations, mut held) = (0u64, 0u64, 0u64);
    for k in 0..n {
        let s = own.map(|t| &t.steps[k]);
        // Fields mostly follow their own order.
        let field = wire.number(
            Slot::Order,
            0,
            s.map_or(0, |s| zigzag(i64::from(s.field) - expected as i64)),
        );
        let field = (expected as i64).wrapping_add(unzigzag(field)) as u64;
        if field >= n as u64 {
            return Err(TokenError::Corrupt("field of a step"));
        }
        expected = field + 1;
        let kind = layout.fields[field as usize].kind;
        let step = code_step(wire, s, field as u16, kind, k, n)?;
        relations += relation_bytes(&step);
        held += step_bytes(&step);
        if held > most {
            return Err(TokenError::TooLarge(most));
        }
        if relations > MAX_RELATION_BYTES {
            return Err(TokenError::Corrupt("size of all relations"));
        }
        steps.push(step);
    }
    Tokeniser::new(layout, steps)
}

/// One more than the largest exponent of any float.
const MAX_SCALE: u64 = 2048;
/// Most bytes that all relations of a tokeniser hold together: some hundred full lookups.
const MAX_RELATION_BYTES: u64 = 64 << 20;

/// Bytes that a step holds, its field, table and relation included.
fn step_bytes(step: &Step) -> u64 {
    let fixed = SymbolTable::held_bytes() + size_of::<Step>() + size_of::<Field>();
    fixed as u64 + step.bins.count() as u64 * 16 + relation_bytes(step)
}

/// Bytes that the relation of a step holds.
fn relation_bytes(step: &Step) -> u64 {
    match &step.transform {
        Transform::Relation(p) => p.held_bytes(),
        _ => 0,
    }
}

fn code_step<C: BinaryCoder>(
    wire: &mut Wire<C>,
    own: Option<&Step>,
    field: u16,
    kind: Kind,
    k: usize,
    n: usize,
) -> Result<Step, TokenError> {
    let transform = match own.map(|s| &s.transform) {
        None | Some(Transform::Identity) => 0,
        Some(Transform::Delta) => 1,
        Some(Transform::Quantum(_)) => 2,
        Some(Transform::Relation(_)) => 3,
    };
    let transform = match wire.number(Slot::Transform, 0, transform) {
        0 => Transform::Identity,
        1 => Transform::Delta,
        2 => {
            let q = own.map_or(0, |s| if let Transform::Quantum(q) = s.transform { q } else { 0 });
            Transform::Quantum(wire.number(Slot::Parameter, 0, q))
        }
        3 => {
            let mut bytes = Vec::new();
            if let Some(Transform::Relation(p)) = own.map(|s| &s.transform) {
                p.write(&mut bytes);
            }
            let len = wire.number(Slot::Parameter, 1, bytes.len() as u64);
            if len > 1 << 20 {
                return Err(TokenError::Corrupt("size of a relation"));
            }
            bytes.resize(len as usize, 0);
            wire.bytes(&mut bytes);
            let mut rest = &bytes[..];
            let p = Predictor::read(&mut rest, n)?;
            if !rest.is_empty() {
                return Err(TokenError::Corrupt("bytes after a relation"));
            }
            Transform::Relation(p)
        }
        _ => return Err(TokenError::Corrupt("transform")),
    };
    let difference = transform.is_difference();
    let copy = wire.flag(Slot::Transform, 1 + usize::from(difference), own.is_some_and(|s| s.copy));
    let scale = if matches!(transform, Transform::Relation(_)) {
        let s = wire.number(
            Slot::Parameter,
            2,
            own.and_then(|s| s.scale).map_or(0, |e| u64::from(e) + 1),
        );
        if s > MAX_SCALE {
            return Err(TokenError::Corrupt("reference exponent of scaled bins"));
        }
        (s > 0).then(|| (s - 1) as u16)
    } else {
        None
    };
    let bins = code_bins(wire, own.map(|s| &s.bins), kind.bits(), difference)?;
    let count = wire.number(Slot::Partner, 0, own.map_or(0, |s| s.partners.len() as u64));
    if count > MAX_PARTNERS as u64 {
        return Err(TokenError::Corrupt("number of partners"));
    }
    let mut partners = Vec::with_capacity(count as usize);
    for i in 0..count as usize {
        let back = own.map_or(0, |s| k as u64 - 1 - u64::from(s.partners[i]));
        let back = wire.number(Slot::Partner, 1 + i, back);
        let p = (k as u64).checked_sub(1).and_then(|k| k.checked_sub(back));
        partners.push(p.ok_or(TokenError::Corrupt("partner"))? as u16);
    }
    Ok(Step { field, kind, transform, copy, scale, bins, partners })
}

/// Bins: the first edge (differences: its distance from the centre), then lengths and gaps.
fn code_bins<C: BinaryCoder>(
    wire: &mut Wire<C>,
    own: Option<&Bins>,
    width: u32,
    difference: bool,
) -> Result<Bins, TokenError> {
    let pairs: Vec<(u64, u64)> = own.map_or(Vec::new(), |b| b.pairs().collect());
    let n = wire.number(Slot::Bins, 0, pairs.len() as u64);
    if n == 0 || n > MAX_BINS as u64 {
        return Err(TokenError::Corrupt("number of bins"));
    }
    let centre = if difference { 1u64 << (width - 1) } else { 0 };
    let mut out: Vec<(u64, u64)> = Vec::with_capacity(n as usize);
    let (mut end, mut size_class) = (centre, 0usize);
    for i in 0..n as usize {
        let own = pairs.get(i);
        let gap = if i == 0 {
            unzigzag(wire.number(
                Slot::Gap,
                0,
                own.map_or(0, |p| zigzag(p.0.wrapping_sub(centre) as i64)),
            )) as u64
        } else {
            let context = 1 + usize::from(size_class <= 1) * 2 + usize::from(size_class <= 5);
            wire.number(Slot::Gap, context, own.map_or(0, |p| p.0.wrapping_sub(end)))
        };
        let lo = end.wrapping_add(gap);
        let len =
            wire.rounded(Slot::Length, size_class.min(64) / 4, own.map_or(0, |p| p.1), LEN_BITS);
        size_class = (64 - len.leading_zeros()) as usize;
        out.push((lo, len));
        end = lo.wrapping_add(len);
    }
    Bins::new(width, &out)
}

fn zigzag(x: i64) -> u64 {
    (x << 1 ^ x >> 63) as u64
}

fn unzigzag(z: u64) -> i64 {
    (z >> 1) as i64 ^ -((z & 1) as i64)
}
