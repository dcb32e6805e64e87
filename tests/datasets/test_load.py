import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphattn.datasets import DatasetError, available, card, load, resolve

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("GRAPHATTN_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def data(monkeypatch):
    monkeypatch.setenv("GRAPHATTN_DATA", str(DATA))


def test_esol():
    data = load("ESOL")
    assert data.name == "esol"
    assert len(data.frame) == 1128
    assert data.target_columns == ["measured log solubility in mols per litre"]
    assert (data.task, data.unit, data.smiles_column) == ("regression", "log mol/L", "smiles")
    target = data.frame[data.target_columns[0]]
    assert (target.min(), target.max()) == (-11.6, 1.58)
    assert target.mean() == pytest.approx(-3.0501, abs=1e-4)
    smiles = data.frame["smiles"]
    assert (smiles != smiles.str.strip()).sum() == 212


def test_freesolv():
    data = load("freesolv")
    assert len(data.frame) == 642
    assert (data.target_columns, data.unit) == (["expt"], "kcal/mol")
    assert data.frame["expt"].mean() == pytest.approx(-3.8030, abs=1e-4)
    assert data.frame["expt"].min() == -25.47


@pytest.mark.parametrize("name", available())
def test_card_agrees_with_the_table(name, data):
    facts = card(name)
    if facts.url is not None and not list((DATA / name).glob(f"{facts.file}*")):
        pytest.skip("needs GRAPHATTN_DATA")
    frame = load(name).frame
    assert len(frame) == facts.rows
    assert frame[facts.smiles_column].notna().all()
    targets = frame[list(facts.target_columns)]
    if facts.task == "classification":
        assert set(targets.stack().dropna().unique()) == {0, 1}
    else:
        assert targets.notna().all(axis=None)
    for name_, count in {"bace": 691, "bbbp": 1567, "hiv": 1443}.items():
        if name == name_:
            assert targets.to_numpy().sum() == count


@pytest.mark.parametrize("name", ["esol", "freesolv"])
def test_cards_on_disk(name):
    facts = card(name)
    folder = REPOSITORY / "datasets" / name
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert facts.sha256 in text
    assert f"{facts.rows:,}" in text
    assert facts.file in text
    assert f"{(folder / facts.file).stat().st_size:,} bytes" in text
    for column in load(name).frame.columns:
        assert f"`{column}`" in text
    for heading in ("target", "Columns", "Counts", "oddities", "citation", "License"):
        assert heading in text


def test_unknown_name():
    with pytest.raises(DatasetError, match="no data set is called 'esoll'; there are esol, freesolv, lipophilicity"):
        load("esoll")


def test_resolve(tmp_path, monkeypatch):
    source = resolve("esol")
    assert source.card is card("esol")
    assert source.path.name == "delaney-processed.csv"
    own = tmp_path / "mine.csv"
    own.write_text("smiles,y\nC,1\n")
    assert resolve(own) == resolve(str(own)) == (own, None)
    # a file of that name comes first
    monkeypatch.chdir(tmp_path)
    Path("esol").write_text("smiles,y\n")
    assert resolve("esol") == (Path("esol"), None)


def test_resolve_neither(tmp_path):
    with pytest.raises(DatasetError, match=r"'mine\.csv': no such file, and no data set is called so; there are esol"):
        resolve("mine.csv")
    with pytest.raises(DatasetError, match="a directory, not a file"):
        resolve(tmp_path)


def test_import_needs_no_pandas():
    code = "import sys, graphattn.datasets as d; d.card('esol'); print('pandas' in sys.modules, 'rdkit' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
