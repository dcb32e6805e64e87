"""What the models see of a node: scaled numbers, categories, and where the node stands in the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.tasks.network.number_scaler import NumberScaler
from graphattn.tasks.network.sparse_rows import beside, largest_of, rows_to_one
from graphattn.tasks.network.structure import STRUCTURE, adjacency_of, laplacian_eigenvectors, structure_of

if TYPE_CHECKING:
    from graphattn.tasks.network.network import Network

Array = NDArray[np.float64]

_MOST_CATEGORIES = 100
"""categories of one column that get a column each, the most frequent ones; the others share one"""

_EIGENVECTORS = 8
_LARGEST_FOR_EIGENVECTORS = 100_000
"""nodes up to which Laplacian eigenvectors take seconds"""


@dataclass
class NodeFeatures:
    """Turn a network's columns into one matrix of features, as was found on the network it was fitted to.

    Numbers are scaled by `NumberScaler`; a category becomes a column for each of its values, and one for values not
    seen before. Columns of a sparse matrix with entries beyond ±1 are divided by the largest, then rows by their sum of
    absolute values; it stays sparse. Where a network has no features of its own, or when asked, degree, PageRank, core
    number, return probabilities and Laplacian eigenvectors are added. Those of a grown network are turned (by the best
    orthogonal map) to agree with those of the first on the nodes that both have; a network without such nodes has zeros
    there.
    """

    structural: bool = False
    num_inputs: int = 0
    numbers: NumberScaler | None = None
    largest: Array | None = None
    categories: dict[str, list[str]] = field(default_factory=dict)
    structure: NumberScaler | None = None
    ids: tuple[str, ...] = ()
    eigenvectors: Array | None = None
    edge_numbers: NumberScaler | None = None
    edge_types: tuple[str, ...] = ()
    weighted: bool = False

    @classmethod
    def fit(cls, network: Network, *, structural: bool | None = None) -> NodeFeatures:
        """Find scales and categories.

        Args:
            network: labels are not looked at, so that test nodes may be in it.
            structural: whether to add where a node stands in the network; None where it has no other features.
        """
        sparse = network.x.layout is torch.sparse_csr
        categories = {name: _categories(network, name) for name in _category_columns(network)}
        nothing = network.x.shape[1] == 0 and not categories
        made = cls(nothing if structural is None else structural, network.x.shape[1])
        made.categories = categories
        if sparse:
            made.largest = largest_of(network.x)
        else:
            made.numbers = NumberScaler.fit(network.x.double().numpy())
        adjacency = _adjacency(network)
        if made.structural:
            made.structure = NumberScaler.fit(structure_of(adjacency))
        if 2 < len(network.ids) <= _LARGEST_FOR_EIGENVECTORS and adjacency.nnz:
            made.ids, made.eigenvectors = network.ids, laplacian_eigenvectors(adjacency, _EIGENVECTORS)
        made.edge_types = tuple(network.edge_types) if len(network.edge_types) > 1 else ()
        made.weighted = network.edge_weight is not None
        numbers = _edge_numbers(network, made.weighted)
        made.edge_numbers = None if numbers is None else NumberScaler.fit(numbers)
        return made

    def transform(self, network: Network) -> Tensor:
        """Return `[N, F']` float32, `torch.sparse_csr` where the network's own features are.

        Raises:
            ValueError: the network has another number of features than the one this was fitted to.
        """
        if network.x.shape[1] != self.num_inputs:
            raise ValueError(
                f"the model was trained on {self.num_inputs} features, the network has {network.x.shape[1]}"
            )
        dense = self._dense_parts(network)
        if network.x.layout is torch.sparse_csr:
            return beside(rows_to_one(network.x, self.largest), dense)
        assert self.numbers is not None
        own = self.numbers.transform(network.x.double().numpy())
        return torch.from_numpy(np.concatenate([own, *dense], axis=1)).float()

    def edges(self, network: Network) -> tuple[Tensor, Tensor | None]:
        """Return the edges that the models see, `[2, E]`, and their features `[E, d]` or None.

        An undirected network has each edge in both directions. Weights (their logarithm), further numbers and one
        column for each type make the features.
        """
        edge_index = network.edge_index
        parts = []
        numbers = _edge_numbers(network, self.weighted)
        if numbers is not None and self.edge_numbers is not None:
            parts.append(torch.from_numpy(self.edge_numbers.transform(numbers)).float())
        if self.edge_types:
            parts.append(self._one_hot_types(network))
        attr = torch.cat(parts, dim=1) if parts else None
        if network.directed:
            return edge_index, attr
        turned = edge_index[0] != edge_index[1]
        edge_index = torch.cat([edge_index, edge_index[:, turned].flip(0)], dim=1)
        return edge_index, None if attr is None else torch.cat([attr, attr[turned]])

    def to_dict(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return a JSON object and arrays; `from_dict` reads them back."""
        arrays: dict[str, Array] = {}
        for name in ("numbers", "structure", "edge_numbers"):
            scaler = getattr(self, name)
            if scaler is not None:
                arrays |= {
                    f"{name}.median": scaler.median,
                    f"{name}.spread": scaler.spread,
                    f"{name}.gaps": scaler.gaps.astype(np.float64),
                }
        for name in ("eigenvectors", "largest"):
            if getattr(self, name) is not None:
                arrays[name] = getattr(self, name)
        content = {
            "structural": self.structural,
            "num_inputs": self.num_inputs,
            "categories": self.categories,
            "ids": list(self.ids),
            "edge_types": list(self.edge_types),
            "weighted": self.weighted,
        }
        return content, arrays

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], arrays: Mapping[str, Array]) -> NodeFeatures:
        """Read what `to_dict` wrote."""
        made = cls(content["structural"], content["num_inputs"])
        made.categories = {name: list(values) for name, values in content["categories"].items()}
        made.ids, made.edge_types = tuple(content["ids"]), tuple(content["edge_types"])
        made.weighted = content["weighted"]
        for name in ("numbers", "structure", "edge_numbers"):
            if f"{name}.median" in arrays:
                gaps = arrays[f"{name}.gaps"] != 0
                setattr(made, name, NumberScaler(arrays[f"{name}.median"], arrays[f"{name}.spread"], gaps))
        made.eigenvectors, made.largest = arrays.get("eigenvectors"), arrays.get("largest")
        return made

    def _dense_parts(self, network: Network) -> list[Array]:
        parts = [_one_hot(network.nodes[name], values) for name, values in self.categories.items()]
        if self.structure is not None:
            parts.append(self.structure.transform(structure_of(_adjacency(network))))
            parts.append(self.positions(network))
        return parts

    def positions(self, network: Network) -> Array:
        """Return Laplacian eigenvectors `[N, 8]` that agree with those of the network this was fitted to.

        Zeros for a network of which fewer than 8 nodes were in that one, or where it was too large for them.
        """
        if self.eigenvectors is None:
            return np.zeros((len(network.ids), _EIGENVECTORS))
        place = {name: number for number, name in enumerate(self.ids)}
        shared = [(here, place[name]) for here, name in enumerate(network.ids) if name in place]
        if len(shared) < self.eigenvectors.shape[1]:
            return np.zeros((len(network.ids), self.eigenvectors.shape[1]))
        here, there = (list(each) for each in zip(*shared, strict=True))
        found = laplacian_eigenvectors(_adjacency(network), _EIGENVECTORS)
        if network.ids == self.ids and np.array_equal(found, self.eigenvectors):
            return found
        return _turned(found, found[here], self.eigenvectors[there])

    def _one_hot_types(self, network: Network) -> Tensor:
        assert network.edge_type is not None
        place = {name: number for number, name in enumerate(self.edge_types)}
        columns = torch.tensor([place.get(name, len(place)) for name in network.edge_types] or [0])
        one_hot = torch.nn.functional.one_hot(columns[network.edge_type], len(place) + 1)
        return one_hot[:, : len(place)].float()


def aligned(network: Network, names: tuple[str, ...]) -> Network:
    """Return the network with these feature columns: by name, missing numbers where it has none of that name.

    A column that its reader did not take for a feature is looked up in the table of nodes.
    """
    if network.feature_names == names:
        return network
    place = {name: number for number, name in enumerate(network.feature_names)}
    if network.x.layout is torch.sparse_csr:
        import scipy.sparse as sp

        entries = (network.x.values(), network.x.col_indices(), network.x.crow_indices())
        own = sp.csr_array(tuple(part.numpy() for part in entries), shape=tuple(network.x.shape)).tocsc()
        own = sp.hstack([own, sp.csc_array((own.shape[0], 1))], format="csc")
        picked = own[:, [place.get(name, len(place)) for name in names]].tocsr()
        pointers, columns = (torch.from_numpy(part.astype(np.int64)) for part in (picked.indptr, picked.indices))
        values = torch.from_numpy(picked.data).float()
        x = torch.sparse_csr_tensor(pointers, columns, values, picked.shape, check_invariants=False)
    else:
        x = torch.full((len(network.ids), len(names)), float("nan"))
        for number, name in enumerate(names):
            if name in place:
                x[:, number] = network.x[:, place[name]]
            elif name in network.nodes:
                x[:, number] = _numbers(network.nodes[name])
    return replace(network, x=x, feature_names=names)


def feature_columns(features: NodeFeatures, network: Network) -> list[str]:
    """Return a name for each column that `features.transform(network)` makes."""
    names = list(network.feature_names)
    if features.numbers is not None:
        gaps = np.flatnonzero(features.numbers.gaps)
        names += [f"{network.feature_names[place]} missing" for place in gaps]
    for column, values in features.categories.items():
        names += [f"{column}={value}" for value in values] + [f"{column}=other"]
    if features.structure is not None:
        names += list(STRUCTURE)
        names += [f"laplacian_{number + 1}" for number in range(_EIGENVECTORS)]
    return names


def _numbers(column: Any) -> Tensor:
    import pandas as pd

    return torch.from_numpy(pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float32, na_value=np.nan))


def _category_columns(network: Network) -> list[str]:
    known = set(network.feature_names)
    return [
        column.name
        for column in network.columns
        if column.table == "nodes"
        and column.role in ("category", "boolean")
        and column.name not in known
        and not any(name.startswith(f"{column.name}=") for name in known)
    ]


def _categories(network: Network, name: str) -> list[str]:
    counts = network.nodes[name].dropna().astype(str).value_counts()
    kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CATEGORIES]
    return sorted(value for value, _ in kept)


def _one_hot(column: Any, values: list[str]) -> Array:
    place = {value: number for number, value in enumerate(values)}
    cells = column.astype(str).tolist()
    made = np.zeros((len(cells), len(values) + 1))
    made[np.arange(len(cells)), [place.get(cell, len(values)) for cell in cells]] = 1.0
    return made


def _edge_numbers(network: Network, weighted: bool) -> Array | None:
    parts = []
    if weighted:
        weight = torch.ones(network.edge_index.shape[1]) if network.edge_weight is None else network.edge_weight
        signed = weight.double().sign() * weight.double().abs().log1p()
        parts.append(signed.unsqueeze(1).numpy())
    if network.edge_attr is not None:
        parts.append(network.edge_attr.double().numpy())
    return np.concatenate(parts, axis=1) if parts else None


def _adjacency(network: Network) -> Any:
    edge_index = network.edge_index.numpy()
    if not network.directed:
        turned = edge_index[0] != edge_index[1]
        edge_index = np.concatenate([edge_index, edge_index[::-1, turned]], axis=1)
    return adjacency_of(edge_index, len(network.ids))


def _turned(vectors: Array, here: Array, there: Array) -> Array:
    """Turn vectors by the orthogonal map that brings `here` closest to `there` (Schönemann 1966)."""
    left, _, right = np.linalg.svd(here.T @ there)
    return vectors @ (left @ right)
