"""The composite backend, `backend="parts"`: unions and mixed batches, each part on the backend that suits it.

The parts of a batch are calls one after another. The parts of a union give states, which are merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from graphattn.graph import Batch, Union
from graphattn.graph.rule import GraphKind
from graphattn.ops.arguments import AttentionCall, UnionState
from graphattn.ops.backend import Answer, Attend, Backend, Choose, CostOf, refusal_of_transforms
from graphattn.ops.cost import Cost
from graphattn.ops.custom_score import Custom
from graphattn.ops.gradient import differentiate
from graphattn.ops.mapped import one_by_one
from graphattn.ops.scores import Cosine
from graphattn.ops.state import State, merge
from graphattn.ops.thresholds import FEW_PAIRS


def refusal(call: AttentionCall) -> str | None:
    """Why a call cannot be run part by part, or None if it can."""
    why_not = refusal_of_transforms()
    if why_not is not None:
        return why_not
    graph = call.graph
    if not isinstance(graph, Union | Batch):
        return "the graph is neither a union nor a batch of several kinds"
    if not any(isinstance(part, GraphKind) for part in graph.parts):
        return "none of its parts is given by a rule, so there are only edges"
    if torch.compiler.is_compiling():
        return "its parts are not traced by torch.compile"
    if call.dropout:
        return "its dropout would not draw the mask of the other backends"
    if isinstance(call.score, Custom):
        return "it takes no score of one's own"
    if isinstance(call.score, Cosine) and isinstance(call.score.beta, Tensor) and call.score.beta.ndim > 1:
        return "it takes no cosine score with one beta per edge"
    if isinstance(graph, Union) and (call.normalize != "softmax" or call.return_weights):
        return 'of unions it merges states, so normalize="softmax" only, without weights'
    return None


def slower_because(call: AttentionCall, choose: Choose) -> str | None:
    """Why one pass over all edges is faster, or None."""
    assert isinstance(call.graph, Union | Batch)
    few = FEW_PAIRS * len(call.graph.parts)
    if call.graph.num_edges * call.heads < few:
        return f"it has fewer than {few} pairs"
    if all(choose(part).bytes_per_edge is not None for part in calls(call)):
        return "each of its parts would be a pass over edges"
    return None


def run(call: AttentionCall, attend: Attend) -> Answer:
    """Run one call that `refusal` accepts."""
    parts = list(calls(call))
    answers: list[Any] = [attend(part) for part in parts]
    if isinstance(call.graph, Union):
        state = State(*_Merge.apply([part.union_state for part in parts], *(x for state in answers for x in state)))
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
            bias, key, value, attr = (
                None if x is None else x[ids] for x in (call.edge_bias, call.edge_key, call.edge_value, call.edge_attr)
            )
            yield replace(
                call, graph=part, edge_bias=bias, edge_key=key, edge_value=value, edge_attr=attr, return_state=True,
                union_state=UnionState(),
            )  # fmt: skip
        return
    assert isinstance(graph, Batch)
    dst = src = edge = 0
    for part in graph.parts:
        rows, columns = slice(dst, dst + part.num_dst), slice(src, src + part.num_src)
        yield call.part(part, rows, columns, slice(edge, edge + part.num_edges))
        dst, src, edge = rows.stop, columns.stop, edge + part.num_edges


def cost(call: AttentionCall, cost_of: CostOf) -> Cost:
    """The sum of the parts."""
    costs = [cost_of(part) for part in calls(call)]
    return Cost(sum(each.flops for each in costs), sum(each.bytes for each in costs))


def _merged(tensors: Sequence[Any]) -> State:
    return merge(*map(State, tensors[::2], tensors[1::2]))


class _Merge(torch.autograd.Function):
    """`merge` of out and lse of each part in turn.

    In the backward pass a part that uses the state of the union is given the gradients of the union as they are; the
    others those of `merge`.
    """

    @staticmethod
    def forward(ctx: Any, union_states: Sequence[UnionState], *tensors: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        union = _merged(tensors)
        ctx.union_states = union_states
        ctx.save_for_backward(*union, *tensors)
        return union

    @staticmethod
    @one_by_one
    def backward(ctx: Any, grad_out: Tensor | None, grad_lse: Tensor | None) -> tuple[Tensor | None, ...]:
        out, lse, *tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, *differentiate(_merged, (grad_out, grad_lse), tensors, ctx.needs_input_grad[1:])
        grads: list[Tensor | None] = []
        for union_state, part_out, part_lse in zip(ctx.union_states, tensors[::2], tensors[1::2], strict=True):
            if union_state.is_used:
                union_state.state = State(out, lse)
                grads += [grad_out, grad_lse]
                continue
            share = torch.where(part_lse == -torch.inf, 0, (part_lse - lse).exp())
            along = 0 if grad_out is None else (grad_out * (part_out - out)).sum(-1)
            grads.append(None if grad_out is None else (grad_out * share.unsqueeze(-1)).to(grad_out.dtype))
            grads.append(share * (along if grad_lse is None else along + grad_lse))
        return None, *grads


COMPOSITE = Backend(
    name="parts",
    summary="each part of the graph on its own path",
    refusal=refusal,
    run=run,
    slower_because=slower_because,
    cost=cost,
)
