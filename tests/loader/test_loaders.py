"""Loaders: batches that layers compute the same on as on the whole graph, alike with any number of workers."""

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import trim_to_layer

from graphattn.graph.cache import as_graph, check_edges
from graphattn.loader import LinkNeighborLoader, NeighborLoader, OnDiskGraph
from graphattn.nn import GATConv


def random_data(num_nodes=50, num_edges=300):
    generator = torch.Generator().manual_seed(0)
    return Data(
        x=torch.randn(num_nodes, 6, generator=generator),
        edge_index=torch.randint(num_nodes, (2, num_edges), generator=generator),
        edge_attr=torch.arange(num_edges)[:, None],
        y=torch.arange(num_nodes),
    )


@pytest.mark.parametrize("trim", [False, True])
def test_with_all_neighbors_layers_compute_what_they_do_on_the_whole_graph(trim):
    data = random_data()
    layers = [GATConv(6, 5).double(), GATConv(5, 4).double()]
    data.x = data.x.double()
    whole = layers[1](layers[0](data.x, data.edge_index).relu(), data.edge_index)
    for batch in NeighborLoader(data, [-1, -1], batch_size=8, shuffle=True):
        x, edge_index = batch.x, batch.edge_index
        for number, layer in enumerate(layers):
            if trim:
                x, edge_index, _ = trim_to_layer(
                    number, batch.num_sampled_nodes, batch.num_sampled_edges, x, edge_index
                )
            x = layer(x, edge_index)
            x = x.relu() if number == 0 else x
        torch.testing.assert_close(x[: batch.batch_size], whole[batch.input_id])
        assert torch.equal(batch.edge_attr[:, 0], batch.e_id)
        assert torch.equal(data.edge_index[:, batch.e_id], batch.n_id[batch.edge_index])


def drawn(loader):
    return [(batch.n_id.tolist(), batch.edge_index.tolist()) for batch in loader]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_sampled_follows_from_the_seed_with_any_number_of_workers(workers):
    data = random_data()
    alone = NeighborLoader(data, [3, 2], batch_size=10, shuffle=True)
    together = NeighborLoader(data, [3, 2], batch_size=10, shuffle=True, num_workers=workers)
    torch.manual_seed(3)
    expected = [drawn(alone) for _ in range(2)]
    torch.manual_seed(3)
    assert [drawn(together) for _ in range(2)] == expected
    assert expected[0] != expected[1]


def test_the_compressed_form_of_a_batch_is_known():
    batch = next(iter(NeighborLoader(random_data(), [3, 2], batch_size=10)))
    size = batch.num_nodes
    graph = as_graph(batch.edge_index, size, size)
    assert graph._csr is not None
    graph.validate()
    check_edges(batch.edge_index)
    batch.edge_index[0, 0] = (batch.edge_index[0, 0] + 1) % size  # and is not believed after a write
    assert as_graph(batch.edge_index, size, size)._csr is None


def test_bidirectional_batches():
    batch = next(iter(NeighborLoader(random_data(), [3], batch_size=5, subgraph_type="bidirectional")))
    pairs = set(map(tuple, batch.edge_index.t().tolist()))
    assert pairs == {(j, i) for i, j in pairs}


def test_links():
    data = random_data()
    loader = LinkNeighborLoader(data, [2], batch_size=100, neg_sampling={"mode": "binary", "amount": 1})
    batches = list(loader)
    assert len(batches) == 3
    for number, batch in enumerate(batches):
        assert batch.edge_label.sum() == 100 and batch.edge_label_index.shape == (2, 200)
        positive = batch.n_id[batch.edge_label_index[:, :100]]
        assert torch.equal(positive, data.edge_index[:, number * 100 : number * 100 + 100])
    with pytest.raises(ValueError, match="go together"):
        LinkNeighborLoader(data, [2], edge_label_time=torch.zeros(300))


def test_nodes_of_several_types():
    data = HeteroData()
    data["a"].x, data["b"].x = torch.arange(5.0)[:, None], torch.arange(7.0)[:, None]
    data["a", "to", "b"].edge_index = torch.randint(5, (2, 20))
    for batch in NeighborLoader(data, [2], input_nodes=("b", torch.tensor([0, 3])), batch_size=1):
        assert torch.equal(batch["a"].x[:, 0].long(), batch["a"].n_id)
        assert batch["b"].batch_size == 1


def test_batches_of_a_graph_on_disk(tmp_path):
    data = random_data()
    graph = OnDiskGraph.write(data, tmp_path / "graph")
    torch.manual_seed(1)
    expected = drawn(NeighborLoader(graph, [3, 2], batch_size=10))
    torch.manual_seed(1)
    batches = list(NeighborLoader(OnDiskGraph(graph.folder), [3, 2], batch_size=10))
    assert [(batch.n_id.tolist(), batch.edge_index.tolist()) for batch in batches] == expected
    for batch in batches:
        assert torch.equal(batch.x, data.x[batch.n_id])
        assert torch.equal(batch.edge_attr[:, 0], batch.e_id)
        assert torch.equal(data.edge_index[:, batch.e_id], batch.n_id[batch.edge_index])
