import gzip

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from graphattn.tasks.common.table import Table, Unusable, parse_table
from graphattn.tasks.molecule import TableError
from graphattn.tasks.molecule.split import by_time
from graphattn.tasks.molecule.tables import PART, join_columns, join_parts, read_molecule_table, read_times


def sdf(path):
    writer = Chem.SDWriter(str(path))
    for name, smiles, value in (("ethanol", "OCC", "1.5"), ("water", "O", "2")):
        mol = Chem.MolFromSmiles(smiles)
        mol.SetProp("_Name", name)
        mol.SetProp("logS", value)
        writer.write(mol)
    writer.close()
    with path.open("a") as file:
        file.write("broken\n\n\nnonsense\nM  END\n$$$$\n")


@pytest.mark.parametrize("packed", [False, True])
def test_sdf(tmp_path, packed):
    path = tmp_path / "t.sdf"
    sdf(path)
    if packed:
        (tmp_path / "t.sdf.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "t.sdf.gz"
    table = read_molecule_table(path)
    assert table.columns == ["smiles", "name", "logS"]
    assert table.rows[0] == ["CCO", "ethanol", "1.5"]
    assert isinstance(table.rows[2], Unusable)
    assert "cannot read the atoms" in table.rows[2].reason
    path.write_text("")
    with pytest.raises(TableError, match="holds no record"):
        read_molecule_table(path)


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("CCO ethanol\nC\n\nO my water\n", ["smiles", "name"], [["CCO", "ethanol"], ["C", ""], [], ["O", "my water"]]),
        ("SMILES\tid\nCCO\t7\n", ["SMILES", "id"], [["CCO", "7"]]),
        ("C[C@H](O)F |&1:1| racemate\nC\n", ["smiles", "name"], [["C[C@H](O)F |&1:1|", "racemate"], ["C", ""]]),
        ("CCO\nC\n", ["smiles"], [["CCO"], ["C"]]),
    ],
)
def test_lists_of_smiles(tmp_path, text, columns, rows):
    path = tmp_path / "t.smi"
    path.write_text(text)
    table = read_molecule_table(path)
    assert table.columns == columns
    assert [list(cells) if columns[1:] else list(cells)[:1] for cells in table.rows] == rows
    path.write_text("\n")
    with pytest.raises(TableError, match="holds no SMILES"):
        read_molecule_table(path)


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_tables_with_types(tmp_path, suffix):
    pytest.importorskip("pyarrow" if suffix == ".parquet" else "openpyxl")
    frame = pd.DataFrame({"smiles": ["CCO", "C", None], "n": [1, 2, 3], "x": [0.5, np.nan, -1.25]})
    path = tmp_path / f"t{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_excel(path, index=False)
    table = read_molecule_table(path)
    assert table.columns == ["smiles", "n", "x"]
    assert table.rows == [["CCO", "1", "0.5"], ["C", "2", ""], ["", "3", "-1.25"]]
    assert table.where(1).endswith(f"t{suffix}, row {3 if suffix == '.xlsx' else 1}")
    path.write_bytes(path.read_bytes()[: 3 * path.stat().st_size // 4])
    with pytest.raises(TableError, match="is no whole"):
        read_molecule_table(path)


def test_several_columns_of_smiles_become_one():
    table = parse_table(b"solute,solvent,y\nCCO,O,1\nC,,2\nCC,O,3,4\n", "t.csv")
    joined, name = join_columns(table, ["solute", "solvent"])
    assert name == "solute + solvent" == joined.columns[-1]
    assert [cells[-1] for cells in joined.rows[:2]] == ["CCO + O", ""]
    assert isinstance(joined.rows[2], Unusable)


def test_files_of_their_own_for_each_part():
    train, test = (
        parse_table(b"id,smiles,y\n1,C,1\n2,CC,2\n", "a.csv"),
        parse_table(b"y,smiles\n3,CCC\n1,2,3\n", "b.csv"),
    )
    table = join_parts({"train": train, "test": test}, ["smiles", "y"])
    assert table.columns == ["id", "smiles", "y", PART]
    assert [list(cells) for cells in table.rows[1:3]] == [["2", "CC", "2", "train"], ["", "CCC", "3", "test"]]
    assert isinstance(table.rows[3], Unusable)
    assert table.where(2, "y") == "b.csv, line 2, column 'y'"
    with pytest.raises(TableError, match=r"b\.csv, line 1: no column 'id'"):
        join_parts({"train": train, "test": test}, ["id"])


def test_times_are_dates_or_numbers():
    table = Table("t", ["a", "b", "c"], [["2024-03-01", "2019", "x"], ["2023-12-24", "2020.5", "1"]], [2, 3])
    first, second = read_times(table, "a", [0, 1])
    assert second < first
    assert read_times(table, "b", [1, 0]).tolist() == [2020.5, 2019.0]
    with pytest.raises(TableError, match="line 2, column 'c': 'x' is neither a date"):
        read_times(table, "c", [0, 1])


def test_the_latest_test():
    times = np.random.default_rng(0).permutation(np.repeat(np.arange(50.0), 2))
    split = by_time(times)
    assert times[split.train].max() < times[split.valid].min()
    assert times[split.valid].max() < times[split.test].min()
    assert [len(part) for part in split] == [80, 10, 10]
