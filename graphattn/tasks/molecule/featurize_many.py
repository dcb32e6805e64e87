"""Features of many molecules, in order, each with a time limit; `featurizer` says which features."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from queue import SimpleQueue
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


Answer = Features | str
"""the features of a molecule, or a sentence that says why there are none"""
MOST_SECONDS = 10.0
"""of processor time for one molecule"""

_FEW, _SHORT = 32, 150  # molecules, and characters of each: half a second, no more than a process takes to start
_CHUNK = 64


def featurize_many(featurizer: ArrayFeaturizer, smiles: Iterable[Any]) -> Iterator[Answer]:
    """Yield the features of each molecule, in order, or why there are none; see `featurize_chunks`."""
    texts = iter(smiles)
    chunks = iter(lambda: list(islice(texts, _CHUNK)), [])
    return chain.from_iterable(featurize_chunks(featurizer, chunks))


def featurize_chunks(
    featurizer: ArrayFeaturizer, chunks: Iterable[Sequence[Any]], processes: int = 1
) -> Iterator[list[Answer]]:
    """Yield the answers to each chunk of molecules, in order.

    A few small molecules are computed here and now. More, or larger ones, in processes of their own, where each
    molecule may take `MOST_SECONDS`; this process only waits, so that Ctrl-C always ends it. While one chunk is at
    hand here, the next are at work there. Where no process can be started all are computed here, and the time is not
    bounded.

    Args:
        featurizer: what to compute.
        chunks: SMILES; what is no text has a reason.
        processes: how many compute.
    """
    todo = iter(chunks)
    head = list(islice(todo, 2))
    if len(head) < 2 and all(_are_few(chunk) for chunk in head):
        yield from ([_here(featurizer, text) for text in chunk] for chunk in head)
        return
    workers = [Worker(featurizer, MOST_SECONDS) for _ in range(processes)]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def work(chunk: Sequence[Any]) -> list[Answer]:
        worker = idle.get()
        try:
            return _there(worker, featurizer, chunk)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(processes)
    pending: deque[Future[list[Answer]]] = deque()
    try:
        for chunk in chain(head, todo):
            pending.append(threads.submit(work, chunk))
            if len(pending) > processes:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for each in pending:
            each.cancel()
        for worker in workers:
            worker.end()
        threads.shutdown()
        for worker in workers:
            worker.close()


def _are_few(chunk: Sequence[Any]) -> bool:
    return len(chunk) <= _FEW and all(len(text) <= _SHORT for text in chunk if isinstance(text, str))


def _here(featurizer: ArrayFeaturizer, text: Any) -> Answer:
    try:
        return _tensors(featurizer(text))
    except SmilesError as error:
        return str(error)


def _there(worker: Worker, featurizer: ArrayFeaturizer, chunk: Sequence[Any]) -> list[Answer]:
    answers = worker([text for text in chunk if isinstance(text, str)])
    found: list[Answer] = []
    try:
        for text in chunk:
            # a missing value is refused without delay
            found.append(_received(next(answers)) if isinstance(text, str) else _here(featurizer, text))
    except NoWorkerError:
        found += [_here(featurizer, text) for text in chunk[len(found) :]]
    return found


def _received(answer: Any) -> Answer:
    if isinstance(answer, MoleculeArrays):
        return _tensors(answer)
    if isinstance(answer, (SmilesError, StoppedError)):
        return str(answer)
    raise answer


def _tensors(arrays: MoleculeArrays) -> Features:
    return Features(
        to_graph(arrays.edge_index, arrays.x, arrays.bonds),
        arrays.descriptors,
        arrays.identity,
        arrays.fingerprint,
        arrays.traits,
    )
