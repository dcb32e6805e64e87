"""The benchmark's own correctness, and the one target that is no matter of time: memory."""

import json
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from graphattn.bench import CASES, Case, run
from graphattn.bench.child import measure
from graphattn.bench.contenders import available, prepare
from graphattn.cli.main import app

pytest.importorskip("numba")


@pytest.mark.parametrize("recipe", ["random", "hub", "molecules"])
def test_contenders_compute_the_same(recipe):
    graph, q, k, v = Case("", recipe, 50, 130, heads=3, width=5).build()
    grads = {}
    for name in available():
        leaves = [tensor.clone().requires_grad_() for tensor in (q, k, v)]
        out = prepare(name, graph)(*leaves)
        grads[name] = [out.detach(), *torch.autograd.grad(out, leaves, torch.ones_like(out))]
    for name, found in grads.items():
        for ours, theirs in zip(grads["graphattn"], found, strict=True):
            torch.testing.assert_close(theirs, ours, msg=lambda text, name=name: f"{name}: {text}")


def test_cases_have_the_sizes_they_state():
    for case in CASES.values():
        graph, q, _, _ = case.build()
        assert graph.num_edges == case.num_edges
        assert q.shape == (case.num_nodes, case.heads, case.width)


def test_hub_has_a_tenth_of_the_edges():
    graph, *_ = CASES["hub"].build()
    assert graph.in_degree.max() >= 80_000


def test_a_measurement_is_of_every_kind():
    found = measure(CASES["molecules"], "graphattn", 0.0)
    assert len(found["forward"]) == len(found["both"]) == 3
    assert min(found["forward"] + found["both"]) > 0


def test_a_contender_that_fails_is_reported_not_fatal():
    broken = Case("no such case", "random", 1, 1, 1, 1)
    results = list(run([broken], 0.0))
    assert [result.contender for result in results] == available()
    assert all("no such case" in result.error for result in results)


def peak_memory(contender):
    """In a process of its own."""
    program = (
        "from graphattn.bench.child import *; "
        f"print(peak_memory(Case('', 'random', 50_000, 800_000, 4, 32), {contender!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return None if done.stdout.strip() == "None" else int(done.stdout)


@pytest.mark.slow
def test_extra_memory_is_under_a_tenth_of_plain_torch():
    ours = peak_memory("graphattn")
    if ours is None:
        pytest.skip("this system does not tell the peak of memory")
    assert ours < 0.1 * peak_memory("plain torch")


@pytest.mark.slow
def test_command_writes_every_figure(tmp_path):
    path = tmp_path / "figures.json"
    done = CliRunner().invoke(app, ["bench", "--quick", "--seconds", "0", "--json", str(path)])
    assert done.exit_code == 0, done.output
    content = json.loads(path.read_text())
    assert {"date", "processor", "threads", "versions", "cases", "results"} <= set(content)
    assert [result["contender"] for result in content["results"]] == available()
    assert "plain torch" in done.output


def test_command_names_the_cases_there_are():
    done = CliRunner().invoke(app, ["bench", "nothing"])
    assert done.exit_code == 2
    assert "molecules" in done.output
