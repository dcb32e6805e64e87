"""The features of nodes that are numbers already: numbers, yes or no, words; sparse where most are zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphattn.datasets.network_data import to_torch
from graphattn.tasks.network.network import ColumnRole
from graphattn.tasks.network.rows import Rows
from graphattn.tasks.network.values import Coded, coded, missing, numbers, unclear, words, yes_no

_SPARSE_FROM = 64  # columns
_SPARSE_BELOW = 0.1  # share of numbers other than zero


class Inputs(NamedTuple):
    """See `Network` for the fields."""

    x: Tensor
    names: tuple[str, ...]
    notes: list[str]


def read_inputs(rows: Rows, columns: Sequence[ColumnRole]) -> Inputs:
    """Read the columns of role numeric, boolean and words; what is no number is missing, and said."""
    from scipy import sparse

    dense, names, notes = [], [], []
    lists, list_names = [], []
    for column in columns:
        if column.role in ("numeric", "boolean"):
            values, said = _column(rows, column)
            dense.append(values)
            names.append(column.name)
            notes += said
        elif column.role == "words":
            matrix, vocabulary = _multi_hot(coded(rows.frame[column.name]))
            lists.append(matrix)
            list_names += [f"{column.name}={word}" for word in vocabulary]
    numbers_part = np.stack(dense, axis=1) if dense else np.zeros((len(rows.frame), 0))
    if not lists:
        return Inputs(compact(torch.from_numpy(numbers_part.astype(np.float32))), tuple(names), notes)
    matrix = sparse.hstack([sparse.csr_matrix(numbers_part), *lists], format="csr")
    return Inputs(compact(to_torch(matrix)), (*names, *list_names), notes)


def compact(x: Tensor) -> Tensor:
    """`torch.sparse_csr` for a wide matrix that is mostly zeros, dense for any other."""
    wide = x.shape[1] >= _SPARSE_FROM
    if x.layout == torch.sparse_csr:
        return x if wide else x.to_dense()
    if wide and int((x != 0).sum()) < _SPARSE_BELOW * x.numel():
        return to_torch(x.numpy())
    return x


def _column(rows: Rows, role: ColumnRole) -> tuple[np.ndarray, list[str]]:
    column = coded(rows.frame[role.name])
    if role.role == "boolean":
        values = yes_no(column)
        assert values is not None
        return values, _gaps(rows, role.name, missing(column))
    found = numbers(rows.frame[role.name])
    notes = []
    if found.wrong.any():
        row, count = int(np.argmax(found.wrong)), int(found.wrong.sum())
        cell = repr(column.names[column.codes[row]])
        what = "may have a decimal comma or one between thousands" if unclear(found) else "is no number to learn from"
        others = f", as {count - 1:,} more cells" if count > 1 else ""
        notes.append(f"{rows.where(row, role.name)}: {cell} {what}; it is taken as missing{others}.")
    return found.values, notes + _gaps(rows, role.name, np.isnan(found.values) & ~found.wrong)


def _gaps(rows: Rows, name: str, gone: np.ndarray) -> list[str]:
    if not gone.any():
        return []
    row, count = int(np.argmax(gone)), int(gone.sum())
    cells = "cell is" if count == 1 else "cells are"
    return [f"{rows.where(row, name)}: {count:,} {cells} empty, the first here; the model is told which."]


def _multi_hot(column: Coded) -> tuple[object, list[str]]:
    """1 where a node has a word; the words in sorted order, whole numbers by their value."""
    from scipy import sparse

    lists = words(column)
    assert lists is not None
    known = {word for found in lists for word in found}
    vocabulary = sorted(known, key=lambda word: (not word.isdigit(), int(word) if word.isdigit() else 0, word))
    position = {word: at for at, word in enumerate(vocabulary)}
    kept = [sorted({position[word] for word in found}) for found in [*lists, []]]
    indptr = np.concatenate([[0], np.cumsum([len(found) for found in kept])])
    indices = np.array([at for found in kept for at in found], dtype=np.int64)
    of_name = sparse.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), (len(kept), len(vocabulary)))
    return of_name[np.where(column.codes < 0, len(lists), column.codes)], vocabulary
