"""What a measuring process hands back; and the one target that is no matter of time: memory."""

import pytest
from bench_cases import HERE

from graphattn.bench import child, process
from graphattn.bench.case import Case
from graphattn.bench.contenders import ALL
from graphattn.bench.measure import LEAST, finish

pytest.importorskip("numba")


def test_a_measurement_has_every_figure():
    found = finish(child.measure(Case("molecules", "sum", 2, 4), "graphattn", 0.0, HERE))
    assert found.forward.repetitions == found.both.repetitions == LEAST
    assert min(found.forward.median, found.both.median) > 0
    assert found.note is None


def test_what_would_not_fit_is_not_tried(monkeypatch):
    monkeypatch.setattr(child, "memory", lambda device: 2**20)
    found = finish(child.measure(Case("molecules", "dot", 8, 64), "plain torch", 0.0, HERE))
    assert found.forward is None
    assert "not tried" in found.note
    assert finish(child.measure(Case("molecules", "dot", 8, 64), "graphattn", 0.0, HERE)).note is None


def test_no_backward_pass_is_no_failure(monkeypatch):
    def forward_only(*leaves):
        if leaves[0].requires_grad:
            raise NotImplementedError
        return leaves[0]

    contender = type(ALL["SDPA"])("one way", lambda score, graph: forward_only)
    monkeypatch.setitem(child.ALL, "one way", contender)
    found = finish(child.measure(Case("molecules", "dot", 2, 4), "one way", 0.0, HERE))
    assert found.forward is not None
    assert found.both is None
    assert "no backward" in found.note


def test_extra_memory_is_under_a_tenth_of_plain_torch():
    case = Case("random-80k", "dot", 8, 16)
    ours, theirs = (process.run(child.measure, case, name, 0.0, HERE).memory for name in ("graphattn", "plain torch"))
    if ours is None:
        pytest.skip("this system does not tell the peak of memory")
    assert ours.extra < 0.1 * theirs.extra
    assert ours.results == theirs.results
    assert ours.scratch < 0.1 * theirs.scratch
