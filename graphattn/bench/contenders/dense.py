"""Rivals that are made for dense graphs: `scaled_dot_product_attention` and FlexAttention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graphattn.bench.case import Case
from graphattn.bench.contenders.contender import Attend, Contender
from graphattn.graph import Complete, Graph, Window


def _sdpa(score: str, graph: Graph) -> Attend:
    return lambda q, k, v: _packed(F.scaled_dot_product_attention(_batched(q), _batched(k), _batched(v)))


def _flex(score: str, graph: Graph) -> Attend:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    block_mask = None
    if isinstance(graph, Window):
        radius = graph.options["radius"]

        def sees(batch: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
            return (i - j).abs() <= radius

        block_mask = create_block_mask(sees, None, None, graph.num_dst, graph.num_src, device=str(graph.device))
    compiled = torch.compile(flex_attention)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = compiled(_batched(q), _batched(k), _batched(v), block_mask=block_mask)
        assert isinstance(out, Tensor)
        return _packed(out)

    return attend


def _batched(x: Tensor) -> Tensor:
    """`[N, H, D]` as `[1, H, N, D]`."""
    return x.transpose(0, 1).unsqueeze(0)


def _packed(x: Tensor) -> Tensor:
    return x.squeeze(0).transpose(0, 1)


def _on_complete(case: Case, graph: Graph, device: str) -> bool:
    return case.score == "dot" and isinstance(graph, Complete)


def _on_complete_and_window(case: Case, graph: Graph, device: str) -> bool:
    return case.score == "dot" and isinstance(graph, Complete | Window)


SDPA = Contender("SDPA", _sdpa, serves=_on_complete)
FLEX = Contender("FlexAttention", _flex, serves=_on_complete_and_window)
