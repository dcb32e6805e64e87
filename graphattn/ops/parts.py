"""Unions and batches of several kinds of graph: each part on its own path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from graphattn.graph import Batch, Union
from graphattn.graph.kind import GraphKind
from graphattn.ops.call import AttentionCall
from graphattn.ops.convention import FEW_PAIRS
from graphattn.ops.scores import Cosine
from graphattn.ops.state import State, merge

Answer = Tensor | tuple[Tensor, Tensor] | State
Run = Callable[[AttentionCall], Answer]

_ALL = slice(None)


def refusal(call: AttentionCall) -> str | None:
    """Why parts cannot serve a call, or None if they can."""
    graph = call.graph
    if not isinstance(graph, Union | Batch):
        return "the graph is neither a union nor a batch of several kinds"
    if not any(isinstance(part, GraphKind) for part in graph.parts):
        return "none of its parts is given by a rule, so there are only edges"
    if torch.compiler.is_compiling():
        return "its parts are not traced by torch.compile"
    if call.dropout:
        return "its dropout would not draw the mask of the other backends"
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
        return "it takes no cosine score with one beta per edge"
    if isinstance(graph, Union) and (call.normalize != "softmax" or call.return_weights):
        return 'of unions it merges states, so normalize="softmax" only, without weights'
    return None


def waste(call: AttentionCall) -> str | None:
    """Why "auto" passes parts over for one pass over all edges, or None."""
    assert isinstance(call.graph, Union | Batch)
    few = FEW_PAIRS * len(call.graph.parts)
    return f"it has fewer than {few} pairs" if call.graph.num_edges * call.heads < few else None


def attention(call: AttentionCall, run: Run) -> Answer:
    """Run one call that `refusal` has let pass; `run` runs calls of any kind."""
    answers: list[Any] = [run(inner) for inner in calls(call)]
    if isinstance(call.graph, Union):
        state = merge(*answers)
        return state if call.return_state else state.out
    if call.return_state:
        return State(*(torch.cat(each) for each in zip(*answers, strict=True)))
    if call.return_weights:
        out, weights = (torch.cat(each) for each in zip(*answers, strict=True))
        return out, weights
    return torch.cat(answers)


def calls(call: AttentionCall) -> Iterator[AttentionCall]:
    """The call on each part: of a union, for states over graphs without a common edge; of a batch, one by one."""
    graph = call.graph
    if isinstance(graph, Union):
        for part, ids in graph.disjoint:
            yield replace(call.part(part, _ALL, _ALL, ids), return_state=True)
        return
    assert isinstance(graph, Batch)
    dst = src = edge = 0
    for part in graph.parts:
        rows, columns = slice(dst, dst + part.num_dst), slice(src, src + part.num_src)
        yield call.part(part, rows, columns, slice(edge, edge + part.num_edges))
        dst, src, edge = rows.stop, columns.stop, edge + part.num_edges
