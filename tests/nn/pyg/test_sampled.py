"""Layers on batches of sampled neighborhoods, as PyG's loaders give them.

PyG's own sampler needs pyg-lib or torch-sparse. Here a small one of Python hands its findings to PyG's `NodeLoader`,
which makes the batches.
"""

import pytest
import torch
from pyg_twin import assert_same
from torch.testing import assert_close

import graphattn as ga
from graphattn.graph import graph as graph_module

pytest.importorskip("torch_geometric")
from torch_geometric import nn as theirs
from torch_geometric.data import Data
from torch_geometric.loader import NodeLoader
from torch_geometric.sampler import BaseSampler, SamplerOutput

NODES, EDGES, IN, WIDTH, CLASSES = 40, 200, 5, 8, 3


class InNeighbors(BaseSampler):
    """The first few edges into each node, hop by hop: seeds first, then what each hop has found."""

    def __init__(self, edge_index, most):
        self.edge_index, self.most = edge_index, most

    sample_from_edges = None

    def sample_from_nodes(self, index, **_):
        place = {node: number for number, node in enumerate(index.node.tolist())}
        hop, rows, cols, edges = list(place), [], [], []
        num_nodes, num_edges = [len(place)], []
        for most in self.most:
            found, before = [], len(edges)
            for node in hop:
                for edge in (self.edge_index[1] == node).nonzero().flatten()[:most].tolist():
                    source = int(self.edge_index[0, edge])
                    if source not in place:
                        place[source] = len(place)
                        found.append(source)
                    rows.append(place[source])
                    cols.append(place[node])
                    edges.append(edge)
            num_nodes.append(len(found))
            num_edges.append(len(edges) - before)
            hop = found
        return SamplerOutput(
            *(torch.tensor(each, dtype=torch.int64) for each in (list(place), rows, cols, edges)),
            num_sampled_nodes=num_nodes, num_sampled_edges=num_edges, metadata=(index.input_id, index.time),
        )  # fmt: skip


@pytest.fixture
def data():
    torch.manual_seed(0)
    x = torch.randn(NODES, IN, dtype=torch.float64)
    return Data(x=x, edge_index=torch.randint(NODES, (2, EDGES)), y=torch.randint(CLASSES, (NODES,)))


def batches(data, most):
    sampler = InNeighbors(data.edge_index, most)
    return list(NodeLoader(data, sampler, input_nodes=torch.arange(21), batch_size=7))


class Net(torch.nn.Module):
    def __init__(self, source, name):
        super().__init__()
        layer = getattr(source, name)
        self.first, self.second = layer(IN, WIDTH, 2), layer(2 * WIDTH, CLASSES)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


def pair_of(make):
    made = []
    for source in (ga.nn, theirs):
        torch.manual_seed(0)
        made.append(make(source).double())
    return made


@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv", "TransformerConv"])
def test_batches_are_as_the_loader_of_pyg_makes_them(data, name):
    pair = pair_of(lambda source: Net(source, name))
    for batch in batches(data, [3, 2]):
        assert batch.batch_size == 7
        assert torch.equal(data.x[batch.n_id], batch.x)
        assert torch.equal(batch.n_id[batch.edge_index], data.edge_index[:, batch.e_id])
        assert torch.equal(batch.n_id[:7], batch.input_id)
        assert_same(pair, batch.x, batch.edge_index)


@pytest.mark.parametrize("options", [{}, {"v2": True}, {"heads": 2, "residual": True}], ids=str)
def test_layers_trimmed_to_what_the_seeds_see(data, options):
    pair = pair_of(lambda source: source.GAT(IN, WIDTH, 2, CLASSES, **options))
    for batch in batches(data, [3, 2]):
        trims = {f"num_sampled_{kind}_per_hop": batch[f"num_sampled_{kind}"] for kind in ("nodes", "edges")}
        assert_same(pair, batch.x, batch.edge_index, **trims)
        trimmed = pair[0](batch.x, batch.edge_index, **trims)[: batch.batch_size]
        assert_close(trimmed, pair[0](batch.x, batch.edge_index)[: batch.batch_size])


def test_whole_neighborhoods_give_what_the_whole_graph_gives(data):
    (model, _) = pair_of(lambda source: source.GAT(IN, WIDTH, 2, CLASSES))
    whole = model(data.x, data.edge_index)
    for batch in batches(data, [EDGES, EDGES]):
        out = model(batch.x, batch.edge_index)
        assert_close(out[: batch.batch_size], whole[batch.input_id])


def test_a_model_learns_from_batches_as_with_pyg(data):
    pair = pair_of(lambda source: source.GAT(IN, WIDTH, 2, CLASSES, heads=2))
    losses = []
    for model in pair:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for batch in batches(data, [3, 2]):
            optimizer.zero_grad()
            out = model(batch.x, batch.edge_index)[: batch.batch_size]
            loss = torch.nn.functional.cross_entropy(out, batch.y[: batch.batch_size])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    half = len(losses) // 2
    assert losses[:half] == pytest.approx(losses[half:])


def test_a_batch_is_prepared_once(data, monkeypatch):
    calls = []

    def counted(keys, *rest, compress=graph_module.compress):
        calls.append(keys.numel())
        return compress(keys, *rest)

    monkeypatch.setattr(graph_module, "compress", counted)
    monkeypatch.setattr(graph_module, "native_for", lambda edges: None)  # compiled code sorts without `compress`
    model = Net(ga.nn, "GATConv").double()
    for batch in batches(data, [3, 2]):
        calls.clear()
        model(batch.x, batch.edge_index).sum().backward()
        loops = int((batch.edge_index[0] == batch.edge_index[1]).sum())
        assert calls == [batch.num_edges - loops + batch.num_nodes] * 2  # by destination and by source
