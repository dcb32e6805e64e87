"""A neighbor sampler for PyTorch Geometric's loaders that needs no compiler and no further package than Numba."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch_geometric.typing
from torch import Tensor
from torch_geometric.sampler import HeteroSamplerOutput, SamplerOutput, neighbor_sampler
from torch_geometric.sampler import NeighborSampler as PyGNeighborSampler
from torch_geometric.sampler.base import SubgraphType
from torch_geometric.sampler.utils import remap_keys

from graphattn.loader import kernels
from graphattn.loader.hash_table import NONE
from graphattn.loader.sample import NO_WEIGHTS, Relation, Rules, Sampled, sample

_ONE = None  # the name of the only type in graphs without types


class NeighborSampler(PyGNeighborSampler):
    r"""Sample neighborhoods as PyTorch Geometric's `NeighborSampler` does, without pyg-lib or torch-sparse.

    From the nodes that a hop has found, beginning at the seeds, the next hop follows up to `num_neighbors[hop]` edges
    backwards. For homogeneous and heterogeneous graphs, uniform, weighted or bound in time, with or without
    replacement, in disjoint samples, and as directional, bidirectional or induced subgraphs ("Inductive Representation
    Learning on Large Graphs", Hamilton et al., 2017).

    - Without replacement each set of `k` in-neighbors is equally likely; with weights they are drawn one after another
      in proportion to the weights left, as by `torch.multinomial`.
    - Bound in time (`time_attr`), a neighbor counts if its time is not later than the seed's; `"last"` takes the
      latest ones.
    - A sample is a function of `key` and of the seed nodes, whichever process draws it. Without a key, each call draws
      one from PyTorch's random number generator.

    Args:
        data: a `Data` or `HeteroData`, or a pair of a feature store and a graph store.
        num_neighbors: the number of neighbors in each hop, -1 for all; by edge type in a dictionary.
        key: an integer tensor of one element that random choices depend on, which may be in shared memory and change
            between epochs.
        compressed: the edges of a `Data` in compressed form, where they are known: where those into each node begin,
            `[N + 1]`, their sources, `[E]`, and their places in `edge_index`, `[E]`.
        **kwargs: as for PyG's `NeighborSampler`: `subgraph_type`, `replace`, `disjoint`, `temporal_strategy`,
            `time_attr`, `weight_attr`, `is_sorted`, `share_memory`, `sample_direction`.

    Raises:
        ValueError: weights that are negative or not finite; a seed that is no node of the graph (when sampling).

    Example:
        >>> from torch_geometric.data import Data
        >>> from torch_geometric.sampler import NodeSamplerInput
        >>> data = Data(edge_index=torch.tensor([[1, 2, 3], [0, 0, 1]]), num_nodes=4)
        >>> out = NeighborSampler(data, [2, 2]).sample_from_nodes(NodeSamplerInput(None, torch.tensor([0])))
        >>> out.num_sampled_nodes, sorted(out.node.tolist())
        ([1, 2, 1], [0, 1, 2, 3])
    """

    def __init__(
        self,
        data: Any,
        num_neighbors: Any,
        *,
        key: Tensor | None = None,
        compressed: tuple[Tensor, Tensor, Tensor | None] | None = None,
        **kwargs: Any,
    ) -> None:
        with _prepared_by_pyg(compressed):
            super().__init__(data, num_neighbors, **kwargs)
        self.key = key
        self._relations: dict[Any, Relation] | None = None
        for weight in _values(self.edge_weight):
            if not bool((weight >= 0).all()) or not bool(weight.isfinite().all()):
                raise ValueError("weights of edges to sample by must be finite and not negative")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_relations": None}  # arrays over the memory of the tensors

    def _sample(self, seed: Any, seed_time: Any = None, **_: Any) -> Any:
        if self._relations is None:
            self._relations = self._make_relations()
        seeds = {name: _array(nodes) for name, nodes in (seed if isinstance(seed, dict) else {_ONE: seed}).items()}
        sampled = sample(
            self._relations,
            self.num_nodes if self.is_hetero else {_ONE: self.num_nodes},
            self._fanout(),
            seeds,
            self._times_of(seeds, seed_time),
            self._rules(),
            self._key_of(seeds),
        )
        return self._hetero_output(sampled) if isinstance(seed, dict) else self._output(sampled)

    def _rules(self) -> Rules:
        if self.temporal_strategy not in ("uniform", "last"):
            raise ValueError(f"temporal_strategy must be 'uniform' or 'last', got {self.temporal_strategy!r}")
        last = self.is_temporal and self.temporal_strategy == "last"
        induced = self.subgraph_type == SubgraphType.induced
        return Rules(self.replace, self.disjoint, last, induced)

    def _key_of(self, seeds: dict[Any, Any]) -> int:
        key = int(torch.randint(2**62, ()) if self.key is None else self.key)
        for nodes in seeds.values():
            key = kernels.digest(key, nodes)
        return key

    def _fanout(self) -> dict[Any, list[int]]:
        if not self.is_hetero:
            return {_ONE: self.num_neighbors.get_mapped_values()}
        fanout: dict[Any, list[int]] = self.num_neighbors.get_mapped_values(self.edge_types)
        return fanout

    def _times_of(self, seeds: dict[Any, Any], seed_time: Any) -> dict[Any, Any]:
        if not self.is_temporal:
            return {}
        if seed_time is not None:
            given = seed_time if isinstance(seed_time, dict) else {_ONE: seed_time}
            return {name: _array(time) for name, time in given.items()}
        if self.node_time is None:
            raise ValueError("edges have times, so each seed needs one too: give input_time")
        known = self.node_time if isinstance(self.node_time, dict) else {_ONE: self.node_time}
        return {name: _array(known[name])[nodes] for name, nodes in seeds.items()}

    def _make_relations(self) -> dict[Any, Relation]:
        if not self.is_hetero:
            return {
                _ONE: _relation(_ONE, _ONE, self.colptr, self.row, self.edge_weight, self.node_time, self.edge_time)
            }
        weight, edge_time, node_time = self.edge_weight or {}, self.edge_time or {}, self.node_time or {}
        return {
            self.to_rel_type[name]: _relation(
                name[0],
                name[-1],
                self.colptr_dict[rel],
                self.row_dict[rel],
                weight.get(rel),
                node_time.get(name[0]),
                edge_time.get(rel),
            )
            for name in self.edge_types
            for rel in [self.to_rel_type[name]]
        }

    def _output(self, sampled: Sampled) -> SamplerOutput:
        row, col = torch.from_numpy(sampled.row[_ONE]), torch.from_numpy(sampled.col[_ONE])
        if self.sample_direction == "backward":
            row, col = col, row
        return SamplerOutput(
            node=torch.from_numpy(sampled.nodes[_ONE]),
            row=row,
            col=col,
            edge=torch.from_numpy(sampled.edge[_ONE]),
            batch=torch.from_numpy(sampled.batch[_ONE]) if self.disjoint else None,
            num_sampled_nodes=sampled.nodes_of_hop[_ONE],
            num_sampled_edges=sampled.edges_of_hop.get(_ONE),
        )

    def _hetero_output(self, sampled: Sampled) -> HeteroSamplerOutput:
        row, col, edge = (_tensors(each) for each in (sampled.row, sampled.col, sampled.edge))
        if self.sample_direction == "backward":
            row, col = col, row
        return HeteroSamplerOutput(
            node=_tensors(sampled.nodes),
            row=self._restored(row),
            col=self._restored(col),
            edge=self._restored(edge),
            batch=_tensors(sampled.batch) if self.disjoint else None,
            num_sampled_nodes=sampled.nodes_of_hop,
            num_sampled_edges=self._restored(sampled.edges_of_hop) if sampled.edges_of_hop else None,
        )

    def _restored(self, by_relation: dict[Any, Any]) -> dict[Any, Any]:
        by_type = remap_keys(by_relation, self.to_edge_type)
        if self.sample_direction == "backward":
            by_type = remap_keys(by_type, self.to_restored_edge_type)
        return dict(by_type)


def _relation(
    source: Any,
    destination: Any,
    colptr: Tensor,
    row: Tensor,
    weight: Tensor | None,
    node_time: Tensor | None,
    edge_time: Tensor | None,
) -> Relation:
    time = node_time if edge_time is None else edge_time
    return Relation(
        source,
        destination,
        colptr.numpy(),
        row.numpy(),
        NO_WEIGHTS if weight is None else weight.double().numpy(),
        NONE if time is None else _array(time),
        edge_time is not None,
    )


@contextmanager
def _prepared_by_pyg(compressed: tuple[Tensor, Tensor, Tensor | None] | None) -> Iterator[None]:
    """PyG's constructor groups the edges, and refuses what it would need pyg-lib for, which is not needed here."""
    wanted = [name for name in vars(torch_geometric.typing) if name.endswith("_NEIGHBOR_SAMPLE")]
    with ExitStack() as patches:
        for name in ("WITH_PYG_LIB", *wanted):
            patches.enter_context(patch.object(torch_geometric.typing, name, True))
        if compressed is not None:
            patches.enter_context(patch.object(neighbor_sampler, "to_csc", lambda *_, **__: compressed))
        yield


def _array(tensor: Tensor) -> Any:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.int64)


def _tensors(arrays: dict[Any, Any]) -> dict[Any, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _values(found: Any) -> list[Tensor]:
    if found is None:
        return []
    return list(found.values()) if isinstance(found, dict) else [found]
