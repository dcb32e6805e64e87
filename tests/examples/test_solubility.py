"""The example for chemists, on fewer molecules."""

import math


def test_solubility(example, tmp_path, capsys):
    rmse = example("solubility").main(out=tmp_path / "model", epochs=1, molecules=120)
    assert math.isfinite(rmse)
    printed = capsys.readouterr().out
    assert "'C1CC' is not valid SMILES" in printed
    assert printed.rstrip().endswith("it predicts the same: True")
    assert (tmp_path / "model" / "model.json").exists()
