import numpy as np
import pandas as pd
import pytest

from graphattn.cli.errors import USER_ERROR
from graphattn.tasks.molecule import MoleculePredictor


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_rows_come_back_in_their_order(trained, invoke, frame, tmp_path, suffix):
    pytest.importorskip("pyarrow")
    out = tmp_path / f"f{suffix}"
    result = invoke("fingerprint", trained.run, trained.data, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "31 rows of 256 numbers" in result.stderr
    assert "1 of 31 rows has no fingerprint" in result.stderr
    if suffix == ".npz":
        arrays = np.load(out)
        smiles, rows, reasons = arrays["smiles"].tolist(), arrays["fingerprint"], arrays["reason"].tolist()
    else:
        table = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
        smiles, rows = table["smiles"].tolist(), table.filter(like="fingerprint_").to_numpy()
        reasons = table["reason"].fillna("").tolist()
    assert smiles == frame["smiles"].str.strip().tolist()
    assert [row for row, reason in enumerate(reasons) if reason] == [4]
    expected = MoleculePredictor.load(trained.run).fingerprint(frame["smiles"])
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-4)


def test_a_file_must_be_named(trained, invoke, tmp_path):
    for arguments, message in (([], "--out is needed"), (["--out", tmp_path / "f.doc"], "its name should end in")):
        result = invoke("fingerprint", trained.run, "CCO", *arguments)
        assert result.exit_code == USER_ERROR
        assert message in result.stderr
