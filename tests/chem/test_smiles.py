import math
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from graphattn.chem import SmilesError, canonical_smiles, parse_smiles
from graphattn.chem.smiles import as_mols

HAS_REASONS = hasattr(rdBase, "CaptureErrorLog")


def test_surrounding_whitespace_is_dropped():
    assert parse_smiles("\t CCO \r\n").GetNumAtoms() == 3


def test_unusual_molecules_are_accepted():
    for smiles in ["*C", "[H][H]", "[Na+].[Cl-]", "[2H]", "[Fe]"]:
        assert parse_smiles(smiles).GetNumAtoms() > 0


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT])
def test_missing(value):
    with pytest.raises(SmilesError, match=r"^the SMILES is missing$"):
        parse_smiles(value)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("", "the SMILES is empty"),
        (" \t", "the SMILES is empty"),
        (7, "a SMILES must be text, got int 7"),
        (b"C", "a SMILES must be text, got bytes b'C'"),
        ("CC ethane", "'CC ethane' holds a space inside; one SMILES is expected"),
        ("CéO", "'CéO' holds 'é', a character that SMILES does not use"),
        ("\ufeffCO", r"'\ufeffCO' holds '\ufeff', a character that SMILES does not use"),
        ("CN(C)(C)(C)C", "atom 2 (N) of 'CN(C)(C)(C)C' has more bonds than its element and charge allow"),
        (r"F/C=C\N=[NH2]", r"atom 5 (N) of 'F/C=C\N=[NH2]' has more bonds than its element and charge allow"),
        ("CCc", "atom 3 (C) of 'CCc' is marked aromatic but is not in a ring"),
        (
            "Cc1cccc1",
            "no placing of double bonds fits the aromatic ring of 'Cc1cccc1' at atom 2, 3, 4, 5, 6; "
            "perhaps a hydrogen is missing, as in [nH]",
        ),
    ],
)
def test_reason(smiles, message):
    with pytest.raises(SmilesError) as caught:
        parse_smiles(smiles)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CC(", "syntax error near character 3"),
        ("CC)C", "extra close parentheses near character 3"),
        ("C[Xx]", "syntax error near character 3"),
        ("C1CC", "unclosed ring"),
        ("C1C1", "ring closure 1 duplicates bond between atom 1 and atom 2"),
    ],
)
def test_syntax_error(smiles, reason):
    with pytest.raises(SmilesError) as caught:
        parse_smiles(smiles)
    assert str(caught.value) == f"'{smiles}' is not valid SMILES: {reason if HAS_REASONS else 'syntax error'}"


def test_syntax_error_without_rdkit_capture(monkeypatch):
    monkeypatch.delattr(rdBase, "CaptureErrorLog", raising=False)
    with pytest.raises(SmilesError, match=r"'CC\(' is not valid SMILES: syntax error$"):
        parse_smiles("CC(")


def test_message_stays_short_and_printable():
    with pytest.raises(SmilesError) as caught:
        parse_smiles("C" * 5000 + "?")
    assert len(str(caught.value)) < 130
    with pytest.raises(SmilesError) as caught:
        parse_smiles("CC\0C")
    assert str(caught.value).isprintable()


@given(st.text(alphabet="CNOSFcnos123()[]=#@+-H%./\\\\:* \0é", max_size=20))
def test_any_text_gives_a_molecule_or_a_smiles_error(text):
    try:
        assert parse_smiles(text).GetNumAtoms() > 0
    except SmilesError as error:
        assert str(error).isprintable()


def test_rdkit_is_quiet_here_and_as_before_afterwards():
    code = (
        "from rdkit import Chem\n"
        "from graphattn.chem import parse_smiles\n"
        "for smiles in ['CC(', 'CN(C)(C)(C)C', 'c1cccc1', '[H]']:\n"
        "    try: parse_smiles(smiles)\n"
        "    except ValueError: pass\n"
        "print(flush=True)\n"
        "Chem.MolFromSmiles('CC)')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "extra close parentheses" in run.stderr  # RDKit still speaks when the user calls it ...
    assert run.stderr.count("CC(") == run.stderr.count("valence") == run.stderr.count("ekulize") == 0
    assert "without neighbors" not in run.stderr  # ... and was silent while we did


def test_canonical_smiles_of_text_and_of_molecule():
    assert canonical_smiles("OCC") == canonical_smiles(Chem.MolFromSmiles("C(O)C")) == "CCO"


def test_position_of_a_bad_molecule():
    with pytest.raises(SmilesError, match=r"^molecule 2: the SMILES is empty$"):
        list(as_mols(["C", Chem.MolFromSmiles("N"), ""]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C[C@H](O)F |&1:1|", "C[C@H](O)F"),
        ("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "CCO"),
    ],
)
def test_what_else_names_a_molecule(text, expected):
    assert canonical_smiles(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CCO>>CC=O", "is a reaction; give its reactant or its product"),
        ("LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "is an InChIKey, which holds no structure"),
        ("InChI=1S/nonsense", "RDKit cannot read the InChI"),
        ("CCO |broken(|", "is not valid SMILES"),
        ("CCO ethanol", "holds a space inside"),
    ],
)
def test_what_names_none_is_said(text, message):
    with pytest.raises(SmilesError, match=re.escape(message)):
        parse_smiles(text)
