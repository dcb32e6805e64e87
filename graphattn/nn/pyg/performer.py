"""Linear attention on packed nodes with the parameters of PyG's `PerformerAttention`."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.nn.attention import PerformerAttention
from torch_geometric.nn.attention.performer import PerformerProjection

from graphattn.nn.plain import is_plain, know
from graphattn.nn.pyg.set_attention import set_attention

EPSILON = 1e-3
"""Added to each feature, as in PyG, so that no denominator is zero."""

know(PerformerAttention, PerformerProjection)


def is_known_performer(attn: Any) -> bool:
    """Whether `attn` is an unmodified `PerformerAttention` of PyG."""
    return is_plain(attn, PerformerAttention) and is_plain(attn.fast_attn, PerformerProjection)


def performer(attn: Any, x: Tensor, batch: Tensor | None) -> Tensor:
    """Apply `attn` to each graph of a batch separately, `[N, channels]` → `[N, channels]`.

        out_i = W_o Σ_j φ(q_i)·φ(k_j) v_j / Σ_j φ(q_i)·φ(k_j),   φ(x) = kernel(P x) + ε

    (On a padded batch, PyG's own implementation includes the padding in the denominator.)

    Choromanski et al. 2021, arXiv:2009.14794, section 2.2.
    """
    q, k, v = (linear(x).unflatten(1, (attn.heads, -1)) for linear in (attn.q, attn.k, attn.v))
    features = attn.fast_attn.projection_matrix.t()
    q, k = (attn.fast_attn.kernel(rows @ features) + EPSILON for rows in (q, k))
    out = set_attention(q, k, v, batch, normalize="linear", scale=1.0)
    return attn.dropout(attn.attn_out(out.flatten(1)))
