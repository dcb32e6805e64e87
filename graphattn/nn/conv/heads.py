"""The heads of a layer: their number, checked, and how they come together at the end."""

from torch import Tensor


def check_heads(out_channels: int, heads: int, dropout: float) -> None:
    """Raise ValueError for sizes that are not positive and a dropout that is no probability."""
    for name, number in (("out_channels", out_channels), ("heads", heads)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout is a probability in [0, 1], got {dropout}")


def join_heads(out: Tensor, width: int, concat: bool) -> Tensor:
    """Heads `[M, H, C]` side by side, `width` wide, or their mean."""
    return out.reshape(-1, width) if concat else out.mean(1)


def add_terms(out: Tensor, residual: Tensor | None, bias: Tensor | None) -> Tensor:
    """`out` with a residual and a bias, where there are any."""
    out = out if residual is None else out + residual
    return out if bias is None else out + bias
