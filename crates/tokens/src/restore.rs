//! A column of numbers in the coding domain back to bit patterns, in place: [`Step::decode`] with its branches taken once
//! a column.

use crate::layout::Kind;
use crate::ordered::{from_ordered, to_ordered};
use crate::step::Step;
use crate::transform::{Transform, undo_difference, undo_quantum};

/// Undoes the transform of a step whose bins are not scaled. `predicted` holds its predictions, for relations; `last` is
/// the value before the first.
#[inline(always)]
pub(crate) fn restore(
    step: &Step,
    symbols: &[u8],
    predicted: &[u64],
    last: u64,
    column: &mut [u64],
) {
    // A loop for each common kind, so that the kind is not asked for each value.
    match step.kind {
        Kind::F32 => by_kind(Kind::F32, step, symbols, predicted, last, column),
        Kind::F64 => by_kind(Kind::F64, step, symbols, predicted, last, column),
        Kind::I32 => by_kind(Kind::I32, step, symbols, predicted, last, column),
        kind => by_kind(kind, step, symbols, predicted, last, column),
    }
}

#[inline(always)]
fn by_kind(
    kind: Kind,
    step: &Step,
    symbols: &[u8],
    predicted: &[u64],
    mut last: u64,
    column: &mut [u64],
) {
    match step.transform {
        Transform::Identity => column.iter_mut().for_each(|x| *x = from_ordered(kind, *x)),
        Transform::Quantum(q) => {
            column.iter_mut().for_each(|x| *x = from_ordered(kind, undo_quantum(kind, q, *x)));
        }
        Transform::Relation(_) => {
            for (x, &p) in column.iter_mut().zip(predicted) {
                *x = from_ordered(kind, undo_difference(kind.bits(), *x, to_ordered(kind, p)));
            }
        }
        Transform::Delta => {
            let mut base = to_ordered(kind, last);
            for (x, &symbol) in column.iter_mut().zip(symbols) {
                if !(step.copy && symbol == 0) {
                    base = undo_difference(kind.bits(), *x, base);
                }
                *x = from_ordered(kind, base);
            }
            return;
        }
    }
    if step.copy {
        for (x, &symbol) in column.iter_mut().zip(symbols) {
            last = if symbol == 0 { last } else { *x };
            *x = last;
        }
    }
}
