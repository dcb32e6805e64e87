"""The fused operator as PyTorch sees it before, and without, any kernel."""

import subprocess
import sys
import textwrap

import pytest
import torch

import graphattn as ga
from graphattn.ops.operator import INPUTS

SHAPES = {
    "q": lambda graph: (graph.num_dst, 6, 5),
    "k": lambda graph: (graph.num_src, 2, 5),
    "v": lambda graph: (graph.num_src, 2, 7),
    "bias": lambda graph: (graph.num_edges, 6),
    "edge_key": lambda graph: (graph.num_edges, 6, 5),
    "edge_value": lambda graph: (graph.num_edges, 6, 7),
    "edge_attr": lambda graph: (graph.num_edges, 4),
    "attr_query": lambda graph: (graph.num_dst, 6, 4),
    "key_proj": lambda graph: None,
    "value_proj": lambda graph: None,
    "vector": lambda graph: None,
}


def meta(graph, dtype=torch.float32):
    """The tensors of a call, as shapes alone."""
    shapes = [SHAPES[name](graph) for name in INPUTS]
    return [None if shape is None else torch.empty(shape, device="meta", dtype=dtype) for shape in shapes]


def arrays(graph, device="meta"):
    """The edges by destination and by source."""
    return [array.to(device) for array in (*graph.csr, *graph.csc)]


def options(normalize="softmax", attr_value=False, weights=False):
    """A dot score for six heads, without dropout."""
    return "dot", normalize, 6, 1.0, 0.0, 0.0, None, attr_value, weights


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("attr_value", [False, True])
@pytest.mark.parametrize("normalize", ["softmax", "relu", "sigmoid", "identity"])
def test_shapes_are_known_without_a_kernel(normalize, attr_value, weights):
    graph = ga.testing.zoo()["more_sources"]
    tensors = [tensor if tensor is None else tensor.requires_grad_() for tensor in meta(graph)]
    out, attr_out, lse, rest, found = torch.ops.graphattn.attend(
        *tensors, *arrays(graph), *options(normalize, attr_value, weights)
    )
    assert out.shape == (3, 6, 7)
    assert attr_out.shape == ((3, 6, 4) if attr_value else (0,))
    assert lse.shape == rest.shape == ((3, 6) if normalize == "softmax" else (0,))
    assert found.shape == ((17, 6) if weights else (0,))
    assert out.requires_grad
    assert not rest.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_results_are_wider_than_halves(dtype):
    graph = ga.testing.zoo()["more_sources"]
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    found = torch.ops.graphattn.attend(*meta(graph, dtype), *arrays(graph), *options())
    assert {result.dtype for result in found} == {wide}


def needs(*names):
    return [name in names for name in INPUTS]


@pytest.mark.parametrize(
    "asked", [needs(*INPUTS[:-3]), needs("q", "bias"), needs("k", "edge_key", "edge_attr"), needs("v"), needs()]
)
def test_gradients_not_asked_for_are_empty(asked):
    graph = ga.testing.zoo()["more_sources"]
    tensors, edges, chosen = meta(graph), arrays(graph), options(attr_value=True)
    saved = torch.ops.graphattn.attend(*tensors, *edges, *chosen)
    found = torch.ops.graphattn.attend_backward(
        saved[0], saved[1], saved[2], None, *saved, *tensors, *edges, *chosen, asked
    )
    for gradient, tensor, needed in zip(found, tensors, asked, strict=True):
        assert gradient.shape == (tensor.shape if needed else (0,))


def test_it_traces_without_numba():
    program = """
        import sys
        sys.modules["numba"] = None
        import torch, graphattn as ga
        graph = ga.testing.zoo()["unsorted"]
        edges = [array.to("meta") for array in (*graph.csr, *graph.csc)]
        q = torch.empty(13, 3, 5, device="meta", requires_grad=True)
        absent = [None] * 8
        found = torch.ops.graphattn.attend(
            q, q, q, *absent, *edges, "dot", "softmax", 3, 1.0, 0.0, 0.0, None, False, False
        )
        found[0].sum().backward()
        print(tuple(q.grad.shape))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.stdout.strip() == "(13, 3, 5)", done.stderr


def test_a_backward_pass_without_the_edges_by_source_says_so():
    pytest.importorskip("numba")
    graph = ga.testing.zoo()["hub"]
    q = torch.zeros(71, 1, 2, requires_grad=True)
    ga.attention(q, q, q, graph)  # the kernels are there now
    out, *_ = torch.ops.graphattn.attend(
        q, q, q, *[None] * 8, *graph.csr, None, None, None, "dot", "softmax", 1, 1.0, 0.0, 0.0, None, False, False
    )
    with pytest.raises(RuntimeError, match="without the edges by source"):
        out.sum().backward()


def test_edges_by_source_are_made_only_where_a_gradient_can_follow():
    pytest.importorskip("numba")
    graph = ga.testing.zoo()["hub"]
    x = torch.zeros(71, 1, 2)
    ga.attention(x, x, x, graph)
    with torch.no_grad():
        ga.attention(x.requires_grad_(), x, x, graph)
    assert graph._csc is None
    ga.attention(x, x, x, graph)
    assert graph._csc is not None
