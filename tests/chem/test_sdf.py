import io

from rdkit import Chem

from graphattn.chem import canonical_smiles
from graphattn.chem.sdf import read_sdf


def written(*smiles, v3000=False):
    """What RDKit writes, with two properties."""
    buffer = io.StringIO()
    writer = Chem.SDWriter(buffer)
    writer.SetForceV3000(v3000)
    for number, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        mol.SetProp("_Name", f"m{number}")
        mol.SetProp("logS", str(number / 2))
        mol.SetProp("note", "first\nsecond")
        writer.write(mol)
    writer.close()
    return buffer.getvalue()


SMILES = ["CCO", "C[C@H](N)C(=O)O", "F/C=C/F"]


def test_there_and_back():
    for v3000 in (False, True):
        found = list(read_sdf(written(*SMILES, v3000=v3000).splitlines()))
        assert [record.title for record in found] == ["m0", "m1", "m2"]
        assert [canonical_smiles(record.smiles) for record in found] == [canonical_smiles(each) for each in SMILES]
        assert found[1].properties == {"logS": "0.5", "note": "first\nsecond"}
        assert found[0].line == 1
        assert not any(record.reason for record in found)


def test_a_record_that_cannot_be_read_costs_only_itself():
    good = written("CCO")
    broken = "name\n\n\nnonsense\nM  END\n> <logS>\n1\n\n$$$$\n"
    five = (
        "five\n  x\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n"
        + "".join(f"    0.0000    0.0000    0.0000 {symbol}   0  0\n" for symbol in "FF")
        + "  1  2  3  0\nM  END\n$$$$\n"
    )
    found = list(read_sdf((good + broken + five + good).splitlines()))
    assert [bool(record.reason) for record in found] == [False, True, True, False]
    assert found[1].properties == {"logS": "1"}
    assert found[1].line == good.count("\n") + 1
    assert "valence" in found[2].reason


def test_a_file_that_is_cut():
    text = written("CCO", "CCN")
    for end in range(0, len(text), 7):
        for record in read_sdf(text[:end].splitlines()):
            assert record.reason or canonical_smiles(record.smiles)
    assert list(read_sdf([])) == []
