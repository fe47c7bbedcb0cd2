//! How the segments of one stream are coded: everything that a decoder must know, and its serial form, the
//! payload of a stream definition.

use vxc_entropy::{BinaryCoder, RangeDecoder, RangeEncoder};
use vxc_format::{FormatError, StreamKind};
use vxc_predict::static_model::StaticPlan;
use vxc_predict::static_model::contexts::Contexts;
use vxc_tokens::tokeniser::code_layout;
use vxc_tokens::wire::{Slot, Wire};
use vxc_tokens::{RecordLayout, TokenError, Tokeniser};

use crate::error::Error;

/// What is known of the bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Lines of words and numbers.
    Text,
    /// Nothing.
    Bytes,
    /// Records, modelled byte by byte.
    Records(RecordLayout),
    /// Records, with a fitted tokeniser.
    Fields(Tokeniser),
}

/// The code of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamCode {
    /// What is known of the bytes.
    pub form: Form,
    /// How static segments are coded (with [`Form::Fields`]).
    pub plan: Option<StaticPlan>,
    /// Level of mix segments, 4..=6.
    pub mix_level: u32,
    /// The largest segment has at most 2^`size_bits` bytes: sizes the models' tables.
    pub size_bits: u32,
}

impl StreamCode {
    /// A stream without a tokeniser.
    pub fn new(form: Form, mix_level: u32, largest: u64) -> Self {
        Self { form, plan: None, mix_level, size_bits: size_bits(largest) }
    }

    /// The layout, where there is one.
    pub fn layout(&self) -> Option<&RecordLayout> {
        match &self.form {
            Form::Text | Form::Bytes => None,
            Form::Records(layout) => Some(layout),
            Form::Fields(tokeniser) => Some(tokeniser.layout()),
        }
    }

    /// The kind that its definition states.
    pub fn kind(&self) -> StreamKind {
        if self.layout().is_some() { StreamKind::Records } else { StreamKind::Bytes }
    }

    /// Bytes of a record, 1 where there are none.
    pub fn record_bytes(&self) -> usize {
        self.layout().map_or(1, |l| l.record_bytes)
    }

    /// Bytes that the code holds beside its own, about.
    pub fn held_bytes(&self) -> u64 {
        match &self.form {
            Form::Text | Form::Bytes => 0,
            Form::Records(l) => 128 * l.fields.len() as u64,
            Form::Fields(t) => t.held_bytes(),
        }
    }

    /// Serial form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut wire = Wire::new(RangeEncoder::new());
        code(&mut wire, Some(self), u64::MAX).expect("a valid code serialises");
        wire.into_inner().finish()
    }

    /// Reads a serial form.
    ///
    /// # Errors
    /// [`Error::Corruption`] for anything that is not one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::within(bytes, u64::MAX)
    }

    /// Reads the serial form of a code that holds at most so many bytes.
    ///
    /// # Errors
    /// As [`StreamCode::from_bytes`]; `LimitExceeded`.
    pub fn within(bytes: &[u8], most: u64) -> Result<Self, Error> {
        let mut wire = Wire::new(RangeDecoder::new(bytes));
        let own = code(&mut wire, None, most).map_err(|e| match e {
            TokenError::TooLarge(limit) => {
                let needed = limit.saturating_add(1);
                FormatError::LimitExceeded { what: "a stream definition", needed, limit }.into()
            }
            e => Error::Corruption(e.to_string()),
        })?;
        wire.into_inner()
            .finish()
            .map_err(|e| Error::Corruption(format!("stream definition: {e}")))?;
        Ok(own)
    }
}

/// log2 of the next power of two.
pub fn size_bits(bytes: u64) -> u32 {
    64 - bytes.saturating_sub(1).leading_zeros()
}

fn code<C: BinaryCoder>(
    wire: &mut Wire<C>,
    own: Option<&StreamCode>,
    most: u64,
) -> Result<StreamCode, TokenError> {
    let form = own.map_or(0, |o| match o.form {
        Form::Bytes => 0,
        Form::Records(_) => 1,
        Form::Fields(_) => 2,
        Form::Text => 3,
    });
    let mix_level = wire.number(Slot::Count, 2, own.map_or(0, |o| o.mix_level.into()));
    let size_bits = wire.number(Slot::Count, 3, own.map_or(0, |o| o.size_bits.into()));
    if !(4..=6).contains(&mix_level) || size_bits > 40 {
        return Err(TokenError::Corrupt("level or size of a stream"));
    }
    let mut plan = None;
    let form = match wire.number(Slot::Count, 4, form) {
        0 => Form::Bytes,
        3 => Form::Text,
        1 => Form::Records(code_layout(wire, own.and_then(StreamCode::layout))?),
        2 => {
            let tokeniser = match own.map(|o| &o.form) {
                Some(Form::Fields(t)) => {
                    t.write(wire);
                    t.clone()
                }
                _ => Tokeniser::read(wire, most)?,
            };
            let own_plan = own.and_then(|o| o.plan.as_ref());
            if wire.flag(Slot::Flag, 2, own_plan.is_some()) {
                let exact = wire.flag(Slot::Flag, 3, own_plan.is_some_and(|p| p.exact));
                let contexts =
                    Contexts::code(wire, own_plan.map(|p| &p.contexts), tokeniser.steps().len())?;
                plan = Some(StaticPlan { contexts, exact });
            }
            Form::Fields(tokeniser)
        }
        _ => return Err(TokenError::Corrupt("form of a stream")),
    };
    Ok(StreamCode { form, plan, mix_level: mix_level as u32, size_bits: size_bits as u32 })
}
