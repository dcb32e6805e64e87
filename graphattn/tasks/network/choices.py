"""What a user may leave open: which split, and what methods are chosen by."""

from __future__ import annotations

from collections.abc import Sequence

from graphattn.tasks.common.errors import InputError, SettingsError
from graphattn.tasks.network.metrics import METRICS
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.splits import NodeSplit, given_split, labeled, random_split, time_split

SPLITS = ("auto", "random", "given", "time")


def choose_split(network: Network, kind: str, number: int, shares: Sequence[float], seed: int) -> NodeSplit:
    """Return the split of a kind in `SPLITS`; "auto" is the one given with the data where there is one, else random.

    Raises:
        SettingsError: there is no such kind, or the data do not allow it.
        InputError: fewer than two nodes have a label.
    """
    if kind not in SPLITS:
        raise SettingsError(f"split must be one of {', '.join(SPLITS)}, got {kind!r}.")
    known = labeled(network.y)
    if int(known.sum()) < 2:
        raise InputError(f"{int(known.sum())} nodes have a label {network.target!r}; at least 2 are needed to learn.")
    if kind == "given" or (kind == "auto" and network.masks is not None):
        return given_split(network, number)
    if kind == "time":
        column = next((each.name for each in network.columns if each.table == "nodes" and each.role == "time"), None)
        if column is None:
            raise SettingsError("no column of the nodes holds times; use another split.")
        return time_split(network.y, network.nodes[column].to_numpy(), shares=shares)
    return random_split(network.y, shares=shares, seed=seed + number)


def choose_metric(task: str, metric: str | None) -> str:
    """Return what methods are chosen by: the first metric of the task when None.

    Raises:
        SettingsError: the task has no such metric.
    """
    if metric is None:
        return METRICS[task][0]
    if metric not in METRICS[task]:
        raise SettingsError(f"metric must be one of {', '.join(METRICS[task])} for this target, got {metric!r}.")
    return metric


def notes_on_split(split: NodeSplit, unit: str = "nodes") -> list[str]:
    """Return what the sizes of the parts mean for the numbers, a sentence each."""
    notes = []
    if int(split.valid.sum()) < 30:
        notes.append(
            f"Only {int(split.valid.sum())} labeled {unit} chose the method and its confidence: take both as rough."
        )
    if not split.test.any():
        notes.append(f"No labeled {unit} were held out as a test, so that errors are measured on {unit} that chose.")
    else:
        notes.append(
            f"The validation {unit} chose the method and set its confidence; what is measured on test {unit} is free "
            "of "
            "that choice."
        )
    return notes
