"""Positional encodings for sequences, images and graphs.

| added to the features | rotating queries and keys | bias of the score (`edge_bias`) |
|---|---|---|
| `sinusoidal` (one axis or several), `LearnedPositions` | `Rotary` | `RelativeBias` (T5), `ALiBi`, `OffsetBias` |
| `LaplacianPositions`, `random_walk_returns`, `DegreeEncoding` | | `SpatialBias`, `PathBias` (Graphormer) |
"""

from graphattn.nn.positions.alibi import ALiBi
from graphattn.nn.positions.degree import DegreeEncoding
from graphattn.nn.positions.laplacian import LaplacianPositions, laplacian_eigenvectors
from graphattn.nn.positions.learned import LearnedPositions
from graphattn.nn.positions.offset import OffsetBias
from graphattn.nn.positions.path_bias import PathBias
from graphattn.nn.positions.paths import Paths, shortest_paths
from graphattn.nn.positions.place import distances, places, sizes_of
from graphattn.nn.positions.random_walk import random_walk_returns
from graphattn.nn.positions.relative import RelativeBias
from graphattn.nn.positions.rotary import Rotary
from graphattn.nn.positions.sinusoidal import SinusoidalPositions, sinusoidal
from graphattn.nn.positions.spatial import SpatialBias

__all__ = [
    "ALiBi",
    "DegreeEncoding",
    "LaplacianPositions",
    "LearnedPositions",
    "OffsetBias",
    "PathBias",
    "Paths",
    "RelativeBias",
    "Rotary",
    "SinusoidalPositions",
    "SpatialBias",
    "distances",
    "laplacian_eigenvectors",
    "places",
    "random_walk_returns",
    "shortest_paths",
    "sinusoidal",
    "sizes_of",
]
