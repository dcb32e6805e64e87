"""Features of many molecules, one after another, each with a time limit; `featurizer` says which features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphattn.chem import MoleculeGraph, SmilesError
from graphattn.chem.features import ArrayFeaturizer, Identity, MoleculeArrays
from graphattn.chem.molecule import to_graph
from graphattn.chem.traits import Traits
from graphattn.chem.worker import NoWorkerError, StoppedError, Worker


class Features(NamedTuple):
    """What is computed from one SMILES."""

    graph: MoleculeGraph
    descriptors: NDArray[np.float64]
    """`[d]`, raw"""
    identity: Identity | None
    """where the featurizer was to find it"""
    fingerprint: NDArray[np.int32] | None = None
    """Morgan counts `[b]`, where the featurizer was to find them"""
    traits: Traits | None = None


MOST_SECONDS = 10.0
"""of processor time for one molecule"""

_FEW, _SHORT = 32, 150  # molecules, and characters of each: half a second, no more than a process takes to start
_CHUNK = 64


def featurize_many(featurizer: ArrayFeaturizer, smiles: Iterable[Any]) -> Iterator[Features | str]:
    """Yield the features of each molecule, in order, or a sentence that says why there are none.

    A few small molecules are computed here and now. More, or larger ones, in a process of their own, where each may
    take `MOST_SECONDS`; this process only waits, so that Ctrl-C always ends it. Where no process can be started all
    are computed here, and the time is not bounded.
    """
    texts = iter(smiles)
    head = list(islice(texts, _FEW + 1))
    if len(head) <= _FEW and all(len(text) <= _SHORT for text in head if isinstance(text, str)):
        yield from (_here(featurizer, text) for text in head)
        return
    texts = chain(head, texts)
    with Worker(featurizer, MOST_SECONDS) as worker:
        while chunk := list(islice(texts, _CHUNK)):
            done = 0
            try:
                for answer in _there(worker, featurizer, chunk):
                    done += 1
                    yield answer
            except NoWorkerError:
                yield from (_here(featurizer, text) for text in chain(chunk[done:], texts))


def _here(featurizer: ArrayFeaturizer, text: Any) -> Features | str:
    try:
        return _tensors(featurizer(text))
    except SmilesError as error:
        return str(error)


def _there(worker: Worker, featurizer: ArrayFeaturizer, chunk: Sequence[Any]) -> Iterator[Features | str]:
    answers = worker([text for text in chunk if isinstance(text, str)])
    for text in chunk:
        if not isinstance(text, str):  # a missing value, refused without delay
            yield _here(featurizer, text)
            continue
        answer = next(answers)
        if isinstance(answer, MoleculeArrays):
            yield _tensors(answer)
        elif isinstance(answer, (SmilesError, StoppedError)):
            yield str(answer)
        else:
            raise answer


def _tensors(arrays: MoleculeArrays) -> Features:
    return Features(
        to_graph(arrays.edge_index, arrays.x, arrays.bonds),
        arrays.descriptors,
        arrays.identity,
        arrays.fingerprint,
        arrays.traits,
    )
