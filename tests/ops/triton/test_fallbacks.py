"""GPUs without room for a call: errors are put in where PyTorch and Triton would raise them."""

import warnings
from dataclasses import replace

import pytest
import torch
from ops.lowering.cases import Case, run, tensors
from ops.passed_over import pass_over

import graphattn as ga
from graphattn.ops import fallbacks
from graphattn.ops.triton.backend import TRITON

CASE = Case("dot", edges="bias", heads=(2, 2), widths=(3, 3, 1), dtype=torch.float64)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(fallbacks, "_known_attempts", {})
    monkeypatch.setattr(fallbacks, "_warned", False)
    pass_over(monkeypatch, "numba")


@pytest.fixture
def graph():
    torch.manual_seed(0)
    return ga.Graph(torch.randint(0, 20, (2, 90)), 20)


def call(graph, backend="auto"):
    return run(CASE, graph, tensors(CASE, graph), backend)


def explained(graph):
    given = tensors(CASE, graph)
    leaves = [given[name].requires_grad_() for name in ("q", "k", "v", "edge_bias")]
    return ga.explain_backend(*leaves[:3], graph, edge_bias=leaves[3])


def short_of_memory(monkeypatch, most_edges, times=None):
    """The kernels have memory for so many edges only, or fail so many times."""
    from graphattn.ops.triton import attend

    launch, failed = attend.launch, []

    def launch_if_there_is_room(kernel, grid, given, warps, **arguments):
        if arguments["others"].numel() > most_edges and (times is None or len(failed) < times):
            failed.append(kernel)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB")
        launch(kernel, grid, given, warps, **arguments)

    monkeypatch.setattr(attend, "launch", launch_if_there_is_room)
    return failed


def assert_same(found, want):
    for name in want:
        torch.testing.assert_close(found[name], want[name])


def test_garbage_is_collected_and_nothing_else_happens(graph, monkeypatch):
    want = call(graph, "reference")
    failed = short_of_memory(monkeypatch, 0, times=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(call(graph), want)
    assert len(failed) == 1
    assert explained(graph).reason == TRITON.summary


def test_the_mask_of_dropout_is_that_of_a_call_with_room(graph, monkeypatch):
    x = torch.randn(20, 2, 3)
    found = []
    for failures in (0, 1):
        short_of_memory(monkeypatch, 0, times=failures)
        torch.manual_seed(0)
        found.append(ga.attention(x, x, x, graph, dropout=0.5))
    assert torch.equal(*found)
    assert ga.attention(x, x, x, graph, dropout=0.5).ne(found[0]).any()


def test_some_destinations_at_a_time(graph, monkeypatch):
    want = call(graph, "reference")
    failed = short_of_memory(monkeypatch, 30)
    with pytest.warns(
        RuntimeWarning, match=r"no room for this call of attention \(CUDA out of memory.*at a time"
    ) as met:
        assert_same(call(graph), want)
        assert_same(call(graph), want)
    assert len(met) == 1
    assert len(failed) == 2  # whole, and once more; the second call begins with what served the first
    found = explained(graph)
    assert found.backend == "triton"
    assert "some destinations at a time, for the GPU had no room for a call of these sizes: CUDA" in found.reason


def test_the_reference_some_destinations_at_a_time(graph, monkeypatch):
    want = call(graph, "reference")
    short_of_memory(monkeypatch, 0)
    with pytest.warns(RuntimeWarning, match="run on the reference path, some destinations at a time"):
        assert_same(call(graph), want)
    found = explained(graph)
    assert found.backend == "reference"
    assert "the GPU had no room for a call of these sizes: CUDA out of memory" in found.rejected["triton"]
    assert_same(call(graph), want)


def test_where_nothing_helps(graph, monkeypatch):
    short_of_memory(monkeypatch, 0)

    def fails(call, attend):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fallbacks, "REFERENCE", replace(fallbacks.REFERENCE, run=fails))
    with pytest.raises(torch.OutOfMemoryError, match="no backend has room for this call: CUDA out of memory"):
        call(graph)


def test_by_name_it_raises(graph, monkeypatch):
    short_of_memory(monkeypatch, 0)
    with pytest.raises(torch.OutOfMemoryError, match='backend="triton" has no room for this call: CUDA out of memory'):
        call(graph, "triton")


def test_not_while_a_cuda_graph_is_captured(graph, monkeypatch):
    failed = short_of_memory(monkeypatch, 0)
    monkeypatch.setattr(fallbacks, "_is_captured", lambda call: True)
    with pytest.raises(torch.OutOfMemoryError, match=r"^CUDA out of memory"):
        call(graph)
    assert len(failed) == 1


def test_the_trace_of_a_compiler_has_none_of_it(graph, monkeypatch):
    monkeypatch.setattr(fallbacks, "_errors", None)
    x = torch.randn(20, 2, 3)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: ga.attention(x, x, x, graph), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), ga.attention(x, x, x, graph, backend="reference"))


def too_large(monkeypatch, kernel, allowed):
    """The GPU holds the kernels of those names with tiles that are allowed only; which tiles were tried."""
    from triton.runtime.errors import OutOfResources

    from graphattn.ops.triton import attend, gradient

    launch, tried = attend.launch, []

    def launch_if_it_fits(started, grid, given, warps, **arguments):
        if started.fn.__name__ == kernel:
            tried.append((arguments["ROWS"], arguments["SLOTS"], arguments["HKP"], warps))
            if not allowed(*tried[-1]):
                raise OutOfResources(300_000, 232_448, "shared memory")
        launch(started, grid, given, warps, **arguments)

    monkeypatch.setattr(attend, "launch", launch_if_it_fits)
    monkeypatch.setattr(gradient, "launch", launch_if_it_fits)
    return tried


@pytest.mark.parametrize("kernel", ["attend_fwd_kernel", "attend_bwd_source_kernel", "attend_bwd_destination_kernel"])
def test_a_smaller_tile_first(graph, monkeypatch, kernel):
    want = call(graph, "reference")
    tried = too_large(monkeypatch, kernel, lambda rows, slots, heads, warps: slots == 1 and rows <= 2)
    assert_same(call(graph, "triton"), want)
    assert any(slots > 1 or rows > 2 for rows, slots, _, _ in tried)
    before = len(tried)
    assert_same(call(graph, "triton"), want)
    assert all(slots == 1 and rows <= 2 for rows, slots, _, _ in tried[before:])
    assert not fallbacks._known_attempts


def test_a_kernel_that_fits_with_no_tile(graph, monkeypatch):
    want = call(graph, "reference")
    too_large(monkeypatch, "attend_fwd_kernel", lambda *tile: False)
    with pytest.warns(
        RuntimeWarning, match="out of resource: shared memory, Required: 300000.* on the reference path: "
    ):
        assert_same(call(graph), want)
    found = explained(graph)
    assert (found.backend, "shared memory" in found.rejected["triton"]) == ("reference", True)
    with pytest.raises(
        RuntimeError, match='backend="triton" has no room for this call: out of resource: shared memory'
    ):
        call(graph, "triton")


def test_a_backward_pass_without_memory_for_the_gradients_of_scores(graph, monkeypatch):
    from graphattn.ops.triton import gradient

    case = Case("dot", heads=(2, 2), widths=(3, 3, 1), dtype=torch.float64)
    given = tensors(case, graph)
    want = run(case, graph, given, "triton")
    monkeypatch.setattr(gradient, "RECOMPUTE_ABOVE", gradient.RECOMPUTE_ABOVE)
    launch, started = gradient.launch, []

    def launch_recompute_only(kernel, grid, tensors, warps, **arguments):
        started.append(kernel.fn.__name__)
        if arguments.get("grad_score") is not None:
            raise torch.OutOfMemoryError("CUDA out of memory")
        launch(kernel, grid, tensors, warps, **arguments)

    monkeypatch.setattr(gradient, "launch", launch_recompute_only)
    assert_same(run(case, graph, given, "triton"), want)
    assert "attend_bwd_destination_recompute_kernel" in started
    started.clear()
    assert_same(run(case, graph, given, "triton"), want)
    assert started.count("attend_bwd_row_terms_kernel") == 1  # not tried in vain again
    with pytest.raises(torch.OutOfMemoryError):  # a gradient of the bias is one of the scores
        call(graph, "triton")
