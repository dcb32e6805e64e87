"""`graphattn bench structures`: contenders compute the same, ratios are what they say, and the file reads back."""

import pytest
import torch
from typer.testing import CliRunner

import graphattn as ga
from graphattn.bench import structures
from graphattn.bench.measure import Timing
from graphattn.bench.structures import Row, StructureReport, StructureResult
from graphattn.cli.main import app


def packed(attend, tensors):
    """What a contender computes on one batch entry, `[nodes, heads, width]`."""
    out = attend(*tensors)
    return out[0].transpose(0, 1) if out.ndim == 4 else out


def test_unfold_and_masked_attention_are_the_grid():
    side, kernel, heads, width = 6, 3, 2, 4
    q, k, v = (torch.randn(side * side, heads, width) for _ in range(3))
    want = ga.attention(q, k, v, ga.grid((side, side), kernel))
    unfold, _ = structures._unfolded(side, kernel, heads, width)()
    torch.testing.assert_close(unfold(q, k, v), want)
    batched = [x.transpose(0, 1).unsqueeze(0) for x in (q, k, v)]
    masked, _ = structures.sdpa((1, heads, side**2, width), lambda: structures._seen(ga.grid((side, side), kernel)))()
    torch.testing.assert_close(packed(masked, batched), want)


def test_the_sentences_are_like_multi30k():
    lengths = structures._sentences()
    assert len(lengths) == 128
    assert (min(lengths) >= 3, max(lengths)) == (True, 40)
    assert 12 < sum(lengths) / 128 < 14


def test_hubs_see_all_and_are_seen_by_all():
    edges = structures._hub(9, count=2).to_torch_sparse(torch.sparse_coo).to_dense()
    want = torch.zeros(9, 9)
    want[:, :2] = want[:2] = 1
    assert torch.equal(edges, want)


def result(row, contender, forward, both=None):
    return StructureResult(row, contender, Timing(forward, 0.0, 3), both and Timing(both, 0.0, 3), memory=7)


def test_ratios():
    report = StructureReport({}, [
        result("grid(64 × 64, 7)", "graphattn", 2.0, 4.0), result("grid(64 × 64, 7)", "unfold", 12.0, 40.0),
        result("grid(64 × 64, 7)", "FlexAttention", 10.0),
        result("union of window, hubs, random", "graphattn", 2.0), result("union of window, hubs, random", "hubs", 1.0),
        result("union of window, hubs, random", "window", 2.0),
    ])  # fmt: skip
    assert report.ratio("grid(64 × 64, 7)", "forward") == 5.0
    assert report.ratio("grid(64 × 64, 7)", "both") == 10.0
    assert report.ratio("union of window, hubs, random", "forward") == 1.5
    assert report.ratio("causal(2048)", "forward") is None


def test_the_command_measures_and_writes(monkeypatch, tmp_path):
    pytest.importorskip("numba")
    row = Row(
        {"graphattn": structures.ours(lambda: ga.window(9, 1), 1, 2), "SDPA": structures.sdpa((1, 1, 9, 2))}, "best", ""
    )
    monkeypatch.setattr(structures, "ROWS", {"tiny": row})
    monkeypatch.setattr(structures, "run", structures.measure)  # a fresh process would not know the row
    out = tmp_path / "structures.json"
    ran = CliRunner().invoke(app, ["bench", "structures", "--seconds", "0", "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "tiny" in ran.output
    report = StructureReport.load(out)
    assert [each.contender for each in report.results] == ["graphattn", "SDPA"]
    assert report.results[0].both.median > 0
    assert report.ratio("tiny", "forward") > 0
