"""What is said about bad arguments, and the defaults of good ones."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.ops.arguments import prepare

M, N, E, H, HK, D, DV, DE = 5, 7, 13, 6, 2, 3, 11, 17  # sizes differ, so that a message names the right one
SCALAR = {"score": "sum", "q": torch.zeros(M, H), "k": torch.zeros(N, HK)}
ADDITIVE = ga.scores.Additive(torch.zeros(H, D))


def given(**changes):
    """The arguments of a call that is in order, but for the changes."""
    graph = ga.Graph(torch.stack([torch.arange(E) % N, torch.arange(E) % M]), num_dst=M, num_src=N)
    q, k, v = torch.zeros(M, H, D), torch.zeros(N, HK, D), torch.zeros(N, HK, DV)
    return {"q": q, "k": k, "v": v, "graph": graph, **changes}


def zeros(*shape, **options):
    return torch.zeros(shape, **options)


SIZES = {
    "q of another number of destinations": ({"q": zeros(N, H, D)}, "q is [M, H, D]", "[5, any, any]", "[7, 6, 3]"),
    "q without heads": ({"q": zeros(M, D)}, "q is [M, H, D]", "[5, any, any]", "[5, 3]"),
    "k of another number of sources": ({"k": zeros(M, HK, D)}, "k is [N, Hk, D]", "[7, 2, 3]", "[5, 2, 3]"),
    "k of another width": ({"k": zeros(N, HK, DV)}, "k is [N, Hk, D]", "[7, 2, 3]", "[7, 2, 11]"),
    "k with other heads than v": ({"k": zeros(N, H, D)}, "k is [N, Hk, D]", "[7, 2, 3]", "[7, 6, 3]"),
    "v of another number of sources": ({"v": zeros(M, HK, DV)}, "v is [N, Hk, Dv]", "[7, any, any]", "[5, 2, 11]"),
    "v without heads": ({"v": zeros(N, DV)}, "v is [N, Hk, Dv]", "[7, any, any]", "[7, 11]"),
    "q for sum": (
        {**SCALAR, "q": zeros(M, H, D)},
        'q is [M, H] with M destinations for score="sum"',
        "[5, any]",
        "[5, 6, 3]",
    ),
    "k for sum": ({**SCALAR, "k": zeros(N, H)}, "k is [N, Hk], heads as in v", "[7, 2]", "[7, 6]"),
    "edge_bias per edge alone": ({"edge_bias": zeros(E)}, "edge_bias is [E, H]", "[13, 6]", "[13]"),
    "edge_bias per key head": ({"edge_bias": zeros(E, HK)}, "edge_bias is [E, H]", "[13, 6]", "[13, 2]"),
    "edge_bias of other edges": ({"edge_bias": zeros(N, H)}, "edge_bias is [E, H]", "[13, 6]", "[7, 6]"),
    "edge_key as wide as values": ({"edge_key": zeros(E, H, DV)}, "edge_key is [E, H, D]", "[13, 6, 3]", "[13, 6, 11]"),
    "edge_value as wide as keys": (
        {"edge_value": zeros(E, H, D)},
        "edge_value is [E, H, Dv]",
        "[13, 6, 11]",
        "[13, 6, 3]",
    ),
    "edge_attr of other edges": (
        {"edge_attr": zeros(N, DE), "edge_proj": zeros(DE, H, D)},
        "edge_attr is [E, d_e]",
        "[13, any]",
        "[7, 17]",
    ),
    "edge_attr of one dimension": (
        {"edge_attr": zeros(E), "edge_proj": (zeros(1, H, D), None)},
        "edge_attr is [E, d_e]",
        "[13, any]",
        "[13]",
    ),
    "edge_proj for keys": (
        {"edge_attr": zeros(E, DE), "edge_proj": (zeros(H, DE, D), None)},
        "edge_proj is [d_e, H, D]",
        "[17, 6, 3]",
        "[6, 17, 3]",
    ),
    "edge_proj for values": (
        {"edge_attr": zeros(E, DE), "edge_proj": (None, zeros(DE, H, D))},
        "edge_proj (for values) is [d_e, H, Dv]",
        "[17, 6, 11]",
        "[17, 6, 3]",
    ),
    "one edge_proj for both widths": (
        {"edge_attr": zeros(E, DE), "edge_proj": zeros(DE, H, D)},
        "edge_proj (for values) is [d_e, H, Dv]",
        "[17, 6, 11]",
        "[17, 6, 3]",
    ),
    "the vector of the additive score": (
        {"score": ga.scores.Additive(zeros(HK, D))},
        "the vector of the additive score",
        "[6, 3]",
        "[2, 3]",
    ),
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_that_disagree_are_both_named(case):
    changes, what, expected, got = SIZES[case]
    with pytest.raises(ValueError) as raised:
        ga.attention(**given(**changes))
    message = str(raised.value)
    assert message.startswith(what)
    assert message.endswith(f"expected {expected}, got {got}")


OTHER_VALUES = {
    "heads": ({"q": zeros(M, 5, D)}, "the 2 heads of k and v must divide the 5 heads of q"),
    "no key heads": (
        {"k": zeros(N, 0, D), "v": zeros(N, 0, DV)},
        "the 0 heads of k and v must divide the 6 heads of q",
    ),
    "dropout of one": ({"dropout": 1.0}, "dropout is a probability in [0, 1), got 1.0"),
    "negative dropout": ({"dropout": -0.1}, "dropout is a probability in [0, 1), got -0.1"),
    "dropout NaN": ({"dropout": math.nan}, "dropout is a probability in [0, 1), got nan"),
    "state of another normalizer": (
        {"return_state": True, "normalize": "relu"},
        "return_state needs normalize=\"softmax\", got 'relu'",
    ),
    "state and weights": (
        {"return_state": True, "return_weights": True},
        "return_weights and return_state exclude one another",
    ),
    "edge key for sum": (
        {**SCALAR, "edge_key": zeros(E, H, D)},
        'score="sum" takes no edge key; put edge terms into edge_bias',
    ),
    "edge key for none": ({"score": "none", "edge_key": zeros(E, H, D)}, 'score="none" takes no edge key'),
    "edge_proj for the keys of sum": (
        {**SCALAR, "edge_attr": zeros(E, DE), "edge_proj": (zeros(DE, H, D), None)},
        'score="sum" takes no edge key',
    ),
    "edge_attr alone": ({"edge_attr": zeros(E, DE)}, "edge_attr and edge_proj go together"),
    "edge_proj alone": ({"edge_proj": zeros(DE, H, D)}, "edge_attr and edge_proj go together"),
    "edge_attr with a pair of None": (
        {"edge_attr": zeros(E, DE), "edge_proj": (None, None)},
        "edge_attr and edge_proj go together",
    ),
    "score by an unknown name": (
        {"score": "dott"},
        'score is one of "dot", "cosine", "sum", "none", "additive"; got \'dott\'',
    ),
    "additive without its vector": ({"score": "additive"}, "score=Additive(vector)"),
    "normalizer by an unknown name": (
        {"normalize": "soft"},
        "normalize is one of softmax, relu, sigmoid, identity, linear, sparsemax, entmax15, argmax; got 'soft'",
    ),
    "backend by an unknown name": (
        {"backend": "cuda"},
        "backend is \"auto\" or one of dense, block, linear, parts, numba, triton, reference; got 'cuda'",
    ),
}


@pytest.mark.parametrize("case", OTHER_VALUES)
def test_values_that_cannot_be(case):
    changes, message = OTHER_VALUES[case]
    with pytest.raises(ValueError) as raised:
        ga.attention(**given(**changes))
    assert message in str(raised.value)


KINDS = {
    "an edge_index for the graph": ({"graph": zeros(2, E, dtype=torch.long)}, "graph is a graphattn.Graph, got Tensor"),
    "no query": ({"q": None}, 'q and k are tensors unless score="none"; got score="dot"'),
    "no key": ({"score": ADDITIVE, "k": None}, 'q and k are tensors unless score="none"; got score="additive"'),
    "a list for k": ({"k": [1.0]}, "k is a tensor, got list"),
    "a list for edge_bias": ({"edge_bias": [1.0]}, "edge_bias is a tensor, got list"),
    "integers": ({"q": zeros(M, H, D, dtype=torch.long)}, "q holds floating-point numbers, got torch.int64"),
    "a mask for a bias": (
        {"edge_bias": zeros(E, H, dtype=torch.bool)},
        "edge_bias holds floating-point numbers, got torch.bool",
    ),
    "two dtypes": (
        {"edge_value": zeros(E, H, DV, dtype=torch.float64)},
        "all tensors share one dtype: edge_value is torch.float64, but v is torch.float32",
    ),
    "score": ({"score": 3}, "score is a name or one of graphattn.scores' objects, got int"),
    "normalizer": ({"normalize": torch.softmax}, "normalize is a name, got builtin_function_or_method"),
}


@pytest.mark.parametrize("case", KINDS)
def test_things_of_the_wrong_kind(case):
    changes, message = KINDS[case]
    with pytest.raises(TypeError) as raised:
        ga.attention(**given(**changes))
    assert message in str(raised.value)


def test_another_device():
    with pytest.raises(ValueError, match="edge_bias is on meta, but the graph is on cpu"):
        ga.attention(**given(edge_bias=zeros(E, H, device="meta")))


UNNAMED = {
    "a list for q": ({"q": [1.0]}, TypeError, "q is a tensor, got list"),
    "a list for v": ({"v": [1.0]}, TypeError, "v is a tensor, got list"),
    "no values": ({"v": None}, TypeError, "v is a tensor"),
    "q of no dimension": ({"q": torch.tensor(1.0)}, ValueError, "q is "),
    "q of one dimension": ({"q": zeros(M)}, ValueError, "q is "),
    "edge_bias of one dimension without scores": (
        {"q": None, "k": None, "score": "none", "edge_bias": zeros(E)},
        ValueError,
        "edge_bias is ",
    ),
    "three projections": (
        {"edge_attr": zeros(E, DE), "edge_proj": (None, None, None)},
        (TypeError, ValueError),
        "edge_proj",
    ),
    "dropout": ({"dropout": "0.5"}, TypeError, "dropout"),
    "scale": ({"scale": "2"}, TypeError, "scale"),
    "beta of other heads": ({"score": ga.scores.Cosine(zeros(D))}, ValueError, "beta"),
}


@pytest.mark.parametrize("case", UNNAMED)
def test_arguments_whose_errors_are_not_told_yet(case):
    changes, kind, message = UNNAMED[case]
    with pytest.raises(kind) as raised:
        ga.attention(**given(**changes))
    assert message in str(raised.value)


def test_default_scale():
    assert prepare(**given()).scale == 3**-0.5
    assert prepare(**given(score="cosine")).scale == 1
    assert prepare(**given(score=ADDITIVE)).scale == 1
    assert prepare(**given(scale=0.0)).scale == 0  # an explicit zero is no missing scale


def test_scale_zero_weighs_all_edges_alike():
    call = given()
    call["q"], call["k"] = torch.ones(M, H, D), torch.arange(N * HK * D).view(N, HK, D).float()
    _, weights = ga.attention(**call, scale=0.0, return_weights=True)
    degree = call["graph"].in_degree[call["graph"].edge_index[1]]
    torch.testing.assert_close(weights, (1 / degree).unsqueeze(1).expand(E, H))


def test_heads_come_from_the_query_else_the_bias_else_the_values():
    assert prepare(**given()).heads == H
    assert prepare(**given(q=None, k=None, score="none", edge_bias=zeros(E, H))).heads == H
    assert prepare(**given(q=None, k=None, score="none")).heads == HK


def test_one_projection_serves_keys_and_values():
    attr, proj = torch.randn(E, DE), torch.randn(DE, H, D)
    call = prepare(**given(v=zeros(N, HK, D), edge_attr=attr, edge_proj=proj)).without_low_rank_edges()
    torch.testing.assert_close(call.edge_key, (attr @ proj.flatten(1)).view(E, H, D))
    torch.testing.assert_close(call.edge_value, call.edge_key)
    assert call.edge_attr is None


def test_projected_edges_join_those_given():
    attr, proj, key = torch.randn(E, DE), torch.randn(DE, H, D), torch.randn(E, H, D)
    call = prepare(**given(edge_attr=attr, edge_proj=(proj, None), edge_key=key)).without_low_rank_edges()
    torch.testing.assert_close(call.edge_key, key + (attr @ proj.flatten(1)).view(E, H, D))
    assert call.edge_value is None


def test_needs_grad():
    assert not prepare(**given()).needs_grad
    bias = zeros(E, H, requires_grad=True)
    assert prepare(**given(edge_bias=bias)).needs_grad
    with torch.no_grad():
        assert not prepare(**given(edge_bias=bias)).needs_grad
