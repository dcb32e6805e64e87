"""Functions without parameters: edge weights, hard attention, a feature map, and masking of tokens."""

from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum
from graphattn.nn.functional.elu import elu_features
from graphattn.nn.functional.hard_attention import gumbel_softmax, log_probability, sample_edges, straight_through
from graphattn.nn.functional.masking import Masked, mask_tokens

__all__ = [
    "Masked",
    "elu_features",
    "gumbel_softmax",
    "log_probability",
    "mask_tokens",
    "normalize_edges",
    "sample_edges",
    "straight_through",
    "weighted_sum",
]
