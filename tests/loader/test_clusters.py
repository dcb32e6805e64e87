"""Clusters: each node in one of them, with all edges between the nodes of a batch."""

import pytest
import torch
from torch_geometric.data import Data

from graphattn.loader import ClusterLoader


def random_data():
    generator = torch.Generator().manual_seed(0)
    return Data(x=torch.arange(50.0)[:, None], edge_index=torch.randint(50, (2, 300), generator=generator))


@pytest.mark.parametrize("method", ["metis", "balanced"])
def test_each_node_is_in_one_batch_with_its_edges(method):
    if method == "metis":
        pytest.importorskip("pymetis")
    data = random_data()
    batches = list(ClusterLoader(data, 6, method=method, batch_size=2, shuffle=True))
    assert sorted(torch.cat([batch.n_id for batch in batches]).tolist()) == list(range(50))
    for batch in batches:
        inside = torch.isin(data.edge_index, batch.n_id).all(0)
        found = batch.n_id[batch.edge_index]
        assert sorted(map(tuple, found.t().tolist())) == sorted(map(tuple, data.edge_index[:, inside].t().tolist()))
        assert torch.equal(batch.x[:, 0].long(), batch.n_id)


def test_clusters_may_be_given():
    with pytest.raises(ValueError, match="of each of the 50 nodes"):
        ClusterLoader(random_data(), 2, method=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="method must be"):
        ClusterLoader(random_data(), 2, method="louvain")
