"""Set2Set: repeated attention to a set, driven by an LSTM."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.nn.aggr import Aggregation

from graphattn.nn.node_sets import members_of
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class Set2Set(NotScriptable, Aggregation):
    """Iterative content-based attention over each set: PyG's `Set2Set`, on the fused operator.

        q_t = LSTM(q*_{t-1}),   r_t = Σ_{i ∈ g} softmax_i(⟨x_i, q_t⟩) x_i,   q*_t = [q_t, r_t],   out_g = q*_T

    Args:
        in_channels: width F of the elements.
        processing_steps: T.
        **kwargs: further arguments of `torch.nn.LSTM`.

    Shapes:
        x `[N, F]`, index `[N]` → `[dim_size, 2F]`.

    Vinyals et al. 2016, arXiv:1511.06391, eq. 3-7.
    """

    def __init__(self, in_channels: int, processing_steps: int, **kwargs: Any) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = 2 * in_channels
        self.processing_steps = processing_steps
        self.lstm = torch.nn.LSTM(self.out_channels, in_channels, **kwargs)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `torch.nn.LSTM` does."""
        self.lstm.reset_parameters()

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
    ) -> Tensor:
        """Aggregate; the arguments are those of `torch_geometric.nn.aggr.Aggregation`."""
        self.assert_index_present(index)
        self.assert_two_dimensional_input(x, dim)
        assert index is not None
        assert dim_size is not None  # set by the base class
        graph = members_of(index, dim_size)
        state = tuple(x.new_zeros(self.lstm.num_layers, dim_size, x.size(-1)) for _ in range(2))
        read = x.new_zeros(dim_size, self.out_channels)
        elements = x.unsqueeze(1)
        for _ in range(self.processing_steps):
            query, state = self.lstm(read.unsqueeze(0), state)
            query = query.view(dim_size, self.in_channels)
            found = attention(query.unsqueeze(1), elements, elements, graph, scale=1.0)
            assert isinstance(found, Tensor)
            read = torch.cat([query, found.squeeze(1)], dim=-1)
        return read

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels})"
