"""The variants of the fused operator, their inputs, and what a call of one gives: results and all gradients."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

import graphattn as ga
from graphattn import scores

FUSED = "numba"
SCORES = ("dot", "cosine", "sum", "additive leaky_relu", "additive tanh", "none")
NORMALIZERS = ("softmax", "relu", "sigmoid", "identity")
HEADS = ((1, 1), (2, 1), (3, 3), (4, 2), (8, 8))  # of queries, of keys
WIDTHS = (1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 64, 100)
EDGE_TERMS = {
    "nothing": (),
    "bias": ("edge_bias",),
    "key": ("edge_key",),
    "value": ("edge_value",),
    "key and value": ("edge_bias", "edge_key", "edge_value"),
    "low rank": ("edge_attr", "proj"),
    "low rank for keys": ("edge_bias", "edge_attr", "key_proj"),
    "low rank for values": ("edge_attr", "value_proj"),
    "low rank by a pair": ("edge_attr", "key_proj", "value_proj"),
    "everything": ("edge_bias", "edge_key", "edge_value", "edge_attr", "key_proj", "value_proj"),
}
_KEY_TERMS = {"edge_key", "proj", "key_proj"}


@dataclass(frozen=True)
class Case:
    """One variant of the operator, without graph and numbers."""

    score: str = "dot"
    normalize: str = "softmax"
    edges: str = "nothing"
    heads: tuple[int, int] = (3, 3)
    widths: tuple[int, int, int] = (5, 7, 2)  # of keys, of values, of edge features
    dtype: torch.dtype = torch.float32
    returns: str = "out"  # or "weights", "state"
    dropout: float = 0.0
    scale: float | None = None

    def __str__(self) -> str:
        shape = "-".join(map(str, (*self.heads, *self.widths)))
        dtype = str(self.dtype).removeprefix("torch.")
        options = f"{self.returns} dropout={self.dropout} scale={self.scale}"
        return f"{self.score}, {self.normalize}, {self.edges}, {dtype}, {shape}, {options}"

    @property
    def is_valid(self) -> bool:
        """Whether the operator has such a variant, and a fused one."""
        takes_key = self.score in ("dot", "additive leaky_relu", "additive tanh")
        return (takes_key or not _KEY_TERMS & {*EDGE_TERMS[self.edges]}) and (
            self.returns != "state" or self.normalize == "softmax"
        )


def pairwise(seed: int = 0, **choices: tuple[Any, ...]) -> list[Case]:
    """Valid cases in which each two choices that can go together do so once at least, found greedily."""
    drawn = random.Random(seed)
    names = list(choices)
    pairs = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(names, 2)
        for x, y in itertools.product(choices[a], choices[b])
        if Case(**{a: x, b: y}).is_valid
    }
    cases = []
    while pairs:
        best: tuple[int, dict[str, Any]] = (0, {})
        for _ in range(40):
            picked = {name: drawn.choice(choices[name]) for name in names} | dict(drawn.choice(sorted(pairs, key=str)))
            if Case(**picked).is_valid:
                covered = sum(pair in pairs for pair in itertools.combinations(picked.items(), 2))
                best = max(best, (covered, picked), key=lambda found: found[0])
        if best[0]:
            cases.append(Case(**best[1]))
            pairs -= {*itertools.combinations(((name, best[1][name]) for name in names), 2)}
    return cases


def tensors(case: Case, graph: ga.Graph, seed: int = 0, size: float = 1.0) -> dict[str, Tensor]:
    """The tensors of a call, as float64 numbers that the dtype of the case can hold."""
    torch.manual_seed(seed)
    M, N, E = graph.num_dst, graph.num_src, graph.num_edges
    (H, Hk), (D, Dv, A) = case.heads, case.widths
    if "proj" in EDGE_TERMS[case.edges]:
        Dv = D
    shapes: dict[str, tuple[int, ...]] = {"v": (N, Hk, Dv)}
    if case.score == "sum":
        shapes |= {"q": (M, H), "k": (N, Hk)}
    elif case.score == "none":
        shapes |= {"edge_bias": (E, H)}
    else:
        shapes |= {"q": (M, H, D), "k": (N, Hk, D)}
    if case.score == "cosine":
        shapes["beta"] = (H,)
    if case.score.startswith("additive"):
        shapes["vector"] = (H, D)
    all_edges = {
        "edge_bias": (E, H), "edge_key": (E, H, D), "edge_value": (E, H, Dv), "edge_attr": (E, A),
        "proj": (A, H, D), "key_proj": (A, H, D), "value_proj": (A, H, Dv),
    }  # fmt: skip
    shapes |= {name: all_edges[name] for name in EDGE_TERMS[case.edges]}
    drawn = {name: torch.randn(shapes[name], dtype=torch.float64) * size for name in sorted(shapes)}
    return {name: tensor.to(case.dtype).double() for name, tensor in drawn.items()}


def attend(case: Case, graph: ga.Graph, given: dict[str, Tensor], backend: str) -> tuple[Tensor, ...]:
    """The results of one call, always as a tuple; dropout draws the same mask every time."""
    torch.manual_seed(7)
    return call(case, graph, given, backend)


def call(case: Case, graph: ga.Graph, given: dict[str, Tensor], backend: str) -> tuple[Tensor, ...]:
    """The same without a seed."""
    given = dict(given)
    vector, beta, pair = given.pop("vector", None), given.pop("beta", None), (None, None)
    if "edge_attr" in given:
        shared = given.pop("proj", None)
        pair = shared if shared is not None else (given.pop("key_proj", None), given.pop("value_proj", None))
    score: Any = case.score
    if case.score == "cosine":
        score = scores.Cosine(beta)
    elif case.score == "sum":
        score = scores.Sum(negative_slope=0.3)
    elif case.score.startswith("additive"):
        score = scores.Additive(vector, case.score.removeprefix("additive "), negative_slope=0.3)
    q, k, v = (given.pop(name, None) for name in "qkv")
    found = ga.attention(
        q, k, v, graph, score=score, normalize=case.normalize, scale=case.scale, edge_proj=pair, dropout=case.dropout,
        return_weights=case.returns == "weights", return_state=case.returns == "state", backend=backend, **given,
    )  # fmt: skip
    return found if isinstance(found, tuple) else (found,)


def result_names(case: Case) -> tuple[str, ...]:
    """What `attend` gives."""
    return {"out": ("out",), "weights": ("out", "weights"), "state": ("out", "lse")}[case.returns]


def loss_weights(shapes: list[torch.Size], dtype: torch.dtype) -> list[Tensor]:
    """What a loss weighs each number of each result with; drawn apart, for threads share torch's own generator."""
    drawn = torch.Generator().manual_seed(8)
    return [torch.randn(shape, dtype=torch.float64, generator=drawn).to(dtype) for shape in shapes]


def loss(results: tuple[Tensor, ...], dtype: torch.dtype) -> Tensor:
    """A loss that weighs every number differently; lse of a destination without edges is −inf, and left out."""
    return weighted(results, loss_weights([result.shape for result in results], dtype))


def weighted(results: tuple[Tensor, ...], weights: list[Tensor]) -> Tensor:
    """The sum of all finite numbers, each times its weight."""
    terms = [
        torch.where(result.isfinite(), result, 0) * weight.to(result.dtype)
        for result, weight in zip(results, weights, strict=True)
    ]
    return sum(term.double().sum() for term in terms)


_AXES = {
    "q": "dD", "k": "sD", "v": "sV", "edge_bias": "e", "edge_key": "eD", "edge_value": "eV", "edge_attr": "eA",
    "proj": "AD", "key_proj": "AD", "value_proj": "AV", "vector": "D", "out": "dV", "lse": "d", "weights": "e",
}  # fmt: skip


class Order:
    """Another order of nodes, edges and features, in which the same sums round differently.

    Dropout goes by the place of an edge, so there only the features change places.
    """

    def __init__(self, case: Case, graph: ga.Graph, seed: int) -> None:
        torch.manual_seed(seed)
        D, V, A = case.widths
        sizes = {"d": graph.num_dst, "s": graph.num_src, "e": graph.num_edges, "D": D, "V": V, "A": A}
        self.orders = {axis: torch.randperm(size) for axis, size in sizes.items()}
        if "proj" in EDGE_TERMS[case.edges]:
            self.orders["V"] = self.orders["D"]  # one projection serves both
        if case.dropout:
            self.orders |= {axis: torch.arange(sizes[axis]) for axis in "dse"}
        self._scalar_queries = case.score == "sum"

    def graph(self, graph: ga.Graph) -> ga.Graph:
        """The graph with nodes and edges in this order."""
        src, dst = graph.edge_index[:, self.orders["e"]]
        edge_index = torch.stack([self.orders["s"].argsort()[src], self.orders["d"].argsort()[dst]])
        return ga.Graph(edge_index, num_dst=graph.num_dst, num_src=graph.num_src)

    def apply(self, name: str, tensor: Tensor) -> Tensor:
        """A tensor of the call, put in this order."""
        return self._reorder(name, tensor, self.orders)

    def undo(self, name: str, tensor: Tensor) -> Tensor:
        """A result, put back."""
        return self._reorder(name, tensor, {axis: order.argsort() for axis, order in self.orders.items()})

    def _reorder(self, name: str, tensor: Tensor, orders: dict[str, Tensor]) -> Tensor:
        for axis in _AXES.get(name, ""):
            if axis in "DV":
                if not (self._scalar_queries and name in "qk"):
                    tensor = tensor[..., orders[axis]]
            elif name == "edge_attr" and axis == "A":
                tensor = tensor[:, orders[axis]]
            else:
                tensor = tensor[orders[axis]]
        return tensor


def run(
    case: Case,
    graph: ga.Graph,
    given: dict[str, Tensor],
    backend: str,
    *,
    dtype: torch.dtype | None = None,
    order: int | None = None,
) -> dict[str, Tensor]:
    """Results and all gradients, by name, in the dtype they came in; in that of the case unless another is given."""
    leaves = {name: tensor.to(dtype or case.dtype, copy=True).requires_grad_() for name, tensor in given.items()}
    ordered = leaves
    if order is None:
        results = attend(case, graph, leaves, backend)
    else:
        other = Order(case, graph, order)
        ordered = {name: other.apply(name, leaf) for name, leaf in leaves.items()}
        results = attend(case, other.graph(graph), ordered, backend)
        results = tuple(other.undo(*result) for result in zip(result_names(case), results, strict=True))
    loss(results, case.dtype).backward()
    found = dict(zip(result_names(case), results, strict=True))
    found |= {f"grad of {name}": leaf.grad for name, leaf in leaves.items()}
    return {name: tensor.detach() for name, tensor in found.items() if tensor is not None}


def same_bits(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two runs gave the same, NaN included."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name].nan_to_num(nan=12345.0), second[name].nan_to_num(nan=12345.0)) for name in first
    )


def with_(case: Case, **changes: Any) -> Case:
    """The same case but for a few choices."""
    return replace(case, **changes)
