"""Outputs that the caller may modify in place."""

from torch import Tensor


def writable(out: Tensor) -> Tensor:
    """A version of the operator's output that may be modified in place, for example by `torch.nn.ReLU(inplace=True)`.

    The operator saves its output for the backward pass, so it is copied if it requires a gradient.
    """
    return out.clone() if out.requires_grad else out
