"""What a contender is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from graphattn.bench.case import Case
from graphattn.graph import Graph

Attend = Callable[..., Tensor | tuple[Tensor, ...]]


def _everything(case: Case, graph: Graph, device: str) -> bool:
    return True


@dataclass(frozen=True)
class Contender:
    """One way to compute attention.

    Attributes:
        name: for tables.
        prepare: from a score and a graph, makes the function of the case's leaves; what it does is not measured.
        needs: the package without which it is left out.
        edge_tensors: how many tensors of E·H·D numbers it is expected to hold at once; a case that would not fit is
            reported, not tried.
        serves: whether it can run a case on a device.
    """

    name: str
    prepare: Callable[[str, Graph], Attend]
    needs: str | None = None
    edge_tensors: int = 0
    serves: Callable[[Case, Graph, str], bool] = _everything

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return self.needs is None or importlib.util.find_spec(self.needs) is not None
