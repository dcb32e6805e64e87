"""How kernels are compiled: once per dtype, without the GIL, cached on disk where that can be done."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserWideCacheLocator

from graphattn.ops.numba.note import noted

if config.DISABLE_JIT:  # set for debugging other code that Numba compiles
    raise ImportError("NUMBA_DISABLE_JIT is set, and its kernels have no meaning uncompiled")


def cache_directory() -> Path:
    """Where machine code is kept: a folder for this version of the kernels, so that versions never read each other's.

    It lies in NUMBA_CACHE_DIR, or else in graphattn's folder in the user's cache.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "graphattn" / _sources_digest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "graphattn" / "numba" / _sources_digest()[:16]


@cache
def _sources_digest() -> str:
    """A digest of every file of this package: a kernel inlines code from several of them."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Locator(UserWideCacheLocator):
    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._cache_path = str(cache_directory())

    def get_source_stamp(self) -> str:
        return _sources_digest()

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "_Locator":
        return cls(py_func, py_file)


class _CacheImpl(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _TolerantCache(FunctionCache):
    """Numba's cache, except that whatever goes wrong with it costs a compilation and is no error.

    To load an entry runs what is pickled in it, which may raise anything: an entry may be cut short, or be of another
    version of the library and name a module that no longer exists.
    """

    _impl_class = _CacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            with suppress(Exception):
                self.flush()  # compile again and overwrite the broken files
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # which first loads the index that is there
        except Exception:
            self.disable()


class Kernel:
    """A function to be compiled: without the GIL, its machine code kept on disk."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__doc__ = function.__doc__
        self.dispatcher = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
        self.dispatcher._cache = _TolerantCache(function)
        self._compiled: dict[tuple[types.Type, ...], Callable[..., Any]] = {}

    def of(self, *kinds: types.Type) -> Callable[..., Any]:
        """The machine code for arguments of these types, made at the first call; a record goes in as its bytes."""
        found = self._compiled.get(kinds)
        if found is None:
            with noted(cache_directory(), self._was_compiled(kinds)):
                found = self.dispatcher.compile(kinds)
            code = self.dispatcher.overloads[kinds]
            for environment in code._find_referenced_environments():  # those of helpers too
                code.library.codegen.set_env(environment.env_name, environment)
            self._compiled[kinds] = found
        return found

    def _was_compiled(self, kinds: tuple[types.Type, ...]) -> Callable[[], bool]:
        return lambda: kinds not in self.dispatcher.stats.cache_hits


def kernel(function: Callable[..., Any]) -> Kernel:
    """Make a kernel of a function."""
    return Kernel(function)
