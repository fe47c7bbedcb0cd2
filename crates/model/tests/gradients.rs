//! Checkpointed gradients are those of the plain backward pass.

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use common::{all_kinds, difference, tokens, with_memory};
use vxc_model::{Dropout, OptimisedCompressiveTransformer, Run, State, TransformerConfig};

fn loss(logits: Tensor<3>) -> Tensor<1> {
    // Weighted so that no position's gradient equals another's.
    let [_, len, _] = logits.dims();
    let weights = Tensor::<1, burn::tensor::Int>::arange(1..len as i64 + 1, &logits.device());
    let weights = weights.float().reshape([1, len, 1]);
    (log_softmax(logits, 2).narrow(2, 3, 1) * weights).sum().neg()
}

struct Compare<'a> {
    plain: &'a GradientsParams,
    checkpointed: &'a GradientsParams,
    compared: usize,
}

impl ModuleVisitor for Compare<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let plain = self.plain.get::<D>(parameter.id);
        let checkpointed = self.checkpointed.get::<D>(parameter.id);
        match (plain, checkpointed) {
            (Some(a), Some(b)) => {
                let scale = a.clone().abs().max().into_scalar::<f32>().max(1.0);
                let difference = difference(a, b) / scale;
                assert!(difference < 1e-4, "{difference} in {:?}", parameter.dims());
                self.compared += 1;
            }
            (None, None) => {}
            (Some(only), None) | (None, Some(only)) => {
                assert_eq!(only.abs().max().into_scalar::<f32>(), 0.0);
            }
        }
    }
}

fn compare(config: &TransformerConfig, run: &Run, len: usize) {
    let device = Device::flex().autodiff();
    let model = OptimisedCompressiveTransformer::new(config, 4, &device).expect("valid");
    let input = tokens(config, 2, len, &device);

    // Piece by piece as the network cuts them, each with its own loss.
    let chunk = config.memory.as_ref().map_or(len, |m| run.chunk.unwrap_or(m.chunk));
    let (logits, after) = model.forward_with(&input, State::new(), &mut run.clone());
    let mut total = Tensor::<1>::zeros([1], &device);
    for start in (0..len).step_by(chunk) {
        total = total + loss(logits.clone().narrow(1, start, chunk.min(len - start)));
    }
    let value = total.clone().into_scalar::<f32>();
    let plain = GradientsParams::from_grads(total.backward(), &model);

    let pass = model.checkpointed_gradients(&input, State::new(), run, |logits, range| {
        assert_eq!(logits.dims()[1], range.len());
        loss(logits)
    });
    let difference = (pass.loss.into_scalar::<f32>() - value).abs() / value.abs();
    assert!(difference < 1e-5, "{difference}");
    assert_eq!(pass.state.position, after.position);
    let mut visitor = Compare { plain: &plain, checkpointed: &pass.gradients, compared: 0 };
    model.visit(&mut visitor);
    assert!(visitor.compared > 10, "{}", visitor.compared);
}

#[test]
fn for_every_kind_of_network() {
    for config in all_kinds() {
        compare(&config, &Run::default(), 16);
    }
}

#[test]
fn across_chunks_cuts_and_dropout() {
    let config = with_memory(); // gradients are cut after three chunks of 6
    compare(&config, &Run::default(), 40);
    compare(&config, &Run { chunk: Some(4), dropout: Some(Dropout::new(0.2, 8)) }, 30);
}

#[test]
fn with_burns_own_checkpointing_too() {
    let config = with_memory();
    let device = Device::flex().autodiff().gradient_checkpointing();
    let model = OptimisedCompressiveTransformer::new(&config, 4, &device).expect("valid");
    let input = tokens(&config, 2, 14, &device);
    let pass = model.checkpointed_gradients(&input, State::new(), &Run::default(), |l, _| loss(l));
    assert!(pass.gradients.len() > 10);
}
