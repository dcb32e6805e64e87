"""A layer of ours and PyG's of the same name, made alike, and one comparison for all of them."""

import torch
from torch.testing import assert_close

import graphattn.nn as ours
from graphattn.graph import Graph


def twins(name, *args, **kwargs):
    """Both layers in float64, with the same random parameters, none of them zero or one."""
    import torch_geometric.nn as theirs

    torch.manual_seed(0)
    pair = getattr(ours, name)(*args, **kwargs).double(), getattr(theirs, name)(*args, **kwargs).double()
    mine, pygs = pair
    assert isinstance(mine, theirs.MessagePassing) == isinstance(pygs, theirs.MessagePassing)
    assert not isinstance(mine, type(pygs))
    randomize(pygs)
    mine.load_state_dict(pygs.state_dict(), strict=True)
    return pair


def randomize(layer):
    with torch.no_grad():
        for parameter in layer.parameters():
            if not isinstance(parameter, torch.nn.UninitializedParameter):
                parameter.copy_(torch.randn_like(parameter) / 2)


def leaves(value):
    """The tensors inside a result, each with where it lies; a sparse matrix as its dense self."""
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided:
            return {f" {value.layout}": value.to_dense()}
        return {f" {type(value).__name__}": value.as_tensor() if hasattr(value, "as_tensor") else value}
    if isinstance(value, dict):
        return {f".{key}{where}": leaf for key, item in value.items() for where, leaf in leaves(item).items()}
    if isinstance(value, tuple | list):
        return {f"[{i}]{where}": leaf for i, item in enumerate(value) for where, leaf in leaves(item).items()}
    if hasattr(value, "to_dense"):
        return {f" {type(value).__name__}": value.to_dense()}
    return {f"={value!r}": torch.empty(0)}


def _inputs(value):
    """The floating-point tensors among the arguments of a call."""
    if isinstance(value, torch.Tensor):
        return [value] if value.is_floating_point() and value.layout == torch.strided else []
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for item in value for tensor in _inputs(item)] if isinstance(value, tuple | list) else []


def assert_same(pair, *args, **kwargs):
    """Outputs, everything returned beside them, and each gradient agree; a Graph is given to PyG as its edge_index."""
    mine, pygs = pair
    inputs = [tensor.requires_grad_() for tensor in _inputs([*args, *kwargs.values()])]
    plain = [arg.edge_index if isinstance(arg, Graph) else arg for arg in args]
    want, found = leaves(pygs(*plain, **kwargs)), leaves(mine(*args, **kwargs))
    assert found.keys() == want.keys()
    for where, tensor in want.items():
        assert_close(found[where], tensor, msg=lambda detail, where=where: f"result{where}: {detail}")
    gradients, expected = _gradients(mine, found, inputs), _gradients(pygs, want, inputs)
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        if gradient is None or not gradient.any():  # one of the two may leave unused what the other finds to be zero
            assert gradients[name] is None or not (gradients[name].abs() > 1e-12).any(), name
        else:
            assert_close(gradients[name], gradient, msg=lambda detail, name=name: f"gradient of {name}: {detail}")


def _gradients(layer, results, inputs):
    """Gradients of a loss that weighs each number differently: of the inputs by place, of parameters by name."""
    loss = sum(
        (result * torch.arange(result.numel()).view_as(result).cos()).sum()
        for result in results.values()
        if result.requires_grad
    )
    named = dict(enumerate(inputs)) | dict(layer.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return dict(zip(named, found, strict=True))


def pair_of(make):
    """Ours and PyG's of what `make` makes of each library's `nn`, which one seed must give the same parameters."""
    import torch_geometric.nn as theirs

    made = []
    for source in (ours, theirs):
        torch.manual_seed(0)
        layer = make(source)
        layer.reset_parameters()
        made.append(layer.double())
    states = [layer.state_dict() for layer in made]
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert repr(made[0]) == repr(made[1])
    randomize(made[1])
    made[0].load_state_dict(made[1].state_dict(), strict=True)
    return made
