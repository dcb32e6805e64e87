import numpy as np
import torch
from torch_geometric.data import Batch

from graphattn.chem import from_smiles
from graphattn.tasks.molecule.data import to_data


def test_batching_keeps_one_row_a_molecule():
    pairs = [("CCO", [1.0, np.nan]), ("C", [2.0, 3.0])]
    batch = Batch.from_data_list([to_data(from_smiles(s), np.arange(5.0), np.array(y)) for s, y in pairs])
    assert batch.num_graphs == 2
    assert batch.x.shape[0] == 4
    assert batch.batch.tolist() == [0, 0, 0, 1]
    assert batch.descriptors.shape == (2, 5)
    torch.testing.assert_close(batch.y, torch.tensor([[1.0, float("nan")], [2.0, 3.0]]), equal_nan=True)


def test_nothing_beside_the_graph():
    data = to_data(from_smiles("C"), np.zeros(0))
    assert "descriptors" not in data
    assert "y" not in data
