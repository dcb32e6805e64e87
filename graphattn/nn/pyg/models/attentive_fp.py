"""AttentiveFP: attention over bonds, then over the atoms of a molecule, with recurrent updates."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import GRUCell, Linear, Parameter
from torch_geometric.nn.inits import glorot, zeros
from torch_geometric.nn.pool import global_add_pool
from torch_geometric.typing import OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import check_features
from graphattn.nn.node_sets import members_of
from graphattn.nn.plain import is_plain
from graphattn.nn.pyg.conv.adjacency import Adjacency, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.gat import GATConv
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.scores import Sum

SLOPE = 0.01
"""Negative slope of every leaky ReLU in the model."""


class GATEConv(AttentionConv):
    """The first layer of the model, with bond features: PyG's `GATEConv`, on the fused operator.

        out_i = Σ_{j → i} α_ij W_2 x_j + b,
        α_ij = softmax_j leaky_relu(⟨a_l, leaky_relu(W_1 [x_j, e_ij])⟩ + ⟨a_r, x_i⟩)

    Args:
        in_channels: width of x.
        out_channels: width of the output, equal to `in_channels`.
        edge_dim: width of the edge features.
        dropout: dropout probability on the attention weights.
    """

    edge_updater_type: ClassVar = {"x": Tensor, "edge_attr": Tensor}
    propagate_type: ClassVar = {"x": Tensor, "alpha": Tensor}

    def __init__(self, in_channels: int, out_channels: int, edge_dim: int, dropout: float = 0.0) -> None:
        super().__init__(node_dim=0)
        self.dropout = dropout
        self.att_l = Parameter(torch.empty(1, out_channels))
        self.att_r = Parameter(torch.empty(1, in_channels))
        self.lin1 = Linear(in_channels + edge_dim, out_channels, bias=False)
        self.lin2 = Linear(out_channels, out_channels, bias=False)
        self.bias = Parameter(torch.empty(out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: Glorot uniform, bias 0."""
        glorot(self.att_l)
        glorot(self.att_r)
        glorot(self.lin1.weight)
        glorot(self.lin2.weight)
        zeros(self.bias)

    def forward(self, x: Tensor, edge_index: Any, edge_attr: Tensor) -> Tensor:
        """Attend along `edge_index` with its features `[E, edge_dim]`."""
        edges = read(edge_index, edge_attr, (x, x), None, self.flow)
        in_parts = is_plain(self.lin1, Linear) and is_plain(self.lin2, Linear)
        width = self.lin1.in_features - x.shape[1] if in_parts else -1
        if edges.edge_attr is None or (in_parts and edges.edge_attr.shape[1:] != (width,)):
            got = None if edges.edge_attr is None else list(edges.edge_attr.shape)
            raise ValueError(f"edge_attr must have shape [{edges.graph.num_edges}, {width}], got {got}")
        if self.sends_messages or not in_parts:
            edge_index, size = edges.graph.edge_index, edges.size
            alpha = self.edge_updater(edge_index, x=x, edge_attr=edges.edge_attr, size=size)
            return self.propagate(edge_index, x=x, alpha=alpha, size=size) + self.bias
        bias = self._source_scores(x, edges)
        query = F.linear(x, self.att_r)
        key, value = torch.zeros_like(query), self.lin2(x).unsqueeze(1)
        graph = edges.attended
        out, _ = self._operate(query, key, value, graph, score=Sum(SLOPE), edge_bias=bias, return_weights=False)
        return out.squeeze(1) + self.bias

    def _source_scores(self, x: Tensor, edges: Adjacency) -> Tensor:
        """⟨a_l, leaky_relu(W_1 [x_j, e_ij])⟩, `[E, 1]`: the node part of W_1 is applied per node, not per edge."""
        assert edges.edge_attr is not None
        for_nodes, for_edges = self.lin1.weight.split([x.shape[1], self.lin1.in_features - x.shape[1]], dim=1)
        of_source = F.linear(x, for_nodes).index_select(0, edges.attended.edge_index[0])
        hidden = of_source + F.linear(edges.edge_attr, for_edges)
        return F.linear(F.leaky_relu(hidden, SLOPE), self.att_l)

    def edge_update(
        self, x_j: Tensor, x_i: Tensor, edge_attr: Tensor, index: Tensor, ptr: OptTensor, size_i: OptInt
    ) -> Tensor:
        """α_ij of each edge."""
        hidden = F.leaky_relu(self.lin1(torch.cat([x_j, edge_attr], dim=-1)), SLOPE)
        alpha = (F.linear(hidden, self.att_l) + F.linear(x_i, self.att_r)).squeeze(-1)
        alpha = softmax(F.leaky_relu(alpha, SLOPE), index, ptr, size_i)
        return F.dropout(alpha, p=self.dropout, training=self.training)

    def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:
        """α_ij W_2 x_j of each edge."""
        return self.lin2(x_j) * alpha.unsqueeze(-1)


class AttentiveFP(NotScriptable, torch.nn.Module):
    """Attentive fingerprints of molecules: PyG's `AttentiveFP`, of our layers.

        atoms:    h_i ← GRU(elu(attention over the bonds of i), h_i),        `num_layers` times
        molecule: g ← GRU(elu(attention of g over its atoms), g),            `num_timesteps` times, from g = Σ h_i

    Args:
        in_channels: width of an atom's features.
        hidden_channels: width inside.
        out_channels: width of the output.
        edge_dim: width of a bond's features.
        num_layers: number of layers on the bonds.
        num_timesteps: number of readout steps over the atoms.
        dropout: dropout probability between layers and on the attention weights.

    Shapes:
        x `[N, in_channels]`, edge_attr `[E, edge_dim]`, batch `[N]` → `[molecules, out_channels]`.

    Xiong et al. 2020, doi:10.1021/acs.jmedchem.9b00959.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        edge_dim: int,
        num_layers: int,
        num_timesteps: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.hidden_channels = hidden_channels
        self.out_channels = out_channels
        self.edge_dim = edge_dim
        self.num_layers = num_layers
        self.num_timesteps = num_timesteps
        self.dropout = dropout

        width = hidden_channels
        options: dict[str, Any] = {"dropout": dropout, "add_self_loops": False, "negative_slope": SLOPE}
        self.lin1 = Linear(in_channels, width)
        self.gate_conv = GATEConv(width, width, edge_dim, dropout)
        self.gru = GRUCell(width, width)
        self.atom_convs = torch.nn.ModuleList()
        self.atom_grus = torch.nn.ModuleList()
        for _ in range(num_layers - 1):
            self.atom_convs.append(GATConv(width, width, **options))
            self.atom_grus.append(GRUCell(width, width))
        self.mol_conv = GATConv(width, width, **options)
        self.mol_conv.explain = False  # an explainer's edge mask does not apply to the edges from atoms to molecules
        self.mol_gru = GRUCell(width, width)
        self.lin2 = Linear(width, out_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights in every part."""
        parts: list[Any] = [self.lin1, self.gate_conv, self.gru]
        for conv, gru in zip(self.atom_convs, self.atom_grus, strict=True):
            parts += [conv, gru]
        for part in (*parts, self.mol_conv, self.mol_gru, self.lin2):
            part.reset_parameters()

    def forward(self, x: Tensor, edge_index: Any, edge_attr: Tensor, batch: Tensor) -> Tensor:
        """Predict.

        Raises:
            ValueError: sizes that disagree; the message names the argument.
        """
        check_features("x", x, self.lin1)
        x = F.leaky_relu(self.lin1(x), SLOPE)
        x = self._update(self.gru, self.gate_conv(x, edge_index, edge_attr), x)
        for conv, gru in zip(self.atom_convs, self.atom_grus, strict=True):
            x = self._update(gru, conv(x, edge_index), x)
        num_molecules = batch.max().item() + 1 if batch.numel() else 0
        torch._check(num_molecules >= 0)  # bounds of the data-dependent number of molecules, for torch.compile
        torch._check(num_molecules < 2**31)
        out = global_add_pool(x, batch, num_molecules).relu()
        atoms = members_of(batch, out.shape[0])
        for _ in range(self.num_timesteps):
            out = self._update(self.mol_gru, self.mol_conv((x, out), atoms), out)
        return self.lin2(F.dropout(out, p=self.dropout, training=self.training))

    def _update(self, gru: torch.nn.Module, found: Tensor, state: Tensor) -> Tensor:
        found = F.dropout(F.elu(found), p=self.dropout, training=self.training)
        return gru(found, state).relu()

    def __repr__(self) -> str:
        names = "in_channels", "hidden_channels", "out_channels", "edge_dim", "num_layers", "num_timesteps"
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"
