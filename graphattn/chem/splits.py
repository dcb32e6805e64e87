"""Split rows into a training, a validation and a test set: at random, stratified, or by scaffold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from graphattn.chem.interrupts import interrupts_held
from graphattn.chem.smiles import as_mols

_FRACTIONS = (0.8, 0.1, 0.1)
_BINS = 10


class Split(NamedTuple):
    """Row numbers of the three sets, each sorted, int64; together they cover every row once."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def random_split(n: int, fractions: Sequence[float] = _FRACTIONS, seed: int = 0) -> Split:
    """Split `n` rows at random.

    The sizes are the fractions of `n` rounded down, the test set taking the rest. Few rows: a set whose
    fraction is not zero still gets one row, as far as the rows reach, first the training, then the test, then
    the validation set (1 row: training alone; 2 rows: one for training, one for test).

    Args:
        n: number of rows.
        fractions: of the training, validation and test set; they add up to 1.
        seed: the same seed gives the same split.

    Raises:
        ValueError: `n` is negative, or `fractions` are not three numbers of 0 or more that add up to 1, the
            first above 0.
    """
    sizes = _sizes(n, fractions)
    order = np.random.default_rng(seed).permutation(n)
    return _split_by_label(np.repeat([0, 1, 2], sizes)[np.argsort(order)])


def stratified_split(y: ArrayLike, fractions: Sequence[float] = _FRACTIONS, seed: int = 0, bins: int = _BINS) -> Split:
    """Split rows at random, each class or range of values in the same proportion in each set.

    A target that is text, or has at most `bins` distinct values, is taken as classes; any other is cut into
    `bins` ranges with equally many rows. Missing values (NaN, None) are a class of their own. The three sizes
    are those of `random_split`; within each class the counts differ from the exact proportion by less than
    two rows.

    Args:
        y: one target, `[n]`.
        fractions, seed: as in `random_split`.
        bins: number of ranges of a measured value.

    Raises:
        ValueError: `y` is not one-dimensional, `bins` is below 1, or `fractions` as in `random_split`.
    """
    values = np.asarray(y)
    if values.ndim != 1:
        raise ValueError(f"y must be one target of shape [n], got shape {list(values.shape)}")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    n = len(values)
    sizes = _sizes(n, fractions)
    shuffled = np.random.default_rng(seed).permutation(n)
    order = shuffled[np.argsort(_strata(values, bins)[shuffled], kind="stable")]
    label = np.empty(n, dtype=np.int64)
    count = np.zeros(3, dtype=np.int64)
    # Going through the strata, give each row to the set that lags its share most; in integers, so that the
    # sizes come out exact.
    for done, row in enumerate(order, start=1):
        lagging = np.argmax(sizes * done - count * n)
        label[row] = lagging
        count[lagging] += 1
    return _split_by_label(label)


def scaffold_split(molecules: Sequence[str | Chem.Mol], fractions: Sequence[float] = _FRACTIONS) -> Split:
    """Split molecules so that no Bemis-Murcko scaffold is in two sets; deterministic.

    The rule is DeepChem's `ScaffoldSplitter`, which most papers' "scaffold split" means: molecules with the
    same scaffold (without chirality; all acyclic ones share the empty scaffold) form a group; the groups,
    from the largest to the smallest (equal sizes: the one that starts later first), go to the training set if
    it then keeps to its fraction, else to the validation set if both then keep to theirs, else to the test
    set. One deviation: the largest group always goes to the training set, which in DeepChem's rule could stay
    empty. The validation or the test set can be empty when there are few molecules or few scaffolds.

    Args:
        molecules: SMILES or RDKit molecules. Leave unreadable ones out beforehand.
        fractions: as in `random_split`.

    Raises:
        SmilesError: a SMILES cannot be read; the message gives its position, counted from 0.
        ValueError: `fractions` as in `random_split`.

    References: Bemis and Murcko 1996, J. Med. Chem. 39:2887, doi:10.1021/jm9602928; Wu et al. 2018, Chem.
    Sci. 9:513, doi:10.1039/C7SC02664A.
    """
    return split_by_scaffold(scaffolds(molecules), fractions)


def split_by_scaffold(scaffolds: Sequence[str], fractions: Sequence[float] = _FRACTIONS) -> Split:
    """Split molecules whose scaffolds are known; see `scaffold_split`."""
    train_share, valid_share, _ = _checked(fractions)
    groups: dict[str, list[int]] = {}
    for row, scaffold in enumerate(scaffolds):
        groups.setdefault(scaffold, []).append(row)
    n = len(scaffolds)
    label = np.empty(n, dtype=np.int64)
    train = valid = 0
    for rows in sorted(groups.values(), key=lambda rows: (len(rows), rows[0]), reverse=True):
        if train == 0 or train + len(rows) <= train_share * n:
            label[rows] = 0
            train += len(rows)
        elif train + valid + len(rows) <= (train_share + valid_share) * n:
            label[rows] = 1
            valid += len(rows)
        else:
            label[rows] = 2
    return _split_by_label(label)


def scaffolds(molecules: Sequence[str | Chem.Mol]) -> list[str]:
    """Return the Bemis-Murcko scaffold of each molecule as SMILES without chirality, '' for an acyclic one.

    >>> scaffolds(["CCO", "Cc1ccccc1"])
    ['', 'c1ccccc1']
    """
    return [scaffold_of(mol) for mol in as_mols(molecules)]


def scaffold_of(mol: Chem.Mol) -> str:
    """Return the scaffold of one RDKit molecule; see `scaffolds`."""
    with interrupts_held():
        return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False))


def _checked(fractions: Sequence[float]) -> tuple[float, float, float]:
    shares = tuple(float(fraction) for fraction in fractions)
    if len(shares) != 3 or shares[0] <= 0 or min(shares) < 0 or not abs(sum(shares) - 1) < 1e-6:
        raise ValueError(
            "fractions must be three numbers (training above 0, validation, test) that add up to 1, "
            f"got {list(fractions)}"
        )
    return shares


def _sizes(n: int, fractions: Sequence[float]) -> np.ndarray:
    """Return the sizes of the three sets, which add up to `n`."""
    shares = _checked(fractions)
    if n < 0:
        raise ValueError(f"n must be 0 or more, got {n}")
    # 1e-9: 0.7 + 0.2 falls just short of 0.9
    train, both = int(shares[0] * n + 1e-9), int((shares[0] + shares[1]) * n + 1e-9)
    sizes = np.array([train, both - train, n - both])
    wanted = [part for part in (0, 2, 1) if shares[part] > 0]
    for part in wanted[:n]:
        if sizes[part] == 0:
            sizes[np.argmax(sizes)] -= 1
            sizes[part] = 1
    return sizes


def _strata(values: np.ndarray, bins: int) -> np.ndarray:
    """Number the class, or the range, that each value belongs to."""
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        return np.unique([str(value) for value in values], return_inverse=True)[1]
    distinct, stratum = np.unique(numbers, return_inverse=True)
    if len(distinct) <= bins:
        return stratum
    known = ~np.isnan(numbers)
    edges = np.quantile(numbers[known], np.arange(1, bins) / bins)
    return np.where(known, np.searchsorted(edges, numbers, side="right"), bins)


def _split_by_label(label: np.ndarray) -> Split:
    train, valid, test = (np.flatnonzero(label == part).astype(np.int64) for part in range(3))
    return Split(train, valid, test)
