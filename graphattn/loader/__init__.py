"""Mini-batches of graphs that are too large for one step: sampled neighborhoods, from memory or from disk.

The samplers implement PyTorch Geometric's `BaseSampler`, so that they serve its `NodeLoader` and `LinkLoader` too. They
need Numba, and neither pyg-lib nor torch-sparse.
"""

from __future__ import annotations

try:
    from graphattn.loader.clusters import ClusterLoader
    from graphattn.loader.layerwise import infer_layerwise
    from graphattn.loader.loaders import LinkNeighborLoader, NeighborLoader
    from graphattn.loader.on_disk import OnDiskGraph
    from graphattn.loader.sampler import NeighborSampler
except ModuleNotFoundError as error:
    if error.name not in ("numba", "torch_geometric"):
        raise
    package = error.name.replace("_", "-")
    raise ImportError(f"graphattn.loader needs {package}, which is not installed: pip install {package}") from error

__all__ = [
    "ClusterLoader",
    "LinkNeighborLoader",
    "NeighborLoader",
    "NeighborSampler",
    "OnDiskGraph",
    "infer_layerwise",
]
