"""The fused operators as PyTorch sees them before, and without, any kernel."""

import subprocess
import sys
import textwrap

import pytest
import torch

import graphattn as ga


def arrays(graph):
    """The edges by destination and by source, as shapes alone."""
    return [array.to("meta") for array in (*graph.csr, *graph.csc)]


def meta(graph):
    shapes = (graph.num_dst, 6, 5), (graph.num_src, 2, 5), (graph.num_src, 2, 7), (graph.num_edges, 6)
    return [torch.empty(shape, device="meta") for shape in shapes]


def test_shapes_are_known_without_a_kernel():
    graph = ga.testing.zoo()["more_sources"]
    out, lse, rest = torch.ops.graphattn.dot_softmax(*meta(graph), *arrays(graph), 1.0, 0.0, None)
    assert out.shape == (3, 6, 7)
    assert lse.shape == rest.shape == (3, 6)
    assert not rest.requires_grad


@pytest.mark.parametrize("needs", [[True] * 4, [True, False, False, True], [False, True, True, False]])
def test_gradients_not_asked_for_are_empty(needs):
    graph = ga.testing.zoo()["more_sources"]
    tensors, edges = meta(graph), arrays(graph)
    saved = torch.ops.graphattn.dot_softmax(*tensors, *edges, 1.0, 0.0, None)
    found = torch.ops.graphattn.dot_softmax_backward(
        saved[0], saved[1], *saved, *tensors, *edges, 1.0, 0.0, None, needs
    )
    for gradient, tensor, needed in zip(found, tensors, needs, strict=True):
        assert gradient.shape == (tensor.shape if needed else (0,))


def test_it_traces_without_numba():
    program = """
        import sys
        sys.modules["numba"] = None
        import torch, graphattn as ga
        graph = ga.testing.zoo()["unsorted"]
        edges = [array.to("meta") for array in (*graph.csr, *graph.csc)]
        q = torch.empty(13, 3, 5, device="meta", requires_grad=True)
        out, lse, rest = torch.ops.graphattn.dot_softmax(q, q, q, None, *edges, 1.0, 0.0, None)
        out.sum().backward()
        print(tuple(q.grad.shape))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.stdout.strip() == "(13, 3, 5)", done.stderr


def test_a_backward_pass_without_the_edges_by_source_says_so():
    pytest.importorskip("numba")
    graph = ga.testing.zoo()["hub"]
    q = torch.zeros(71, 1, 2, requires_grad=True)
    ga.attention(q, q, q, graph)  # the kernels are there now
    out, _, _ = torch.ops.graphattn.dot_softmax(q, q, q, None, *graph.csr, None, None, None, 1.0, 0.0, None)
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
