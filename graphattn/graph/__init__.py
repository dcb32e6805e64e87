"""Graphs: who may attend to whom."""

from graphattn.graph.batch import Batch, batch
from graphattn.graph.bipartite import Bipartite, bipartite
from graphattn.graph.cache import as_graph
from graphattn.graph.causal import Causal, causal
from graphattn.graph.complete import Complete, complete
from graphattn.graph.compressed import Compressed
from graphattn.graph.convert import from_networkx, from_pyg, from_scipy, from_torch_sparse
from graphattn.graph.graph import Graph
from graphattn.graph.grid import Grid, grid
from graphattn.graph.union import Union, union
from graphattn.graph.window import Window, window

__all__ = [
    "Batch",
    "Bipartite",
    "Causal",
    "Complete",
    "Compressed",
    "Graph",
    "Grid",
    "Union",
    "Window",
    "as_graph",
    "batch",
    "bipartite",
    "causal",
    "complete",
    "from_networkx",
    "from_pyg",
    "from_scipy",
    "from_torch_sparse",
    "grid",
    "union",
    "window",
]
