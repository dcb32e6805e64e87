"""Graphs in a folder of NumPy files, opened without reading them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.graph.compressed import Compressed
from graphattn.graph.graph import Graph

if TYPE_CHECKING:
    from torch_geometric.data import Data

_FORMAT = 1
_EDGES = ("colptr", "row", "edge_id")


class OnDiskGraph:
    """A graph and its features in a folder of NumPy files, which may be larger than memory.

    Files are mapped into memory: opening reads only their headers, and a loader reads the rows it needs.

    `graph.json` names the format and the arrays; `colptr.npy` `[N + 1]` and `row.npy` `[E]` hold the edges grouped by
    destination, `edge_id.npy` `[E]` where each was in the graph given; `node_*.npy` and `edge_*.npy` hold features
    of nodes and of edges, the latter in the order given.

    Args:
        folder: where the graph was written to.

    Raises:
        FileNotFoundError: there is no graph in the folder.
        ValueError: a file is damaged, cut short or of another graph; the message names it.

    Attributes:
        num_nodes: the number of nodes.
        num_edges: the number of edges.
        colptr, row, edge_id: the edges, as above, mapped into memory.
        data: a PyG `Data` with the features; its `edge_index` only stands in for the number of edges.

    Example:
        >>> import tempfile
        >>> from torch_geometric.data import Data
        >>> from graphattn.loader import NeighborLoader
        >>> data = Data(x=torch.eye(3), edge_index=torch.tensor([[2, 0, 1], [1, 1, 0]]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph = OnDiskGraph.write(data, folder)
        ...     batch = next(iter(NeighborLoader(graph, [-1], batch_size=3)))
        ...     batch.edge_index.tolist()
        [[1, 2, 0], [0, 1, 1]]
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        described = _read_description(self.folder)
        self.num_nodes, self.num_edges = int(described["num_nodes"]), int(described["num_edges"])
        arrays = {name: _map(self.folder, name, shape) for name, shape in described["arrays"].items()}
        self.colptr, self.row, self.edge_id = (arrays.pop(name) for name in _EDGES)
        if int(self.colptr[0]) != 0 or int(self.colptr[-1]) != self.num_edges:
            raise ValueError(f"{self.folder / 'colptr.npy'} is damaged: it does not end at {self.num_edges} edges")
        self.data = self._make_data(arrays)

    def _make_data(self, arrays: dict[str, NDArray[Any]]) -> Data:
        from torch_geometric.data import Data

        stand_in = torch.zeros(1, dtype=torch.int64).expand(2, self.num_edges)
        data = Data(edge_index=stand_in, num_nodes=self.num_nodes)
        for name, array in arrays.items():
            data[name.partition("_")[2]] = torch.from_numpy(array)
        return data

    @property
    def graph(self) -> Graph:
        """All edges as a `Graph`, mapped into memory, in order of destination."""
        csr = Compressed(torch.from_numpy(self.colptr), torch.from_numpy(self.row), None)
        return Graph._of_csr(csr, self.num_nodes)

    @classmethod
    def write(cls, data: Data, folder: str | os.PathLike[str]) -> OnDiskGraph:
        """Write a PyG `Data` into a folder, and open it.

        The description is written last, so that a write that was stopped leaves no graph behind.

        Raises:
            FileExistsError: the folder holds a graph.
            TypeError: an attribute that is neither of nodes nor of edges.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "graph.json").exists():
            raise FileExistsError(f"{folder} holds a graph already; choose another folder")
        csr = Graph(data.edge_index, num_nodes=data.num_nodes).csr
        order = torch.arange(csr.indices.numel()) if csr.perm is None else csr.perm
        arrays = {"colptr": csr.indptr, "row": csr.indices, "edge_id": order}
        for name, value in data.to_dict().items():
            if name in ("edge_index", "num_nodes"):
                continue
            if not isinstance(value, Tensor) or not (data.is_node_attr(name) or data.is_edge_attr(name)):
                raise TypeError(f"'{name}' is neither a tensor of nodes nor of edges and cannot be written")
            arrays[f"{'node' if data.is_node_attr(name) else 'edge'}_{name}"] = value
        for name, tensor in arrays.items():
            whole = tensor.to(torch.int64) if name in _EDGES else tensor
            np.save(folder / f"{name}.npy", whole.detach().cpu().contiguous().numpy())
        described = {
            "format": _FORMAT,
            "num_nodes": data.num_nodes,
            "num_edges": csr.indices.numel(),
            "arrays": {name: list(tensor.shape) for name, tensor in arrays.items()},
        }
        (folder / "graph.json").write_text(json.dumps(described, indent=1))
        return cls(folder)

    def __repr__(self) -> str:
        return f"OnDiskGraph('{self.folder}', num_nodes={self.num_nodes}, num_edges={self.num_edges})"


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / "graph.json"
    if not path.exists():
        raise FileNotFoundError(f"{folder} holds no graph: {path.name} is missing")
    try:
        described: dict[str, Any] = json.loads(path.read_text())
        missing = {"format", "num_nodes", "num_edges", "arrays"} - described.keys()
        missing |= set() if missing else set(_EDGES) - described["arrays"].keys()
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if missing:
        raise ValueError(f"{path} is damaged: it says nothing of {', '.join(sorted(missing))}")
    if described["format"] != _FORMAT:
        raise ValueError(f"{path} has format {described['format']}, and this version of graphattn reads {_FORMAT}")
    return described


def _map(folder: Path, name: str, shape: list[int]) -> NDArray[Any]:
    path = folder / f"{name}.npy"
    try:
        empty = 0 in shape  # which cannot be mapped
        array: NDArray[Any] = np.load(path, mmap_mode=None if empty else "c", allow_pickle=False)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing, though graph.json names it") from None
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged or cut short: {error}") from None
    if list(array.shape) != list(shape):
        raise ValueError(f"{path} has shape {list(array.shape)}, and graph.json says {list(shape)}")
    return array
