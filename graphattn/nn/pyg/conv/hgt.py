"""HGT: a graph Transformer over several kinds of nodes and edges."""

import math
from itertools import accumulate
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.dense import HeteroDictLinear, HeteroLinear
from torch_geometric.nn.inits import ones
from torch_geometric.nn.parameter_dict import ParameterDict
from torch_geometric.typing import EdgeType, Metadata, NodeType, OptTensor
from torch_geometric.utils import softmax

from graphattn.nn.checks import check_features
from graphattn.nn.plain import is_plain, know
from graphattn.nn.pyg.conv.adjacency import Adjacency, read
from graphattn.nn.pyg.conv.attention_conv import AttentionConv, OptInt
from graphattn.nn.pyg.conv.hetero import check_kinds
from graphattn.ops.attention import attention
from graphattn.ops.state import State, merge

know(HeteroDictLinear, HeteroLinear)


class HGTConv(AttentionConv):
    """Heterogeneous graph Transformer layer: PyG's `HGTConv`, on the fused operator.

        out_i = gelu(Σ_r Σ_{j → i in r} α_ij V_r v_j) W_out,   α_ij = softmax over all r, j of p_r ⟨q_i, K_r k_j⟩ / √D

    with q, k, v linear maps of the features by the kind of node, and K_r, V_r by the kind r of edge; where the output
    is as wide as the input, a learned share of the input is mixed in. The edges of each kind are attended to by
    themselves, and the softmax over all of them is the exact merge of these parts.

    Args:
        in_channels: width of the input, or one per node type; −1 to infer it at the first call.
        out_channels: width of the output; `heads` divides it.
        metadata: the node types and the edge types `(source, relation, destination)`.
        heads: the number of heads H; each is D = out_channels / H wide.
        **kwargs: further arguments of PyG's `MessagePassing` (`flow`, …).

    Shapes:
        for each kind x `[N, F]` and edge_index `[2, E]` → `[N, out_channels]` for each kind that some kind of edge
        leads to.

    Hu et al. 2020, arXiv:2003.01332, eq. 3-5.
    """

    propagate_type: ClassVar = {"k": Tensor, "q": Tensor, "v": Tensor, "edge_attr": Tensor}

    def __init__(
        self,
        in_channels: int | dict[str, int],
        out_channels: int,
        metadata: Metadata,
        heads: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(node_dim=0, **{"aggr": "add"} | kwargs)
        if out_channels % heads:
            raise ValueError(f"heads={heads} does not divide out_channels={out_channels}")
        if not isinstance(in_channels, dict):
            in_channels = dict.fromkeys(metadata[0], in_channels)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.heads = heads
        self.node_types, self.edge_types = metadata
        self.edge_types_map = {edge_type: i for i, edge_type in enumerate(metadata[1])}
        self.dst_node_types = {edge_type[-1] for edge_type in self.edge_types}

        self.kqv_lin = HeteroDictLinear(in_channels, out_channels * 3)
        self.out_lin = HeteroDictLinear(out_channels, out_channels, types=self.node_types)
        dim, count = out_channels // heads, heads * len(self.edge_types)
        self.k_rel = HeteroLinear(dim, dim, count, bias=False, is_sorted=True)
        self.v_rel = HeteroLinear(dim, dim, count, bias=False, is_sorted=True)
        self.skip = ParameterDict({kind: torch.nn.Parameter(torch.empty(1)) for kind in self.node_types})
        self.p_rel = ParameterDict()
        for edge_type in self.edge_types:
            self.p_rel["__".join(edge_type)] = torch.nn.Parameter(torch.empty(1, heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as `torch.nn.Linear` does; set the shares and p_r to 1."""
        super().reset_parameters()
        for linear in (self.kqv_lin, self.out_lin, self.k_rel, self.v_rel):
            linear.reset_parameters()
        ones(self.skip)
        ones(self.p_rel)

    def forward(
        self, x_dict: dict[NodeType, Tensor], edge_index_dict: dict[EdgeType, Any]
    ) -> dict[NodeType, Tensor | None]:
        """Apply the layer.

        Args:
            x_dict: features of each node type.
            edge_index_dict: for each edge type `[2, E]`, an `EdgeIndex`, a sparse matrix `[M, N]` (PyG's `adj_t`) or
                a `Graph`.

        Raises:
            ValueError: a kind that is not in `metadata`, or that there are no features of.
        """
        check_kinds(x_dict, edge_index_dict, self.node_types, self.edge_types)
        maps = self.kqv_lin.lins if is_plain(self.kqv_lin, HeteroDictLinear) else dict.fromkeys(x_dict)
        for kind, features in x_dict.items():
            check_features(f"x_dict[{kind!r}]", features, maps[kind])
        H, C = self.heads, self.out_channels
        keys, queries, values = {}, {}, {}
        for kind, mapped in self.kqv_lin(x_dict).items():
            key, query, value = mapped.view(-1, 3, H, C // H).unbind(1)
            keys[kind], queries[kind], values[kind] = key, query, value
        edges = {
            edge_type: read(edge_index, None, (keys[edge_type[0]], keys[edge_type[-1]]), None, self.flow)
            for edge_type, edge_index in edge_index_dict.items()
        }
        if self._message_forward_hooks and hasattr(self, "_name"):  # set by PyG's AttentionExplainer
            found = self._send_by_kind(queries, keys, values, edges)
        elif self.sends_messages:
            found = self._send(queries, keys, values, edges)
        else:
            found = self._attend(queries, keys, values, edges)
        out_dict = self.out_lin({kind: F.gelu(found[kind]) for kind in queries if kind in self.dst_node_types})
        for kind, out in out_dict.items():
            if out.size(-1) == x_dict[kind].size(-1):
                out_dict[kind] = torch.lerp(x_dict[kind].to(out.dtype), out, self.skip[kind].sigmoid().to(out.dtype))
        return out_dict

    def _mapped(self, edge_type: EdgeType, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """K_r k_j and V_r v_j of all sources of one kind of edge."""
        place, count = self.edge_types_map[edge_type], len(self.edge_types)
        key, value = (
            torch.einsum("nhd,hde->nhe", rows, linear.weight[place::count].to(rows.dtype))
            if is_plain(linear, HeteroLinear)
            else _called(linear, rows, place, count)
            for rows, linear in ((keys, self.k_rel), (values, self.v_rel))
        )
        return key, value

    def _attend(
        self,
        queries: dict[NodeType, Tensor],
        keys: dict[NodeType, Tensor],
        values: dict[NodeType, Tensor],
        edges: dict[EdgeType, Adjacency],
    ) -> dict[NodeType, Tensor]:
        states: dict[NodeType, list[State]] = {kind: [] for kind in queries}
        for edge_type, adjacency in edges.items():
            source, destination = edge_type[0], edge_type[-1]
            key, value = self._mapped(edge_type, keys[source], values[source])
            key = key * self.p_rel["__".join(edge_type)].view(-1, 1).to(key.dtype)
            state = attention(queries[destination], key, value, adjacency.attended, return_state=True)
            assert isinstance(state, State)
            states[destination].append(state)
        return {
            kind: (merge(*parts).out if parts else torch.zeros_like(queries[kind])).flatten(1)
            for kind, parts in states.items()
        }

    def _send(
        self,
        queries: dict[NodeType, Tensor],
        keys: dict[NodeType, Tensor],
        values: dict[NodeType, Tensor],
        edges: dict[EdgeType, Adjacency],
    ) -> dict[NodeType, Tensor]:
        """As one graph: the nodes of all kinds one after another, the sources once for each kind of edge."""
        sizes = [query.shape[0] for query in queries.values()]
        start = dict(zip(queries, accumulate(sizes, initial=0), strict=False))
        all_keys, all_values, all_edges, sharpness, sources = [], [], [], [], 0
        for edge_type, adjacency in edges.items():
            key, value = self._mapped(edge_type, keys[edge_type[0]], values[edge_type[0]])
            src, dst = adjacency.attended.edge_index
            all_keys.append(key)
            all_values.append(value)
            all_edges.append(torch.stack([src + sources, dst + start[edge_type[-1]]]))
            sharpness.append(self.p_rel["__".join(edge_type)].expand(src.shape[0], -1))
            sources += key.shape[0]
        edge_index = torch.cat(all_edges, dim=1)
        out = self.propagate(
            edge_index if self.flow == "source_to_target" else edge_index.flip(0),
            q=torch.cat(list(queries.values())), k=torch.cat(all_keys), v=torch.cat(all_values),
            edge_attr=torch.cat(sharpness),
        )  # fmt: skip
        return dict(zip(queries, out.split(sizes), strict=True))

    def _send_by_kind(
        self,
        queries: dict[NodeType, Tensor],
        keys: dict[NodeType, Tensor],
        values: dict[NodeType, Tensor],
        edges: dict[EdgeType, Adjacency],
    ) -> dict[NodeType, Tensor]:
        """The messages of one kind of edge after another, under its name, as PyG's AttentionExplainer asks for α."""
        found = {kind: torch.zeros_like(query) for kind, query in queries.items()}
        for destination, query in queries.items():
            kinds = [edge_type for edge_type in edges if edge_type[-1] == destination]
            if not kinds:
                continue
            ends = [edges[edge_type].attended.edge_index for edge_type in kinds]
            mapped = [self._mapped(edge_type, keys[edge_type[0]], values[edge_type[0]]) for edge_type in kinds]
            scores = [
                (query[dst] * key[src]).sum(-1) * self.p_rel["__".join(edge_type)] / math.sqrt(query.size(-1))
                for edge_type, (src, dst), (key, _) in zip(kinds, ends, mapped, strict=True)
            ]
            alpha = softmax(torch.cat(scores), torch.cat([dst for _, dst in ends]), num_nodes=len(query))
            shares = alpha.split([len(score) for score in scores])
            for edge_type, (src, dst), (_, value), share in zip(kinds, ends, mapped, shares, strict=True):
                self._name = edge_type
                out = share.unsqueeze(-1) * value[src]
                for hook in self._message_forward_hooks.values():
                    result = hook(self, ({"alpha": share, "index": dst},), out)
                    out = out if result is None else result
                found[destination] = found[destination].index_add(0, dst, out)
        return {kind: out.flatten(1) for kind, out in found.items()}

    def message(
        self,
        k_j: Tensor,
        q_i: Tensor,
        v_j: Tensor,
        edge_attr: Tensor,
        index: Tensor,
        ptr: OptTensor,
        size_i: OptInt,
    ) -> Tensor:
        """α_ij V_r v_j of each edge."""
        alpha = (q_i * k_j).sum(-1) * edge_attr / math.sqrt(q_i.size(-1))
        return (v_j * softmax(alpha, index, ptr, size_i).unsqueeze(-1)).flatten(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(-1, {self.out_channels}, heads={self.heads})"


def _called(linear: Any, rows: Tensor, place: int, count: int) -> Tensor:
    """Rows `[N, H, D]` through a `HeteroLinear` whose weights may not be read, the heads one after another."""
    H = rows.shape[1]
    kinds = torch.arange(H, device=rows.device).repeat_interleave(len(rows)) * count + place
    return linear(rows.transpose(0, 1).flatten(0, 1), kinds).unflatten(0, (H, -1)).transpose(0, 1)
