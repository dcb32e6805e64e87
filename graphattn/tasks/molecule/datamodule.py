"""Molecules in batches, drawn the same way every time for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import lightning as L
import torch
from torch.utils.data import Sampler
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader


class SeededSampler(Sampler[int]):
    """A permutation that depends on the seed and the epoch alone, so that a resumed training goes on as before."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation; Lightning calls this before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return iter(torch.randperm(self.size, generator=generator).tolist())


class MoleculeDataModule(L.LightningDataModule):
    """Training and validation molecules in batches."""

    def __init__(self, train: Sequence[Data], valid: Sequence[Data], *, batch_size: int, seed: int) -> None:
        super().__init__()
        self.train = list(train)
        self.valid = list(valid)
        self.batch_size = batch_size
        self.sampler = SeededSampler(len(self.train), seed)

    def train_dataloader(self) -> DataLoader:
        """Return the training batches, shuffled."""
        return DataLoader(self.train, batch_size=self.batch_size, sampler=self.sampler)

    def val_dataloader(self) -> DataLoader:
        """Return the validation batches, in order."""
        return DataLoader(self.valid, batch_size=4 * self.batch_size)
