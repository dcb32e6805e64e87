"""From a table of SMILES to a predictor of solubility, in Python: fit, predict, save, load.

    python examples/solubility.py

The data are ESOL, which comes with graphattn: 1,128 molecules with their measured solubility in water, in log mol/L
(Delaney 2004, doi:10.1021/ci034243x). The split is by scaffold, so the test molecules have ring frameworks that the
network has not seen.

Expected: the test RMSE is about 0.8; predicting the mean for every molecule gives 2.31. Ethanol comes out far more
soluble than naphthalene, and the broken SMILES gets no value and a reason. The network is small and trains briefly,
to be quick; `make demo` trains a better one. Takes about 20 seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graphattn.datasets import load
from graphattn.tasks.molecule import ModelConfig, MoleculePredictor, TrainingConfig


def main(out: str | Path = "runs/solubility", epochs: int = 10, molecules: int | None = None) -> float:
    """Fit to the first molecules of ESOL (all, where None), show some predictions, and return the test RMSE."""
    data = load("esol")
    predictor = MoleculePredictor(
        ModelConfig(embed_dim=64, depth=2, head_dim=64),
        TrainingConfig(epochs=epochs, ensemble=1, lr=2e-3, device="cpu"),
    )
    predictor.fit(
        data.frame.head(molecules or len(data.frame)),
        smiles_column=data.smiles_column,
        target_columns=data.target_columns,
        split="scaffold",
        unit=data.unit,
    )
    test = predictor.fitted.metrics["test"]
    print(f"{predictor}\ntest RMSE {test['rmse']:.2f}, MAE {test['mae']:.2f} {data.unit}\n")

    smiles = {"ethanol": "CCO", "naphthalene": "c1ccc2ccccc2c1", "broken": "C1CC"}
    table = predictor.predict(list(smiles.values()))
    for (name, text), value, reason in zip(smiles.items(), table.iloc[:, 1], table["reason"], strict=True):
        print(f"{name:12} {text:16} {reason or f'{value:.2f}'}")

    predictor.save(out)
    again = MoleculePredictor.load(out).predict(list(smiles.values()))
    print(f"\nsaved to {out}; loaded again, it predicts the same: {again.equals(table)}")
    return test["rmse"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", default="runs/solubility", help="directory of the model (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the data (default: %(default)s)")
    options = parser.parse_args()
    main(options.out, options.epochs)
