"""Attention on graphs that are spread over processes, on `torch.distributed`.

States over disjoint edges merge exactly, so that each process attends to its own nodes while those of others are
under way. Start with torchrun, `init_process_group`, then `partition`.
"""

from __future__ import annotations

from graphattn.distributed.attention import attention
from graphattn.distributed.parallel import all_reduce_gradients, mean, parallelize
from graphattn.distributed.part import Part
from graphattn.distributed.partition import partition

__all__ = ["Part", "all_reduce_gradients", "attention", "mean", "parallelize", "partition"]
