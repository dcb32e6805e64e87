"""Which atoms and bonds a prediction rests on, by three methods, and a test of the answer by deletion.

The answer is that of the networks' mean, in the unit of the target; for classes, in the logit. A missing atom has
features of zeros, as have its bonds; descriptors, where the networks take them, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphattn.models import BondAttentionNet

Array = NDArray[np.float64]
METHODS = ("gradients", "occlusion", "attention")
_STEPS = 32
_DRAWS = 20


@dataclass(frozen=True)
class Attribution:
    """What one molecule's prediction rests on.

    Attributes:
        atoms: one number for each atom, `[N]`, in RDKit's order.
        bonds: one for each bond, `[B]`; zeros for methods that do not tell.
        prediction: of the networks' mean.
        baseline: of the same without any atom or bond.
    """

    atoms: Array
    bonds: Array
    prediction: float
    baseline: float


@dataclass(frozen=True)
class Explained:
    """The mean of several networks as a function of a molecule's features."""

    nets: Sequence[nn.Module]
    target: int
    scale: float
    shift: float

    def __call__(self, data: Data, atoms: Tensor, bonds: Tensor) -> Tensor:
        """The answers `[n]` for n versions of one molecule: atom features `[n, N, Fa]`, bond features `[n, E, Fb]`."""
        count = atoms.shape[0]
        batch: Any = Batch.from_data_list([data] * count)
        batch.x, batch.edge_attr = atoms.flatten(0, 1), bonds.flatten(0, 1)
        outputs = torch.stack([net(batch)[:, self.target] for net in self.nets]).mean(0)
        return outputs * self.scale + self.shift


def attribute(function: Explained, data: Data, method: str) -> Attribution:
    """Attribute the prediction for one molecule.

    Args:
        function: what predicts.
        data: the molecule; bond `b` is edge `2b` and `2b + 1`.
        method: "gradients" (integrated gradients: the features of atoms and bonds times the gradient on the way from
            none to all; the numbers add up to the prediction less the baseline), "occlusion" (how far the
            prediction falls without each atom) or "attention" (how much of each atom reaches the result through the
            layers' attention, which add up to one and say nothing of the sign).

    Sundararajan et al. 2017, arXiv:1703.01365, eq. 1; Zeiler & Fergus 2014, arXiv:1311.2901; Abnar & Zuidema 2020,
    arXiv:2005.00928.
    """
    for net in function.nets:
        net.eval()
    if method == "gradients":
        return _gradients(function, data)
    return _occlusion(function, data) if method == "occlusion" else _attention(function, data)


def _ends(function: Explained, data: Data) -> tuple[float, float]:
    """The predictions with all atoms and with none."""
    x, bonds = _features(data)
    with torch.no_grad():
        both = function(data, torch.stack([x, torch.zeros_like(x)]), torch.stack([bonds, torch.zeros_like(bonds)]))
    return float(both[0]), float(both[1])


def _features(data: Data) -> tuple[Tensor, Tensor]:
    assert data.x is not None and data.edge_attr is not None
    return data.x, data.edge_attr


def _gradients(function: Explained, data: Data) -> Attribution:
    x, bonds = _features(data)
    nodes, weights = np.polynomial.legendre.leggauss(_STEPS)  # on [-1, 1]
    way = torch.tensor((nodes + 1) / 2, dtype=x.dtype).view(-1, 1, 1)
    share = torch.tensor(weights / 2, dtype=x.dtype)
    atoms, edges = (way * x).requires_grad_(), (way * bonds).requires_grad_()
    of_atoms, of_edges = torch.autograd.grad((function(data, atoms, edges) * share).sum(), (atoms, edges))
    prediction, baseline = _ends(function, data)
    per_edge = (of_edges.sum(0) * bonds).sum(1).double().numpy()
    return Attribution(
        (of_atoms.sum(0) * x).sum(1).double().numpy(), per_edge.reshape(-1, 2).sum(1), prediction, baseline
    )


def _occlusion(function: Explained, data: Data) -> Attribution:
    prediction, baseline = _ends(function, data)
    each = [[atom] for atom in range(_features(data)[0].shape[0])]
    fallen = prediction - without(function, data, each)
    return Attribution(fallen, np.zeros(_features(data)[1].shape[0] // 2), prediction, baseline)


def without(function: Explained, data: Data, sets: Sequence[Sequence[int]]) -> Array:
    """The predictions without each of these sets of atoms."""
    x, bonds = _features(data)
    assert data.edge_index is not None
    there = torch.ones(len(sets), x.shape[0], dtype=torch.bool)
    for row, atoms in enumerate(sets):
        there[row, list(atoms)] = False
    source, destination = data.edge_index
    both = there[:, source] & there[:, destination]
    with torch.no_grad():
        return function(data, x * there.unsqueeze(-1), bonds * both.unsqueeze(-1)).double().numpy()


def _attention(function: Explained, data: Data) -> Attribution:
    """Rollout: (I + A_l) / 2 of each layer multiplied, A_l its attention, mean over heads; mean over atoms and nets."""
    x, bonds = _features(data)
    size = x.shape[0]
    assert data.edge_index is not None
    source, destination = data.edge_index
    total = np.zeros(size)
    of_atoms = [net for net in function.nets if not isinstance(net, BondAttentionNet)]
    for net in of_atoms:
        seen: list[Tensor] = []
        hooks = [layer.attention.register_forward_hook(_keep_weights(seen), with_kwargs=True) for layer in _layers(net)]
        try:
            with torch.no_grad():
                net(Batch.from_data_list([data]))
        finally:
            for hook in hooks:
                hook.remove()
        reached = torch.eye(size, dtype=torch.float64)
        for weights in seen:
            step = torch.zeros(size, size, dtype=torch.float64)
            step[destination, source] = weights.double().mean(1)
            alone = step.sum(1) == 0  # an atom without bonds keeps all of itself
            step[alone, alone] = 1
            reached = (torch.eye(size, dtype=torch.float64) + step) / 2 @ reached
        total += reached.mean(0).numpy()
    prediction, baseline = _ends(function, data)
    return Attribution(total / len(of_atoms), np.zeros(bonds.shape[0] // 2), prediction, baseline)


def _layers(net: nn.Module) -> list[Any]:
    return list(getattr(net, "layers", []))


def _keep_weights(seen: list[Tensor]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if kwargs.get("return_weights"):
            return
        _, weights = module(*args, **{**kwargs, "return_weights": True})
        seen.append(weights)

    return hook


@dataclass(frozen=True)
class Check:
    """The test by deletion over some molecules.

    Attributes:
        top: how far the prediction moves without the atoms said to matter most, one number for each molecule.
        random: the same without as many atoms drawn at random, the mean of twenty draws.
        p: of Wilcoxon's signed-rank test that the first is not larger; NaN with fewer than five molecules.
    """

    top: Array
    random: Array
    p: float


def check(function: Explained, molecules: Sequence[Data], attributions: Sequence[Attribution]) -> Check:
    """Take away a fifth of each molecule's atoms, those with the largest numbers or as many at random, and compare.

    Molecules of fewer than five atoms are left out.
    """
    from scipy.stats import wilcoxon

    random = np.random.default_rng(0)
    top, others = [], []
    for data, found in zip(molecules, attributions, strict=True):
        size = len(found.atoms)
        if size < 5:
            continue
        count = -(-size // 5)
        sets = [np.argsort(-np.abs(found.atoms), kind="stable")[:count].tolist()]
        sets += [random.choice(size, count, replace=False).tolist() for _ in range(_DRAWS)]
        moved = np.abs(without(function, data, sets) - found.prediction)
        top.append(moved[0])
        others.append(moved[1:].mean())
    first, second = np.array(top), np.array(others)
    enough = len(first) >= 5 and bool((first != second).any())
    p = float(wilcoxon(first, second, alternative="greater").pvalue) if enough else float("nan")
    return Check(first, second, p)
