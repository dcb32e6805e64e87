"""After a warm-up for a GPU, what the common calls launch has been compiled."""

import pytest
import torch

import graphattn as ga
from graphattn.ops.warmup import _on_gpu

HEADS, WIDTH = 4, 16


@pytest.fixture
def launched(monkeypatch):
    """What Triton compiles a kernel for, of each launch; nothing runs."""
    import triton.language as tl

    from graphattn.ops.triton import attend, gradient

    found = set()

    def note(kernel, grid, tensors, warps, **arguments):
        if 0 in grid:
            return
        about = []
        for name in kernel.arg_names:
            value = arguments[name]
            if isinstance(value, torch.Tensor):
                value = value.dtype
            elif value is not None and kernel.fn.__annotations__.get(name) is not tl.constexpr:
                value = type(value)
            about.append((name, value))
        found.add((kernel.fn.__name__, warps, *about))

    monkeypatch.setattr(attend, "launch", note)
    monkeypatch.setattr(gradient, "launch", note)
    return found


def graphs():
    torch.manual_seed(0)
    yield ga.Graph(torch.randint(0, 300, (2, 2_000)), 300)
    yield ga.Graph(torch.randint(0, 900, (2, 1_500)), 900)
    hub = torch.cat([torch.randint(0, 700, (1, 900)), torch.zeros(1, 900, dtype=torch.long)])
    yield ga.Graph(torch.cat([hub, torch.randint(0, 700, (2, 3_000))], dim=1), 700)
    yield ga.Graph(torch.cat([hub.flip(0), torch.randint(0, 700, (2, 3_000))], dim=1), 700)
    ring = torch.arange(30)
    yield ga.Graph(torch.cat([torch.stack([ring, ring.roll(1)]), torch.stack([ring.roll(1), ring])], dim=1), 30)


def common_calls(dtype):
    for graph in graphs():
        nodes = graph.num_nodes, HEADS, WIDTH
        q, k, v = (torch.randn(nodes, dtype=dtype, requires_grad=True) for _ in range(3))
        vector = torch.randn(HEADS, WIDTH, dtype=dtype, requires_grad=True)
        for ends, values, score in (
            ((q, k), v, "dot"),
            ((q[:, :, 0], k[:, :, 0]), v, "sum"),
            ((q, k), k, ga.scores.Additive(vector)),
        ):
            ga.attention(*ends, values, graph, score=score, backend="triton").sum().backward()
            with torch.no_grad():
                ga.attention(*ends, values, graph, score=score, backend="triton")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_common_call_compiles_after_it(launched, dtype):
    _on_gpu(dtype, torch.device("cpu"), HEADS, WIDTH)
    before = set(launched)
    assert len(before) > 40
    common_calls(dtype)
    assert launched - before == set()


def test_another_width_would(launched):
    _on_gpu(torch.float32, torch.device("cpu"), HEADS, 2 * WIDTH)
    before = set(launched)
    common_calls(torch.float32)
    assert launched - before


@pytest.mark.parametrize("sizes", [{"heads": 2.0}, {"width": "wide"}])
def test_sizes_are_integers(sizes):
    with pytest.raises(TypeError, match="must be an integer"):
        ga.warmup(torch.float32, device="cuda", **sizes)
