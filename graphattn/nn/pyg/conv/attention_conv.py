"""What the attention layers have in common: they are PyG layers that run the one operator."""

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
"""The steps of PyG's message passing, in place of which the operator runs."""

HOOKS = [
    f"_{step}_forward{kind}_hooks"
    for step in ("propagate", "message", "aggregate", "message_and_aggregate", "edge_update")
    for kind in ("", "_pre")
]
"""Where PyG keeps what is hooked onto these steps."""

know(SumAggregation)


class AttentionConv(NotScriptable, MessagePassing):
    """A `MessagePassing` layer whose messages need not exist: the base of the layers, not built directly.

    A layer runs the fused operator. It sends messages, as PyG's does, where something asks for them: an explainer's
    edge mask, a hook on a step of message passing, another aggregation than the sum, a class derived from the layer
    that writes one of the steps anew. (`decomposed_layers` asks for less memory, which the operator needs anyway.)

    A layer sets `propagate_type`, and `edge_updater_type` where it has such a step: what it hands to those methods of
    PyG's, by name, with the types, as PyG would otherwise look for in the source text.
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
        """Whether something asks for messages, so that the fused operator cannot stand for them."""
        return bool(
            self.explain
            or not self._steps_are_ours
            or not is_plain(self.aggr_module, SumAggregation)
            or any(part in vars(self) for part in PARTS[:5])
            or any(getattr(self, hooks) for hooks in HOOKS)
            or (self.training and getattr(self, "dropout", 0.0) == 1.0)  # the operator keeps a part of the weights
        )

    def _with_self_loops(self, edges: Adjacency, fill_value: FillValue = "mean") -> Adjacency:
        """One self-loop at each node; those replaced are hidden, not removed, where E' must not depend on them."""
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
        """The operator, with the layer's dropout in training; the weights beside the output, None if not wanted."""
        if hidden is not None:
            bias = v.new_zeros(1, v.shape[1]) if edge_bias is None else edge_bias
            edge_bias = bias.where(~hidden.unsqueeze(1), -torch.inf)
        dropout = getattr(self, "dropout", 0.0) if self.training else 0.0
        result = attention(
            q, k, v, graph, edge_bias=edge_bias, dropout=dropout, return_weights=return_weights, **options
        )
        return result if isinstance(result, tuple) else (result, None)


def pair_scores(q: Tensor, k: Tensor, graph: Graph) -> Tensor:
    """⟨q_i, k_j⟩ of each edge and head, `[E, H]`, from `[M, H, D]` and `[N, H, D]`, nothing larger in between.

    They are the weights of attention without a normalizer, with values that nobody looks at.
    """
    nothing = k.new_zeros(k.shape[0], k.shape[1], 1)
    result = attention(q, k, nothing, graph, normalize="identity", scale=1.0, return_weights=True)
    assert isinstance(result, tuple)
    return result[1]
