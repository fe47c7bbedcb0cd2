//! One batch on several threads or devices: each computes the gradients of its share of the rows, and the shares are
//! added in the order of the rows, so that timing decides nothing. Burn's own way over several devices sums in the order
//! in which they finish and gives other bits in each run; that is why it is not used.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use vxc_model::{Dropout, OptimisedCompressiveTransformer, Run, State};

use crate::data::Batch;
use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::network::{input, log_likelihood};
use crate::precision::Arithmetic;
use crate::seed::{SplitMix64, Stream};

/// What a batch gave.
pub struct Outcome {
    /// Gradients of the loss: the sum of the cross-entropies over `tokens`, times `scale`.
    pub gradients: Gradients,
    /// Sum of the cross-entropies of the batch's tokens, nats.
    pub nats: f64,
}

/// How a batch is computed.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Where the shares are computed, in turn.
    pub devices: &'a [Device],
    /// Number of shares; see [`shares`].
    pub shards: usize,
    /// Arithmetic of the forward and backward pass.
    pub arithmetic: Arithmetic,
    /// Tokens that the loss is a mean over: all of a step's.
    pub tokens: usize,
    /// Factor of the loss, undone by the caller.
    pub scale: f32,
    /// Seed of the run.
    pub seed: u64,
    /// Forward passes of the run before this one.
    pub pass: u64,
    /// Chunk length; none: the network's own.
    pub chunk: Option<usize>,
    /// Whether blocks are computed again in the backward pass instead of kept.
    pub checkpointing: bool,
}

/// Shares of a batch: as many as configured, and none of the devices is left without one.
pub fn shares(configured: usize, devices: &[Device]) -> usize {
    configured.max(devices.len())
}

/// A share of a batch.
struct Share<'a> {
    index: u64,
    batch: Batch,
    state: State,
    network: OptimisedCompressiveTransformer,
    device: &'a Device,
}

/// Gradients of one batch. `states` has one entry for each share and is carried on, without history.
///
/// # Errors
/// [`TrainError::Device`] if a share fails.
pub fn gradients(
    network: &OptimisedCompressiveTransformer,
    batch: &Batch,
    states: &mut Vec<State>,
    plan: &Plan<'_>,
) -> Result<Outcome, TrainError> {
    let parts = batch.shards(plan.shards);
    // What starts without a state may start inside a record: after a checkpoint.
    states.resize_with(parts.len(), || State::at(batch.first));
    let shares = parts
        .into_iter()
        .zip(states.drain(..))
        .enumerate()
        .map(|(i, (batch, state))| {
            let device = &plan.devices[i % plan.devices.len()];
            let network = network.clone().fork(device);
            Share { index: i as u64, batch, state, network, device }
        })
        .collect();
    let results = in_parallel(shares, |share| share.run(plan))?;
    let mut total = Outcome { gradients: Gradients::default(), nats: 0.0 };
    for (gradients, nats, state) in results {
        total.gradients.add(gradients);
        total.nats += nats;
        states.push(state);
    }
    Ok(total)
}

impl Share<'_> {
    fn run(self, plan: &Plan<'_>) -> (Gradients, f64, State) {
        let network = plan.arithmetic.lower(self.network);
        let config = network.config().clone();
        let (mut tokens, symbols) = input(&self.batch, &config, self.device);
        plan.arithmetic.lower_input(&mut tokens);
        let dropout = (config.dropout > 0.0).then(|| {
            let pass = SplitMix64::new(plan.seed, Stream::Noise, plan.pass).next_u64();
            Dropout::new(
                config.dropout,
                SplitMix64::new(pass, Stream::Noise, self.index).next_u64(),
            )
        });
        let mut run = Run { chunk: plan.chunk, dropout };
        let factor = plan.scale / plan.tokens as f32;
        let nats =
            |logits, symbols| log_likelihood(plan.arithmetic.raise(logits), symbols).sum().neg();
        if plan.checkpointing {
            let pass = network.checkpointed_gradients(&tokens, self.state, &run, |logits, part| {
                nats(logits, symbols.clone().slice_dim(1, part)).mul_scalar(factor)
            });
            let loss: f32 = pass.loss.into_scalar();
            let gradients = Gradients::take(&network, pass.gradients);
            return (gradients, f64::from(loss) / f64::from(factor), pass.state);
        }
        let (logits, state) = network.forward_with(&tokens, self.state, &mut run);
        let sum = nats(logits, symbols);
        let value: f32 = sum.clone().inner().into_scalar();
        let graph = sum.mul_scalar(factor).backward();
        let gradients = GradientsParams::from_grads(graph, &network);
        (Gradients::take(&network, gradients), f64::from(value), state.detach())
    }
}

/// Runs jobs side by side and gives their results in order.
///
/// # Errors
/// [`TrainError::Device`] if one panics: that is how the tensor library reports a device that fails.
pub fn in_parallel<J: Send, R: Send>(
    jobs: Vec<J>,
    run: impl Fn(J) -> R + Sync,
) -> Result<Vec<R>, TrainError> {
    std::thread::scope(|scope| {
        let run = &run;
        let handles: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || run(job))).collect();
        handles
            .into_iter()
            .map(|h| h.join().map_err(|_| TrainError::Device("a computation failed".into())))
            .collect()
    })
}
