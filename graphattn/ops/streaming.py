"""Attention with bounded memory: the sources are visited some at a time, and the states over them merged.

The keys and values may lie in the memory of the host while queries and results are on a GPU, or in a file that is
mapped into memory; in the backward pass the blocks are visited once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphattn.graph import Graph
from graphattn.ops.custom_score import Custom
from graphattn.ops.scores import Score, get_score
from graphattn.ops.state import State

ADDITIVE = ("relu", "sigmoid", "identity")  # the result of a destination is the sum over its edges
_EDGE = 64  # bytes of lists of edges that are made for each edge of a block
_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_default: int | None = None

Attend = Callable[..., Any]


def as_bytes(budget: int | str) -> int:
    """A number of bytes, given as a number or as a text such as "2GiB" or "500 MB".

    >>> as_bytes("2GiB"), as_bytes("1.5 kB"), as_bytes(77)
    (2147483648, 1500, 77)

    Raises:
        ValueError: it is neither, or not positive.
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*)\s*", str(budget).lower())
    try:
        size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    except (KeyError, ValueError):
        size = 0
    if size < 1 or isinstance(budget, bool):
        raise ValueError(f'a memory budget is a number of bytes or a text such as "2GiB", got {budget!r}')
    return size


@contextmanager
def memory_budget(budget: int | str) -> Iterator[None]:
    """Give every call of `graphattn.attention` inside, by layers too, this `memory_budget`.

    Calls that cannot run block by block (with dropout, returned weights, or a normalizer that needs all scores of a
    destination at once) raise a ValueError.

    Example:
        >>> import graphattn as ga
        >>> x = torch.ones(4, 1, 2)
        >>> with ga.memory_budget("1KiB"):
        ...     out = ga.attention(x, x, x, ga.complete(4))
    """
    global _default
    before, _default = _default, as_bytes(budget)
    try:
        yield
    finally:
        _default = before


def budget_of(given: int | str | None) -> int | None:
    """The budget of a call in bytes, or None without one."""
    return _default if given is None else as_bytes(given)


class _Block(NamedTuple):
    """Consecutive sources, their edges as a graph, and the ids of these edges in the whole graph."""

    rows: slice
    graph: Graph
    ids: Tensor


def attend_in_blocks(
    attend: Attend,
    budget: int,
    q: Tensor | None,
    k: Tensor | None,
    v: Tensor,
    graph: Graph,
    edges: dict[str, Tensor | None],
    options: dict[str, Any],
) -> Tensor | State:
    """Run a call block by block; see `graphattn.attention` for its arguments.

    Raises:
        ValueError: the call needs all of a destination's scores at once, or the budget is too small for one source.
    """
    options = {**options, "score": get_score(options["score"])}
    why_not = _refusal(options)
    if why_not is not None:
        raise ValueError(f"memory_budget does not work here: {why_not}")
    blocks = _split(graph, _bytes_of_row(k, v), _bytes_of_edge(edges), budget)
    key_proj, value_proj = _pair(options.pop("edge_proj"))
    learned, rebuild = _parameters(options["score"])
    names = ["q", "k", "v", *edges, "key_proj", "value_proj", *(f"score.{name}" for name in learned)]
    tensors = [q, k, v, *edges.values(), key_proj, value_proj, *learned.values()]
    run = _Run(attend, graph, blocks, names, len(edges), rebuild, options, v.device if q is None else q.device)
    out, lse = _Streamed.apply(run, *tensors)
    return State(out, lse) if options["return_state"] else out


def _refusal(options: dict[str, Any]) -> str | None:
    if options["normalize"] not in ("softmax", *ADDITIVE):
        return f'normalize="{options["normalize"]}" needs all scores of a destination at once'
    if options["return_weights"]:
        return "weights are not kept"
    if options["dropout"]:
        return "dropout is numbered over the whole graph"
    if isinstance(options["score"], Custom):
        return "a score of one's own has tensors of its own"
    beta = getattr(options["score"], "beta", None)
    if isinstance(beta, Tensor) and beta.ndim > 1:
        return "the cosine score has a beta per edge"
    return None


def _bytes_of_row(k: Tensor | None, v: Tensor) -> int:
    """Keys and values of a source, and their gradients."""
    numbers = v[:1].numel() + (0 if k is None else k[:1].numel())
    return max(1, 2 * numbers * v.element_size())


def _bytes_of_edge(edges: dict[str, Tensor | None]) -> int:
    """The lists of an edge, its tensors and their gradients."""
    given = [x for x in edges.values() if x is not None]
    return _EDGE + sum(2 * x[:1].numel() * x.element_size() for x in given)


def _split(graph: Graph, row: int, edge: int, budget: int) -> list[slice]:
    """Consecutive sources whose rows and edges take no more than the budget."""
    sizes = row + edge * graph.out_degree.to(torch.int64).cpu()
    if sizes.numel() and int(sizes.max()) > budget:
        raise ValueError(
            f"a memory budget of {budget:,} bytes is too small: one source and its edges take {int(sizes.max()):,}"
        )
    ends = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    blocks, first = [], 0
    while first < sizes.numel():
        last = int(torch.searchsorted(ends, ends[first] + budget, right=True)) - 1
        blocks.append(slice(first, last))
        first = last
    return blocks or [slice(0, 0)]


def _pair(proj: Any) -> tuple[Tensor | None, Tensor | None]:
    return proj if isinstance(proj, tuple) else (proj, proj)


def _parameters(score: Score) -> tuple[dict[str, Tensor], Callable[[dict[str, Tensor]], Score]]:
    """The tensors of a score, and a function that makes the score with others in their place."""
    found = {each.name: getattr(score, each.name) for each in fields(score)} if is_dataclass(score) else {}
    learned = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    return learned, lambda others: replace(score, **others) if others else score


class _Run(NamedTuple):
    attend: Attend
    graph: Graph
    blocks: list[slice]
    names: list[str]
    num_edge_tensors: int
    rebuild: Callable[[dict[str, Tensor]], Score]
    options: dict[str, Any]
    device: torch.device

    def visit(self) -> Iterator[_Block]:
        """The blocks in turn, each made when it is needed."""
        csr, csc = self.graph.csr, self.graph.csc
        starts = csc.indptr
        for rows in self.blocks:
            begin, end = int(starts[rows.start]), int(starts[rows.stop])
            places = csc.perm[begin:end] if csc.perm is not None else torch.arange(begin, end, device=starts.device)
            ids = places.to(torch.int64) if csr.perm is None else csr.perm[places.to(torch.int64)].to(torch.int64)
            degrees = starts[rows.start : rows.stop + 1].diff()
            source = torch.arange(rows.stop - rows.start, device=starts.device).repeat_interleave(degrees)
            edge_index = torch.stack([source, csc.indices[begin:end].to(torch.int64)])
            yield _Block(rows, Graph._checked(edge_index, self.graph.num_dst, rows.stop - rows.start), ids)

    def inputs(self, block: _Block, tensors: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        """What a block needs of each tensor, where the results are."""
        here = []
        for position, (name, x) in enumerate(zip(self.names, tensors, strict=True)):
            if x is not None and name in ("k", "v"):
                x = x[block.rows].to(self.device, non_blocking=True)
            elif x is not None and 3 <= position < 3 + self.num_edge_tensors:
                x = x[block.ids.to(x.device)].to(self.device, non_blocking=True)
            here.append(x)
        return here

    def call(self, block: _Block, here: list[Tensor | None]) -> State:
        """Attention to the sources of a block."""
        named = dict(zip(self.names, here, strict=True))
        proj = named.pop("key_proj"), named.pop("value_proj")
        learned = {name[6:]: named.pop(name) for name in list(named) if name.startswith("score.")}
        options: dict[str, Any] = {**self.options, "score": self.rebuild(learned)}  # type: ignore[arg-type]
        options["return_state"] = options["normalize"] == "softmax"
        if named["edge_attr"] is not None:
            options["edge_proj"] = proj
        answer = self.attend(named.pop("q"), named.pop("k"), named.pop("v"), block.graph, **named, **options)
        if isinstance(answer, State):
            return answer
        return State(answer, answer.new_zeros(answer.shape[:2]))

    def join(self, state: State | None, more: State) -> State:
        """The state over two sets of edges, in the memory of the first."""
        if state is None:
            return State(more.out.clone(), more.lse)
        if self.options["normalize"] != "softmax":
            return State(state.out.add_(more.out), more.lse)
        lse = torch.logaddexp(state.lse, more.lse)
        shares = [torch.where(lse == -torch.inf, 0, (part.lse - lse).exp()).unsqueeze(-1) for part in (state, more)]
        mine, others = (share.to(state.out.dtype) for share in shares)
        return State(state.out.mul_(mine).addcmul_(more.out, others), lse)


class _Streamed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: _Run, *tensors: Tensor | None) -> State:
        state = None
        for block in run.visit():
            state = run.join(state, run.call(block, run.inputs(block, tensors)))
        assert state is not None
        ctx.run = run
        ctx.save_for_backward(*state, *tensors)
        if run.options["normalize"] != "softmax":
            ctx.mark_non_differentiable(state.lse)
        return state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor, grad_lse: Tensor) -> tuple[Tensor | None, ...]:
        run: _Run = ctx.run
        out, lse, *tensors = ctx.saved_tensors
        wanted = [position for position, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
        grads: list[Tensor | None] = [None] * len(tensors)
        for position in wanted:
            grads[position] = torch.zeros_like(tensors[position])
        whole = grad_lse - _inner(grad_out, out)
        for block in run.visit():
            here = [None if x is None else x.detach() for x in run.inputs(block, tuple(tensors))]
            leaves = [x.requires_grad_() for position in wanted if (x := here[position]) is not None]
            with torch.enable_grad():
                state = run.call(block, here)
            answers, cotangents = [state.out], [grad_out]
            if run.options["normalize"] == "softmax":
                share = torch.where(state.lse == -torch.inf, 0, (state.lse.detach() - lse).exp())
                along = _inner(grad_out, state.out.detach()) + whole
                answers.append(state.lse)
                cotangents = [(grad_out * share.unsqueeze(-1)).to(out.dtype), share * along]
            found = torch.autograd.grad(answers, leaves, cotangents, allow_unused=True)
            for position, grad in zip(wanted, found, strict=True):
                _add(grads[position], grad, run, position, block)
        return None, *grads


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """⟨a, b⟩ over the last dimension, `[M, H]`."""
    return torch.einsum("mhd,mhd->mh", a, b)


def _add(total: Tensor | None, grad: Tensor | None, run: _Run, position: int, block: _Block) -> None:
    """Add what one block gives to the gradient of a whole tensor."""
    if grad is None or total is None:
        return
    grad = grad.to(total.device)
    if run.names[position] in ("k", "v"):
        total[block.rows] = grad
    elif 3 <= position < 3 + run.num_edge_tensors:
        total[block.ids.to(total.device)] = grad
    else:
        total += grad
