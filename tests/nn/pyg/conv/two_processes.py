"""Run by a test: a layer in DistributedDataParallel on two processes has the mean of their gradients."""

import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as processes

import graphattn as ga


def loss(layer: torch.nn.Module, rank: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(rank)
    x, edge_index = torch.randn(20, 8, generator=drawn), torch.randint(20, (2, 60 + rank), generator=drawn)
    return layer(x, edge_index).square().sum()


def made() -> torch.nn.Module:
    torch.manual_seed(0)
    return ga.nn.GATv2Conv(8, 4, heads=2)


def work(rank: int, store: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    layer, alone = made(), made()
    wrapped = torch.nn.parallel.DistributedDataParallel(layer)
    loss(wrapped, rank).backward()
    sum(loss(alone, each) / 2 for each in range(2)).backward()
    for found, want in zip(layer.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(found.grad, want.grad)
    dist.destroy_process_group()


if __name__ == "__main__":
    processes.spawn(work, args=(sys.argv[1],), nprocs=2)
