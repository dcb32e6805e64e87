"""AttentionPooling: its formula by hand, graphs in any order, and graphs without nodes."""

import pytest
import torch

from graphattn.nn import AttentionPooling

WIDTH, HEADS = 15, 3
BATCH = torch.tensor([3, 0, 3, 1, 0, 3, 1, 0, 0, 3, 3])  # unsorted; graphs 2 and 4 of 5 have no nodes
N, GRAPHS = len(BATCH), 5


@pytest.fixture
def layer():
    torch.manual_seed(0)
    layer = AttentionPooling(WIDTH, HEADS).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter) / 3)
    return layer


@pytest.fixture
def x():
    return torch.randn(N, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_formula(layer, x):
    out, weights = layer(x, BATCH, GRAPHS, return_weights=True)
    for graph in (0, 1, 3):
        nodes = (graph == BATCH).nonzero().squeeze(1)
        heads = []
        for h in range(HEADS):
            head = slice(5 * h, 5 * h + 5)
            alpha = (layer.k_proj(x[nodes])[:, head] @ layer.query[h] / 5**0.5).softmax(0)
            torch.testing.assert_close(weights[nodes, h], alpha)
            heads.append(alpha @ layer.v_proj(x[nodes])[:, head])
        torch.testing.assert_close(out[graph], layer.out_proj(torch.cat(heads)))
    torch.testing.assert_close(layer(x, BATCH, GRAPHS), out)


def test_weights_sum_to_one_in_each_graph(layer, x):
    _, weights = layer(x, BATCH, GRAPHS, return_weights=True)
    total = torch.zeros(GRAPHS, HEADS, dtype=torch.float64).index_add(0, BATCH, weights)
    want = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(total, want.unsqueeze(1).expand(-1, HEADS))


def test_the_order_of_nodes_does_not_matter(layer, x):
    order = torch.randperm(N, generator=torch.Generator().manual_seed(2))
    out, weights = layer(x, BATCH, GRAPHS, return_weights=True)
    found, permuted = layer(x[order], BATCH[order], GRAPHS, return_weights=True)
    torch.testing.assert_close(found, out)
    torch.testing.assert_close(permuted, weights[order])


def test_graphs_do_not_see_one_another(layer, x):
    together = layer(x, BATCH, GRAPHS)
    for graph in range(GRAPHS):
        nodes = graph == BATCH
        alone = layer(x[nodes], torch.zeros(int(nodes.sum()), dtype=torch.long), 1)
        torch.testing.assert_close(alone[0], together[graph])


def test_graphs_without_nodes_get_the_bias_and_no_nan(layer, x):
    x = x.requires_grad_()
    out = layer(x, BATCH, GRAPHS)
    torch.testing.assert_close(out[[2, 4]], layer.out_proj.bias.expand(2, -1))
    out.sum().backward()
    assert x.grad.isfinite().all()
    assert layer.query.grad.isfinite().all()


def test_no_nodes_and_no_graphs(layer, x):
    none = torch.empty(0, dtype=torch.long)
    torch.testing.assert_close(layer(x[:0], none, 3), layer.out_proj.bias.expand(3, -1))
    assert layer(x[:0], none, 0).shape == (0, WIDTH)


def test_int32_batch(layer, x):
    assert torch.equal(layer(x, BATCH.int(), GRAPHS), layer(x, BATCH, GRAPHS))


def test_gradients(layer, x):
    layer(x, BATCH, GRAPHS).sin().sum().backward()
    for name, parameter in layer.named_parameters():
        if name != "k_proj.bias":  # added to all scores of a head alike
            assert parameter.grad.abs().max() > 1e-9, name


def test_gradcheck(layer, x):
    assert torch.autograd.gradcheck(lambda x: layer(x, BATCH, GRAPHS), (x.requires_grad_(),), fast_mode=True)


def test_autocast_and_state_dict(layer, x):
    layer, x = layer.float(), x.float()
    other = AttentionPooling(WIDTH, HEADS)
    other.load_state_dict(layer.state_dict(), strict=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = other(x, BATCH, GRAPHS)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), layer(x, BATCH, GRAPHS), atol=0.1, rtol=0.1)


def test_new_weights():
    layer = AttentionPooling(WIDTH, HEADS)
    assert layer.query.shape == (HEADS, 5)
    assert layer.query.any()
    assert not layer.v_proj.bias.any()


@pytest.mark.parametrize("heads", [0, 2])
def test_heads_that_do_not_divide(heads):
    with pytest.raises(ValueError, match=f"num_heads={heads} does not divide in_channels=15"):
        AttentionPooling(WIDTH, heads)


@pytest.mark.parametrize("batch", [BATCH[:-1], BATCH.unsqueeze(1)])
def test_a_batch_of_another_size(layer, x, batch):
    with pytest.raises(ValueError, match="batch holds the graph of each of 11 nodes, got shape"):
        layer(x, batch, GRAPHS)


@pytest.mark.parametrize(("batch", "wrong"), [(BATCH + 2, 5), (BATCH - 1, -1)])
def test_a_graph_outside(layer, x, batch, wrong):
    with pytest.raises(ValueError, match=f"batch must hold graphs counted from 0 and below {GRAPHS}, got {wrong}"):
        layer(x, batch, GRAPHS)


@pytest.mark.parametrize(
    ("batch", "num_graphs", "name"),
    [(BATCH + 2, GRAPHS, "batch"), (BATCH.float(), GRAPHS, "batch"), (BATCH, -1, "num_graphs")],
)
def test_errors_name_the_argument(layer, x, batch, num_graphs, name):
    with pytest.raises((ValueError, TypeError), match=name):
        layer(x, batch, num_graphs)
