"""The checks of `make gpu`: on a GPU where there is one, and otherwise on small graphs in Triton's interpreter.

The latter shows that each check can be run, and finds what is right to be right.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import gpu.checks as module
import pytest
import torch
from gpu import small, speed
from gpu.checking import CHECKS, run_check
from torch.overrides import TorchFunctionMode

import graphattn as ga
from graphattn.bench import process
from graphattn.bench.graphs import molecules

pytest.importorskip("triton")

from ops.passed_over import pass_over
from ops.triton.conftest import interpreted as on_the_cpu  # noqa: F401

NAMES = [function.__name__ for function in CHECKS]
CUDA_ALONE = {"in_a_cuda_graph", "compiled", "with_little_memory", "on_another_gpu"}


def cases_of(name):
    (function,) = (function for function in CHECKS if function.__name__ == name)
    return function.cases(True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu(name):
    for case in cases_of(name):
        process.run(run_check, name, case)  # a check may change settings, or break the GPU for others


class CPUForCUDA(TorchFunctionMode):
    """Tensors that are asked for on a GPU come on the CPU."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cuda:
            return args[0]
        args = tuple("cpu" if _is_cuda(x) else x for x in args)
        return function(*args, **{name: "cpu" if _is_cuda(x) else x for name, x in (kwargs or {}).items()})


def _is_cuda(value):
    return isinstance(value, str | torch.device) and str(value).startswith("cuda")


@pytest.fixture
def stand_in(monkeypatch):
    """What of `torch.cuda` the checks use, and graphs that the interpreter can do."""
    from graphattn.graph import graph
    from graphattn.ops.triton import tune

    @contextmanager
    def nothing(*_):
        yield

    stream = SimpleNamespace(wait_stream=lambda other: None, synchronize=lambda: None)
    for name, value in {
        "Stream": lambda: stream, "current_stream": lambda *_: stream, "stream": nothing, "synchronize": lambda: None,
        "_sleep": lambda cycles: None,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, value)
    begin = torch.distributed.init_process_group
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda name, **options: begin("gloo", **options))
    pass_over(monkeypatch, "numba")
    monkeypatch.setattr(graph, "index_dtype", graph.index_dtype)  # which a check replaces
    monkeypatch.setattr(tune, "timer", lambda launch: launch() or 1.0)
    edges = torch.tensor([[1, 2, 3, 4, 5, 5, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 4, 4, 2, 1]])
    monkeypatch.setattr(module, "hub_graph", lambda: ga.Graph(edges, 7))
    monkeypatch.setattr(module, "block_graph", lambda: ga.Graph(speed.blocks(64, 24, 32).edge_index, 70))
    monkeypatch.setattr(module, "molecules", lambda count, drawn: molecules(1, drawn))
    with CPUForCUDA():
        yield


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'", "ignore:torch.cuda.amp.GradScaler is enabled")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CUDA_ALONE])
def test_on_a_stand_in(name, stand_in, monkeypatch):
    if name == "with_rows_copied_ahead":
        monkeypatch.setattr(module, "_cases", lambda quick: cases_of("the_same_bits_each_time")[:2])
    run_check(name, cases_of(name)[0])


def test_a_stand_in_that_is_wrong_is_found(stand_in, monkeypatch):
    from graphattn.ops.triton import attend

    forward = attend.launch

    def wrong(kernel, grid, tensors, warps, **arguments):
        forward(kernel, grid, tensors, warps, **arguments)
        arguments["out"].mul_(1.01)

    monkeypatch.setattr(attend, "launch", wrong)
    with pytest.raises(AssertionError, match="plain torch"):
        run_check("as_good_as_plain_torch", cases_of("as_good_as_plain_torch")[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_what_is_measured_runs_on_a_stand_in(stand_in, monkeypatch):
    """With another clock."""
    monkeypatch.setattr(speed, "repeat", lambda call, *_: SimpleNamespace(median=call() or 1.0))
    monkeypatch.setattr(speed, "per_call", lambda call, *_, **more: call() or 1.0)
    monkeypatch.setattr(speed, "peak_extra", lambda call, device: call() or 0)
    monkeypatch.setattr(speed, "captured", lambda call: call)
    monkeypatch.setattr(speed, "_bandwidth", lambda seconds: 1.0)
    monkeypatch.setattr(speed, "SHAPES", [((2, 4), "float32"), ((2, 4), "no dtype")])
    monkeypatch.setattr(speed, "GRAPHS", dict.fromkeys(speed.GRAPHS, module.hub_graph))
    good, bad = speed.measure("1,024 molecules", 0.1)
    assert good["forward"] == good["launch both"] == good["replayed forward"] == 1.0
    assert bad["failed"].startswith("AttributeError")
    assert "float32" in good["dtype"]
    assert speed.tune()[0].endswith(" tiles are others than before")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_small_calls_run_on_a_stand_in(stand_in):
    small.main(module.hub_graph())
    degrees = small.graph().in_degree
    assert {int(torch.bucketize(degree, torch.tensor([4, 32, 512]))) for degree in degrees} == {0, 1, 2, 3}


def test_every_check_has_a_name_of_its_own_and_says_what_it_is_about():
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) >= CUDA_ALONE
    assert all(function.__doc__ for function in CHECKS)
