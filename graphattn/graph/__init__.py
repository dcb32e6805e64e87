"""Graphs: which nodes attend to which."""

from graphattn.deprecation import renamed
from graphattn.graph.batch import Batch, batch
from graphattn.graph.bipartite import Bipartite, bipartite
from graphattn.graph.cache import as_graph, check_edges
from graphattn.graph.causal import Causal, causal
from graphattn.graph.complete import Complete, complete
from graphattn.graph.compressed import Compressed
from graphattn.graph.convert import from_networkx, from_pyg, from_scipy, from_torch_sparse
from graphattn.graph.dilated import dilated
from graphattn.graph.expander import expander
from graphattn.graph.graph import Graph
from graphattn.graph.grid import Grid, grid
from graphattn.graph.hub import Hub, hub
from graphattn.graph.interval import interval
from graphattn.graph.knn import knn
from graphattn.graph.lsh import lsh
from graphattn.graph.neighborhood import Neighborhood
from graphattn.graph.radius import radius
from graphattn.graph.random_regular import random_regular
from graphattn.graph.strided import Strided, strided
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
    "Hub",
    "Neighborhood",
    "Strided",
    "Union",
    "Window",
    "as_graph",
    "batch",
    "bipartite",
    "causal",
    "check_edges",
    "complete",
    "dilated",
    "expander",
    "from_networkx",
    "from_pyg",
    "from_scipy",
    "from_torch_sparse",
    "grid",
    "hub",
    "interval",
    "knn",
    "lsh",
    "radius",
    "random_regular",
    "strided",
    "union",
    "window",
]

__getattr__ = renamed(__name__, {"Neighbourhood": "graphattn.graph:Neighborhood"})
