"""Gradients through the projection of edge features inside an additive score."""

import pytest
from ops.lowering.cases import Case, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch

import graphattn as ga

ZOO = ga.testing.zoo()


@pytest.mark.parametrize(
    ("score", "edges"), [("additive leaky_relu", "everything"), ("additive tanh", "low rank for keys")]
)
def test_features_shared_out_among_programs(score, edges, monkeypatch):
    """As those are that are too many for one, and the numbers of a head in parts."""
    from graphattn.ops.triton import projection

    monkeypatch.setattr(projection, "_MOST", 16)
    case, graph = Case(score, edges=edges, heads=(4, 2), widths=(18, 3, 20)), ZOO["isolated_nodes"]
    assert projection.padded_part(18, 4) == projection.padded_part(20, 4) == 16
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph))


def test_programs_that_take_several_blocks(monkeypatch):
    from graphattn.ops.triton import gradient

    monkeypatch.setattr(gradient, "_PROJECTION_PROGRAMS", 2)
    case, graph = Case("additive leaky_relu", edges="low rank"), ZOO["hub"]
    assert graph.num_edges > 3 * 32
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
