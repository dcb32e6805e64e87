"""What is installed, and which backends can run."""

import importlib.metadata
from importlib.util import find_spec

import torch
from rich.console import Console

from graphattn.bench.machine import processor
from graphattn.cli.pairs import print_pairs
from graphattn.tasks.common.versions import library_versions

_BACKENDS = ("numba", "triton", "torch-scatter")


def installation_summary(console: Console) -> None:
    """Print the versions of the libraries, the devices and the optional backends."""
    pairs = list(library_versions().items())
    for name in _BACKENDS:
        there = find_spec(name.replace("-", "_")) is not None
        pairs.append((name, importlib.metadata.version(name) if there else "not installed"))
    devices = [processor()]
    devices += [f"cuda ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    print_pairs(console, [*pairs, ("devices", ", ".join(devices))])
