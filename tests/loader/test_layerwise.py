"""Layer by layer gives what one pass over the whole graph gives."""

import pytest
import torch
from torch_geometric.data import Data

from graphattn.loader import OnDiskGraph, infer_layerwise
from graphattn.nn import GATv2Conv


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_result_is_that_of_the_whole_graph(tmp_path, on_disk):
    generator = torch.Generator().manual_seed(0)
    data = Data(
        x=torch.randn(40, 5, generator=generator, dtype=torch.float64),
        edge_index=torch.randint(40, (2, 200), generator=generator),
        edge_attr=torch.randn(200, 3, generator=generator, dtype=torch.float64),
    )
    convs = [GATv2Conv(5, 4, edge_dim=3).double(), GATv2Conv(4, 2, edge_dim=3).double()]
    whole = convs[1](convs[0](data.x, data.edge_index, data.edge_attr).relu(), data.edge_index, data.edge_attr)
    layers = [
        lambda x, batch: convs[0](x, batch.edge_index, batch.edge_attr).relu(),
        lambda x, batch: convs[1](x, batch.edge_index, batch.edge_attr),
    ]
    given = OnDiskGraph.write(data, tmp_path / "graph") if on_disk else data
    found = infer_layerwise(layers, given, batch_size=7)
    # GATv2 fills the attributes of added self-loops with the mean over a node's edges, so that the whole is needed
    torch.testing.assert_close(found, whole.detach())
