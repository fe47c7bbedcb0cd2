//! The serial form of an integer model.
//!
//! ```text
//! version (1 byte) · configuration (varints, see `config`) · tensors in the order of `walk`
//! i8 as bytes · i16 little-endian · factors as all multipliers (u16), then all shifts (u8) · scalars as zigzag varints
//! ```
//! Lengths are not written: they follow from the configuration. A tensor is allocated only once the input is known to
//! hold it, so memory is bounded by the input. There is one form for a model, and nothing may follow it.

use vxc_entropy::{EntropyError, read_varint, write_varint};

use super::walk::{Visitor, head_count, in_range, layer_count, walk};
use super::{IntModel, LayerWeights, Weights};
use crate::config::{Embedding, HeadKind, IntConfig, MAX_RECORD, MemoryConfig, PositionKind};
use crate::error::ModelError;
use crate::ops::linear::Linear;
use crate::ops::rescale::Rescale;

/// The version that is written, and the only one known.
pub const MODEL_VERSION: u8 = 1;

impl IntModel {
    /// The serial form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![MODEL_VERSION];
        write_config(&self.config, &mut out);
        let mut weights = self.weights.clone();
        let written = walk(&self.config, &mut weights, &mut Writer { out: &mut out });
        debug_assert!(written.is_ok(), "a writer has nothing to refuse");
        out
    }

    /// Reads [`Self::to_bytes`], which must fill `bytes`.
    ///
    /// # Errors
    /// Any [`ModelError`]: the bytes may be hostile.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut input = bytes;
        let version = take(&mut input, 1, "version")?.first().copied().unwrap_or(0);
        if version != MODEL_VERSION {
            return Err(ModelError::UnsupportedVersion(version));
        }
        let config = read_config(&mut input)?;
        config.validate()?;
        let mut weights = Weights {
            layers: vec![LayerWeights::default(); layer_count(&config)],
            heads: vec![Linear::default(); head_count(&config)],
            ..Weights::default()
        };
        walk(&config, &mut weights, &mut Reader { input: &mut input })?;
        if !input.is_empty() {
            return Err(ModelError::Corrupt("bytes after the model"));
        }
        Self::new(config, weights)
    }
}

const FLAG_HEAD_BIAS: u64 = 1;
const FLAG_TARGET_TYPE: u64 = 2;
const FLAG_ABOVE: u64 = 4;
const FLAG_FRACTION: u64 = 8;
const FLAG_COPIED: u64 = 16;
const FLAG_MEMORY: u64 = 32;
const FLAG_CYCLE: u64 = 64;
const FLAGS_END: u64 = 128;

fn write_config(c: &IntConfig, out: &mut Vec<u8>) {
    for size in [c.vocab, c.context_vocab, c.d_model, c.n_layers, c.n_heads, c.d_ff, c.window] {
        write_varint(out, size as u64);
    }
    let kinds = [
        match c.embedding {
            Embedding::Shared => 0,
            Embedding::PerType => 1,
            Embedding::Factorised => 2,
        },
        match c.head {
            HeadKind::Shared => 0,
            HeadKind::PerType => 1,
            HeadKind::Factorised => 2,
        },
        match c.position {
            PositionKind::Sinusoidal => 0,
            PositionKind::Distance => 1,
            PositionKind::None => 2,
        },
    ];
    let cycle = is_cycle(&c.types);
    let flags = [
        (c.head_bias, FLAG_HEAD_BIAS),
        (c.target_type, FLAG_TARGET_TYPE),
        (c.above, FLAG_ABOVE),
        (c.fraction, FLAG_FRACTION),
        (c.copied, FLAG_COPIED),
        (c.memory.is_some(), FLAG_MEMORY),
        (cycle, FLAG_CYCLE),
    ];
    kinds.into_iter().for_each(|kind| write_varint(out, kind));
    write_varint(out, flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag).sum());
    if let Some(memory) = &c.memory {
        write_varint(out, memory.chunk as u64);
        write_varint(out, memory.rate as u64);
    }
    write_varint(out, c.types.len() as u64);
    if !cycle {
        c.types.iter().for_each(|&t| write_varint(out, t.into()));
    }
}

fn read_config(input: &mut &[u8]) -> Result<IntConfig, ModelError> {
    let mut size = || -> Result<usize, ModelError> {
        usize::try_from(varint(input)?)
            .map_err(|_| ModelError::Corrupt("a size beyond this machine"))
    };
    let [vocab, context_vocab, d_model, n_layers, n_heads, d_ff, window] =
        [size()?, size()?, size()?, size()?, size()?, size()?, size()?];
    let embedding = match size()? {
        0 => Embedding::Shared,
        1 => Embedding::PerType,
        2 => Embedding::Factorised,
        _ => return Err(ModelError::Corrupt("unknown kind of embedding")),
    };
    let head = match size()? {
        0 => HeadKind::Shared,
        1 => HeadKind::PerType,
        2 => HeadKind::Factorised,
        _ => return Err(ModelError::Corrupt("unknown kind of head")),
    };
    let position = match size()? {
        0 => PositionKind::Sinusoidal,
        1 => PositionKind::Distance,
        2 => PositionKind::None,
        _ => return Err(ModelError::Corrupt("unknown kind of position")),
    };
    let flags = size()? as u64;
    if flags >= FLAGS_END {
        return Err(ModelError::Corrupt("unknown flags"));
    }
    let on = |flag| flags & flag != 0;
    let memory =
        if on(FLAG_MEMORY) { Some(MemoryConfig { chunk: size()?, rate: size()? }) } else { None };
    let positions = size()?;
    if positions > MAX_RECORD {
        return Err(ModelError::Config(format!("a record of {positions} positions")));
    }
    let types = if on(FLAG_CYCLE) {
        (0..positions).map(|t| t as u16).collect()
    } else {
        let kind = |_| u16::try_from(size()?).map_err(|_| ModelError::Corrupt("position type"));
        (0..positions).map(kind).collect::<Result<Vec<u16>, _>>()?
    };
    if !on(FLAG_CYCLE) && is_cycle(&types) {
        return Err(ModelError::Corrupt("position types are not in their shortest form"));
    }
    Ok(IntConfig {
        vocab,
        context_vocab,
        d_model,
        n_layers,
        n_heads,
        d_ff,
        window,
        types,
        embedding,
        head,
        head_bias: on(FLAG_HEAD_BIAS),
        position,
        target_type: on(FLAG_TARGET_TYPE),
        above: on(FLAG_ABOVE),
        fraction: on(FLAG_FRACTION),
        copied: on(FLAG_COPIED),
        memory,
    })
}

fn is_cycle(types: &[u16]) -> bool {
    types.iter().enumerate().all(|(i, &t)| usize::from(t) == i)
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Visitor for Writer<'_> {
    fn weights(&mut self, _: &'static str, x: &mut Vec<i8>, _: usize) -> Result<(), ModelError> {
        self.out.extend(x.iter().map(|w| w.cast_unsigned()));
        Ok(())
    }

    fn numbers(&mut self, _: &'static str, x: &mut Vec<i16>, _: usize) -> Result<(), ModelError> {
        self.out.extend(x.iter().flat_map(|w| w.to_le_bytes()));
        Ok(())
    }

    fn factors(
        &mut self,
        _: &'static str,
        x: &mut Vec<Rescale>,
        _: usize,
    ) -> Result<(), ModelError> {
        self.out.extend(x.iter().flat_map(|f| f.multiplier().to_le_bytes()));
        self.out.extend(x.iter().map(|f| f.shift()));
        Ok(())
    }

    fn scalar(&mut self, _: &'static str, x: &mut i64, _: i64, _: i64) -> Result<(), ModelError> {
        write_varint(self.out, ((*x << 1) ^ (*x >> 63)).cast_unsigned());
        Ok(())
    }
}

struct Reader<'a, 'b> {
    input: &'a mut &'b [u8],
}

impl Visitor for Reader<'_, '_> {
    fn weights(
        &mut self,
        name: &'static str,
        x: &mut Vec<i8>,
        len: usize,
    ) -> Result<(), ModelError> {
        *x = take(self.input, len, name)?.iter().map(|b| b.cast_signed()).collect();
        Ok(())
    }

    fn numbers(
        &mut self,
        name: &'static str,
        x: &mut Vec<i16>,
        len: usize,
    ) -> Result<(), ModelError> {
        let bytes = take(self.input, len.saturating_mul(2), name)?;
        *x = bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect();
        Ok(())
    }

    fn factors(
        &mut self,
        name: &'static str,
        x: &mut Vec<Rescale>,
        len: usize,
    ) -> Result<(), ModelError> {
        let multipliers = take(self.input, len.saturating_mul(2), name)?.as_chunks().0;
        let shifts = take(self.input, len, name)?;
        *x = multipliers
            .iter()
            .zip(shifts)
            .map(|(&m, &shift)| Rescale::new(u16::from_le_bytes(m), shift))
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    fn scalar(
        &mut self,
        name: &'static str,
        x: &mut i64,
        min: i64,
        max: i64,
    ) -> Result<(), ModelError> {
        let value = varint(self.input)?;
        *x = (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
        // Before it is cut to the width it is kept in.
        in_range(name, *x, min, max)
    }
}

fn take<'a>(input: &mut &'a [u8], len: usize, name: &'static str) -> Result<&'a [u8], ModelError> {
    input.split_off(..len).ok_or(ModelError::Truncated(name))
}

fn varint(input: &mut &[u8]) -> Result<u64, ModelError> {
    read_varint(input).map_err(|error| match error {
        EntropyError::Truncated => ModelError::Truncated("a number"),
        _ => ModelError::Corrupt("a number"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::random::Fill;
    use super::*;
    use proptest::prelude::*;

    fn model() -> IntModel {
        let config = IntConfig {
            vocab: 5,
            context_vocab: 6,
            d_model: 6,
            n_layers: 1,
            n_heads: 2,
            d_ff: 3,
            window: 4,
            memory: Some(MemoryConfig { chunk: 4, rate: 2 }),
            position: PositionKind::Distance,
            ..IntConfig::record(3)
        };
        IntModel::random(config, 1, Fill::Typical).expect("valid")
    }

    #[test]
    fn every_truncation_and_every_tail_is_an_error() {
        let bytes = model().to_bytes();
        assert_eq!(IntModel::from_bytes(&bytes), Ok(model()));
        for len in 0..bytes.len() {
            assert!(IntModel::from_bytes(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            IntModel::from_bytes(&longer),
            Err(ModelError::Corrupt("bytes after the model"))
        );
    }

    #[test]
    fn sizes_beyond_the_input_are_refused_before_they_are_allocated() {
        let mut out = vec![MODEL_VERSION];
        let hostile = IntConfig {
            context_vocab: 1 << 16,
            d_model: 4096,
            n_heads: 8,
            types: IntConfig::cycle(u16::MAX),
            ..model().config().clone()
        };
        write_config(&hostile, &mut out);
        out.extend([0; 1000]);
        assert!(matches!(IntModel::from_bytes(&out), Err(ModelError::Truncated(_))));
        for large in [u64::MAX, 1 << 40, 1 << 17] {
            for field in 0..7 {
                let mut out = vec![MODEL_VERSION];
                (0..7).for_each(|i| write_varint(&mut out, if i == field { large } else { 4 }));
                out.extend([0, 0, 0, 0, 1, 0, 0]);
                assert!(IntModel::from_bytes(&out).is_err());
            }
        }
        assert_eq!(IntModel::from_bytes(&[2]), Err(ModelError::UnsupportedVersion(2)));
    }

    #[test]
    fn numbers_outside_of_their_range_are_refused() {
        let good = model();
        let refused = |change: &dyn Fn(&mut Weights)| {
            let mut weights = good.weights().clone();
            change(&mut weights);
            let error = IntModel::new(good.config().clone(), weights).expect_err("out of range");
            assert!(
                matches!(error, ModelError::Range { .. } | ModelError::Shape { .. }),
                "{error}"
            );
        };
        refused(&|w| w.layers[0].query.weights[3] = -128);
        refused(&|w| w.start[0] = i16::MIN);
        refused(&|w| w.layers[0].memory.beta[1] = -1);
        refused(&|w| w.rms_epsilon = 0);
        refused(&|w| w.rms_epsilon = u64::MAX);
        refused(&|w| w.embedding_shift = 9);
        refused(&|w| w.layers[0].memory.scorer_bias = i64::MIN);
        refused(&|w| w.heads[0].scales.truncate(1));
        refused(&|w| w.layers.clear());
        refused(&|w| w.coarse.push(1));
    }

    proptest! {
        /// Any damage gives an error or another model whose form is what was read.
        #[test]
        fn damage_is_an_error_or_another_model(at in any::<prop::sample::Index>(), to: u8) {
            let mut bytes = model().to_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(other) = IntModel::from_bytes(&bytes) {
                prop_assert_eq!(other.to_bytes(), bytes);
            }
        }
    }
}
