"""Tensors that are made once and kept, safe on every stream that comes to use them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

_users = WeakTensorKeyDictionary()  # the streams that are known to use what belongs to a tensor


def lend(owner: Tensor, tensors: Iterable[Tensor | None]) -> None:
    """Keep the memory of `tensors`, which belong to `owner`, from being reused before the current stream is done."""
    if not owner.is_cuda:
        return
    stream = torch.cuda.current_stream(owner.device)
    known = _users.get(owner)
    if known is None:
        known = _users[owner] = set()
    if stream.cuda_stream not in known:
        known.add(stream.cuda_stream)
        for tensor in tensors:
            if tensor is not None:
                tensor.record_stream(stream)
