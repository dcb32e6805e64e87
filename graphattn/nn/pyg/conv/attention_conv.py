"""The base class of the layers: a PyG `MessagePassing` layer that runs the attention operator."""

from typing import Any, ClassVar, Optional

import torch
from torch import Tensor
from torch_geometric.nn.aggr import SumAggregation
from torch_geometric.nn.conv import MessagePassing

from graphattn.graph import Graph
from graphattn.graph.torch_modes import has_values
from graphattn.nn.plain import is_plain, know
from graphattn.nn.pyg.conv.adjacency import Adjacency, is_matrix
from graphattn.nn.pyg.self_loops import FillValue
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention

OptInt = Optional[int]  # noqa: UP045  # PyG's inspector does not read `int | None`

PARTS = ("message", "edge_update", "aggregate", "update", "message_and_aggregate", "propagate", "edge_updater")
"""The steps of PyG's message passing, which the operator replaces."""

_REPLACEABLE = frozenset(PARTS[:5])

HOOKS = [
    f"_{step}_forward{kind}_hooks"
    for step in ("propagate", "message", "aggregate", "message_and_aggregate", "edge_update")
    for kind in ("", "_pre")
]
"""The attributes in which PyG stores the hooks of these steps."""

know(SumAggregation)


class AttentionConv(NotScriptable, MessagePassing):
    """Base class of attention layers that avoid materializing messages.

    A layer runs the fused operator. It falls back to PyG's message passing if something depends on messages: an
    explainer's edge mask, a hook on a step of message passing, an aggregation other than the sum, or a subclass that
    overrides one of the steps. (`decomposed_layers` has no effect, as the operator needs little memory anyway.)

    Subclasses set `propagate_type`, and `edge_updater_type` if they have that step: the names and types of the
    arguments of these methods, which PyG would otherwise parse from the source code.
    """

    _steps_are_ours: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if AttentionConv not in cls.__bases__:
            cls._steps_are_ours = cls._steps_are_ours and not any(part in vars(cls) for part in PARTS)

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("aggr", "add")
        super().__init__(**kwargs)

    @property
    def sends_messages(self) -> bool:
        """Whether something depends on messages, so that the layer cannot use the fused operator."""
        return bool(
            self.explain
            or not self._steps_are_ours
            or not is_plain(self.aggr_module, SumAggregation)
            or not _REPLACEABLE.isdisjoint(own := vars(self))
            or any([own[hooks] for hooks in HOOKS])  # noqa: C419  # faster than a generator
            or (self.training and getattr(self, "dropout", 0.0) == 1.0)  # the operator needs dropout < 1
        )

    def _with_self_loops(self, edges: Adjacency, fill_value: FillValue = "mean") -> Adjacency:
        """One self-loop per node; in traced programs, existing loops are hidden instead of removed."""
        traced = (not is_matrix(edges.given) and not has_values(edges.graph.edge_index)) or edges.graph.is_mapped
        if traced and not self.sends_messages:
            return edges.cover_self_loops(fill_value)
        return edges.add_self_loops(fill_value)

    def _operate(
        self,
        q: Tensor | None,
        k: Tensor | None,
        v: Tensor,
        graph: Graph,
        *,
        return_weights: bool,
        hidden: Tensor | None = None,
        edge_bias: Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the operator with the dropout of the layer; returns the output and the weights, or None."""
        if hidden is not None:
            bias = v.new_zeros(1, v.shape[1]) if edge_bias is None else edge_bias
            edge_bias = bias.where(~hidden.unsqueeze(1), -torch.inf)
        dropout = getattr(self, "dropout", 0.0) if self.training else 0.0
        result = attention(
            q, k, v, graph, edge_bias=edge_bias, dropout=dropout, return_weights=return_weights, **options
        )
        return result if isinstance(result, tuple) else (result, None)


def pair_scores(q: Tensor, k: Tensor, graph: Graph) -> Tensor:
    """⟨q_i, k_j⟩ of each edge and head, `[E, H]`, from `[M, H, D]` and `[N, H, D]`, without larger temporaries.

    Computed as the weights of attention without a normalizer; the values are placeholders.
    """
    nothing = k.new_zeros(k.shape[0], k.shape[1], 1)
    result = attention(q, k, nothing, graph, normalize="identity", scale=1.0, return_weights=True)
    assert isinstance(result, tuple)
    return result[1]
