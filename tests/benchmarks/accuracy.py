"""Accuracy on public data sets: every split and seed trained by the command line, gathered into one JSON file.

    python tests/benchmarks/accuracy.py --runs runs/accuracy --out docs/benchmarks/accuracy.json

Trainings that are there already are not repeated. Takes about an hour on two cores; Lipophilicity is downloaded,
or read from the folder that GRAPHATTN_DATA names.
"""

import argparse
import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

PLAN = [
    *(("esol", split, seed) for split in ("scaffold", "random") for seed in range(3)),
    *(("freesolv", split, seed) for split in ("scaffold", "random") for seed in range(3)),
    *(("lipophilicity", split, 0) for split in ("scaffold", "random")),
]


def train(dataset: str, split: str, seed: int, directory: Path) -> None:
    """Train as a user would, unless it was done before."""
    if (directory / "model.json").exists():
        return
    command = [sys.executable, "-m", "graphattn.cli", "train", dataset]
    subprocess.run(
        [*command, "--split", split, "--seed", str(seed), "--out", str(directory), "--overwrite"], check=True
    )


def gather(dataset: str, split: str, seed: int, directory: Path) -> dict:
    """What one training found, with what it was made of."""
    model = json.loads((directory / "model.json").read_text())
    metrics = json.loads((directory / "metrics.json").read_text())
    return {
        "dataset": dataset,
        "split": split,
        "seed": seed,
        "unit": model["data"]["unit"],
        "parts": model["data"]["parts"],
        "networks": model["networks"],
        "versions": model["versions"],
        "graphattn": metrics["test"],
        **metrics["baselines"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/accuracy.json"))
    options = parser.parse_args()
    results = []
    for dataset, split, seed in PLAN:
        directory = options.runs / f"{dataset}-{split}-{seed}"
        train(dataset, split, seed, directory)
        results.append(gather(dataset, split, seed, directory))
    content = {"date": datetime.now(timezone.utc).date().isoformat(), "results": results}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
