"""After a warm-up no call compiles."""

import pytest
import torch

import graphattn as ga

pytest.importorskip("numba")


def compiled():
    """How many versions of each kernel there are."""
    from graphattn.ops.numba import backward_kernels, edge_features, forward_kernel

    kernels = (
        forward_kernel.forward, backward_kernels.row_terms, backward_kernels.backward_source,
        backward_kernels.backward_destination,
    )  # fmt: skip
    of_features = (edge_features.feature_terms, edge_features.backward_features)
    return [len(kernel.dispatcher.signatures) for kernel in (*kernels, *of_features)]


def test_no_call_compiles_after_it():
    ga.warmup()
    before = compiled()
    graph = ga.testing.zoo()["duplicate_edges"]
    nodes, numbers = torch.randn(3, 2, 5, requires_grad=True), torch.randn(3, 2, requires_grad=True)
    vector = torch.randn(2, 5)
    additive = (ga.scores.Additive(vector), ga.scores.Additive(vector, "tanh"))
    for score in ("dot", "cosine", "sum", *additive, "none"):
        ends = numbers if score == "sum" else nodes
        for normalize in ("softmax", "relu"):
            out = ga.attention(
                ends, ends, nodes, graph, score=score, normalize=normalize, edge_bias=torch.randn(6, 2),
                edge_value=torch.randn(6, 2, 5), edge_attr=torch.randn(6, 3), edge_proj=(None, torch.randn(3, 2, 5)),
                dropout=0.1, backend="numba",
            )  # fmt: skip
            out.sum().backward()
    assert compiled() == before
    assert min(before) > 0


@pytest.mark.parametrize("wrong", [torch.int64, "float32"])
def test_takes_floating_point_dtypes_only(wrong):
    with pytest.raises(TypeError, match="floating-point dtypes, got"):
        ga.warmup(wrong)
