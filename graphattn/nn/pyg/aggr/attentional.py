"""Aggregation by soft attention over the elements of each set."""

import torch
from torch import Tensor
from torch_geometric.nn.aggr import Aggregation
from torch_geometric.nn.inits import reset
from torch_geometric.nn.models import MLP
from torch_geometric.utils import softmax

from graphattn.nn.node_sets import members_of
from graphattn.nn.pyg.writable import writable
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention


class AttentionalAggregation(NotScriptable, Aggregation):
    """Weighted mean of the elements of each set: PyG's `AttentionalAggregation`, on the fused operator.

        out_g = Σ_{i ∈ g} softmax_i(gate(x_i)) · nn(x_i)

    Args:
        gate_nn: maps x `[N, F]` to gates `[N, 1]`, or `[N, C]` for one per channel.
        nn: maps x `[N, F]` to `[N, C]`; the identity when None.

    Shapes:
        x `[N, F]`, index `[N]` → `[dim_size, C]`. An empty set gets zeros.

    Li et al. 2016, arXiv:1511.05493, eq. 7.
    """

    def __init__(self, gate_nn: torch.nn.Module, nn: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.gate_nn = self.gate_mlp = self.nn = self.mlp = None
        if isinstance(gate_nn, MLP):
            self.gate_mlp = gate_nn
        else:
            self.gate_nn = gate_nn
        if isinstance(nn, MLP):
            self.mlp = nn
        else:
            self.nn = nn

    def reset_parameters(self) -> None:
        """Draw new weights in the networks."""
        for network in (self.gate_nn, self.gate_mlp, self.nn, self.mlp):
            reset(network)

    def forward(
        self,
        x: Tensor,
        index: Tensor | None = None,
        ptr: Tensor | None = None,
        dim_size: int | None = None,
        dim: int = -2,
    ) -> Tensor:
        """Aggregate; the arguments are those of `torch_geometric.nn.aggr.Aggregation`."""
        gate = self._mapped(self.gate_mlp, self.gate_nn, x, index, dim_size)
        x = self._mapped(self.mlp, self.nn, x, index, dim_size)
        fits = x.ndim == 2 and gate.shape in ((x.shape[0], 1), x.shape)
        if index is None or dim_size is None or dim not in (0, -2) or not fits:
            return self.reduce(softmax(gate, index, ptr, dim_size, dim) * x, index, ptr, dim_size, dim)
        values = (
            x.unsqueeze(1) if gate.shape[1] == 1 else x.unsqueeze(2)
        )  # one gate for all channels, or one head per channel
        graph = members_of(index, dim_size)
        out = attention(None, None, values, graph, score="none", edge_bias=gate.to(x.dtype))
        assert isinstance(out, Tensor)
        return writable(out.flatten(1))

    @staticmethod
    def _mapped(
        mlp: torch.nn.Module | None,
        network: torch.nn.Module | None,
        x: Tensor,
        index: Tensor | None,
        dim_size: int | None,
    ) -> Tensor:
        if mlp is not None:
            return mlp(x, batch=index, batch_size=dim_size)
        return x if network is None else network(x)

    def __repr__(self) -> str:
        gate, network = self.gate_mlp or self.gate_nn, self.mlp or self.nn
        return f"{type(self).__name__}(gate_nn={gate}, nn={network})"
