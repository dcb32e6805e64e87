"""Graphs given by a rule against the best that is otherwise at hand for each: sequences, windows, grids, unions."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.bench import process
from graphattn.bench.measure import Timing, peak_extra, repeat
from graphattn.graph import Graph, causal, complete, grid, union, window
from graphattn.nn import GraphTransformerLayer, LinformerAttention
from graphattn.ops.attention import attention

Attend = Callable[..., Tensor]
Prepared = tuple[Attend, list[Tensor]]
"""A function, and the tensors it is called with and differentiated by."""


@dataclass(frozen=True)
class Row:
    """One thing to compute, and who computes it; each contender is made in the process that measures it."""

    contenders: dict[str, Callable[[], Prepared]]
    against: str
    aim: str
    backward: bool = True


@dataclass(frozen=True)
class StructureResult:
    """What one contender took for one row; seconds and bytes."""

    row: str
    contender: str
    forward: Timing | None = None
    both: Timing | None = None
    memory: int | None = None
    note: str | None = None

    def figure(self, kind: str) -> float | None:
        """Median seconds of "forward" or "both", or bytes of "memory"; None where it is missing."""
        if kind == "memory":
            return self.memory
        timing: Timing | None = getattr(self, kind)
        return None if timing is None else timing.median


@dataclass
class StructureReport:
    """One run: where, and what came out."""

    environment: dict[str, Any]
    results: list[StructureResult] = field(default_factory=list)

    def ratio(self, row: str, kind: str) -> float | None:
        """The best of the others' figure, or the sum of the parts', in multiples of ours."""
        mine = next((r.figure(kind) for r in self.results if r.row == row and r.contender == "graphattn"), None)
        others = [r.figure(kind) for r in self.results if r.row == row and r.contender != "graphattn"]
        found = [figure for figure in others if figure is not None]
        if not mine or not found:
            return None
        return (sum(found) if ROWS[row].against == "sum" else min(found)) / mine

    def to_json(self) -> str:
        """As JSON text, one line for each result."""
        lines = ",\n".join(json.dumps(asdict(result), ensure_ascii=False) for result in self.results)
        ratios = {row: {kind: self.ratio(row, kind) for kind in ("forward", "both", "memory")} for row in ROWS}
        parts = {"environment": self.environment, "ratios": ratios}
        head = ",\n".join(f'"{name}": {json.dumps(value, indent=1)}' for name, value in parts.items())
        return "{\n" + head + ',\n"results": [\n' + lines + "\n]\n}\n"

    @classmethod
    def load(cls, path: Path) -> StructureReport:
        """Read what `to_json` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        results = [
            StructureResult(**{**each, **{kind: each[kind] and Timing(**each[kind]) for kind in ("forward", "both")}})
            for each in content["results"]
        ]
        return cls(content["environment"], results)


def _drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _packed(num_nodes: int, heads: int, width: int) -> list[Tensor]:
    return [_drawn(num_nodes, heads, width) for _ in range(3)]


def ours(make: Callable[[], Graph], heads: int, width: int) -> Callable[[], Prepared]:
    """`graphattn.attention` on a graph."""

    def prepare() -> Prepared:
        graph = make()
        return lambda q, k, v: attention(q, k, v, graph), _packed(graph.num_nodes, heads, width)  # type: ignore[return-value]

    return prepare


def sdpa(shape: tuple[int, int, int, int], mask: Callable[[], Tensor] | None = None, **options: Any) -> Any:
    """`scaled_dot_product_attention` of `[batch, heads, length, width]`, with a mask that is made beforehand."""

    def prepare() -> Prepared:
        made = None if mask is None else mask()
        tensors = [_drawn(*shape) for _ in range(3)]
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


def _unfolded(side: int, kernel: int, heads: int, width: int) -> Callable[[], Prepared]:
    """Each cell's neighbours copied out with `unfold`, then compared with it."""

    def neighbours(x: Tensor) -> Tensor:  # [cells, heads, width, kernel²]
        image = x.flatten(1).t().view(1, heads * width, side, side)
        return F.unfold(image, kernel, padding=kernel // 2).view(heads, width, kernel**2, -1).permute(3, 0, 1, 2)

    def prepare() -> Prepared:
        outside = neighbours(torch.ones(side * side, heads, width))[:, 0, 0] == 0

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            scores = torch.einsum("nhd,nhdk->nhk", q, neighbours(k)) * width**-0.5
            weights = scores.masked_fill(outside.unsqueeze(1), -torch.inf).softmax(-1)
            return torch.einsum("nhk,nhdk->nhd", weights, neighbours(v))

        return attend, _packed(side * side, heads, width)

    return prepare


def _flex(side: int, kernel: int, heads: int, width: int) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        def near(batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
            reach = kernel // 2
            return ((i // side - j // side).abs() <= reach) & ((i % side - j % side).abs() <= reach)

        mask = create_block_mask(near, None, None, side * side, side * side, device="cpu")
        compiled = torch.compile(flex_attention)
        tensors = [_drawn(1, heads, side * side, width) for _ in range(3)]
        return lambda q, k, v: compiled(q, k, v, block_mask=mask), tensors

    return prepare


def _hub(n: int, count: int = 16) -> Graph:
    hubs, nodes = torch.arange(count).repeat_interleave(n), torch.arange(n).repeat(count)
    return Graph(torch.cat([torch.stack([hubs, nodes]), torch.stack([nodes, hubs])[:, nodes >= count]], dim=1), n)


def _random(n: int, degree: int = 8) -> Graph:
    drawn = torch.Generator().manual_seed(0)
    return Graph(torch.stack([torch.randint(n, (n * degree,), generator=drawn), torch.arange(n).repeat(degree)]), n)


def _bigbird(n: int) -> Graph:
    return union(window(n, 128), _hub(n), _random(n), overlap="add")


def _block(kind: str, num_nodes: int) -> GraphTransformerLayer:
    if kind != "Linformer":
        return GraphTransformerLayer(512, 8)
    return GraphTransformerLayer(512, 8, attention=LinformerAttention(512, 8, num_landmarks=256, max_nodes=num_nodes))


def _picture(kind: str) -> Callable[[], Prepared]:
    """A vision Transformer, width 512, 8 heads, depth 12, on a picture of 2048 × 2048 in patches of 32 × 32."""

    def prepare() -> Prepared:
        side, depth = 2048 // 32, 12
        graph: Graph = grid((side, side), 7) if kind == "grid" else complete(side * side)
        patches = nn.Linear(3 * 32 * 32, 512)
        layers = nn.ModuleList(_block(kind, side * side) for _ in range(depth)).eval()

        def forward(picture: Tensor) -> Tensor:
            x = patches(F.unfold(picture, 32, stride=32)[0].t())
            for layer in layers:
                x = layer(x, graph)
            return x

        return forward, [_drawn(1, 3, 2048, 2048)]

    return prepare


ROWS: dict[str, Row] = {
    "complete(2048)": Row(
        {"graphattn": ours(lambda: complete(2048), 8, 64), "SDPA": sdpa((1, 8, 2048, 64))}, "best", "≥ 0.95 ×"
    ),
    "causal(2048)": Row(
        {"graphattn": ours(lambda: causal(2048), 8, 64), "SDPA": sdpa((1, 8, 2048, 64), is_causal=True)},
        "best",
        "≥ 0.95 ×",
    ),
    "128 sentences": Row(
        {
            "graphattn": ours(lambda: complete(_sentences()), 8, 64),
            "SDPA, padded": sdpa((128, 8, 40, 64), _padding),
        },
        "best",
        "≥ 1.5 ×",
    ),
    "window(32768, 256)": Row(
        {"graphattn": ours(lambda: window(32768, 256), 1, 64), "SDPA, full": sdpa((1, 1, 32768, 64))},
        "best",
        "≥ 8 ×",
    ),
    "window(16384, 256)": Row({"graphattn": ours(lambda: window(16384, 256), 1, 64)}, "best", "half of 32768"),
    "grid(64 × 64, 7)": Row(
        {
            "graphattn": ours(lambda: grid((64, 64), 7), 8, 32),
            "SDPA, masked": sdpa((1, 8, 4096, 32), lambda: _seen(grid((64, 64), 7))),
            "unfold": _unfolded(64, 7, 8, 32),
            "FlexAttention": _flex(64, 7, 8, 32),
        },
        "best",
        "≥ 5 ×",
    ),
    "union of window, hubs, random": Row(
        {
            "graphattn": ours(lambda: _bigbird(4096), 8, 32),
            "window": ours(lambda: window(4096, 128), 8, 32),
            "hubs": ours(lambda: _hub(4096), 8, 32),
            "random": ours(lambda: _random(4096), 8, 32),
        },
        "sum",
        "≥ 0.87 ×",
    ),
    "picture, 12 layers": Row(
        {"graphattn": _picture("grid"), "full": _picture("full"), "Linformer": _picture("Linformer")},
        "best",
        "",
        backward=False,
    ),
}
QUICK = ("complete(2048)", "causal(2048)", "128 sentences", "grid(64 × 64, 7)")


def run(row: str, contender: str, seconds: float) -> StructureResult:
    """Measure one contender in a fresh process; one that fails is reported with its reason."""
    try:
        return process.run(measure, row, contender, seconds)
    except process.FailedError as failure:
        return StructureResult(row, contender, note=str(failure))


def measure(row: str, contender: str, seconds: float) -> StructureResult:
    """Measure forward without gradients, forward with backward, and peak extra memory of the last that there is."""
    attend, tensors = ROWS[row].contenders[contender]()
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]

    def forward() -> Tensor:
        with torch.no_grad():
            return attend(*tensors)

    grad = torch.ones_like(forward())
    forward_time = repeat(forward, seconds, "cpu")
    if not ROWS[row].backward:
        return StructureResult(row, contender, forward_time, memory=peak_extra(forward, "cpu"))

    def both() -> None:
        torch.autograd.grad(attend(*leaves), leaves, grad)

    try:
        both()
    except NotImplementedError:
        return StructureResult(row, contender, forward_time, note="it has no backward pass on a CPU")
    return StructureResult(row, contender, forward_time, repeat(both, seconds, "cpu"), peak_extra(both, "cpu"))
