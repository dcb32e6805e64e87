"""Scores written by a user as a function of symbols, traced once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from graphattn.ops import expression
from graphattn.ops.expression import Node, apply, constant, evaluate, text, walk
from graphattn.ops.symbol import Symbol, node_of

Q, K, SCALE = Node("q", (), "q_d"), Node("k", (), "k_d"), Node("scale", (), "scale")
SOURCE, DESTINATION, HEAD = (Node("index", (), name) for name in ("src.index", "dst.index", "head.index"))
CUSTOM = "custom:"  # begins the names of kernels for such scores
_TINY = 1e-24  # squared norms below it count as it, as in torch.nn.functional.normalize


class Program(NamedTuple):
    """A traced score: its expression, and where its leaves are found in the operator's inputs."""

    root: Node
    reductions: tuple[Node, ...]
    """Sums over the width of expressions of q_d, k_d and weights."""
    columns: tuple[tuple[str, str, bool], ...]
    """Numbers of edges: the kind ("edge", "src", "dst"), the name, and whether there is one for each head."""
    heads: tuple[str, ...]
    """Names of numbers of heads."""
    weights: tuple[str, ...]
    """Names of the weights of reductions, `[H, D]` each."""

    @property
    def name(self) -> str:
        """A name that says which expression it is."""
        return CUSTOM + hashlib.sha256(repr((describe(self.root), self.columns, self.heads)).encode()).hexdigest()[:16]


_programs: dict[str, Program] = {}


def program_of(name: str) -> Program:
    """The program with this name, which was traced in this process."""
    return _programs[name]


def describe(root: Node) -> str:
    """All of an expression, in one line that tells it from others."""
    numbers: dict[int, int] = {}
    lines = []
    for node in walk(root):
        numbers[id(node)] = len(numbers)
        args = ",".join(str(numbers[id(arg)]) for arg in node.args)
        value = f"[{describe(node.value)}]" if isinstance(node.value, Node) else repr(node.value)
        lines.append(f"{node.op}({args}){value}")
    return ";".join(lines)


class Named:
    """Numbers by name: `pair.edge["length"]`; `index` is the number of the edge's source, destination or head."""

    def __init__(self, kind: str, given: Mapping[str, Tensor], index: Node | None) -> None:
        self._kind, self._given, self._index = kind, given, index

    def __getitem__(self, name: str) -> Symbol:
        if name not in self._given:
            known = ", ".join(map(repr, self._given)) or "none"
            raise KeyError(
                f"the score asks for {self._kind}[{name!r}], but the tensors given for {self._kind} are: {known}"
            )
        return Symbol(Node(self._kind, (), f"{self._kind}[{name}]"))

    @property
    def index(self) -> Symbol:
        """Where the edge's source or destination is among the nodes, or its head among the heads, as a number."""
        if self._index is None:
            raise AttributeError("edges have no index here; give one by name: edge={'index': torch.arange(E)}")
        return Symbol(self._index)


class Pair:
    """What a score can be made of: the symbols of one edge j → i and head h.

    `dot` is scale · ⟨q_i, k_j⟩, `cosine` cos(q_i, k_j), `distance2` Σ_d (q_d − k_d)², `sum` q_i + k_j of width one;
    `reduce(f, weight)` is Σ_d a_d f(q_d, k_d). `edge`, `src`, `dst` and `head` hold the tensors given by name.
    """

    def __init__(self, custom: Custom) -> None:
        self._weights: list[str] = []
        self.edge = Named("edge", custom.edge, None)
        self.src = Named("src", custom.src, SOURCE)
        self.dst = Named("dst", custom.dst, DESTINATION)
        self.head = Named("head", custom.head, HEAD)
        self._given = custom.head

    @property
    def dot(self) -> Symbol:
        """scale · Σ_d q_d k_d, with scale = D^(-1/2) unless given to `attention`."""
        return Symbol(apply("mul", SCALE, _reduce(apply("mul", Q, K))))

    @property
    def cosine(self) -> Symbol:
        """⟨q, k⟩ / √(⟨q, q⟩ ⟨k, k⟩); a zero vector has cosine zero with everything."""
        product, squares = _reduce(apply("mul", Q, K)), [_reduce(apply("mul", x, x)) for x in (Q, K)]
        large = [apply("where", apply("lt", x, constant(_TINY)), constant(_TINY), x) for x in squares]
        return Symbol(apply("div", product, apply("mul", *(apply("sqrt", x) for x in large))))

    @property
    def distance2(self) -> Symbol:
        """Σ_d (q_d − k_d)²."""
        apart = apply("sub", Q, K)
        return Symbol(_reduce(apply("mul", apart, apart)))

    @property
    def sum(self) -> Symbol:
        """q_i + k_j, where both are `[·, H]`, one number for each head, as in GAT."""
        return Symbol(_reduce(apply("add", Q, K)))

    def reduce(self, function: Callable[[Symbol, Symbol], Any], weight: str | None = None) -> Symbol:
        """Σ_d a_d f(q_d, k_d) over the width.

        Args:
            function: f, of the symbols of one number of the query and one of the key.
            weight: the name of a, a tensor `[H, D]` given in `head`; all one when None.
        """
        inner = node_of(function(Symbol(Q), Symbol(K)))
        for leaf in walk(inner):
            if not leaf.args and leaf.op not in ("q", "k", "const"):
                raise ValueError(f"inside reduce there are q, k and numbers only, got {leaf}; multiply the sum instead")
        if weight is not None:
            if weight not in self._given or self._given[weight].ndim != 2:
                raise KeyError(f"the weight {weight!r} of reduce is a tensor [H, D] given in head={{...}}")
            inner = apply("mul", Node("weight", (), weight), inner)
        return Symbol(_reduce(inner))


def _reduce(inner: Node) -> Node:
    return Node("reduce", (), inner)


@dataclass(frozen=True, eq=False)
class Custom:
    """A score traced from a function of symbols; made by `graphattn.scores.custom`."""

    function: Callable[[Pair], Any]
    edge: Mapping[str, Tensor] = field(default_factory=dict)
    src: Mapping[str, Tensor] = field(default_factory=dict)
    dst: Mapping[str, Tensor] = field(default_factory=dict)
    head: Mapping[str, Tensor] = field(default_factory=dict)
    program: Program = field(init=False, repr=False)
    takes_edge_key: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "program", _trace(self))
        _programs[self.name] = self.program

    @property
    def name(self) -> str:
        """The name of its kernels."""
        return self.program.name

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors given by name."""
        return [x for given in (self.edge, self.src, self.dst, self.head) for x in given.values()]

    def part(self, dst: slice, src: slice, edges: Any) -> Custom:
        """The same score for some of the nodes and edges."""
        return replace(
            self,
            edge={name: x[edges] for name, x in self.edge.items()},
            src={name: x[src] for name, x in self.src.items()},
            dst={name: x[dst] for name, x in self.dst.items()},
        )

    @property
    def is_numbered(self) -> bool:
        """Whether it depends on the numbers of nodes, which are others in a part of a graph."""
        return any(node in (SOURCE, DESTINATION) for node in walk(self.program.root))

    def default_scale(self, width: int) -> float:
        """D^(-1/2)."""
        return width**-0.5 if width else 1.0

    def columns(self, src: Tensor, dst: Tensor, perm: Tensor | None = None) -> Tensor | None:
        """The numbers of edges, `[E, A]`, in the order of the ends given: that of the caller, or `perm` of it."""
        if not self.program.columns:
            return None
        found = []
        for kind, name, _ in self.program.columns:
            x = getattr(self, kind)[name]
            order = perm if kind == "edge" else src if kind == "src" else dst
            x = x if order is None else x.index_select(0, order.to(torch.int64))
            found.append(x.unsqueeze(-1) if x.ndim == 1 else x)
        return torch.cat(found, dim=1)

    def slots(self, heads: int, width: int) -> Tensor | None:
        """Weights and numbers of heads, `[S, H, D]`: a weight in each of the first slots, then D numbers in each."""
        weights = [self.head[name] for name in self.program.weights]
        numbers = [self.head[name].expand(heads) for name in self.program.heads]
        if numbers:
            together = torch.stack(numbers, dim=-1)  # [H, n]
            room = -len(numbers) % width
            weights += list(torch.nn.functional.pad(together, (0, room)).unflatten(1, (-1, width)).unbind(1))
        return torch.stack(weights) if weights else None


def check(score: Custom, num_dst: int, num_src: int, num_edges: int, heads: int, width: int, like: Tensor) -> None:
    """Raise unless the tensors given by name fit the call."""
    rows = {"edge": num_edges, "src": num_src, "dst": num_dst}
    for kind in ("edge", "src", "dst", "head"):
        for name, x in getattr(score, kind).items():
            what = f"{kind}[{name!r}] of the score"
            if not isinstance(x, Tensor) or not x.is_floating_point():
                raise TypeError(
                    f"{what} is a tensor of floating-point numbers, got {getattr(x, 'dtype', type(x).__name__)}"
                )
            if x.device != like.device:
                raise ValueError(f"{what} is on {x.device}, but v is on {like.device}")
            allowed: list[tuple[int, ...]]
            if kind == "head":
                allowed = [(), (1,), (heads,), (heads, width)]
            else:
                allowed = [(rows[kind],), (rows[kind], heads)]
            if tuple(x.shape) not in allowed:
                wanted = " or ".join(str(list(shape)) for shape in allowed)
                raise ValueError(f"{what} is {wanted}, got {list(x.shape)}")


def _trace(score: Custom) -> Program:
    found = score.function(Pair(score))
    root = node_of(found)
    outside = list(walk(root))
    for node in outside:
        if node.op in ("q", "k", "weight"):
            raise ValueError(
                f"{node} is one of many numbers of a query or key; a score takes it inside pair.reduce only"
            )
        if node.op in expression.COMPARISONS and node is root:
            raise ValueError("a score is a number, and this one is a comparison; use where")
    named = [node for node in outside if node.op in ("edge", "src", "dst")]
    columns = []
    for node in named:
        name = node.value[len(node.op) + 1 : -1]
        columns.append((node.op, name, getattr(score, node.op)[name].ndim == 2))
    heads = [node.value[5:-1] for node in outside if node.op == "head"]
    for name in heads:
        if score.head[name].ndim > 1:
            raise ValueError(f"head[{name!r}] is [H, D]: a weight, for pair.reduce(..., weight={name!r})")
    reductions = tuple(node for node in outside if node.op == "reduce")
    weights = dict.fromkeys(leaf.value for node in reductions for leaf in walk(node.value) if leaf.op == "weight")
    return Program(root, reductions, tuple(columns), tuple(heads), tuple(weights))


def on_edges(
    program: Program,
    q_i: Tensor,
    k_j: Tensor,
    columns: Tensor | None,
    slots: Tensor | None,
    scale: float,
    src: Tensor,
    dst: Tensor,
) -> Tensor:
    """The scores `[E, H]` of edges whose queries and keys are `[E, H, D]`, by PyTorch."""
    width, heads = q_i.shape[2], q_i.shape[1]
    inner: dict[Node, Any] = {Q: q_i, K: k_j}
    for place, name in enumerate(program.weights):
        assert slots is not None
        inner[Node("weight", (), name)] = slots[place]
    leaves: dict[Node, Any] = {SCALE: scale}
    for node in program.reductions:
        terms = evaluate(node.value, inner)
        leaves[node] = torch.as_tensor(terms, dtype=q_i.dtype, device=q_i.device).expand(q_i.shape).sum(-1)
    first = 0
    for kind, name, per_head in program.columns:
        assert columns is not None
        last = first + (heads if per_head else 1)
        leaves[Node(kind, (), f"{kind}[{name}]")] = columns[:, first:last]
        first = last
    for place, name in enumerate(program.heads):
        assert slots is not None
        slot, column = divmod(place, width)
        leaves[Node("head", (), f"head[{name}]")] = slots[len(program.weights) + slot, :, column]
    leaves[SOURCE], leaves[DESTINATION] = (each.to(q_i.dtype).unsqueeze(-1) for each in (src, dst))
    leaves[HEAD] = torch.arange(heads, dtype=q_i.dtype, device=q_i.device)
    found = evaluate(program.root, leaves)
    return torch.as_tensor(found, dtype=q_i.dtype, device=q_i.device).expand(q_i.shape[:2])


def show(score: Custom) -> str:
    """The traced expression, its derivatives, and what it costs for each edge and head."""
    program = score.program
    lines = [f"score = {text(program.root)}"]
    leaves = [*program.reductions, *(node for node in walk(program.root) if node.op in ("edge", "src", "dst", "head"))]
    for leaf in leaves:
        lines.append(f"d score / d {text(leaf)} = {text(expression.derivative(program.root, leaf))}")
    inside = sum(1 for node in program.reductions for each in walk(node.value) if each.args) + len(program.reductions)
    outside = sum(1 for node in walk(program.root) if node.args)
    numbers = len(program.columns)
    lines.append(
        f"for each edge and head: {inside} D + {outside} operations, 2 D + {numbers} numbers read; "
        f"kernel {program.name}"
    )
    return "\n".join(lines)
