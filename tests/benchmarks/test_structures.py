"""`graphattn bench structures`: contenders compute the same, ratios are what they say, and the file reads back."""

import types

import pytest
import torch
from typer.testing import CliRunner

import graphattn as ga
from graphattn.bench import process, structure_rows, structures
from graphattn.bench.measure import Timing, finish
from graphattn.bench.peak import Memory
from graphattn.bench.structure_rows import Row
from graphattn.bench.structures import StructureReport, StructureResult
from graphattn.cli.main import app


def packed(attend, tensors):
    """What a contender computes on one batch entry, `[nodes, heads, width]`."""
    out = attend(*tensors)
    return out[0].transpose(0, 1) if out.ndim == 4 else out


def test_unfold_and_masked_attention_are_the_grid():
    side, kernel, heads, width = 6, 3, 2, 4
    q, k, v = (torch.randn(side * side, heads, width) for _ in range(3))
    want = ga.attention(q, k, v, ga.grid((side, side), kernel))
    unfold, _ = structure_rows._unfolded(side, kernel, heads, width)("cpu")
    torch.testing.assert_close(unfold(q, k, v), want)
    batched = [x.transpose(0, 1).unsqueeze(0) for x in (q, k, v)]
    masked, _ = structure_rows.sdpa(
        (1, heads, side**2, width), lambda: structure_rows._seen(ga.grid((side, side), kernel))
    )("cpu")
    torch.testing.assert_close(packed(masked, batched), want)


def test_the_sentences_are_like_multi30k():
    lengths = structure_rows._sentences()
    assert len(lengths) == 128
    assert (min(lengths) >= 3, max(lengths)) == (True, 40)
    assert 12 < sum(lengths) / 128 < 14


def test_linear_attention_is_what_it_says():
    attend, (q, k, v) = structure_rows.linear(lambda: ga.causal(5), 2, 3)("cpu")
    q_, k_ = (torch.nn.functional.elu(x) + 1 for x in (q, k))
    weights = torch.einsum("ihd,jhd->hij", q_, k_).tril()
    torch.testing.assert_close(attend(q, k, v), torch.einsum("hij,jhd->ihd", weights / weights.sum(-1, True), v))


def test_the_parts_are_those_of_the_union():
    parts = structure_rows._bigbird()
    assert torch.equal(parts[2].edge_index, structure_rows._bigbird()[2].edge_index)
    assert len({part.num_nodes for part in parts}) == 1


def result(row, contender, forward, both=None):
    return StructureResult(
        row, contender, Timing(forward, forward, forward, 10), both and Timing(both, both, both, 10), memory=Memory(7)
    )


def test_ratios():
    report = StructureReport({}, [
        result("grid(64 × 64, 7)", "graphattn", 2.0, 4.0), result("grid(64 × 64, 7)", "unfold", 12.0, 40.0),
        result("grid(64 × 64, 7)", "FlexAttention", 10.0),
        result("union of window, hubs, random", "graphattn", 2.0), result("union of window, hubs, random", "hubs", 1.0),
        result("union of window, hubs, random", "window", 2.0),
        result("window(32768, 256), linear in n", "graphattn", 2.0, 8.0),
        result("window(32768, 256), linear in n", "n = 16384", 1.0, 3.0),
        result("building knn(1,000,000 points, k = 16)", "graphattn", 2.0),
    ])  # fmt: skip
    assert report.ratio("grid(64 × 64, 7)", "forward") == 5.0
    assert report.ratio("grid(64 × 64, 7)", "both") == 10.0
    assert report.ratio("union of window, hubs, random", "forward") == 1.5
    assert report.ratio("window(32768, 256), linear in n", "both") == 0.75
    assert report.ratio("causal(2048)", "forward") is None
    assert [report.reached(row) for row in dict.fromkeys(each.row for each in report.results)] == [
        True, True, False, None,
    ]  # fmt: skip


def test_the_command_measures_and_writes(monkeypatch, tmp_path):
    pytest.importorskip("numba")
    row = Row(
        {"graphattn": structure_rows.ours(lambda: ga.window(9, 1), 1, 2), "SDPA": structure_rows.sdpa((1, 1, 9, 2))}
    )
    for module in (structures, structure_rows):
        monkeypatch.setattr(module, "ROWS", {"tiny": row})
    # a fresh process would not know the row
    here = types.SimpleNamespace(
        FailedError=process.FailedError, in_turns=lambda works: [finish(f(*a)) for f, *a in works]
    )
    monkeypatch.setattr(structures, "process", here)
    out = tmp_path / "structures.json"
    ran = CliRunner().invoke(app, ["bench", "structures", "--seconds", "0", "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "tiny" in ran.output
    report = StructureReport.load(out)
    assert [each.contender for each in report.results] == ["graphattn", "SDPA"]
    assert report.results[0].both.median > 0
    assert report.ratio("tiny", "forward") > 0
