"""The arguments of one call of the operator, checked and with every default filled in, as backends receive them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops.custom_score import Custom, check
from graphattn.ops.normalizers import get_normalizer
from graphattn.ops.precision import under_autocast
from graphattn.ops.scores import Additive, Cosine, Score, Sum, get_score
from graphattn.ops.state import State

_BIAS = "[E, H] with E edges and H heads of q"

Projection = Tensor | tuple[Tensor | None, Tensor | None]


@dataclass
class UnionState:
    """The state of a whole union, for the backward passes of its parts.

    A backend that sets `is_used` in the forward pass is given the gradients of the union in place of those of its part.
    In the backward pass it uses `state` in place of its own: exp(s − lse), with the log-sum-exp of the union, is the
    weight of an edge in the union, so that no gradient of the merge is computed.
    """

    is_used: bool = False
    state: State | None = None


class DropoutNumbers(NamedTuple):
    """Where the dropout mask of a part of a call is, in that of the whole: see `graphattn.ops.random`."""

    seed: Tensor
    first_edge: int


@dataclass(frozen=True, eq=False)
class AttentionCall:
    """The arguments of `graphattn.attention` after checking; see there for their meaning."""

    q: Tensor | None
    k: Tensor | None
    v: Tensor
    graph: Graph
    score: Score
    normalize: str
    scale: float
    edge_bias: Tensor | None
    edge_key: Tensor | None
    edge_value: Tensor | None
    edge_attr: Tensor | None
    edge_proj: tuple[Tensor | None, Tensor | None]
    dropout: float
    return_weights: bool
    return_state: bool
    dropout_numbers: DropoutNumbers | None = None
    """For a part of a call with dropout."""
    union_state: UnionState | None = None
    """For a part of a union."""

    @property
    def heads(self) -> int:
        """H, the number of query heads."""
        if self.q is not None:
            return self.q.shape[1]
        return self.v.shape[1] if self.edge_bias is None else self.edge_bias.shape[1]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every floating-point tensor of the call, by the name of its argument."""
        key_proj, value_proj = self.edge_proj
        named = {
            "q": self.q,
            "k": self.k,
            "v": self.v,
            "edge_bias": self.edge_bias,
            "edge_key": self.edge_key,
            "edge_value": self.edge_value,
            "edge_attr": self.edge_attr,
            "edge_proj": key_proj,
            "edge_proj (for values)": value_proj,
        }
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    @property
    def needs_grad(self) -> bool:
        """Whether a backward pass can follow."""
        learned = [*self.tensors.values(), *parameters(self.score)]
        return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in learned)

    def part(self, graph: Graph, dst: slice, src: slice, edges: slice | Tensor) -> AttentionCall:
        """The same call on a graph of some of the nodes, and of the edges that have these numbers in this call."""
        q, k = (None if x is None else x[at] for x, at in ((self.q, dst), (self.k, src)))
        bias, key, value, attr = (
            None if x is None else x[edges] for x in (self.edge_bias, self.edge_key, self.edge_value, self.edge_attr)
        )
        score = self.score.part(dst, src, edges) if isinstance(self.score, Custom) else self.score
        return replace(
            self, graph=graph, q=q, k=k, v=self.v[src], score=score,
            edge_bias=bias, edge_key=key, edge_value=value, edge_attr=attr,
        )  # fmt: skip

    def with_edge_key(self) -> Tensor | None:
        """`edge_key`, plus `edge_attr · edge_proj` where they are given."""
        return _with_projection(self.edge_key, self.edge_attr, self.edge_proj[0])

    def without_low_rank_edges(self) -> AttentionCall:
        """The same call, with `edge_attr · edge_proj` added to the edge keys and values."""
        if self.edge_attr is None:
            return self
        return replace(
            self,
            edge_key=self.with_edge_key(),
            edge_value=_with_projection(self.edge_value, self.edge_attr, self.edge_proj[1]),
            edge_attr=None,
            edge_proj=(None, None),
        )


def parameters(score: Score) -> list[Tensor]:
    """The tensors that a score holds."""
    if isinstance(score, Additive):
        return [score.vector]
    if isinstance(score, Custom):
        return score.tensors
    return [score.beta] if isinstance(score, Cosine) and isinstance(score.beta, Tensor) else []


def _with_projection(given: Tensor | None, attributes: Tensor | None, projection: Tensor | None) -> Tensor | None:
    if attributes is None or projection is None:
        return given
    formed = torch.einsum("ea,ahd->ehd", attributes, projection)
    return formed if given is None else given + formed


def prepare(
    q: Tensor | None,
    k: Tensor | None,
    v: Tensor,
    graph: Graph,
    *,
    score: str | Score = "dot",
    normalize: str = "softmax",
    scale: float | None = None,
    edge_bias: Tensor | None = None,
    edge_key: Tensor | None = None,
    edge_value: Tensor | None = None,
    edge_attr: Tensor | None = None,
    edge_proj: Projection | None = None,
    dropout: float = 0.0,
    return_weights: bool = False,
    return_state: bool = False,
) -> AttentionCall:
    """Check the arguments of `graphattn.attention` and fill in its defaults.

    Raises:
        TypeError: something is not the kind of object it should be, or dtypes differ.
        ValueError: sizes disagree with the graph or with one another; the message names the argument and both sizes.
    """
    score = get_score(score)
    get_normalizer(normalize)
    if isinstance(score, Custom):  # one number for each head is a width of one
        q, k = (x.unsqueeze(-1) if isinstance(x, Tensor) and x.ndim == 2 else x for x in (q, k))
    if not isinstance(edge_proj, tuple):
        edge_proj = (edge_proj, edge_proj)
    if len(edge_proj) != 2:
        raise ValueError(f"edge_proj is one tensor or a pair (for keys, for values), got {len(edge_proj)} of them")
    if scale is None:
        scale = score.default_scale(q.shape[-1] if isinstance(q, Tensor) and q.ndim else 0)
    call = AttentionCall(
        q, k, v, graph, score, normalize, scale, edge_bias, edge_key, edge_value, edge_attr, edge_proj, dropout,
        return_weights, return_state,
    )  # fmt: skip
    call = _in_one_dtype_under_autocast(call)
    _check_kinds(call)
    _check_nodes(call)
    _check_edges(call)
    _check_options(call)
    return call


def _in_one_dtype_under_autocast(call: AttentionCall) -> AttentionCall:
    """The call with every tensor in the dtype of v: under autocast some come in half precision and some in full."""
    if not isinstance(call.v, Tensor) or not under_autocast(call.v):
        return call

    def cast(x: Tensor | None) -> Tensor | None:
        return x.to(call.v.dtype) if isinstance(x, Tensor) and x.is_floating_point() else x

    key_proj, value_proj = call.edge_proj
    return replace(
        call, q=cast(call.q), k=cast(call.k),
        edge_bias=cast(call.edge_bias), edge_key=cast(call.edge_key), edge_value=cast(call.edge_value),
        edge_attr=cast(call.edge_attr), edge_proj=(cast(key_proj), cast(value_proj)),
    )  # fmt: skip


def _check_options(call: AttentionCall) -> None:
    for name, number in (("scale", call.scale), ("dropout", call.dropout)):
        if not isinstance(number, int | float) and not isinstance(number, Real):
            raise TypeError(f"{name} is a number, got {type(number).__name__}")
    if not 0 <= call.dropout < 1:
        raise ValueError(f"dropout is a probability in [0, 1), got {call.dropout}")
    if call.return_state and call.normalize != "softmax":
        raise ValueError(f'return_state needs normalize="softmax", got {call.normalize!r}')
    if call.return_state and call.return_weights:
        raise ValueError("return_weights and return_state exclude one another: ask for one of them")


def _check_kinds(call: AttentionCall) -> None:
    if not isinstance(call.graph, Graph):
        raise TypeError(
            f"graph is a graphattn.Graph, got {type(call.graph).__name__}; "
            "make one of an edge_index with Graph(edge_index, num_nodes)"
        )
    for name, tensor in {"v": call.v, **call.tensors}.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} is a tensor, got {type(tensor).__name__}")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} holds floating-point numbers, got {tensor.dtype}")
        if tensor.dtype.itemsize == 1:
            raise TypeError(
                f"{name} is {tensor.dtype}, in which PyTorch adds and multiplies nothing: "
                "cast it to torch.float16, bfloat16 or float32 first"
            )
        if tensor.dtype != call.v.dtype:
            raise TypeError(f"all tensors share one dtype: {name} is {tensor.dtype}, but v is {call.v.dtype}")
        if tensor.device != call.graph.device:
            raise ValueError(f"{name} is on {tensor.device}, but the graph is on {call.graph.device}")


def _check_nodes(call: AttentionCall) -> None:
    M, N = call.graph.num_dst, call.graph.num_src
    _expect("v", call.v, (N, None, None), "[N, Hk, Dv] with N sources")
    if isinstance(call.score, Sum):
        _expect("q", call.q, (M, None), '[M, H] with M destinations for score="sum"')
    else:
        _expect("q", call.q, (M, None, None), "[M, H, D] with M destinations")
    if call.q is None:
        _expect("edge_bias", call.edge_bias, (call.graph.num_edges, None), _BIAS)
    H, Hk = call.heads, call.v.shape[1]
    if call.q is not None and call.k is not None:
        if isinstance(call.score, Sum):
            _expect("k", call.k, (N, Hk), '[N, Hk], heads as in v, for score="sum"')
        else:
            _expect("k", call.k, (N, Hk, call.q.shape[2]), "[N, Hk, D], heads as in v and D as in q")
    elif call.score.name != "none":
        raise TypeError(f'q and k are tensors unless score="none"; got score="{call.score.name}"')
    if Hk == 0 or H % Hk:
        raise ValueError(f"the {Hk} heads of k and v must divide the {H} heads of q")
    if isinstance(call.score, Additive) and call.q is not None:
        expected = (H, call.q.shape[2])
        _expect("the vector of the additive score", call.score.vector, expected, "[H, D] as in q")
    if isinstance(call.score, Custom) and call.q is not None:
        check(call.score, M, N, call.graph.num_edges, H, call.q.shape[2], call.v)
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor):
        shape, full = call.score.beta.shape, (call.graph.num_edges, H)
        if len(shape) > 2 or any(have not in (1, want) for have, want in zip(shape[::-1], full[::-1], strict=False)):
            raise ValueError(f"beta of a cosine score broadcasts against [E, H] = {list(full)}, got {list(shape)}")


def _check_edges(call: AttentionCall) -> None:
    E, H, Dv = call.graph.num_edges, call.heads, call.v.shape[2]
    D = call.q.shape[2] if call.q is not None and call.q.ndim == 3 else 0
    key_proj, value_proj = call.edge_proj
    if not call.score.takes_edge_key and (call.edge_key is not None or key_proj is not None):
        raise ValueError(f'score="{call.score.name}" takes no edge key; put edge terms into edge_bias')
    _expect("edge_bias", call.edge_bias, (E, H), _BIAS)
    _expect("edge_key", call.edge_key, (E, H, D), "[E, H, D] with E edges")
    _expect("edge_value", call.edge_value, (E, H, Dv), "[E, H, Dv] with E edges")
    _expect("edge_attr", call.edge_attr, (E, None), "[E, d_e] with E edges")
    if (call.edge_attr is None) != (key_proj is None and value_proj is None):
        raise ValueError("edge_attr and edge_proj go together: give both or neither")
    if call.edge_attr is not None:
        width = call.edge_attr.shape[1]
        _expect(
            "edge_proj",
            key_proj,
            (width, H, D),
            "[d_e, H, D]; a pair (for keys, for values) if D and Dv differ",
        )
        _expect("edge_proj (for values)", value_proj, (width, H, Dv), "[d_e, H, Dv]")


def _expect(name: str, tensor: Tensor | None, shape: tuple[int | None, ...], meaning: str) -> None:
    if tensor is None:
        return
    fits = tensor.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} is {meaning}: expected [{wanted}], got {list(tensor.shape)}")
