"""Checks and measures the GPU kernels on the GPU that is here; needs torch, triton and torch-geometric, no more.

python tests/gpu/run.py             # everything, written to docs/benchmarks/gpu.json
python tests/gpu/run.py --quick     # a few cases of each
python tests/gpu/run.py --checks    # nothing is measured or written
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch
from gpu.checks import CHECKS
from gpu.speed import speed

from graphattn.bench import machine, run
from graphattn.bench.case import QUICK, SUITE
from graphattn.bench.probes import PROBES
from graphattn.bench.probes import run as run_probe
from graphattn.bench.result import Report

OUT = ROOT / "docs" / "benchmarks" / "gpu.json"
SECONDS = 0.2


def main(*options: str) -> int:
    """Everything that was asked for; the number of checks that failed, or 2 where there is no GPU."""
    if not torch.cuda.is_available():
        print("There is no GPU here: nothing was checked, nothing measured.")
        return 2
    report = Report(machine.describe(" ".join(["python tests/gpu/run.py", *options])))
    print(report.environment)
    failures = check(quick="--quick" in options)
    if "--checks" in options:
        return len(failures)
    measure(report, QUICK if "--quick" in options else SUITE)
    content = json.loads(report.to_json()) | {
        "capability": torch.cuda.get_device_capability(),
        "failures": failures,
        "speed": speed(SECONDS, quick="--quick" in options),
    }
    OUT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written: {OUT}")
    return len(failures)


def check(*, quick: bool) -> dict[str, str]:
    """Run every check, and the small ones once more under compute-sanitizer, where there is one; why each failed."""
    failures = {}
    for function in CHECKS:
        for case in function.cases(quick):
            name = f"{function.__name__} {case}".strip()
            try:
                function(case)
                print(f"passed: {name}")
            except Exception as error:
                traceback.print_exc()
                failures[name] = f"{type(error).__name__}: {str(error)[:500]}"
                print(f"FAILED: {name}")
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is not None and "--sanitized" not in sys.argv:
        command = [sanitizer, "--error-exitcode", "9", sys.executable, __file__, "--checks", "--quick", "--sanitized"]
        if subprocess.run(command).returncode == 9:
            failures["compute-sanitizer"] = "it found accesses outside of memory; see above"
    return failures


def measure(report: Report, cases: list[Any]) -> None:
    """The cases of `graphattn bench`, each contender in a process of its own."""
    for probe in PROBES:
        report.probes.update(run_probe(probe, "cuda"))
    for task in run.tasks(cases, report):
        result = task.run(SECONDS)
        report.results.append(result)
        print(f"{task.case}: {task.contender}: {result.forward} {result.both} {result.memory} {result.note or ''}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
