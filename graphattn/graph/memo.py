"""Caches: of values computed once per tensor, as long as its content is unchanged, and once per graph.

A tensor's content counts as unchanged while its version, address, shape and strides are the same and, on a CPU, its
memory is: all of it up to 16 KiB, of larger tensors the first and last 512 bytes and about 64 places in between. The
check takes about a microsecond and never waits for a GPU. `find_stale` finds the changes that it misses.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from graphattn.graph.checks import is_pyg_edge_index
from graphattn.graph.torch_modes import savable, unwrapped

T = TypeVar("T")

_WHOLE = 2**14  # bytes of a tensor that are compared, all of them; of larger ones
_END = 2**9  # bytes at either end,
_PLACES = 64  # and so many places in between, eight bytes each

_lock = threading.RLock()  # one for all, so that none waits for another; reentrant, for a tensor may be freed inside
_memos: list[PerTensor[Any]] = []

_view_memory = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)(
    ("PyMemoryView_FromMemory", ctypes.pythonapi)
)
_READ = 0x100  # PyBUF_READ


class PerTensor(Generic[T]):
    """Values computed from a tensor and a key, each computed once and kept while the tensor lives unchanged.

    Inference tensors, which have no version, get a new value at each call.

    Args:
        keep: for how many keys a tensor's values are kept, the latest ones.

    Example:
        >>> sizes, batch = PerTensor(), torch.tensor([0, 0, 1])
        >>> sizes.get(batch, None, lambda batch: batch.bincount().tolist())
        [2, 1]
        >>> batch[0] = 1
        >>> sizes.get(batch, None, lambda batch: batch.bincount().tolist())
        [1, 2]
    """

    def __init__(self, keep: int = 1) -> None:
        self._keep = keep
        self._entries: dict[int, _Entry] = {}  # by id() of the tensor, for tensors compare by element
        _memos.append(self)

    def find(self, tensor: Any, key: Hashable) -> _Kept | None:
        """What is kept for a tensor and a key, or None."""
        entry = self._entries.get(id(tensor))
        if entry is None or entry.tensor() is not tensor or not entry.is_unchanged(tensor):
            return None
        kept = entry.kept.get(key)
        if kept is not None and entry.device is not None:
            kept.lend(entry.device)
        return kept

    def get(self, tensor: Any, key: Hashable, make: Callable[[Any], T]) -> T:
        """The value for a tensor and a key; `make` makes it where none is kept.

        Args:
            tensor: a tensor, an `EdgeIndex`, or a `torch.sparse` or torch-sparse matrix, whose values do not matter.
            key: what else the value depends on.
            make: gets the tensor, detached. It is kept with the value, so it must not hold the tensor itself.
        """
        if torch.compiler.is_compiling():
            return make(tensor)
        kept = self.find(tensor, key)
        if kept is None:
            with _lock:
                kept = self.find(tensor, key)  # another thread may have been faster
                if kept is None:
                    kept = self._make(tensor, key, make)
        value: T = kept.value
        return value

    def _make(self, tensor: Any, key: Hashable, make: Callable[[Any], T]) -> _Kept:
        parts = _parts(tensor)
        with savable():
            if any(part.is_inference() for part in parts):
                return _Kept(make(tensor), make)
            number = id(tensor)
            entry = self._entries.get(number)
            if entry is None or entry.tensor() is not tensor or not entry.is_unchanged(tensor):
                entry = _Entry(weakref.ref(tensor, lambda gone: self._forget(number, gone)), tensor, parts)
            kept = _Kept(make(entry.stand_in(tensor)), make)
        settle(parts[0].device)
        while len(entry.kept) >= self._keep:
            del entry.kept[next(iter(entry.kept))]
        entry.kept[key] = kept
        self._entries[number] = entry
        return kept

    def _forget(self, number: int, gone: weakref.ref[Any]) -> None:
        with _lock:
            entry = self._entries.get(number)
            if entry is not None and entry.tensor is gone:  # another tensor may have got the same id since
                del self._entries[number]


def find_stale(tensor: Any = None) -> list[Any]:
    """Find the tensors, of all or just the one given, for which a kept value is out of date.

    Every kept value is computed again and compared. Those out of date are dropped, so that the next call computes them.
    """
    stale = []
    with _lock:
        for memo in _memos:
            for number, entry in list(memo._entries.items()):
                owner = entry.tensor()
                if owner is None or not (tensor is None or owner is tensor):
                    continue
                if isinstance(owner, Tensor):
                    owner._fix_weakref()  # type: ignore[attr-defined]  # it may be that only C++ has held it
                if not entry.is_unchanged(owner):  # which the next call sees by itself
                    del memo._entries[number]
                elif not all(kept.follows_from(entry.stand_in(owner)) for kept in entry.kept.values()):
                    del memo._entries[number]
                    stale.append(owner)
    return stale


class Keeper(Protocol):
    """A graph, as far as `derived` knows it."""

    device: torch.device
    _derived: dict[str, Any]


def derived(graph: Keeper, name: str, make: Callable[[], T]) -> T:
    """The value of `make()` for a graph, computed at the first call and kept; copies of the graph start without it.

    >>> from graphattn.graph import complete
    >>> graph = complete(3)
    >>> derived(graph, "greeting", lambda: "made"), derived(graph, "greeting", lambda: "made again")
    ('made', 'made')
    """
    if torch.compiler.is_compiling():
        return make()
    if name not in graph._derived:
        with savable():
            value = make()
        settle(graph.device)
        graph._derived.setdefault(name, value)  # where another thread has been faster, that one's
    made: T = graph._derived[name]
    return made


def settle(device: torch.device) -> None:
    """Wait until a value made on a GPU is complete, since another stream may use it later without waiting."""
    if device.type == "cuda" and not torch.compiler.is_compiling() and not torch.cuda.is_current_stream_capturing():
        torch.cuda.current_stream(device).synchronize()


class _Kept:
    """A value, how it was made, and the streams of a GPU that are known to use it."""

    __slots__ = ("make", "streams", "value")

    def __init__(self, value: Any, make: Callable[[Any], Any]) -> None:
        self.value, self.make = value, make
        self.streams: set[int] = set()

    def lend(self, device: torch.device) -> None:
        """Keep the memory of the value from being reused before the current stream is done with it."""
        stream = torch.cuda.current_stream(device)
        if stream.cuda_stream not in self.streams:
            self.streams.add(stream.cuda_stream)
            for tensor in _tensors(self.value):
                if tensor.is_cuda:
                    tensor.record_stream(stream)

    def follows_from(self, tensor: Any) -> bool:
        """Whether making it again gives the same."""
        try:
            with savable():
                return agree(self.value, self.make(tensor))
        except (ValueError, TypeError):  # the new content is refused
            return False


class _Entry:
    """What is kept for a tensor, by key, and what the tensor looked like."""

    __slots__ = ("device", "kept", "looks", "tensor", "version")

    def __init__(self, reference: weakref.ref[Any], tensor: Any, parts: tuple[Tensor, ...]) -> None:
        self.tensor = reference
        self.version = getattr(tensor, "_version", None)
        self.looks = tuple(map(_Look, parts))
        self.device = parts[0].device if parts[0].is_cuda else None
        self.kept: dict[Hashable, _Kept] = {}

    def is_unchanged(self, tensor: Any) -> bool:
        """Whether the tensor has the content it had."""
        if type(tensor) is Tensor and tensor.layout is torch.strided:
            return self.looks[0].is_unchanged(tensor)
        return self.version == getattr(tensor, "_version", None) and all(
            look.is_unchanged(part) for look, part in zip(self.looks, _parts(tensor), strict=True)
        )

    def stand_in(self, tensor: Any) -> Any:
        """The tensor detached, which what is made may hold; holding the tensor itself, it would let it live forever."""
        if not isinstance(tensor, Tensor):
            return tensor
        return self.looks[0].alias if tensor.layout is torch.strided else tensor.detach()


class _Look:
    """A cheap fingerprint of a tensor's content.

    The alias keeps its memory, so that no other tensor gets the same address.
    """

    __slots__ = ("address", "alias", "samples", "shape", "stride", "version")

    def __init__(self, tensor: Tensor) -> None:
        self.alias = unwrapped(tensor).detach()
        self.version, self.address = tensor._version, _address(tensor)
        self.shape, self.stride = tensor.shape, tensor.stride()
        views = _samples(tensor, self.address) if tensor.is_cpu and self.address else ()
        self.samples = [(view, view.tobytes()) for view in views]

    def is_unchanged(self, tensor: Tensor) -> bool:
        if (
            tensor._version != self.version
            or _address(tensor) != self.address
            or tensor.shape != self.shape
            or tensor.stride() != self.stride
        ):
            return False
        for view, content in self.samples:  # noqa: SIM110  # a generator would cost as much as all the rest
            if view.tobytes() != content:
                return False
        return True


def _address(tensor: Tensor) -> int:
    try:
        return tensor.data_ptr()
    except RuntimeError:  # a fake tensor, or one of `torch.func`
        return 0


def _samples(tensor: Tensor, address: int) -> tuple[memoryview, ...]:
    """Views of the memory between the first and the last element."""
    if tensor.numel() == 0:
        return ()
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    memory = _view_memory(address, (last + 1) * tensor.element_size(), _READ)
    if len(memory) <= _WHOLE:
        return (memory,)
    words = memory[: len(memory) // 8 * 8].cast("Q")
    step = len(words) // _PLACES | 1  # odd, so that of pairs both are seen
    return memory[:_END], memory[-_END:], words[::step]


def _parts(tensor: Any) -> tuple[Tensor, ...]:
    """The strided tensors that say where the entries of a tensor, an `EdgeIndex` or a sparse matrix are."""
    if not isinstance(tensor, Tensor):
        row, col, _ = tensor.coo()
        return row, col
    if tensor.layout is torch.strided:
        return (tensor.as_tensor() if is_pyg_edge_index(tensor) else tensor,)
    if tensor.layout is torch.sparse_coo:
        return (tensor._indices(),)
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices()
    return tensor.ccol_indices(), tensor.row_indices()


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif hasattr(value, "__dict__"):
        yield from _tensors(vars(value))


def agree(kept: Any, fresh: Any) -> bool:
    """Whether a kept value, and what was derived from it since, equals one computed now."""
    if isinstance(kept, Tensor):
        return torch.equal(kept, fresh)
    if isinstance(kept, tuple | list):
        return len(kept) == len(fresh) and all(map(agree, kept, fresh))
    if hasattr(kept, "_agrees_with"):
        return bool(kept._agrees_with(fresh))
    return bool(kept == fresh)
