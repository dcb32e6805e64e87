"""Files that were damaged in every way: nothing crashes, nothing hangs, and no row is lost.

GRAPHATTN_FUZZ says how many files of each kind are tried.
"""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from graphattn.chem import AtomFeaturizer, BondFeaturizer, SmilesError
from graphattn.chem.features import ArrayFeaturizer
from graphattn.chem.sdf import read_sdf
from graphattn.datasets import load
from graphattn.tasks.common.table import parse_table
from graphattn.tasks.molecule import InputError
from graphattn.tasks.molecule.columns import guess_smiles_column
from graphattn.tasks.molecule.rows import select_rows
from graphattn.tasks.molecule.tables import read_molecule_table

EXAMPLES = int(os.environ.get("GRAPHATTN_FUZZ", "100"))
fuzzed = settings(max_examples=EXAMPLES)

SMILES = [text.strip() for text in load("esol").frame["smiles"].iloc[::60]]
SMILES += ["[Na+].[Cl-]", "C[C@@H](N)C(=O)O", "F/C=C/F", "CCO |$;;R1$|", "InChI=1S/CH4/h1H4", "[13CH4]", "*C"]
ROWS = "".join(f'{number},"name, {number}",{text},{number / 3:.2f}\n' for number, text in enumerate(SMILES))
TABLES = [
    f"id,name,smiles,logS\n{ROWS}",
    f"id;name;smiles;logS\n{ROWS.replace(',', ';').replace('.', ',')}",
    "smiles\tactive\n" + "".join(f"{text}\t{'yes' if number % 2 else 'no'}\n" for number, text in enumerate(SMILES)),
]


def sdf(smiles):
    buffer = io.StringIO()
    writer = Chem.SDWriter(buffer)
    for number, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        mol.SetProp("logS", str(number))
        writer.write(mol)
    writer.close()
    return buffer.getvalue()


RECORDS = sdf(SMILES[:6])
PIECES = st.one_of(
    st.sampled_from(
        ['"', ",", ";", "\t", "\n", "\r\n", "\x00", "$$$$\n", "M  END\n", "> <logS>\n", "()", "[", "]", "%99", "@@",
         "#", "1", "nan", "1e999", ">5", "--", "\ufeff", "é", "\N{MINUS SIGN}", " ", "C" * 300, ">>", "|", " + ", "."]
    ),
    st.text(max_size=4),
)  # fmt: skip


@st.composite
def damaged(draw, texts):
    """One of the texts with pieces put in, taken out, doubled or cut off."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 12))
        how = draw(st.sampled_from(["insert", "replace", "remove", "double", "cut"]))
        if how in ("insert", "replace"):
            text = text[:at] + draw(PIECES) + text[at + (length if how == "replace" else 0) :]
        elif how == "remove":
            text = text[:at] + text[at + length :]
        elif how == "double":
            text = text[: at + length] + text[at:]
        else:
            text = text[:at]
    return text


@fuzzed
@given(damaged(TABLES))
def test_tables(text):
    try:
        table = parse_table(text.encode("utf-8", "surrogatepass"), "t.csv")
        targets = [column for column in table.columns if column in ("logS", "active")] or table.columns[-1:]
        rows = select_rows(table, guess_smiles_column(table), targets)
    except InputError as error:
        assert str(error)
        assert "Traceback" not in str(error)
        return
    rejected = {reject.row for reject in rows.rejects}
    assert sorted([*rows.rows, *rejected]) == [row for row, cells in enumerate(table.rows) if cells]
    assert all(reject.reason for reject in rows.rejects)
    assert np.isfinite(rows.targets).all()


@fuzzed
@given(damaged([RECORDS]))
def test_structure_data_files(text):
    lines = text.splitlines()
    records = list(read_sdf(lines))
    ends = [number for number, line in enumerate(lines) if line.strip() == "$$$$"]
    rest = lines[ends[-1] + 1 :] if ends else lines
    assert len(records) == len(ends) + any(line.strip() for line in rest)
    assert all(record.smiles or record.reason for record in records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.sdf"
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            table = read_molecule_table(path)
        except InputError as error:
            assert str(error)
        else:
            assert len(table.rows) >= 1


@fuzzed
@given(damaged(SMILES))
def test_smiles(text):
    featurizer = ArrayFeaturizer(AtomFeaturizer.physchem(), BondFeaturizer.chemprop(), ("MolWt",), identify=True)
    try:
        arrays = featurizer(text)
    except SmilesError as error:
        assert str(error)
        return
    assert len(arrays.x) >= 1
    assert np.isfinite(arrays.x).all()
    assert arrays.edge_index.max(initial=-1) < len(arrays.x)
