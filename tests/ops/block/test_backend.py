"""Windows and grids in tiles: against the reference, at every border, with gradients; and FlexAttention's rule."""

import pytest
import torch
import torch.nn.functional as F
from tiled_cases import HEADS, WINDOWS_AND_GRIDS, dropped, results
from torch.utils._python_dispatch import TorchDispatchMode

import graphattn as ga
from graphattn.graph.memo import derived
from graphattn.ops import tiled
from graphattn.ops.arguments import prepare
from graphattn.ops.block import flex
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
    "normalizer": ({"normalize": "relu"}, 'it computes score="dot" or "cosine" with normalize="softmax" only'),
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


FLEXIBLE = {name: WINDOWS_AND_GRIDS[name] for name in WINDOWS_AND_GRIDS if name != "periodic, dilated"} | {
    "periodic": ga.window([11, 23], 3, border="periodic"),
    "grid, periodic, even kernel": ga.grid((17, 9), (4, 3), border="periodic"),
}


def by_flex(graph, monkeypatch, bias=None, **options):
    """The path of GPUs uncompiled, with the gradients that FlexAttention denies on a CPU."""
    monkeypatch.setattr(flex, "_FEWEST", 0)
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)
    monkeypatch.setattr(flex, "_compiled", flex._flex_attention)
    monkeypatch.setattr(tiled, "attention", flex.attention)
    return results(graph, (6, 2, 16, 16), backend="block", bias=bias, dtype=torch.float32, **options)


@pytest.mark.parametrize("bias", [None, "bias", "hidden"])
@pytest.mark.parametrize("name", FLEXIBLE)
@pytest.mark.filterwarnings("ignore")  # that it is slow uncompiled
def test_flex_attention(name, bias, monkeypatch):
    """The path of GPUs, uncompiled, which is what a CPU can run of it."""
    graph = FLEXIBLE[name]
    want = results(graph, (6, 2, 16, 16), backend="reference", bias=bias, dtype=torch.float32)
    for mine, other in zip(by_flex(graph, monkeypatch, bias), want, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_flex_attention_compiles():
    graph = ga.grid((17, 19), 5, border="shift")
    q, k, v = (torch.randn(graph.num_nodes, 2, 16) for _ in range(3))

    def without_lse(*tensors, return_lse, **options):  # which a CPU's compiler does not give
        return flex._flex_attention()(*tensors, **options), torch.zeros(1, 2, graph.num_nodes)

    bias = torch.randn(graph.num_edges, 2)
    found = flex.attend(prepare(q, k, v, graph, edge_bias=bias), torch.compile(without_lse, fullgraph=True))
    torch.testing.assert_close(found, ga.attention(q, k, v, graph, edge_bias=bias, backend="reference"))


def test_the_block_mask_is_made_once():
    graph = ga.grid((17, 9), 3)
    made = [derived(graph, "flex", lambda: flex._make_plan(graph)).mask for _ in range(2)]
    assert made[0] is made[1]


@pytest.mark.parametrize(("shape", "tile_by_tile"), [((64, 32), False), ((16, 256), True)])
def test_the_order_with_fewer_blocks_is_taken(shape, tile_by_tile):
    graph = ga.grid(shape, 7)
    plan = flex._make_plan(graph)
    assert (plan.order is not None) == tile_by_tile
    others = [flex._plan_in_order(graph, order) for order in (None, flex._tile_by_tile(graph))]
    assert flex._num_blocks(plan) == min(map(flex._num_blocks, others))
    assert flex._num_blocks(others[0]) != flex._num_blocks(others[1])


@pytest.mark.parametrize("bias", [None, "bias"])
@pytest.mark.filterwarnings("ignore")
def test_flex_attention_tile_by_tile(bias, monkeypatch):
    graph = ga.grid([(16, 40), (5, 7)], 5, border="shift")
    monkeypatch.setattr(flex, "_make_plan", lambda graph: flex._plan_in_order(graph, flex._tile_by_tile(graph)))
    want = results(graph, (6, 2, 16, 16), backend="reference", bias=bias, dtype=torch.float32)
    for mine, other in zip(by_flex(graph, monkeypatch, bias), want, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_what_flex_attention_does_not_take():
    x = torch.zeros(200, 1, 16)
    assert "dilated" in flex.refusal(prepare(x, x, x, ga.window(200, 4, dilation=3, border="periodic")))
    assert "dropout" in flex.refusal(prepare(x, x, x, ga.window(200, 1), dropout=0.1))
    assert "fewer" in flex.refusal(prepare(x[:0], x[:0], x[:0], ga.window(0, 1)))
    assert "16" in flex.refusal(prepare(x[..., :8], x[..., :8], x, ga.window(200, 1)))
    assert "32 bits" in flex.refusal(prepare(x.double(), x.double(), x.double(), ga.window(200, 1)))
    assert flex.refusal(prepare(x, x, x, ga.window(200, 1))) is None
