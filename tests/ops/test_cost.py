"""What a path is said to cost, worked out by hand, and against PyTorch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import graphattn as ga

H, D, DV, SIZE = 2, 3, 5, 4


def explain(graph, backend, **options):
    q, k, v = (torch.zeros(n, H, width) for n, width in ((graph.num_dst, D), (graph.num_src, D), (graph.num_src, DV)))
    return ga.explain_backend(q, k, v, graph, backend=backend, **options)


def inputs_and_output(graph):
    return SIZE * H * (graph.num_dst * (D + DV) + graph.num_src * (D + DV))


def test_dense_is_every_pair_and_nothing_beside():
    found = explain(ga.bipartite(7, 11), "dense")
    assert (found.flops, found.bytes) == (2 * H * 77 * (D + DV), inputs_and_output(ga.bipartite(7, 11)))


def test_numba_gathers_a_key_and_a_value_for_each_edge():
    pytest.importorskip("numba")
    graph = ga.Graph(torch.tensor([[0, 1, 1], [2, 2, 0]]), 3)
    found = explain(graph, "numba")
    assert found.flops == 2 * H * 3 * (D + DV)
    assert found.bytes == inputs_and_output(graph) + 3 * (H * (D + DV) * SIZE + 4)


def test_tiles_pay_for_the_pairs_that_do_not_see_one_another():
    graph = ga.window(10, 1)  # one tile of 10 × 10
    found = explain(graph, "block")
    assert found.flops == 2 * H * 100 * (D + DV)
    assert found.bytes == inputs_and_output(graph) + 2 * 10 * H * (D + DV) * SIZE


def test_a_window_costs_in_proportion_to_its_nodes():
    small, large = (explain(ga.window(n, 128), "block") for n in (4096, 8192))
    assert large.flops == pytest.approx(2 * small.flops, rel=0.02)
    assert large.bytes == pytest.approx(2 * small.bytes, rel=0.02)


@pytest.mark.parametrize("graph", [ga.complete(64), ga.bipartite(64, 128)])
def test_linear_attention_costs_what_pytorch_counts(graph):
    q, k = torch.rand(graph.num_dst, H, D), torch.rand(graph.num_src, H, D)
    with FlopCounterMode(display=False) as counter:
        ga.attention(q, k, torch.rand(graph.num_src, H, DV), graph, normalize="linear")
    assert explain(graph, "linear", normalize="linear").flops == counter.get_total_flops()


def test_causal_linear_attention_costs_at_least_what_pytorch_counts():
    graph = ga.causal(128)
    q = torch.rand(128, H, D)
    with FlopCounterMode(display=False) as counter:
        ga.attention(q, q, torch.rand(128, H, DV), graph, normalize="linear")
    assert explain(graph, "linear", normalize="linear").flops == counter.get_total_flops()


def test_parts_cost_what_they_cost_alone():
    pytest.importorskip("numba")
    hub = ga.Graph(torch.tensor([[0], [9]]), 10)
    found = explain(ga.union(ga.window(10, 1), hub), "parts")
    alone = [explain(ga.window(10, 1), "numba"), explain(hub, "numba")]
    assert (found.flops, found.bytes) == (sum(x.flops for x in alone), sum(x.bytes for x in alone))
