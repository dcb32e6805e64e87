import numpy as np
import pandas as pd
import pytest

from graphattn.cli.errors import USER_ERROR
from graphattn.tasks.molecule import MoleculePredictor


def test_a_file_is_explained(trained, invoke, tmp_path):
    out = tmp_path / "explained"
    result = invoke("explain", trained.run, trained.data, "--out", out, "--check")
    assert result.exit_code == 0, result.stderr
    assert "30 molecules explained" in result.stderr and "1 could not be read" in result.stderr
    assert "row 5: " in result.stderr and "Test by deletion" in result.stderr
    table = pd.read_csv(out / "atoms.csv")
    page = (out / "index.html").read_text()
    assert page.count("<svg") == 30 and "<script" not in page
    assert (out / "1.png").read_bytes().startswith(b"\x89PNG") and (out / "1.svg").read_text().startswith("<svg")
    first = table[table["row"] == 1]
    total = first["value"].sum()
    assert total == pytest.approx(first["prediction"].iloc[0] - first["baseline"].iloc[0], abs=0.02)
    for row, each in table[table["kind"] == "atom"].groupby("row"):
        assert each["number"].tolist() == list(range(len(each))), row


def test_the_networks_mean_is_what_is_explained(trained, frame):
    predictor = MoleculePredictor.load(trained.run)
    (found,) = predictor.explain(frame["smiles"][0], method="occlusion")
    data = predictor.to_data(next(predictor.require_fitted().featurizer.each([frame["smiles"][0]])))
    each = predictor._predict_each([data], "cpu")
    assert found.attribution.prediction == pytest.approx(float(each.mean()), abs=1e-4)
    assert found.svg().startswith("<svg") and len(list(found.rows())) == len(found.attribution.atoms) + len(
        found.attribution.bonds
    )
    assert np.isfinite(found.attribution.atoms).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CCO", "--method", "tarot"], "method must be one of gradients, occlusion, attention"),
        (["CCO", "--target", "weight"], "the model predicts log S, not 'weight'"),
        (["C1CC("], "none of the molecules could be read"),
    ],
)
def test_what_cannot_be_explained(trained, invoke, tmp_path, arguments, message):
    result = invoke("explain", trained.run, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == USER_ERROR and message in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_hostile_name_stays_text(trained, invoke, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("smiles\nCCO\n<script>alert(1)</script>\n")
    result = invoke("explain", trained.run, table, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "<script" not in (tmp_path / "out" / "index.html").read_text()
