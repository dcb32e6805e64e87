"""The device that a model runs on."""

import torch

from graphattn.tasks.common.errors import SettingsError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(device: str, precision: str = "32") -> str:
    """Return "cpu", "cuda" or "mps".

    Args:
        device: one of them, or "auto" for the fastest there is; each means the first of its kind.
        precision: "16" needs more than a CPU.

    Raises:
        SettingsError: there is no such device, it is not there, or cannot compute in that precision.
    """
    if device not in DEVICES:
        raise SettingsError(f"device must be one of {', '.join(DEVICES)}, got {device!r}.")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, available in there.items() if available)
    if not there[device]:
        raise SettingsError(f"device {device!r} is not available here; use --device cpu or --device auto.")
    if device == "cpu" and precision == "16":
        raise SettingsError("precision 16 needs a GPU; use --precision bf16 or 32 on a CPU.")
    return device
