"""Conversion of PyTorch's Transformer modules, with their weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.plain import is_plain, is_untouched
from graphattn.nn.transformer.decoder import TransformerDecoder, TransformerDecoderLayer
from graphattn.nn.transformer.encoder import GraphTransformerLayer, TransformerEncoder


def from_torch(module: nn.Module) -> nn.Module:
    """Convert a Transformer module of PyTorch to the equivalent module for packed nodes on graphs; copies its weights.

    ==================================================  ====================================================
    PyTorch                                             graphattn
    ==================================================  ====================================================
    `nn.MultiheadAttention`                             `MultiheadAttention`
    `nn.TransformerEncoderLayer`, `TransformerEncoder`  `GraphTransformerLayer`, `TransformerEncoder`
    `nn.TransformerDecoderLayer`, `TransformerDecoder`  `TransformerDecoderLayer`, `TransformerDecoder`
    no mask                                             `ga.complete(sizes)`, `ga.bipartite(sizes, memory_sizes)`
    a causal mask                                       `ga.causal(sizes)`
    any other mask (True hides)                         `ga.Graph((~mask).nonzero().t().flip(0), n)`
    ==================================================  ====================================================

    Sequences are packed one after another instead of padded. Dropout, dtype, device and training mode are kept.

    Args:
        module: one of the modules above.

    Raises:
        TypeError: another module; an activation that is neither a module nor relu or gelu; or a module that was
            modified (hooks, a replaced `forward`, another class instead of a linear layer), which copying weights would
            miss.
        ValueError: attention with `add_bias_kv` or `add_zero_attn`, which adds a key that is not a node.

    Example:
        >>> import graphattn as ga
        >>> theirs = nn.TransformerEncoderLayer(16, nhead=4, batch_first=True).eval()
        >>> ours, x = from_torch(theirs), torch.randn(2, 5, 16)
        >>> torch.allclose(ours(x.flatten(0, 1), ga.complete([5, 5])), theirs(x).flatten(0, 1), atol=1e-5)
        True
    """
    for name, part in module.named_modules():
        if not is_untouched(part):
            what = f"its part {name}" if name else "it"
            raise TypeError(
                f"from_torch copies weights, but {what} was changed: hooks, a forward or parameters of its own"
            )
    made = _make(module)
    parameter = next(module.parameters())
    return made.to(device=parameter.device, dtype=parameter.dtype).train(module.training)


def _make(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module)
    if isinstance(module, nn.TransformerEncoderLayer):
        return _encoder_layer(module)
    if isinstance(module, nn.TransformerDecoderLayer):
        return _decoder_layer(module)
    if isinstance(module, nn.TransformerEncoder | nn.TransformerDecoder):
        layers: Any = [_make(layer) for layer in module.layers]
        norm = None if module.norm is None else _copied_norm(module.norm)
        return (TransformerEncoder if isinstance(module, nn.TransformerEncoder) else TransformerDecoder)(
            layers, norm=norm
        )
    raise TypeError(
        "from_torch takes torch.nn.MultiheadAttention, TransformerEncoderLayer, TransformerDecoderLayer, "
        f"TransformerEncoder or TransformerDecoder, got {type(module).__name__}"
    )


def _attention(theirs: nn.MultiheadAttention) -> MultiheadAttention:
    if theirs.bias_k is not None or theirs.bias_v is not None or theirs.add_zero_attn:
        raise ValueError("attention with add_bias_kv or add_zero_attn sees a key that is no node of the graph")
    ours = MultiheadAttention(
        theirs.embed_dim, theirs.num_heads, kdim=theirs.kdim, vdim=theirs.vdim, dropout=theirs.dropout,
        bias=theirs.in_proj_bias is not None,
    )  # fmt: skip
    if theirs.in_proj_weight is None:
        weights: Any = (theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight)
    else:
        weights = theirs.in_proj_weight.chunk(3)
    biases = (None,) * 3 if theirs.in_proj_bias is None else theirs.in_proj_bias.chunk(3)
    for linear, weight, bias in zip((ours.q_proj, ours.k_proj, ours.v_proj), weights, biases, strict=True):
        _set(linear, weight, bias)
    _set(ours.out_proj, theirs.out_proj.weight, theirs.out_proj.bias)
    return ours


def _encoder_layer(theirs: nn.TransformerEncoderLayer) -> GraphTransformerLayer:
    attention = _attention(theirs.self_attn)
    ours = GraphTransformerLayer(
        attention.embed_dim, attention.num_heads, attention=attention, **_options(theirs)
    )  # fmt: skip
    ours.attention_norm, ours.ffn_norm = _copied_norm(theirs.norm1), _copied_norm(theirs.norm2)
    _set_ffn(ours.ffn, theirs)
    return ours


def _decoder_layer(theirs: nn.TransformerDecoderLayer) -> TransformerDecoderLayer:
    attention = _attention(theirs.self_attn)
    ours = TransformerDecoderLayer(
        attention.embed_dim, attention.num_heads, attention=attention, **_options(theirs)
    )  # fmt: skip
    ours.cross_attention = _attention(theirs.multihead_attn)
    norms = (theirs.norm1, theirs.norm2, theirs.norm3)
    ours.attention_norm, ours.cross_norm, ours.ffn_norm = (_copied_norm(norm) for norm in norms)
    _set_ffn(ours.ffn, theirs)
    return ours


def _options(theirs: Any) -> dict[str, Any]:
    return {
        "ffn_dim": theirs.linear1.out_features,
        "dropout": theirs.dropout1.p,
        "norm_first": theirs.norm_first,
        "activation": _activation(theirs.activation),
    }


def _activation(function: Callable[[Tensor], Tensor]) -> nn.Module:
    known = {nn.functional.relu: nn.ReLU, torch.relu: nn.ReLU, nn.functional.gelu: nn.GELU}
    if isinstance(function, nn.Module):
        return copy.deepcopy(function)
    if function not in known:
        raise TypeError(f"activation is a module, relu or gelu, got {function!r}")
    return known[function]()


def _set_ffn(ffn: nn.Sequential, theirs: Any) -> None:
    for name in ("linear1", "linear2"):
        if not is_plain(getattr(theirs, name), nn.Linear):
            kind = type(getattr(theirs, name)).__name__
            raise TypeError(f"from_torch copies weights of torch.nn.Linear, but {name} is {kind}")
    _set(ffn[0], theirs.linear1.weight, theirs.linear1.bias)
    _set(ffn[3], theirs.linear2.weight, theirs.linear2.bias)
    ffn[2].p = theirs.dropout.p


def _set(linear: Any, weight: Tensor, bias: Tensor | None) -> None:
    """Copy weight and bias of a linear layer; without a source bias, ours is set to zero if there is one."""
    with torch.no_grad():
        linear.weight.copy_(weight)
        if bias is not None:
            linear.bias.copy_(bias)
        elif linear.bias is not None:
            linear.bias.zero_()


def _copied_norm(norm: nn.Module) -> nn.LayerNorm:
    if not isinstance(norm, nn.LayerNorm):
        raise TypeError(f"a norm is a torch.nn.LayerNorm, got {type(norm).__name__}")
    return copy.deepcopy(norm)
