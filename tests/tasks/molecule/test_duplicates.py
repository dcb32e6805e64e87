import numpy as np

from graphattn.chem import Split
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule.duplicates import describe, same_molecule
from graphattn.tasks.molecule.rows import select_rows


def rows_of(*pairs):
    text = "\n".join(["smiles,y", *(f"{smiles},{value}" for smiles, value in pairs)])
    return select_rows(parse_table(text.encode(), "t.csv"), "smiles", ["y"])


CROSSING = "1 of 1 test molecules also train or validate, which flatters the test"
ROWS = rows_of(("CCO", 1.5), ("C", 0.1), ("OCC", 2.5), ("C", 0.1), ("CC", 3.5))


def test_copies_are_found_however_they_are_written():
    assert same_molecule(ROWS).tolist() == [0, 1, 0, 1, 4]


def test_what_is_said():
    first = same_molecule(ROWS)
    apart = Split(np.array([0, 1, 3]), np.array([4]), np.array([2]))
    start = "2 molecules stand in the table more than once, 1 of them with different values; "
    assert describe(ROWS, apart, first) == start + CROSSING
    together = Split(np.array([0, 2]), np.array([4]), np.array([1, 3]))
    assert describe(ROWS, together, first) == start + "copies are in one part of the split"
    single = rows_of(("C", 1.5), ("CC", 0.1))
    assert describe(single, Split(np.array([0]), np.array([1]), np.array([], dtype=int)), same_molecule(single)) == ""
