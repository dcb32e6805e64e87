"""Results that their caller may write into."""

from torch import Tensor


def writable(out: Tensor) -> Tensor:
    """The operator's output, free to be changed in place, as `torch.nn.ReLU(inplace=True)` does.

    The operator keeps its own for the backward pass, so it is copied where there will be one.
    """
    return out.clone() if out.requires_grad else out
