"""Attention on graphs: one exact, fused, deterministic operator, and what is built on it.

`import graphattn as ga` needs torch alone. What needs more (`ga.chem` rdkit, `ga.tasks` Lightning) loads when
it is first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from graphattn import nn
from graphattn.graph import (
    Graph,
    batch,
    bipartite,
    causal,
    check_edges,
    complete,
    dilated,
    expander,
    from_networkx,
    from_pyg,
    from_scipy,
    from_torch_sparse,
    grid,
    hub,
    interval,
    knn,
    lsh,
    radius,
    random_regular,
    strided,
    union,
    window,
)
from graphattn.ops import normalizers, scores
from graphattn.ops.attention import attention, explain_backend
from graphattn.ops.explain import explain_calls
from graphattn.ops.state import State, merge
from graphattn.ops.streaming import memory_budget
from graphattn.ops.tune import tune
from graphattn.ops.warmup import warmup
from graphattn.version import __version__

if TYPE_CHECKING:
    from graphattn.chem import from_smiles
    from graphattn.nn.pyg.patching import patch, unpatch

_LAZY = ("chem", "datasets", "distributed", "loader", "models", "tasks", "testing", "viz")

__all__ = [
    "Graph",
    "State",
    "__version__",
    "attention",
    "batch",
    "bipartite",
    "causal",
    "check_edges",
    "complete",
    "dilated",
    "expander",
    "explain_backend",
    "explain_calls",
    "from_networkx",
    "from_pyg",
    "from_scipy",
    "from_smiles",
    "from_torch_sparse",
    "grid",
    "hub",
    "interval",
    "knn",
    "lsh",
    "memory_budget",
    "merge",
    "nn",
    "normalizers",
    "patch",
    "radius",
    "random_regular",
    "scores",
    "strided",
    "tune",
    "union",
    "unpatch",
    "warmup",
    "window",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"graphattn.{name}")
    if name == "from_smiles":
        return importlib.import_module("graphattn.chem").from_smiles
    if name in ("patch", "unpatch"):
        return getattr(importlib.import_module("graphattn.nn.pyg.patching"), name)
    raise AttributeError(f"module 'graphattn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *__all__})
