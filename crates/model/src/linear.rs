//! Linear maps without bias, `y = x W`, as one matrix product over all B · T vectors.
//!
//! Burn's own layer multiplies lane by lane where that suits a GPU; on the CPU backend its backward pass then takes
//! three times as long (7,680 vectors, 64 to 192: 38 ms against 12 ms).

use burn::nn::Linear;
use burn::tensor::Tensor;

/// (B, T, D) to (B, T, E).
pub(crate) fn project(x: Tensor<3>, map: &Linear) -> Tensor<3> {
    multiply(x, map.weight.val())
}

/// (B, T, D) to N tensors (B, H, T, d_head): the N parts of a map with N · D outputs. The weights are cut, not the
/// outputs, which saves copies of the latter.
pub(crate) fn project_heads<const N: usize>(
    x: Tensor<3>,
    map: &Linear,
    heads: usize,
) -> [Tensor<4>; N] {
    let weight = map.weight.val();
    let width = weight.dims()[1] / N;
    std::array::from_fn(|part| {
        let y = multiply(x.clone(), weight.clone().narrow(1, part * width, width));
        let [lanes, len, _] = y.dims();
        y.reshape([lanes, len, heads, width / heads]).swap_dims(1, 2)
    })
}

fn multiply(x: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    let [lanes, len, input] = x.dims();
    let output = weight.dims()[1];
    x.reshape([lanes * len, input]).matmul(weight).reshape([lanes, len, output])
}
