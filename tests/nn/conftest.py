"""One comparison of a layer with its PyG namesake, for every test of such a layer."""

import pytest
import torch


def _gradients(layer, out, inputs):
    """Gradients of a loss that weighs each number differently: of the inputs by place, of parameters by name."""
    loss = (out * torch.arange(out.numel()).view_as(out).cos()).sum()
    names, parameters = zip(*layer.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, [*inputs, *parameters], allow_unused=True)
    return dict(zip([*range(len(inputs)), *names], found, strict=True))


def _assert_same(ours, theirs, x, edge_index, edge_attr=None, graph=None):
    ours.double(), theirs.double()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    ours.load_state_dict(theirs.state_dict(), strict=True)

    features = list(x) if isinstance(x, tuple) else [x]
    inputs = [tensor.requires_grad_() for tensor in (*features, edge_attr) if tensor is not None]
    want, (want_edges, want_weights) = theirs(x, edge_index, edge_attr, return_attention_weights=True)
    out, (edges, weights) = ours(x, edge_index if graph is None else graph, edge_attr, return_attention_weights=True)
    torch.testing.assert_close(out, want)
    torch.testing.assert_close(weights, want_weights)
    assert torch.equal(edges, want_edges)
    torch.testing.assert_close(ours(x, edge_index if graph is None else graph, edge_attr), want)

    found, expected = _gradients(ours, out, inputs), _gradients(theirs, want, inputs)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        if gradient is None or not gradient.any():  # PyG leaves some unused where we have zeros, and the other way
            assert found[name] is None or not found[name].any(), name
        else:
            torch.testing.assert_close(
                found[name], gradient, msg=lambda detail, name=name: f"gradient of {name}: {detail}"
            )


@pytest.fixture
def assert_same_as_pyg():
    """`check(ours, theirs, x, edge_index, edge_attr=None, graph=None)`: weights go both ways, then outputs, attention
    weights, edges and every gradient agree. Our layer is called with `graph` where there is one.
    """
    torch.manual_seed(0)
    return _assert_same
