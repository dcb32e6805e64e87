"""The measured numbers in README and docs, written from the JSON files under docs/benchmarks: none is typed by hand.

    python docs/tables.py

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; a test compares every one with its file.
"""

import json
import re
from pathlib import Path
from statistics import mean, median, quantiles

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "benchmarks"
PAGES = [ROOT / "README.md", ROOT / "docs" / "accuracy.md", ROOT / "docs" / "benchmarks.md"]
MARK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
RIVALS = {"mean": "mean predictor", "random_forest": "random forest", "gradient_boosting": "gradient boosting"}


def speed(cases: list[str] | None = None) -> str:
    """Time and memory of each contender, with ratios to graphattn."""
    content = json.loads((FIGURES / "cpu.json").read_text())
    lines = [
        "| case | | forward | × | forward + backward | × | peak extra memory | × |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for case in content["cases"]:
        if cases is not None and case["name"] not in cases:
            continue
        results = [result for result in content["results"] if result["case"] == case["name"]]
        ours = results[0]
        size = f"{case['name']}: {case['num_nodes']:,} nodes, {case['num_edges']:,} edges, "
        size += f"H = {case['heads']}, D = {case['width']}"
        for result in results:
            cells = [size if result is ours else "", result["contender"]]
            for kind in ("forward", "both"):
                cells += [_time(result[kind]), f"{median(result[kind]) / median(ours[kind]):.1f}"]
            cells += [f"{result['memory'] / 2**20:,.0f} MiB", f"{result['memory'] / ours['memory']:.1f}"]
            lines.append(f"| {' | '.join(cells)} |")
    versions = content["versions"]
    where = f"{content['processor']}, {content['threads']} threads, {content['system']}"
    packages = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "graphattn")
    lines += ["", f"{where}; {packages}; {content['date'][:10]}."]
    return "\n".join(lines) + "\n"


def _time(taken: list[float]) -> str:
    low, _, high = quantiles(taken, n=4)
    return f"{1e3 * median(taken):,.1f} ms ± {50 * (high - low) / median(taken):.0f} %"


def accuracy(datasets: list[str] | None = None) -> str:
    """Test RMSE of the model and its rivals, mean over the seeds."""
    content = json.loads((FIGURES / "accuracy.json").read_text())
    names = {"graphattn": "graphattn", **RIVALS}
    lines = [
        f"| data set, split | {' | '.join(names.values())} |",
        f"|---|{'---:|' * len(names)}",
    ]
    groups: dict[tuple[str, str], list[dict]] = {}
    for result in content["results"]:
        groups.setdefault((result["dataset"], result["split"]), []).append(result)
    for (dataset, split), results in groups.items():
        if datasets is not None and dataset not in datasets:
            continue
        seeds = f"{len(results)} seeds" if len(results) > 1 else "1 seed"
        unit = f", {results[0]['unit']}" if results[0]["unit"] else ""
        cells = [f"{dataset}, {split} ({seeds}{unit})"]
        for name in names:
            values = [result[name]["rmse"] for result in results]
            spread = f" ({min(values):.3f}–{max(values):.3f})" if len(values) > 1 and name == "graphattn" else ""
            cells.append(f"{mean(values):.3f}{spread}")
        lines.append(f"| {' | '.join(cells)} |")
    versions = content["results"][0]["versions"]
    packages = ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "rdkit", "scikit-learn"))
    lines += ["", f"Test RMSE; in brackets the range over the seeds. {packages}; {content['date']}."]
    return "\n".join(lines) + "\n"


TABLES = {
    "speed": speed,
    "speed-short": lambda: speed(["random"]),
    "accuracy": accuracy,
    "accuracy-short": lambda: accuracy(["esol", "freesolv"]),
}


def written(text: str) -> str:
    """The page with every table as the figures say."""
    return MARK.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text()))
