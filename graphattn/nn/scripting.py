"""What `torch.jit.script` is told by the layers that it cannot compile."""

from __future__ import annotations

from typing import NoReturn


class NotScriptable:
    """A layer whose graphs and operators TorchScript does not know; mixed in before `torch.nn.Module`."""

    def __prepare_scriptable__(self) -> NoReturn:
        # torch.jit.script asks this of a module, and of each module inside, before it compiles anything.
        raise RuntimeError(
            f"torch.jit.script cannot compile {type(self).__name__}, for TorchScript knows no graphs: "
            "use torch.export.export, which leaves the numbers of nodes and edges open, or torch.compile"
        )
