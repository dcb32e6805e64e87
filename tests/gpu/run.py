"""Checks and measures the GPU kernels on the GPU that is here; needs torch, triton and torch-geometric, no more.

python tests/gpu/run.py             # everything, in ten minutes at most, written to docs/benchmarks/gpu.json
python tests/gpu/run.py --quick     # a few cases of each
python tests/gpu/run.py --checks    # nothing is measured
python tests/gpu/run.py --dry-run   # says what it would do; needs no GPU

Each check and each measurement has a process of its own: one that fails, or takes the GPU down with it, is written down
with its reason and the rest goes on. What is not reached in time is written down too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import gpu.checks  # noqa: F401 - fills CHECKS
import torch
from gpu.checking import CHECKS, run_check
from gpu.speed import GRAPHS, SHAPES, measure, tune, warm_up

from graphattn.bench import machine, process, run
from graphattn.bench.case import GPU, QUICK, Case
from graphattn.bench.probes import PROBES
from graphattn.bench.result import Report, Result

OUT = ROOT / "docs" / "benchmarks" / "gpu.json"
os.environ["GRAPHATTN_TILES"] = ""  # the tiles of the table, whatever was measured here before
BUDGET = 570.0  # seconds for everything
CHECKS_UNTIL, SANITIZER_UNTIL, SPEED_UNTIL, BENCH_UNTIL = 200.0, 240.0, 310.0, 500.0  # since the start
AT_ONCE = max(1, min(12, (os.cpu_count() or 1) - 2))  # processes that compile and check
SECONDS = 0.1  # of each measurement
SOME = 5.0  # seconds, without which nothing is begun


class Clock:
    """Tells how long it is until some second since it was made."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def left(self, until: float = BUDGET) -> float:
        """Seconds, never less than none."""
        return max(0.0, self.start + until - time.monotonic())


def main(*arguments: str) -> int:
    """Everything that was asked for; the number of checks that failed, or 2 where there is no GPU."""
    parser = argparse.ArgumentParser("run.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few cases of each")
    parser.add_argument("--checks", action="store_true", help="nothing is measured")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done; needs no GPU")
    parser.add_argument("--out", type=Path, default=OUT, help="the JSON file to write")
    options = parser.parse_args(arguments)
    cases = [case for case in QUICK if case in GPU or case.graph == "complete-512"] if options.quick else GPU
    graphs = list(GRAPHS)[:2] if options.quick else list(GRAPHS)
    if options.dry_run:
        return say(options, graphs, cases)
    if not torch.cuda.is_available():
        print("There is no GPU here: nothing was checked, nothing measured.")
        return 2
    clock = Clock()
    report = Report(describe(" ".join(["python tests/gpu/run.py", *arguments])))
    print(json.dumps(report.environment, indent=1))
    content: dict[str, Any] = {"checks": {}, "sanitizer": None, "speed": []}

    def write() -> None:
        everything = json.loads(report.to_json()) | content | {"seconds": round(clock.left(0) + BUDGET - clock.left())}
        temporary = options.out.with_name(f".{options.out.name}.tmp")
        temporary.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(options.out)

    content["checks"] = check(clock, quick=options.quick)
    write()
    if not options.checks:
        content["sanitizer"] = sanitize(clock)
        write()
        for graph in graphs:
            entries, why = attempt(clock, SPEED_UNTIL, measure, graph, SECONDS)
            content["speed"] += entries or [{"graph": graph, "failed": why}]
            write()
        for probe in PROBES:
            report.probes.update(attempt(clock, BENCH_UNTIL, probe, "cuda")[0] or {})
        for task in run.tasks(cases, report):
            report.results += bench(task, clock)
            write()
        content["tuned"], why = attempt(clock, BUDGET, tune)
        content["tuned"] = content["tuned"] or why
        write()
    failed = {name: why for name, why in content["checks"].items() if why is not None}
    for name, why in failed.items():
        print(f"FAILED: {name}: {why}")
    print(f"{len(content['checks']) - len(failed)} checks passed, {len(failed)} failed; written: {options.out}")
    return len(failed)


def say(options: argparse.Namespace, graphs: list[str], cases: list[Case]) -> int:
    """What would be done."""
    for function in CHECKS:
        print(f"check: {function.__name__}, {len(function.cases(options.quick))} cases")
    if not options.checks:
        print("check: compute-sanitizer, where it is installed")
        for graph in graphs:
            print(f"speed: {graph}")
        for case in cases:
            print(f"bench: {case}")
        print("tune: random, 16 million edges")
    print(f"in {BUDGET / 60:.1f} minutes at most, to {options.out}")
    return 0


def describe(command: str) -> dict[str, Any]:
    """Machine, versions and date."""
    properties = torch.cuda.get_device_properties(0)
    return machine.describe(command) | {
        "capability": torch.cuda.get_device_capability(),
        "architecture": getattr(properties, "gcnArchName", None),
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "devices": torch.cuda.device_count(),
    }


def check(clock: Clock, *, quick: bool) -> dict[str, str | None]:
    """Every check, several at a time, beside compiling what is measured later; why each failed, or None."""
    tasks: list[tuple[Any, ...]] = [(f"warm up {shape} {dtype}", warm_up, shape, dtype) for shape, dtype in SHAPES]
    for function in sorted(CHECKS, key=lambda function: len(function.cases(quick))):
        for case in function.cases(quick):
            tasks.append((f"{function.__name__} {case}".strip(), run_check, function.__name__, case))

    def one(task: tuple[Any, ...]) -> tuple[str, str | None]:
        _, why = attempt(clock, CHECKS_UNTIL, *task[1:])
        print(f"{'passed' if why is None else 'FAILED'}: {task[0]}", flush=True)
        return task[0], why

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(pool.map(one, tasks))


def sanitize(clock: Clock) -> str:
    """What compute-sanitizer says about a few small calls."""
    tool, left = shutil.which("compute-sanitizer"), clock.left(SANITIZER_UNTIL)
    if tool is None:
        return "not installed"
    command = [tool, "--error-exitcode", "9", sys.executable, str(Path(__file__).with_name("small.py"))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left)
    except subprocess.TimeoutExpired:
        return f"not done in {left:.0f} seconds"
    return (
        "no errors" if done.returncode == 0 else f"exit code {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
    )


def attempt(clock: Clock, until: float, function: Any, *arguments: Any) -> tuple[Any, str | None]:
    """What a function gives in a process of its own; or None, and the reason why it gives nothing."""
    left = clock.left(until)
    if left < SOME:
        return None, "not reached in time"
    try:
        return process.run(function, *arguments, timeout=left), None
    except process.FailedError as error:
        return None, str(error)


def bench(task: run.Task, clock: Clock) -> list[Result]:
    """All contenders on one case, as `graphattn bench` measures them."""
    left = clock.left(BENCH_UNTIL)
    if left < SOME:
        return [Result(task.case, name, note="not reached in time") for name in task.contenders]
    results = task.run(SECONDS, timeout=left / len(task.contenders))
    for each in results:
        print(f"{each.case}: {each.contender}: {each.forward} {each.both} {each.memory} {each.note or ''}", flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
