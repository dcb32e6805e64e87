"""The kernels compiled for GPUs that are not here: some of them; `make aot` takes all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "aot.py"
TABLE = Path(__file__).parents[3] / "docs" / "benchmarks" / "triton.json"


@pytest.fixture(scope="module")
def launches():
    return json.loads(TABLE.read_text(encoding="utf-8"))["launches"]


@pytest.mark.parametrize("case", ["dot", "sum", "rowblock, one head"])
def test_no_figure_is_worse_than_in_the_table(case):
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, SCRIPT, case], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "for sm_80, sm_90, gfx942" in done.stdout


def test_nothing_spills(launches):
    for launch, targets in launches.items():
        for target, figures in targets.items():
            assert figures["spills"] == 0, f"{launch}, {target}"


def test_rows_are_gathered_by_loads_of_128_bits(launches):
    launches = {name: targets for name, targets in launches.items() if not name.startswith("rowblock")}
    gathering = [launch for launch in launches if "attend_fwd_kernel" in launch or "source_kernel" in launch]
    gathering += [
        launch
        for launch in launches
        if ("destination_kernel" in launch or "recompute_kernel" in launch) and not launch.startswith("sum")
    ]
    gathering = [launch for launch in gathering if not (launch.startswith("none") and "destination" in launch)]
    gathering = [launch for launch in gathering if not launch.startswith("additive tanh, edge features, float64")]
    assert len(gathering) > 100
    for launch in gathering:
        for target, figures in launches[launch].items():
            assert figures["load"] == 128, f"{launch}, {target}"


def test_rowblocks_of_halves_are_multiplied_by_tensor_cores(launches):
    """Rows of 40 bytes are gathered by 64 bits, and so are 16 narrow ones by the 64 lanes of AMD."""
    rowblocks = {name: targets for name, targets in launches.items() if "_rowblock_" in name}
    assert len(rowblocks) >= 25
    for launch, targets in rowblocks.items():
        for target, figures in targets.items():
            assert figures["mma"] == ("float32" not in launch or target == "gfx942"), f"{launch}, {target}"
            narrow = "odd sizes" in launch or ("narrow heads, dropout" in launch and target == "gfx942")
            assert figures["load"] == (64 if narrow else 128), f"{launch}, {target}"


WORSE = {
    ("registers", 64, 65): True,
    ("registers", 64, 63): False,
    ("spills", 0, 8): True,
    ("shared", 128, 256): True,
    ("load", 128, 64): True,
    ("load", 64, 128): False,
    ("mma", 1, 0): True,
}


def test_what_counts_as_worse():
    program = f"""
import sys
sys.path.insert(0, {str(SCRIPT.parent)!r})
import aot, triton
figures = {{"registers": 64, "spills": 0, "shared": 128, "load": 128, "mma": 1}}
for name, before, now in {list(WORSE)}:
    table = {{"triton": triton.__version__, "launches": {{"a": {{"sm_90": {{**figures, name: before}}}}}}}}
    print(bool(aot.worse({{"a": {{"sm_90": {{**figures, name: now}}}}}}, table)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(expected) for expected in WORSE.values()]
