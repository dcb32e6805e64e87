"""What `graphattn bench structures` measures: sequences, windows, grids and unions, and who computes each.

A contender is a function of the device that returns what to call and the tensors to call it with and to differentiate
by; it is made in the process that measures it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import Graph, causal, complete, grid, hub, knn, random_regular, union, window
from graphattn.nn import GraphTransformerLayer, LinformerAttention
from graphattn.nn.functional import elu_features
from graphattn.ops.attention import attention

Attend = Callable[..., Tensor]
Prepared = tuple[Attend, list[Tensor]]
Contender = Callable[[str], Prepared]


@dataclass(frozen=True)
class Row:
    """One thing to compute, and who computes it, "graphattn" first.

    `against` says what its figures are compared with: "best", the best of the others; "sum", their sum; "double", twice
    the other's, which has half the nodes. The ratio, in multiples of graphattn's figure, is to be `aim` at least.
    """

    contenders: dict[str, Contender]
    against: str = "best"
    aim: float | None = None
    backward: bool = True


def _drawn(device: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)


def _packed(device: str, num_nodes: int, heads: int, width: int) -> list[Tensor]:
    return [_drawn(device, num_nodes, heads, width) for _ in range(3)]


def ours(make: Callable[[], Graph], heads: int, width: int) -> Contender:
    """`graphattn.attention` on a graph."""

    def prepare(device: str) -> Prepared:
        graph = make().to(device)
        return lambda q, k, v: attention(q, k, v, graph), _packed(device, graph.num_nodes, heads, width)  # type: ignore[return-value]

    return prepare


def linear(make: Callable[[], Graph], heads: int, width: int) -> Contender:
    """Linear attention with the feature map elu + 1."""

    def prepare(device: str) -> Prepared:
        graph = make().to(device)

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return attention(*elu_features(q, k), v, graph, normalize="linear", scale=1.0)  # type: ignore[return-value]

        return attend, _packed(device, graph.num_nodes, heads, width)

    return prepare


def sdpa(shape: tuple[int, int, int, int], mask: Callable[[], Tensor] | None = None, **options: Any) -> Contender:
    """`scaled_dot_product_attention` of `[batch, heads, length, width]`, with a mask that is made beforehand."""

    def prepare(device: str) -> Prepared:
        made = None if mask is None else mask().to(device)
        tensors = [_drawn(device, *shape) for _ in range(3)]
        return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=made, **options), tensors

    return prepare


def _sentences() -> list[int]:
    """128 lengths with the mean (13), the least (3) and the most (40) of Multi30k's English sentences."""
    drawn = torch.Generator().manual_seed(0)
    lengths = torch.randn(127, generator=drawn).mul(0.31).add(math.log(12.4)).exp().round().clamp(3, 40)
    return [40, *lengths.int().tolist()]


def _padding() -> Tensor:
    lengths = torch.tensor(_sentences())
    return (torch.arange(int(lengths.max())) < lengths.unsqueeze(1))[:, None, None]


def _seen(graph: Graph) -> Tensor:
    mask = torch.zeros(graph.num_dst, graph.num_src, dtype=torch.bool)
    src, dst = graph.edge_index
    mask[dst, src] = True
    return mask


def _unfolded(side: int, kernel: int, heads: int, width: int) -> Contender:
    """Each cell's neighbors copied out with `unfold`, then compared with it."""

    def neighbors(x: Tensor) -> Tensor:  # [cells, heads, width, kernel²]
        image = x.flatten(1).t().view(1, heads * width, side, side)
        return F.unfold(image, kernel, padding=kernel // 2).view(heads, width, kernel**2, -1).permute(3, 0, 1, 2)

    def prepare(device: str) -> Prepared:
        outside = neighbors(torch.ones(side * side, heads, width, device=device))[:, 0, 0] == 0

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            scores = torch.einsum("nhd,nhdk->nhk", q, neighbors(k)) * width**-0.5
            weights = scores.masked_fill(outside.unsqueeze(1), -torch.inf).softmax(-1)
            return torch.einsum("nhk,nhdk->nhd", weights, neighbors(v))

        return attend, _packed(device, side * side, heads, width)

    return prepare


def _flex(side: int, kernel: int, heads: int, width: int) -> Contender:
    def prepare(device: str) -> Prepared:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        def near(batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
            reach = kernel // 2
            return ((i // side - j // side).abs() <= reach) & ((i % side - j % side).abs() <= reach)

        mask = create_block_mask(near, None, None, side * side, side * side, device=device)
        compiled = torch.compile(flex_attention)
        tensors = [_drawn(device, 1, heads, side * side, width) for _ in range(3)]
        return lambda q, k, v: compiled(q, k, v, block_mask=mask), tensors

    return prepare


def _bigbird() -> list[Graph]:
    """4,096 tokens: a window, 16 global ones, and 8 at random for each."""
    drawn = torch.Generator().manual_seed(0)
    return [window(4096, 128), hub(4096, 16), random_regular(4096, 8, generator=drawn)]


def _block(kind: str, num_nodes: int) -> GraphTransformerLayer:
    if kind != "Linformer":
        return GraphTransformerLayer(512, 8)
    return GraphTransformerLayer(512, 8, attention=LinformerAttention(512, 8, num_landmarks=256, max_nodes=num_nodes))


def _picture(kind: str) -> Contender:
    """A vision Transformer, width 512, 8 heads, depth 12, on a picture of 2048 × 2048 in patches of 32 × 32."""

    def prepare(device: str) -> Prepared:
        torch.manual_seed(0)
        side, depth = 2048 // 32, 12
        graph: Graph = (grid((side, side), 7) if kind == "grid" else complete(side * side)).to(device)
        patches = nn.Linear(3 * 32 * 32, 512).to(device)
        layers = nn.ModuleList(_block(kind, side * side) for _ in range(depth)).to(device).eval()

        def forward(picture: Tensor) -> Tensor:
            x = patches(F.unfold(picture, 32, stride=32)[0].t())
            for layer in layers:
                x = layer(x, graph)
            return x

        return forward, [_drawn(device, 1, 3, 2048, 2048)]

    return prepare


def _neighbors_of(num_points: int) -> Contender:
    """Building the graph of 16 nearest neighbors in space, on the CPU."""

    def prepare(device: str) -> Prepared:
        return lambda points: knn(points, 16).edge_index, [_drawn("cpu", num_points, 3)]

    return prepare


_SDPA = 1 / 1.05  # "within 1.05 ×"
_PARTS = 1 / 1.15
_LINEAR = 0.9  # twice the nodes in twice the time, but for the caches

PICTURE = "picture, 12 layers"
ROWS: dict[str, Row] = {
    "complete(2048)": Row(
        {"graphattn": ours(lambda: complete(2048), 8, 64), "SDPA": sdpa((1, 8, 2048, 64))}, aim=_SDPA
    ),
    "causal(2048)": Row(
        {"graphattn": ours(lambda: causal(2048), 8, 64), "SDPA": sdpa((1, 8, 2048, 64), is_causal=True)}, aim=_SDPA
    ),
    "128 sentences": Row(
        {"graphattn": ours(lambda: complete(_sentences()), 8, 64), "SDPA, padded": sdpa((128, 8, 40, 64), _padding)},
        aim=1.5,
    ),
    "window(32768, 256)": Row(
        {"graphattn": ours(lambda: window(32768, 256), 1, 64), "SDPA, full": sdpa((1, 1, 32768, 64))}, aim=8
    ),
    "window(32768, 256), linear in n": Row(
        {"graphattn": ours(lambda: window(32768, 256), 1, 64), "n = 16384": ours(lambda: window(16384, 256), 1, 64)},
        against="double",
        aim=_LINEAR,
    ),
    "grid(64 × 64, 7)": Row(
        {
            "graphattn": ours(lambda: grid((64, 64), 7), 8, 32),
            "SDPA, masked": sdpa((1, 8, 4096, 32), lambda: _seen(grid((64, 64), 7))),
            "unfold": _unfolded(64, 7, 8, 32),
            "FlexAttention": _flex(64, 7, 8, 32),
        },
        aim=5,
    ),
    "union of window, hubs, random": Row(
        {
            "graphattn": ours(lambda: union(*_bigbird()), 8, 32),
            "window": ours(lambda: _bigbird()[0], 8, 32),
            "hubs": ours(lambda: _bigbird()[1], 8, 32),
            "random": ours(lambda: _bigbird()[2], 8, 32),
        },
        against="sum",
        aim=_PARTS,
    ),
    "linear attention, complete(32768)": Row(
        {"graphattn": linear(lambda: complete(32768), 8, 64), "n = 16384": linear(lambda: complete(16384), 8, 64)},
        against="double",
        aim=_LINEAR,
    ),
    "linear attention, causal(32768)": Row(
        {"graphattn": linear(lambda: causal(32768), 8, 64), "n = 16384": linear(lambda: causal(16384), 8, 64)},
        against="double",
        aim=_LINEAR,
    ),
    "building knn(1,000,000 points, k = 16)": Row({"graphattn": _neighbors_of(1_000_000)}, backward=False),
    PICTURE: Row(
        {"graphattn": _picture("grid"), "full": _picture("full"), "Linformer": _picture("Linformer")}, backward=False
    ),
}
QUICK = ("complete(2048)", "causal(2048)", "128 sentences", "grid(64 × 64, 7)")
