"""Time of a training step of the record network in PyTorch on one CPU thread (CPU seconds), for comparison with `vxc train`.

The same shapes as preset `record` over N fields: per-field tables for the symbol before, the symbol one record up and
the offset fraction, blocks of RMSNorm, causal attention and SwiGLU, a matrix and a bias per field as head, AdamW, clipping.
Random data: only the clock counts. Usage: time_pytorch.py [FIELDS] [VOCAB] [BATCH] [STEPS]
"""

import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

fields, vocab, batch, steps = (int(x) for x in (sys.argv[1:] + ["30", "256", "256", "20"][len(sys.argv) - 1:]))
width, layers, heads, hidden = 64, 2, 4, 128
torch.set_num_threads(1)
torch.manual_seed(0)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.gain


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm_1, self.norm_2 = Norm(), Norm()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (y.view(b, t, heads, d // heads).transpose(1, 2) for y in self.qkv(self.norm_1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        y = self.norm_2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(fields * vocab, width)
        self.above = nn.Embedding(fields * vocab, width)
        self.fraction = nn.Parameter(torch.randn(fields, width) * 0.02)
        self.target = nn.Parameter(torch.randn(fields, width) * 0.02)
        self.start = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(layers))
        self.norm = Norm()
        self.head = nn.Parameter(torch.randn(fields, width, vocab) * 0.02)
        self.bias = nn.Parameter(torch.zeros(fields, vocab))
        self.register_buffer("first", torch.arange(fields) * vocab)

    def forward(self, symbols, above, fraction):
        x = self.embed(symbols + self.first) + fraction[..., None] * self.fraction
        x = torch.cat([self.start.expand(len(x), 1, width), x[:, :-1]], 1) + self.target + self.above(above + self.first)
        for block in self.blocks:
            x = block(x)
        return torch.einsum("bfd,fdk->bfk", self.norm(x), self.head) + self.bias


network = Network()
optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
data = [torch.randint(0, vocab, (batch, fields)) for _ in range(2)] + [torch.rand(batch, fields)]
start = 0.0
for step in range(steps + 3):
    if step == 3:
        start = time.process_time()
    logits = network(*data)
    loss = F.cross_entropy(logits.reshape(-1, vocab), data[0].reshape(-1))
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
seconds = (time.process_time() - start) / steps
parameters = sum(p.numel() for p in network.parameters())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{parameters} parameters, {1000 * seconds:.1f} ms a step, {batch * fields / seconds:.0f} tokens/s, {peak:.0f} MiB")
