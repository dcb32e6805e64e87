"""The cells of a column as text, as numbers, as yes or no, as lists of words; each different cell is looked at once."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphattn.tasks.common.decimals import POINT, UNCLEAR, convention_of, parse_number
from graphattn.tasks.common.labels import MISSING

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 1e30  # what can be squared and summed in 32 bits
_YES_NO = [("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("0", "1")]
_SEPARATORS = re.compile(r"[;|]")
_NUMBER_WORDS = re.compile(r"\d+(\s+\d+)+")


class Coded(NamedTuple):
    """A column as its different cells."""

    codes: NDArray[Any]
    """`[N]`: the place in `names` of each cell, −1 where there is none"""
    names: list[str]
    """text without spaces around it; two of them may be the same, one of which had spaces"""

    def cells(self) -> list[str]:
        """The text of every cell, "" where there is none."""
        return np.array([*self.names, ""], dtype=object)[self.codes].tolist()

    def first(self, code: int) -> int:
        """The first row with that code."""
        return int(np.argmax(self.codes == code))


def coded(column: pd.Series) -> Coded:
    """Tell the different cells of a column apart."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.codes.to_numpy(), [as_text(name) for name in column.cat.categories])
    try:
        codes, names = pd.factorize(column)
    except TypeError:  # lists and dictionaries in the cells
        codes, names = pd.factorize(column.map(as_text))
    return Coded(codes, [as_text(name) for name in names])


def as_text(value: Any) -> str:
    """What a person would write: 7 for 7.0, nothing for NaN, JSON for a list."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value or type(value).__name__ == "NAType":
        return ""
    if isinstance(value, (float, np.floating)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return json.dumps([item.item() if isinstance(item, np.generic) else item for item in value], default=str)
    return str(value).strip()


def missing(coded: Coded) -> NDArray[np.bool_]:
    """`[N]`: whether a cell is empty or says that there is no value (NA, null, -, …)."""
    gone = np.array([name.lower() in MISSING for name in coded.names] + [True], dtype=bool)
    return gone[coded.codes]


class Numbers(NamedTuple):
    """A column as numbers."""

    values: NDArray[np.float64]
    """NaN where there is none"""
    wrong: NDArray[np.bool_]
    """where a cell is neither missing nor a number that can be used"""
    convention: str
    """how they are written; see `decimals`"""


def numbers(column: pd.Series | Coded) -> Numbers:
    """Read numbers, however they are written."""
    import pandas as pd

    if not isinstance(column, Coded):
        if pd.api.types.is_numeric_dtype(column.dtype):
            values = column.to_numpy(dtype=np.float64, na_value=math.nan)
            wrong = np.abs(values) > _LARGEST
            return Numbers(np.where(wrong, math.nan, values), wrong, POINT)
        column = coded(column)
    names = pd.Series([*column.names, ""], dtype=object)
    values = pd.to_numeric(names, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    gone = names.str.lower().isin(MISSING).to_numpy()
    values[gone | ~(np.abs(values) <= _LARGEST)] = math.nan
    left = np.flatnonzero(np.isnan(values) & ~gone)
    convention = POINT
    if len(left):
        convention = convention_of(names[~gone])
        for at in left:
            try:
                values[at] = parse_number(names[at], convention)
            except ValueError:
                continue
    codes = column.codes
    return Numbers(values[codes], (np.isnan(values) & ~gone)[codes], convention)


def unclear(found: Numbers) -> bool:
    """Tell whether commas may group thousands or mark decimals, with nothing to tell which."""
    return found.convention == UNCLEAR


def yes_no(column: Coded) -> NDArray[np.float64] | None:
    """1 where a cell says yes or true, 0 where no or false, NaN where missing; None for any other column."""
    folded = [name.casefold() for name in column.names]
    known = {name for name in folded if name not in MISSING}
    pair = next((pair for pair in _YES_NO if known == set(pair)), None)
    if pair is None:
        return None
    values = np.array([pair.index(name) if name in pair else math.nan for name in folded] + [math.nan])
    return values[column.codes]


def words(column: Coded) -> list[list[str]] | None:
    """The words of each different cell, where the column holds lists; None for any other column.

    A list is JSON, or words with ; or | between them, or numbers with spaces between them.
    """
    lists = [split_words(name) for name in column.names if name.lower() not in MISSING]
    several = sum(len(found) > 1 for found in lists)
    if not several or 5 * sum(_is_list(name) for name in column.names) < len(lists):
        return None
    total = sum(len(found) for found in lists)
    if 2 * len({word for found in lists for word in found}) > total + len(lists):
        return None  # hardly a word comes twice: sentences or keys, not lists
    return [[] if name.lower() in MISSING else split_words(name) for name in column.names]


def _is_list(name: str) -> bool:
    return name.startswith("[") or bool(_SEPARATORS.search(name)) or bool(_NUMBER_WORDS.fullmatch(name))


def split_words(name: str) -> list[str]:
    """The words of one cell; see `words`."""
    if name.startswith("["):
        try:
            found = json.loads(name.replace("'", '"'))
        except ValueError:
            return [name]
        return [as_text(item) for item in found if as_text(item)]
    if _NUMBER_WORDS.fullmatch(name):
        return name.split()
    return [word.strip() for word in _SEPARATORS.split(name) if word.strip()]
