"""The device that a model runs on."""

import torch

from graphattn.tasks.common.errors import SettingsError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(device: str, precision: str = "32") -> str:
    """Return "cpu", "cuda", "cuda:1" and so on, or "mps".

    Args:
        device: one of them, the first of its kind, or "cuda:1" and so on; "auto" for the fastest there is.
        precision: "16" needs more than a CPU.

    Raises:
        SettingsError: there is no such device, it is not there, or cannot compute in that precision.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda" and index.isdecimal():
        count = torch.cuda.device_count()
        if int(index) >= count:
            have = f"there {'is' if count == 1 else 'are'} {count or 'no'} CUDA device{'s' if count != 1 else ''} here"
            raise SettingsError(f"device {device!r} is not available: {have}, counted from 0.")
        return device
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
