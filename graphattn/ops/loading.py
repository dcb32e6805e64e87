"""Loading the compiled kernels of a backend at the first call that they cover.

Not on import, for Numba takes longer to load than the rest of the library.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module

_problems: dict[str, str] = {}  # why the kernels of a package could not be loaded
_warned = False


def load(package: str, oldest: str | None = None) -> str | None:
    """Register the kernels of `graphattn.ops.<package>`, which are compiled by the package of that name.

    Returns:
        Why it cannot be done, as where the package is not installed or older than `oldest`, or None if it is done.
    """
    if package not in _problems:
        try:
            if oldest is not None and _numbers(version := import_module(package).__version__) < _numbers(oldest):
                raise ImportError(f"{package.capitalize()} {version} is older than {oldest}")
            import_module(f"graphattn.ops.{package}.attend")
        except ModuleNotFoundError as error:
            missing = package.capitalize() if error.name == package else error.name
            _problems[package] = f"{missing} is not installed"
        except Exception as error:  # an installation can be broken in any way
            _problems[package] = f"{package.capitalize()} cannot be loaded ({error})"
    return _problems.get(package)


# What torch.compiler.assume_constant_result would set, without loading the compiler. A compiled caller then loads the
# kernels while it is traced, rather than find them loaded at its first run and be traced again.
load._dynamo_marked_constant = True  # type: ignore[attr-defined]


def warn_of_missing_kernels(rejected: Mapping[str, str]) -> None:
    """Warn once in a process if kernels would have served a call, had they been there.

    Args:
        rejected: why backends were passed over for the call, by their names.
    """
    for package, problem in _problems.items():
        if rejected.get(package) == problem:
            _warn(problem, "CPU" if package == "numba" else "GPU", package)


def _warn(problem: str, device: str, package: str) -> None:
    global _warned
    if _warned:
        return
    _warned = True
    cure = f" `pip install {package}` brings the fused kernels." if "is not installed" in problem else ""
    warnings.warn(
        f"{problem}, so attention on the {device} runs on the reference path, which is slower and needs memory for "
        f"every edge.{cure}",
        RuntimeWarning,
        stacklevel=6,  # that of the caller of `attention`
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))
