"""The measured numbers in README and docs, and their picture, made from the JSON files under docs/benchmarks.

    python docs/tables.py

No number is typed by hand. A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; a test compares
every one with its file.
"""

import json
import re
from pathlib import Path
from statistics import mean

from graphattn.bench.case import SCORES
from graphattn.bench.contenders import ALL, GRAPHATTN, RIVALS
from graphattn.bench.goals import goals, layer_goals
from graphattn.bench.layer_report import FLOOR, LayerReport, LayerResult
from graphattn.bench.molecules import MoleculeReport
from graphattn.bench.molecules import table as molecule_table
from graphattn.bench.plot import draw
from graphattn.bench.result import Report, Result
from graphattn.bench.structure_rows import PICTURE, ROWS
from graphattn.bench.structures import StructureReport
from graphattn.bench.summary import compare, disturbed, kinds, rows
from graphattn.bench.text import cell, mebibytes, multiples, number, share_of_roofline, times

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "benchmarks"
PAGES = [ROOT / "README.md", ROOT / "docs" / "accuracy.md", ROOT / "docs" / "benchmarks.md"]
MARK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
BASELINES = {"mean": "mean predictor", "random_forest": "random forest", "gradient_boosting": "gradient boosting"}


def measured() -> Report:
    """The suite, with how the cost grows, which was measured in a run of its own."""
    report = Report.load(FIGURES / "cpu.json")
    report.scaling = Report.load(FIGURES / "cpu-scaling.json").scaling
    return report


def speed_goals() -> str:
    """What is to be reached, and what is."""
    lines = ["| | aim | measured | |", "|---|---:|---|---|"]
    found = [*goals(measured()), *layer_goals(LayerReport.load(FIGURES / "layers.json"))]
    lines += [f"| {goal.what} | {goal.aim} | {goal.measured} | {'✓' if goal.reached else '✗'} |" for goal in found]
    return "\n".join(lines) + "\n"


def speed_summary() -> str:
    """Each rival over all rows, and the best of each row."""
    report = measured()
    shown = kinds(report.results)
    lines = [f"| {len(rows(report.results))} rows | {' | '.join(shown.values())} |", f"|---|{'---:|' * len(shown)}"]
    for name in (None, *RIVALS):
        cells = [_mean_and_worst(report.results, kind, name) for kind in shown]
        lines.append(f"| {name or '**best of each row**'} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _where(report)]) + "\n"


def speed_short() -> str:
    """The best rival of each row, by score."""
    report = measured()
    shown = kinds(report.results)
    lines = [f"| score | cases | {' | '.join(shown.values())} |", f"|---|---:|{'---:|' * len(shown)}"]
    for score, of in (("dot", "Transformer"), ("sum", "GAT"), ("additive", "GATv2")):
        results = [result for result in report.results if result.case.score == score]
        cells = [_mean_and_worst(results, kind) for kind in shown]
        lines.append(f"| {score} ({of}) | {len(rows(results))} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", _where(report)]) + "\n"


def speed_rows() -> str:
    """Every case, graph by graph, with the command that measures it."""
    report = measured()
    lines: list[str] = []
    for name, facts in report.graphs.items():
        found = rows(result for result in report.results if result.case.graph == name)
        others = [who for who in ALL if who != GRAPHATTN.name and any(who in row for row in found)]
        shown = kinds(report.results)
        heading = ["score", "H × D", *shown.values(), "roofline", *others]
        lines += [
            f"### {name}",
            "",
            f"{facts.about[0].upper()}{facts.about[1:]}. {facts}: `graphattn bench {name}`",
            "",
        ]
        lines += [f"| {' | '.join(heading)} |", f"|---|---|{'---:|' * (len(heading) - 2)}"]
        for row in found:
            mine = row[GRAPHATTN.name]
            dtype = "" if mine.case.dtype == "float32" else f", {mine.case.dtype}"
            cells = [mine.case.score, f"{mine.case.heads} × {mine.case.width}{dtype}"]
            cells += [cell(mine, kind) for kind in shown]
            cells += [share_of_roofline(mine, report), *(multiples(row, who, shown) for who in others)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def speed_scaling() -> str:
    """Our time against edges, heads and width."""
    report = Report.load(FIGURES / "cpu-scaling.json")
    lines = [
        "| | edges | H × D | forward | ns per edge | forward + backward | ns per edge |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for point in report.scaling:
        cells = [
            f"{point['order']} sources" if point["axis"] == "edges" else f"more {point['axis']}",
            f"{point['num_edges']:,}",
            f"{point['heads']} × {point['width']}",
        ]
        for kind in ("forward", "both"):
            if kind in point:
                cells += [f"{number(1e3 * point[kind])} ms", number(1e9 * point[kind] / point["num_edges"])]
            else:
                cells += [point["note"], "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", _where(report)]) + "\n"


def speed_calls() -> str:
    """What one call costs where there is next to nothing to compute."""
    probes = measured().probes
    lines = ["| score | forward | forward, recorded for backward | forward + backward |", "|---|---:|---:|---:|"]
    for score in SCORES:
        times = [probes[f"{what}, {score}"] for what in ("overhead", "overhead recorded", "overhead both")]
        lines.append(f"| {score} | {' | '.join(f'{1e6 * time:.0f} µs' for time in times)} |")
    bandwidth = f"{probes['bandwidth'] / 1e9:.1f} GB/s"
    lines += [
        "",
        f"A copy moves {bandwidth} (read and written): the bandwidth of the roofline. A forward pass in turns with",
    ]
    lines += [f"`torch.mm` takes {probes['alternation']:.2f} times what the two take alone."]
    return "\n".join(lines) + "\n"


def _mean_and_worst(results: list[Result], kind: str, name: str | None = None) -> str:
    compared = compare(rows(results), kind, name)
    return "–" if compared is None else f"{number(compared.mean)} × (worst {number(compared.worst)})"


def _where(report: Report) -> str:
    where = report.environment
    packages = ", ".join(f"{name} {version}" for name, version in where["versions"].items() if name != "graphattn")
    machine = f"{where['processor']}, {where['threads']} threads, {where['memory'] / 2**30:.0f} GiB, {where['system']}"
    others = f"other processes took {disturbed(report.results):.1%} of the processors' time; " if report.results else ""
    return f"`{where['command']}`: {machine}; {packages}; {others}{_when(where)}."


def _when(where: dict) -> str:
    """The date, and how times were measured where that was before they were taken in the steady state."""
    how = "" if "method" in where else ", the old way (see How it was measured)"
    return f"{where['date'][:10]}{how}"


def layers() -> str:
    """Whole layers, and a training step, in multiples of ours."""
    report = LayerReport.load(FIGURES / "layers.json")
    results = {(result.case, result.contender): result for result in report.results}
    shown = {kind: what for kind, what in kinds(report.results).items() if kind != "both"}
    has_floor = any(contender == FLOOR for _, contender in results)
    heading = ["graph", "layer", "ours", "PyG", "faster", *(["floor", "ours / floor"] if has_floor else [])]
    heading += [each for what in shown.values() for each in (f"{what}: ours", "PyG", "smaller")]
    lines = [f"| {' | '.join(heading)} |", f"|---|---|{'---:|' * (len(heading) - 2)}"]
    for case in dict.fromkeys(result.case for result in report.results):
        both = [results[case, contender] for contender in ("graphattn", "PyG")]
        cells = [case.graph, case.layer, *(_median(each) for each in both), times(report.multiples("both").get(case))]
        if has_floor:
            cells += [_median(results.get((case, FLOOR))), times(report.beside_floor().get(case))]
        for kind in shown:
            held = [mebibytes(each.figure(kind)) for each in both]
            cells += [*held, times(report.multiples(kind).get(case))]
        lines.append(f"| {' | '.join(cells)} |")
    where = report.environment
    means = ", ".join(f"{what}: {times(report.mean(kind))} smaller" for kind, what in shown.items())
    lines += [
        "",
        f"Geometric mean over the layers: {times(report.mean('both'))} faster; {means}. `{where['command']}`, PyG with "
        f"torch-scatter, {where['threads']} threads; {_when(where)}.",
    ]
    return "\n".join(lines) + "\n"


def _median(result: LayerResult | None) -> str:
    return "–" if result is None or result.both is None else f"{number(1e3 * result.both.median)} ms"


def structures() -> str:
    """Sequences, windows, grids and unions beside what else there is for each."""
    path = FIGURES / "structures.json"
    if not path.exists():
        return "Not yet measured.\n"
    report = StructureReport.load(path)
    shown = kinds(report.results)
    heading = ["graph", "contender", *shown.values()]
    lines = [f"| {' | '.join(heading)} |", f"|---|---|{'---:|' * len(shown)}"]
    for result in report.results:
        if result.row == PICTURE:
            continue
        name = f"**{result.row}**" if result.contender == "graphattn" else ""
        cells = [cell(result, kind) for kind in shown]
        cells[1] = result.note or cells[1]
        lines.append(f"| {' | '.join([name, result.contender, *cells])} |")
    lines += ["", "| | compared with | aim | forward | forward + backward | |", "|---|---|---:|---:|---:|---|"]
    against = {"best": "the best of the others", "sum": "the sum of its parts", "double": "twice half as many nodes"}
    for name in dict.fromkeys(result.row for result in report.results):
        if (row := ROWS[name]).aim is not None:
            ratios = [times(report.ratio(name, kind)) for kind in ("forward", "both")]
            cells = [name, against[row.against], f"≥ {times(row.aim)}", *ratios, "✓" if report.reached(name) else "✗"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", _measured(report)]) + "\n"


def picture() -> str:
    """One large picture through a vision Transformer, with three kinds of attention."""
    path = FIGURES / "structures.json"
    if not path.exists():
        return "Not yet measured.\n"
    kinds = {"full": "full", "graphattn": "grid, kernel 7", "Linformer": "Linformer, 256 landmarks"}
    lines = ["| attention | forward | memory |", "|---|---:|---:|"]
    found = {result.contender: result for result in StructureReport.load(path).results if result.row == PICTURE}
    for contender, name in kinds.items():
        result = found[contender]
        lines.append(f"| {name} | {cell(result, 'forward')} | {cell(result, 'memory')} |")
    return "\n".join(lines) + "\n"


def _measured(report: StructureReport) -> str:
    where = report.environment
    return (
        f"`{where['command']}`: {where['processor']}, {where['threads']} threads; torch {where['versions']['torch']}, "
        f"numba {where['versions']['numba']}; other processes took {disturbed(report.results):.1%} of the "
        f"processors' time; {_when(where)}."
    )


def accuracy(datasets: list[str] | None = None) -> str:
    """Test RMSE of the model and its rivals, mean over the seeds."""
    content = json.loads((FIGURES / "accuracy.json").read_text())
    names = {"graphattn": "graphattn", **BASELINES}
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


def molecules() -> str:
    """What `graphattn bench molecules` measured."""
    report = MoleculeReport.load(FIGURES / "molecules.json")
    where = report.environment
    return (
        molecule_table(report)
        + f"\nThe stack and the others on the same test molecules; of the differences the interval that holds 95 % of "
        f"resamples. {where['processor']}, {where['threads']} threads; torch {where['versions']['torch']}; "
        f"{where['date'][:10]}.\n"
    )


TABLES = {
    "molecules": molecules,
    "speed-goals": speed_goals,
    "speed-summary": speed_summary,
    "speed-short": speed_short,
    "speed-rows": speed_rows,
    "speed-scaling": speed_scaling,
    "speed-calls": speed_calls,
    "layers": layers,
    "structures": structures,
    "picture": picture,
    "accuracy": accuracy,
}


def written(text: str) -> str:
    """The page with every table as the figures say."""
    return MARK.sub(lambda match: match[1] + TABLES[match[2]]() + match[3], text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text()))
    draw(measured(), FIGURES / "cpu.png")
