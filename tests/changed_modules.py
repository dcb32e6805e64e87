"""Ways of changing a module that a layer must not read past."""

import torch
from torch import nn
from torch.nn.utils import parametrize as parametrizing
from torch.nn.utils import prune as pruning


class Scaled(nn.Linear):
    """A class of its own."""

    def forward(self, x):
        return super().forward(x) * 1.5


class LowRank(nn.Module):
    """LoRA: a module around another."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.weight.shape[1], 2, bias=False, dtype=base.weight.dtype)
        self.up = nn.Linear(2, base.weight.shape[0], bias=False, dtype=base.weight.dtype)
        with torch.no_grad():
            self.up.weight.fill_(0.3)
            self.down.weight.fill_(0.2)

    def forward(self, *args):
        return self.base(*args) + self.up(self.down(args[0]))


class Double(nn.Module):
    def forward(self, weight):
        return 2 * weight


def replace_forward(module):
    old = module.forward
    module.forward = lambda *args, **kwargs: changed(old(*args, **kwargs))


def changed(out):
    if isinstance(out, tuple):
        return (out[0] * 1.5, *out[1:])
    return {kind: value * 1.5 for kind, value in out.items()} if isinstance(out, dict) else out * 1.5


def hook(module):
    module.register_forward_hook(lambda module, args, out: changed(out))


def hook_always(module):
    module.register_forward_hook(lambda module, args, kwargs, out: changed(out), with_kwargs=True, always_call=True)


def hook_before(module):
    module.register_forward_pre_hook(lambda module, args: (changed(args[0]), *args[1:]))


def offload(module):
    """As accelerate does: parameters are on the meta device until a replaced `forward` brings them."""
    kept = {name: parameter.detach() for name, parameter in module.named_parameters()}
    owners = {name: (module.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in kept}

    def put(device):
        for name, (owner, last) in owners.items():
            value = kept[name] if device is None else kept[name].to(device)
            owner._parameters[last] = nn.Parameter(value, requires_grad=False)

    old = module.forward

    def forward(*args, **kwargs):
        put(None)
        out = old(*args, **kwargs)
        put("meta")
        return out

    put("meta")
    module.forward = forward


def parametrize(module):
    parametrizing.register_parametrization(module, _first_weight(module), Double())


def _first_weight(module):
    return next(name for name, parameter in module.named_parameters(recurse=False) if "bias" not in name)


def prune(module):
    pruning.l1_unstructured(module, _first_weight(module), amount=0.5)


WAYS = [replace_forward, hook, hook_always, hook_before, offload, parametrize, prune]
