import numpy as np
import torch
from torch import nn

from graphattn.chem import from_smiles
from graphattn.tasks.molecule.data import to_data
from graphattn.tasks.molecule.inference import predict_each, to_predictions
from graphattn.tasks.molecule.scaling import TargetScaler


class Count(nn.Module):
    """`factor` × the number of atoms."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, batch):
        return self.factor * torch.bincount(batch.batch, minlength=batch.num_graphs).float().unsqueeze(1)


def test_each_network_in_order_and_in_the_targets_unit():
    molecules = [to_data(from_smiles("C" * n)) for n in (3, 1, 2)]
    scaler = TargetScaler(np.array([10.0]), np.array([2.0]))
    each = predict_each([Count(1.0), Count(-1.0)], molecules, task="regression", scaler=scaler, batch_size=2)
    np.testing.assert_allclose(each[:, :, 0], [[16, 12, 14], [4, 8, 6]])


def test_logits_become_probabilities():
    probabilities = to_predictions("classification", torch.tensor([[0.0], [1000.0]]), TargetScaler.identity(1))
    assert probabilities.tolist() == [[0.5], [1.0]]
