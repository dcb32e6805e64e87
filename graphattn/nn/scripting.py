"""The error that layers raise in `torch.jit.script`."""

from __future__ import annotations

from typing import NoReturn


class NotScriptable:
    """Mixin for layers that TorchScript cannot compile; goes before `torch.nn.Module` in the list of base classes."""

    def __prepare_scriptable__(self) -> NoReturn:
        # torch.jit.script calls this on a module and on each of its submodules before it compiles anything.
        raise RuntimeError(
            f"torch.jit.script cannot compile {type(self).__name__}, for TorchScript knows no graphs: "
            "use torch.export.export, which leaves the numbers of nodes and edges open, or torch.compile"
        )
