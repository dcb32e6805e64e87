"""What a training does once: read the table, parse each SMILES, write each file."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import graphattn.chem.features
import graphattn.chem.smiles
import graphattn.files
from graphattn.chem import AtomFeaturizer, BondFeaturizer
from graphattn.tasks.common import model_directory, table
from graphattn.tasks.molecule import fitting, report, trust
from graphattn.tasks.molecule.experiment import run_experiment
from graphattn.tasks.molecule.featurizer import Featurizer


def count(monkeypatch, module, name, key):
    """Count the calls of a function by what `key` makes of their arguments."""
    calls = Counter()
    function = getattr(module, name)

    def counting(*arguments, **settings):
        calls[key(*arguments)] += 1
        return function(*arguments, **settings)

    monkeypatch.setattr(module, name, counting)
    return calls


@pytest.mark.parametrize(("split", "descriptors"), [("random", False), ("scaffold", True)])
def test_a_training_reads_parses_and_writes_once(
    frame, tmp_path, model_config, training_config, monkeypatch, split, descriptors
):
    data = tmp_path / "data.csv"
    frame.to_csv(data, index=False)
    tables = count(monkeypatch, table, "parse_table", lambda data, name, *_: name)
    smiles = count(monkeypatch, graphattn.chem.smiles, "parse_smiles", lambda text: text)
    monkeypatch.setattr(graphattn.chem.features, "parse_smiles", graphattn.chem.smiles.parse_smiles)
    monkeypatch.setattr(report, "draw_molecule", lambda *_, **__: "")  # the report draws a dozen, from their SMILES
    files = count(monkeypatch, graphattn.files, "write_atomically", lambda path, _: path.name)
    monkeypatch.setattr(model_directory, "write_atomically", graphattn.files.write_atomically)
    monkeypatch.setattr(trust, "write_atomically", graphattn.files.write_atomically)
    run_experiment(
        data,
        tmp_path / "run",
        model=replace(model_config, descriptors=descriptors),
        training=replace(training_config, epochs=1),
        console=Console(quiet=True),
        target_columns=["logS"],
        split=split,
    )
    assert tables == {str(data): 1}
    assert smiles == dict.fromkeys(frame["smiles"].str.strip(), 1)
    written = [
        "run.json",
        "network-1.safetensors",
        "network-2.safetensors",
        "trust.safetensors",
        "metrics.json",
        "model.json",
    ]
    if descriptors:
        written += ["svr.safetensors", "ridge.safetensors", "lightgbm-1.txt", "forest-1.txt"]
    written += ["network-1.ckpt", "network-2.ckpt"]  # one an epoch
    assert files == dict.fromkeys([*written, "predictions.csv", "report.html"], 1)


def test_rivals_need_descriptors_but_no_molecule_is_lost_for_them(monkeypatch):
    featurizer = Featurizer(AtomFeaturizer.chemprop(), BondFeaturizer.chemprop(), ())
    monkeypatch.setattr(fitting, "descriptor_names", lambda: ["MolWt", "TPSA"])
    each = Featurizer.each

    def slow(self, smiles, **settings):
        for text, answer in zip(smiles, each(self, smiles, **settings), strict=True):
            yield "it takes too long" if self.descriptors and text == "CCO" else answer

    monkeypatch.setattr(Featurizer, "each", slow)
    water, ethanol, nothing = fitting._reader(featurizer, rivals=True)(["O", "CCO", "C("])
    assert water.descriptors == pytest.approx([18.015, 31.5])
    assert np.isnan(ethanol.descriptors).tolist() == [True, True]
    assert ethanol.identity.canonical_smiles == "CCO"
    assert ethanol.graph.x.shape[0] == 3
    assert "not valid SMILES" in nothing
    assert all(len(molecule.descriptors) == 0 for molecule in fitting._reader(featurizer, rivals=False)(["O"]))
