"""Windows and grids in tiles: against the reference, at every border, with gradients; and FlexAttention's rule."""

import pytest
import torch
import torch.nn.functional as F
from tiled_cases import HEADS, WINDOWS_AND_GRIDS, dropped, results
from torch.utils._python_dispatch import TorchDispatchMode

import graphattn as ga
from graphattn.ops import flex, tiled
from graphattn.ops.call import prepare
from graphattn.ops.random import keeps


@pytest.mark.parametrize("bias", [None, "bias", "hidden"])
@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("name", WINDOWS_AND_GRIDS)
def test_states_and_gradients_of_the_reference(name, heads, bias):
    graph = WINDOWS_AND_GRIDS[name]
    found = results(graph, heads, backend="block", bias=bias)
    for mine, want in zip(found, results(graph, heads, backend="reference", bias=bias), strict=True):
        torch.testing.assert_close(mine, want)


@pytest.mark.parametrize("bias", [None, "bias", "hidden"])
@pytest.mark.parametrize("name", WINDOWS_AND_GRIDS)
def test_dropout_draws_the_mask_of_the_reference(name, bias):
    graph = WINDOWS_AND_GRIDS[name]
    found = dropped(graph, HEADS[1], backend="block", bias=bias)
    for mine, want in zip(found, dropped(graph, HEADS[1], backend="reference", bias=bias), strict=True):
        torch.testing.assert_close(mine, want)


@pytest.mark.parametrize("run", [results, dropped])
def test_few_tiles_and_few_of_their_rows_at_a_time(run, monkeypatch):
    graph = WINDOWS_AND_GRIDS["several tiles"]
    want = run(graph, HEADS[1], backend="block", bias="bias")
    monkeypatch.setattr(tiled, "BUDGET", 2**14)
    monkeypatch.setattr(tiled, "_TOGETHER", {})
    monkeypatch.setattr(tiled, "_AT_ONCE", 1999)
    for mine, same in zip(run(graph, HEADS[1], backend="block", bias="bias"), want, strict=True):
        torch.testing.assert_close(mine, same)


@pytest.mark.parametrize("bias", [None, "hidden"])
def test_products_of_matrices_are_flash_attention(bias, monkeypatch):
    """What other devices run of it."""
    want = results(WINDOWS_AND_GRIDS["several tiles"], HEADS[1], backend="block", bias=bias)
    monkeypatch.setattr(tiled, "_flash_serves", lambda *_: False)
    found = results(WINDOWS_AND_GRIDS["several tiles"], HEADS[1], backend="block", bias=bias)
    for mine, same in zip(found, want, strict=True):
        torch.testing.assert_close(mine, same)


def test_dropout_beyond_four_thousand_million_weights():
    places = torch.tensor([[[5, 2**31]]])
    work = tiled._Work(torch.zeros(1, 1), torch.zeros(1, 2), None, places, None)
    seed = torch.tensor(7)
    (kept, factor) = tiled._kept(work, 4, 2, tiled._Dropout(0.75, seed))
    want = keeps(seed, places.view(1, 1, 1, 2) * 4 + torch.arange(4).view(2, 2, 1), 0.75)
    assert torch.equal(kept, want)
    assert factor == 4.0


@pytest.mark.parametrize("beta", [2.0, torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)])
def test_cosine(beta):
    graph, score = WINDOWS_AND_GRIDS["grid"], ga.scores.Cosine(beta)
    found, want = (results(graph, HEADS[0], backend=name, score=score) for name in ("block", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("bias", [None, "bias"])
def test_precision(dtype, bias):
    graph = WINDOWS_AND_GRIDS["several tiles"]
    found = results(graph, HEADS[1], backend="block", bias=bias, dtype=dtype)
    plain = results(graph, HEADS[1], backend="reference", bias=bias, dtype=dtype)
    exact = results(graph, HEADS[1], backend="reference", bias=bias)
    for mine, theirs, want in zip(found, plain, exact, strict=True):
        error, allowed = ((tensor.double() - want).abs().max() for tensor in (mine, theirs))
        assert error <= 4 * allowed + 1e-6


def test_large_scores():
    graph = WINDOWS_AND_GRIDS["window"]
    found, want = (results(graph, HEADS[0], backend=name, scale=1e4) for name in ("block", "reference"))
    for mine, other in zip(found, want, strict=True):
        torch.testing.assert_close(mine, other)


def test_the_same_bits_in_every_run():
    graph = WINDOWS_AND_GRIDS["several tiles"]
    first, second = (results(graph, HEADS[1], backend="block") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_no_second_derivative():
    q = torch.randn(9, 1, 3, requires_grad=True)
    out = ga.attention(q, q, q, ga.window(9, 2), backend="block")
    with pytest.raises(RuntimeError, match='use backend="reference"'):
        torch.autograd.grad(out.sum(), q, create_graph=True)


def test_a_large_window_is_the_complete_graph():
    q, k, v = (torch.randn(11, 3, 5) for _ in range(3))
    out = ga.attention(q, k, v, ga.window(11, 20), backend="block")
    want = F.scaled_dot_product_attention(*(x.transpose(0, 1) for x in (q, k, v))).transpose(0, 1)
    torch.testing.assert_close(out, want)


class Largest(TorchDispatchMode):
    """The most numbers that any tensor had which an operation made."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        made = result if isinstance(result, tuple | list) else [result]
        self.numel = max([self.numel, *(x.numel() for x in made if isinstance(x, torch.Tensor))])
        return result


def test_nothing_of_the_size_of_all_pairs_is_made(monkeypatch):
    monkeypatch.setattr(tiled, "BUDGET", 2**20)
    monkeypatch.setattr(tiled, "_TOGETHER", {})
    n = 4096
    q = torch.randn(n, 1, 8, requires_grad=True)
    for graph, backend, dropout in ((ga.window(n, 100), "block", 0), (ga.complete(n), "dense", 0.1)):
        with Largest() as largest:
            ga.attention(q, q, q, graph, dropout=dropout, backend=backend).sum().backward()
        assert 0 < largest.numel <= 2**18 + n * 8


REFUSED = {
    "edges": ({"graph": ga.Graph(torch.tensor([[0], [1]]), 9)}, "the graph is not known to be a window or a grid"),
    "normaliser": ({"normalize": "relu"}, 'it computes score="dot" or "cosine" with normalize="softmax" only'),
    "weights": ({"return_weights": True}, "it gives no weights"),
    "edge_key": ({"edge_key": torch.zeros(39, 1, 3)}, "of edge tensors it takes edge_bias only"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    options, why = REFUSED[case]
    q = torch.zeros(9, 1, 3)
    with pytest.raises(ValueError) as raised:
        ga.attention(q, q, q, backend="block", **{"graph": ga.window(9, 2), **options})
    assert str(raised.value) == f"backend='block' cannot run this call: {why}"


FLEXIBLE = sorted(set(WINDOWS_AND_GRIDS) - {"periodic, dilated"})


@pytest.mark.parametrize("name", FLEXIBLE)
@pytest.mark.filterwarnings("ignore")  # that it is slow uncompiled
def test_flex_attention(name):
    """The path of GPUs, uncompiled and forward only, which is what a CPU can run of it."""
    graph = WINDOWS_AND_GRIDS[name]
    drawn = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(graph.num_dst, heads, 16, generator=drawn) for heads in (6, 2, 2))
    call = prepare(q, k, v, graph, return_state=True)
    assert flex.refusal(call) is None
    found = flex.attend(call, flex._flex_attention())
    want = ga.attention(q, k, v, graph, return_state=True, backend="reference")
    torch.testing.assert_close(found.out, want.out)
    torch.testing.assert_close(found.lse, want.lse)


def test_what_flex_attention_has_no_rule_for():
    x = torch.zeros(41, 1, 16)
    assert "dilated" in flex.refusal(prepare(x, x, x, WINDOWS_AND_GRIDS["periodic, dilated"]))
    bias = torch.zeros(ga.window(41, 1).num_edges, 1)
    assert "bias" in flex.refusal(prepare(x, x, x, ga.window(41, 1), edge_bias=bias))
    assert "empty" in flex.refusal(prepare(x[:0], x[:0], x[:0], ga.window(0, 1)))
