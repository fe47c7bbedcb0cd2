"""Records weights, inputs and outputs of the published package's networks (see README.md).

Usage: make_fixtures.py DIRECTORY
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from vortex.models import CompressiveTransformer, OptimisedCompressiveTransformer, PositionalEncoding

# The package's typed embedding assumes 256 symbols; everything else is as small as it can be.
SIZES = dict(vocab_size=256, d_model=8, n_layers=2, n_heads=2, d_ff=12, window=16,
             compression_rate=4, dropout=0.1)
LANES, LENGTH, PASSES = 2, 14, 3


def randomise(model):
    """Weights large enough that no part hides behind another."""
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if name.endswith(("scale", "norm.weight", "ln1.weight", "ln2.weight", "ln_f.weight")):
            parameter.data = 1.0 + 0.3 * noise
        elif parameter.dim() == 2 and "embed" not in name:
            parameter.data = noise / parameter.shape[1] ** 0.5
        else:
            parameter.data = 0.5 * noise


def recorder(store):
    """Hooks that keep the tensors that go into and out of a module."""
    def flat(value):
        values = value if isinstance(value, (tuple, list)) else [value]
        return [v for v in values if isinstance(v, torch.Tensor)]

    def hook_for(name):
        def hook(_module, inputs, output):
            for i, tensor in enumerate(flat(inputs)):
                store[f"{name}.in.{i}"] = tensor
            for i, tensor in enumerate(flat(output)):
                store[f"{name}.out.{i}"] = tensor
        return hook
    return hook_for


def eviction(module, acts):
    """Indices and values that a module keeps of its input."""
    scores = module.scorer(acts.transpose(1, 2)).squeeze(1)
    kept = -(-acts.shape[1] // module.rate)
    return scores.topk(kept, dim=1).indices.sort(dim=1).values, module.compress(acts)


def record(model, path):
    randomise(model)
    model.eval()
    tensors = {f"weights.{k}": v for k, v in model.state_dict().items() if k != "pe.pe"}
    symbols = torch.randint(0, 256, (PASSES, LANES, LENGTH))
    tensors["symbols"] = symbols.float()
    memories = None
    for i in range(PASSES):
        seen = {}
        block = model.layers[0]
        parts = {"embed": model.embed, "pe": model.pe, "ln1": block.ln1, "attn": block.attn,
                 "ff": block.ff, "block": block}
        hooks = [part.register_forward_hook(recorder(seen)(name)) for name, part in parts.items()]
        with torch.no_grad():
            logits, memories, *_ = model(symbols[i], memories)
            indices, values = eviction(block.attn.mem_mgr.lte, seen["attn.in.0"])
        for hook in hooks:
            hook.remove()
        # Logits of the last positions say as much as all of them.
        seen = {k: v for k, v in seen.items() if not k.startswith("embed.in")}
        seen |= {"logits": logits[:, -2:], "eviction.indices": indices.float(),
                 "eviction.values": values}
        seen |= {f"memory.{layer}": memory for layer, memory in enumerate(memories)}
        tensors |= {f"pass.{i}.{k}": v for k, v in seen.items()}
    save_file({k: v.contiguous().float().clone() for k, v in tensors.items()}, path)


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20261123)
    record(CompressiveTransformer(**SIZES, use_tdt=True), directory / "reference.safetensors")
    optimised = OptimisedCompressiveTransformer(**SIZES, use_tdt=True)
    record(optimised, directory / "optimised.safetensors")

    # A checkpoint as the package writes it, after one step of training.
    model = OptimisedCompressiveTransformer(**SIZES | dict(n_layers=1), use_tdt=False)
    model.pe = PositionalEncoding(SIZES["d_model"], max_len=16)  # its table is saved too
    randomise(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    symbols = torch.randint(0, 256, (1, 8))
    model.eval()
    model(symbols)[0].square().mean().backward()
    optimiser.step()
    torch.save({"step": 1, "model": model.state_dict(), "optimizer": optimiser.state_dict(),
                "bpd": 7.5}, directory / "checkpoint.pt")
    with torch.no_grad():
        save_file({"symbols": symbols.float(), "logits": model(symbols)[0].contiguous()},
                  directory / "checkpoint_logits.safetensors")


if __name__ == "__main__":
    main()
