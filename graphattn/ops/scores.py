"""How a query and a key are compared: the scores of attention, as small objects.

Each is given by name (`"dot"`) or as an object where it has something to set (`Sum(negative_slope=0.1)`). With i a
destination, j a source, e_ij the edge key and b_ij the edge bias:

| name       | object                         | score of the edge j → i                                   | paper |
|------------|--------------------------------|-----------------------------------------------------------|-------|
| "dot"      | `Dot()`                        | scale · ⟨q_i, k_j + e_ij⟩ + b_ij                          | Vaswani et al. 2017 |
| "cosine"   | `Cosine(beta)`                 | scale · β · cos(q_i, k_j + e_ij) + b_ij                   | Graves et al. 2014; Thekumparampil et al. 2018 |
| "sum"      | `Sum(negative_slope)`          | scale · leaky_relu(q_i + k_j + b_ij), q and k one number per head | Veličković et al. 2018 (GAT) |
| "additive" | `Additive(vector, activation)` | scale · ⟨a, act(q_i + k_j + e_ij)⟩ + b_ij                 | Bahdanau et al. 2015; Brody et al. 2022 (GATv2) |
| "none"     | `NoScore()`                    | b_ij                                                      | Luong et al. 2015 (location) |
|            | `custom(function, ...)`        | function(pair) + b_ij, written in a few lines of Python   | yours |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor

from graphattn.ops.custom_score import Custom, Pair, show
from graphattn.ops.symbols import (
    abs,
    clamp,
    cos,
    exp,
    leaky_relu,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)

__all__ = [
    "Additive",
    "Cosine",
    "Custom",
    "Dot",
    "NoScore",
    "Pair",
    "Score",
    "Sum",
    "abs",
    "clamp",
    "cos",
    "custom",
    "exp",
    "get_score",
    "leaky_relu",
    "log",
    "maximum",
    "minimum",
    "relu",
    "show",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tanh",
    "where",
]


@dataclass(frozen=True)
class Dot:
    """scale · ⟨q_i, k_j + e_ij⟩ + b_ij, with scale = D^(-1/2) unless given.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
    """

    name: ClassVar[str] = "dot"
    takes_edge_key: ClassVar[bool] = True

    def default_scale(self, width: int) -> float:
        """D^(-1/2), which keeps the variance of a dot of D independent numbers at one."""
        return width**-0.5 if width else 1.0

    def __call__(self, q_i: Tensor, k_j: Tensor, bias: Tensor | None, scale: float) -> Tensor:
        """Scores `[E, H]` of edges whose queries and keys are `[E, H, D]`."""
        return _biased((q_i * k_j).sum(-1) * scale, bias)


@dataclass(frozen=True)
class Cosine:
    """scale · β · cos(q_i, k_j + e_ij) + b_ij; a zero vector has cosine zero with everything.

    Args:
        beta: sharpness, a number or a tensor that broadcasts against `[E, H]` (a learned scalar, or `[H]`).

    Graves et al. 2014, arXiv:1410.5401, eq. 5-6; AGNN, Thekumparampil et al. 2018, arXiv:1803.03735, eq. 5.
    """

    beta: float | Tensor = 1.0
    name: ClassVar[str] = "cosine"
    takes_edge_key: ClassVar[bool] = True

    def default_scale(self, width: int) -> float:
        """One."""
        return 1.0

    def __call__(self, q_i: Tensor, k_j: Tensor, bias: Tensor | None, scale: float) -> Tensor:
        """Scores `[E, H]` of edges whose queries and keys are `[E, H, D]`."""
        cosine = (F.normalize(q_i, dim=-1) * F.normalize(k_j, dim=-1)).sum(-1)
        return _biased(cosine * (self.beta * scale), bias)


@dataclass(frozen=True)
class Sum:
    """scale · leaky_relu(q_i + k_j + b_ij), where q `[M, H]` and k `[N, Hk]` hold one number per head.

    Veličković et al. 2018, arXiv:1710.10903, eq. 3: q_i = ⟨a_dst, W x_i⟩ and k_j = ⟨a_src, W x_j⟩.
    """

    negative_slope: float = 0.2
    name: ClassVar[str] = "sum"
    takes_edge_key: ClassVar[bool] = False

    def default_scale(self, width: int) -> float:
        """One."""
        return 1.0

    def __call__(self, q_i: Tensor, k_j: Tensor, bias: Tensor | None, scale: float) -> Tensor:
        """Scores `[E, H]` of edges whose queries and keys are `[E, H]`."""
        return F.leaky_relu(_biased(q_i + k_j, bias), self.negative_slope) * scale


@dataclass(frozen=True, eq=False)
class Additive:
    """scale · ⟨a, act(q_i + k_j + e_ij)⟩ + b_ij.

    Args:
        vector: a, `[H, D]`.
        activation: "leaky_relu" (GATv2, Brody et al. 2022, arXiv:2105.14491, eq. 7) or "tanh" (Bahdanau et al. 2015,
            arXiv:1409.0473, appendix A.1.2).
        negative_slope: of the leaky ReLU.
    """

    vector: Tensor
    activation: Literal["leaky_relu", "tanh"] = "leaky_relu"
    negative_slope: float = 0.2
    name: ClassVar[str] = "additive"
    takes_edge_key: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.activation not in ("leaky_relu", "tanh"):
            raise ValueError(f'activation is "leaky_relu" or "tanh", got {self.activation!r}')
        if self.vector.ndim != 2:
            raise ValueError(f"the vector of an additive score is [H, D], got shape {list(self.vector.shape)}")

    def default_scale(self, width: int) -> float:
        """One."""
        return 1.0

    def __call__(self, q_i: Tensor, k_j: Tensor, bias: Tensor | None, scale: float) -> Tensor:
        """Scores `[E, H]` of edges whose queries and keys are `[E, H, D]`."""
        hidden = q_i + k_j
        hidden = hidden.tanh() if self.activation == "tanh" else F.leaky_relu(hidden, self.negative_slope)
        return _biased((hidden * self.vector.to(hidden.dtype)).sum(-1) * scale, bias)


@dataclass(frozen=True)
class NoScore:
    """b_ij alone; q and k may be None. Luong et al. 2015, arXiv:1508.04025, eq. 8 (location)."""

    name: ClassVar[str] = "none"
    takes_edge_key: ClassVar[bool] = False

    def default_scale(self, width: int) -> float:
        """One."""
        return 1.0


def custom(
    function: Callable[[Pair], Any],
    *,
    edge: Mapping[str, Tensor] | None = None,
    src: Mapping[str, Tensor] | None = None,
    dst: Mapping[str, Tensor] | None = None,
    head: Mapping[str, Tensor] | None = None,
) -> Custom:
    """A score of your own, written as a function of the symbols of one edge and run fused, forward and backward.

    The function is traced once: it may use numbers, arithmetic, comparisons and the functions of this module (`exp`,
    `log`, `tanh`, `sigmoid`, `sqrt`, `abs`, `sin`, `cos`, `relu`, `leaky_relu`, `softplus`, `where`, `minimum`,
    `maximum`, `clamp`). Python's `if` on a symbol is an error; use `where`. An untaken branch of `where` takes no part
    in gradients. On CPUs its derivative is taken symbolically and both go into the kernels, so that nothing of size
    E·H·D is made; the first call of an expression compiles them, later processes load them from disk. Elsewhere
    PyTorch evaluates it.

    Args:
        function: takes a `Pair` and returns the score as a symbol.
        edge: tensors by name, `[E]` or `[E, H]` in the order of `graph.edge_index`, read as `pair.edge["name"]`.
        src: `[N]` or `[N, H]`, one row for each source.
        dst: `[M]` or `[M, H]`, one row for each destination.
        head: `[H]`, `[1]` or `[]`; or a weight `[H, D]` of `pair.reduce`.

    Returns:
        A score for `graphattn.attention`. All tensors get their gradients.

    Raises:
        KeyError: the function asks for a name that was not given.
        TypeError: it uses `if` on a symbol, or something that is neither symbol nor number.
        ValueError: it uses numbers of queries and keys outside of `reduce`, or returns a comparison.

    Example:
        >>> import torch, graphattn as ga
        >>> from graphattn import scores
        >>> length, sharpness = torch.tensor([0.5, 2.0]), torch.ones(3)
        >>> def decayed(pair):
        ...     return 20 * scores.tanh(pair.dot / 20) - pair.edge["length"] ** 2 * pair.dst["sharpness"]
        >>> score = scores.custom(decayed, edge={"length": length}, dst={"sharpness": sharpness})
        >>> graph = ga.Graph(torch.tensor([[0, 1], [2, 2]]), num_nodes=3)
        >>> x = torch.zeros(3, 1, 4)
        >>> v = torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)
        >>> ga.attention(x, x, v, graph, score=score).flatten()
        tensor([ 0.0000,  0.0000, 10.2298])
    """
    return Custom(function, edge or {}, src or {}, dst or {}, head or {})


Score = Dot | Cosine | Sum | Additive | NoScore | Custom

_BY_NAME: dict[str, Score] = {score.name: score for score in (Dot(), Cosine(), Sum(), NoScore())}


def get_score(score: str | Score) -> Score:
    """The score object meant by a name; objects pass through.

    Raises:
        ValueError: no score has that name, or it is "additive", which needs its vector.
        TypeError: neither a name nor a score.
    """
    if isinstance(score, Score):
        return score
    if not isinstance(score, str):
        raise TypeError(f"score is a name or one of graphattn.scores' objects, got {type(score).__name__}")
    if score == "additive":
        raise ValueError('score="additive" needs its vector: give score=Additive(vector) with vector [H, D]')
    if score not in _BY_NAME:
        names = ", ".join(f'"{name}"' for name in (*_BY_NAME, "additive"))
        raise ValueError(f"score is one of {names}; got {score!r}")
    return _BY_NAME[score]


def _biased(score: Tensor, bias: Tensor | None) -> Tensor:
    return score if bias is None else score + bias
