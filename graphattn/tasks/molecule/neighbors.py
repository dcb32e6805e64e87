"""The nearest training molecule of each predicted one, and what is unlike all that was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphattn.chem.traits import SUBSTRUCTURES, Traits

Array = NDArray[np.float64]

_USUAL = 0.01
"""share of the training molecules that are less like any other than what is taken for usual"""
_MOST = 5000
"""molecules that are enough to tell what is usual"""
_CELLS = 5_000_000
"""similarities in memory at a time"""


@dataclass(frozen=True)
class Nearest:
    """What stands nearest to each of `n` molecules among those of the training.

    Attributes:
        similarity: `[n]` Tanimoto similarity of the circular substructures, 0 to 1; NaN for one that cannot be read.
        smiles: `[n]` the neighbor's, as the table of the training wrote it; "" where there is none.
        measured: `[n, T]` the neighbor's values; NaN where one is missing.
        remarks: `[n]` in what the molecule is beyond all that was trained on; "" where it is not.
    """

    similarity: Array
    smiles: list[str]
    measured: Array
    remarks: list[str]

    def at(self, rows: NDArray[np.int64]) -> Nearest:
        """Return those of the molecules at `rows`."""
        smiles, remarks = ([each[row] for row in rows] for each in (self.smiles, self.remarks))
        return Nearest(self.similarity[rows], smiles, self.measured[rows], remarks)

    @classmethod
    def joined(cls, parts: Sequence[Nearest]) -> Nearest:
        """Return the neighbors of several parts, one after another."""
        return cls(
            np.concatenate([part.similarity for part in parts]),
            [smiles for part in parts for smiles in part.smiles],
            np.concatenate([part.measured for part in parts]),
            [remark for part in parts for remark in part.remarks],
        )


@dataclass(frozen=True)
class Neighbors:
    """The molecules of a training, to compare others with.

    Attributes:
        substructures: `[n, 2048]` which circular substructures each has, 0 or 1.
        smiles: `[n]` as the table writes them.
        measured: `[n, T]` NaN where a value is missing.
        elements: all that occur.
        sizes: the atoms of the smallest and of the largest.
        usual: 99 % of the molecules have another at least as similar.
    """

    substructures: csr_array
    smiles: list[str]
    measured: Array
    elements: tuple[str, ...]
    sizes: tuple[int, int]
    usual: float

    @classmethod
    def of(
        cls, traits: Sequence[Traits], smiles: Sequence[str], measured: Array, copies: NDArray[np.int64]
    ) -> Neighbors:
        """Keep the molecules of a training.

        Args:
            traits, smiles, measured: of the `n` molecules.
            copies: `[n]` the same number for the same molecule, so that copies are no neighbors of one another.
        """
        table = _table(traits)
        some = np.arange(0, len(traits), -(-len(traits) // _MOST))
        similarity, _ = _nearest(table[some], table, copies[some], copies)
        elements = tuple(sorted({element for each in traits for element in each.elements}))
        atoms = [each.atoms for each in traits]
        usual = float(np.quantile(similarity, _USUAL))
        return cls(table, list(smiles), measured, elements, (min(atoms), max(atoms)), usual)

    def similarity(self, rows: NDArray[np.int64], groups: NDArray[np.int64]) -> Array:
        """Return how similar the molecules at `rows` are to the nearest that is not of their group, `[len(rows)]`.

        Args:
            rows: positions among the kept molecules.
            groups: `[n]` of all of them.
        """
        return _nearest(self.substructures[rows], self.substructures, groups[rows], groups)[0]

    def __call__(self, traits: Sequence[Traits | None]) -> Nearest:
        """Find the nearest molecule of each; None, for one that cannot be read, has none."""
        known = [row for row, each in enumerate(traits) if each is not None]
        similarity, measured = np.full(len(traits), np.nan), np.full((len(traits), self.measured.shape[1]), np.nan)
        smiles, remarks = [""] * len(traits), [""] * len(traits)
        found = [each for each in traits if each is not None]
        if found:
            similarity[known], nearest = _nearest(_table(found), self.substructures)
            measured[known] = self.measured[nearest]
            for row, each, neighbor in zip(known, found, nearest, strict=True):
                smiles[row] = self.smiles[neighbor]
                remarks[row] = self._remark(each, similarity[row])
        return Nearest(similarity, smiles, measured, remarks)

    def _remark(self, traits: Traits, similarity: float) -> str:
        """Say in what a molecule is beyond the training molecules; "" where in nothing."""
        smallest, largest = self.sizes
        said = []
        unseen = [element for element in traits.elements if element not in self.elements]
        if unseen:
            said.append(f"no training molecule holds {', '.join(unseen)}")
        if not smallest <= traits.atoms <= largest:
            edge, word = (largest, "most") if traits.atoms > largest else (smallest, "least")
            count = f"{traits.atoms} heavy atom{'s' if traits.atoms > 1 else ''}"
            said.append(f"{count}, where training molecules have at {word} {edge}")
        if similarity < self.usual:
            said.append(
                f"similarity {similarity:.2f} to the nearest training molecule, where 99% of those have at least "
                f"{self.usual:.2f} to one another"
            )
        return "; ".join(said)


def _table(traits: Sequence[Traits]) -> csr_array:
    columns = [each.substructures for each in traits]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in columns])])
    indices = np.concatenate(columns).astype(np.int32)
    return csr_array((np.ones(len(indices), dtype=np.int32), indices, starts), shape=(len(traits), SUBSTRUCTURES))


def _nearest(
    queries: csr_array,
    known: csr_array,
    query_groups: NDArray[np.int64] | None = None,
    known_groups: NDArray[np.int64] | None = None,
) -> tuple[Array, NDArray[np.int64]]:
    """Return the largest Tanimoto similarity of each query and the first row of `known` that has it.

    Rows of the query's own group do not count; where there are no others the similarity is 0.
    """
    size = np.asarray(known.sum(axis=1)).ravel()
    turned = known.T.tocsr()
    step = max(_CELLS // known.shape[0], 1)
    best, rows = np.zeros(queries.shape[0]), np.zeros(queries.shape[0], dtype=np.int64)
    for start in range(0, queries.shape[0], step):
        part = slice(start, start + step)
        some = queries[part]
        shared = (some @ turned).toarray()
        either = np.asarray(some.sum(axis=1)).ravel()[:, None] + size - shared
        similarity = shared / np.maximum(either, 1)
        if query_groups is not None and known_groups is not None:
            similarity[query_groups[part][:, None] == known_groups] = 0.0
        rows[part] = similarity.argmax(axis=1)
        best[part] = similarity.max(axis=1)
    return best, rows
