"""Predictions of trained networks, without Lightning."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphattn.tasks.molecule.scaling import TargetScaler


def to_predictions(task: str, outputs: Tensor, scaler: TargetScaler) -> NDArray[np.float64]:
    """Return `[n, T]` float64 values in the targets' own unit, or probabilities of class 1."""
    outputs = outputs.cpu().double()  # in this order: MPS has no float64
    return scaler.inverse(outputs.numpy()) if task == "regression" else outputs.sigmoid().numpy()


def predict_each(
    nets: Sequence[nn.Module],
    molecules: Sequence[Data],
    *,
    task: str,
    scaler: TargetScaler,
    device: str = "cpu",
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """Return the predictions of each network, `[networks, n, T]`: values in their unit, or probabilities."""
    batches = [
        Batch.from_data_list(list(molecules[start : start + batch_size])).to(device)
        for start in range(0, len(molecules), batch_size)
    ]
    results = []
    for net in nets:
        net.eval().to(device)
        with torch.inference_mode():
            outputs = [net(batch) for batch in batches]
        results.append(to_predictions(task, torch.cat(outputs), scaler))
    return np.stack(results)


def embed(nets: Sequence[nn.Module], molecules: Sequence[Data], *, device: str = "cpu") -> NDArray[np.float32]:
    """Return what each network makes of each graph before its head, side by side, `[n, networks * width]`."""
    batch = Batch.from_data_list(list(molecules)).to(device)
    with torch.inference_mode():
        each = [net.eval().to(device).embed(batch) for net in nets]  # type: ignore[operator]
    return torch.cat(each, dim=-1).cpu().numpy()
