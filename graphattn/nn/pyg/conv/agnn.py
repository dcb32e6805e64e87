"""AGNN: attention by cosine similarity, without weights."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.typing import OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import check_features
from graphattn.nn.pyg.conv.adjacency import read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.writable import writable
from graphattn.ops.scores import Cosine


class AGNNConv(AttentionConv):
    """Attention-based propagation: PyG's `AGNNConv`, on the fused operator.

        out_i = Σ_{j → i} α_ij x_j,   α_ij = softmax_j β cos(x_i, x_j)

    Args:
        requires_grad: whether β is learned; otherwise it is 1.
        add_self_loops: whether each node attends to itself, by exactly one edge.
        **kwargs: further arguments of PyG's `MessagePassing` (`aggr`, `flow`, …).

    Shapes:
        x `[N, F]` → `[N, F]`. A node without edges gets zeros.

    Thekumparampil et al. 2018, arXiv:1803.03735, eq. 5.
    """

    propagate_type: ClassVar = {"x": Tensor, "x_norm": Tensor}

    def __init__(self, requires_grad: bool = True, add_self_loops: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.requires_grad = requires_grad
        self.add_self_loops = add_self_loops
        if requires_grad:
            self.beta = torch.nn.Parameter(torch.empty(1))
        else:
            self.register_buffer("beta", torch.ones(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set β to 1."""
        super().reset_parameters()
        if self.requires_grad:
            torch.nn.init.ones_(self.beta)

    def forward(self, x: Tensor, edge_index: Any) -> Tensor:
        """Attend along `edge_index`: `[2, E]`, an `EdgeIndex`, a sparse matrix `[N, N]` or a `Graph`."""
        check_features("x", x, None)
        edges = read(edge_index, None, (x, x), None, self.flow)
        if self.add_self_loops:
            edges = self._with_self_loops(edges)
        if self.sends_messages:
            return self.propagate(edges.graph.edge_index, x=x, x_norm=F.normalize(x, dim=-1), size=edges.size)
        rows = x.unsqueeze(1)
        score = Cosine(self.beta.to(x.dtype))
        out, _ = self._operate(rows, rows, rows, edges.attended, score=score, hidden=edges.hidden, return_weights=False)
        return writable(out.squeeze(1))

    def message(
        self, x_j: Tensor, x_norm_i: Tensor, x_norm_j: Tensor, index: Tensor, ptr: OptTensor, size_i: OptInt
    ) -> Tensor:
        """α_ij x_j of each edge."""
        alpha = self.beta * (x_norm_i * x_norm_j).sum(-1)
        return x_j * softmax(alpha, index, ptr, size_i).unsqueeze(-1)
