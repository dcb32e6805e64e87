"""Each encoder of `graphattn.models`, small, and sizes of graphs that all of them take."""

import graphattn as ga
from graphattn.models import encoders
from graphattn.nn.positions import ALiBi, RelativeBias

EMBED, HEADS = 12, 3

ENCODERS = {
    "transformer": lambda: encoders.transformer(EMBED, HEADS, 2),
    "post-norm": lambda: encoders.transformer(EMBED, HEADS, 2, norm_first=False),
    "ALiBi": lambda: encoders.transformer(EMBED, HEADS, 2, bias=ALiBi(HEADS)),
    "T5": lambda: encoders.transformer(EMBED, HEADS, 2, bias=RelativeBias(HEADS)),
    "truncated": lambda: encoders.truncated(EMBED, HEADS, 2, radius=2),
    "longformer": lambda: encoders.longformer(EMBED, HEADS, 2, radius=1),
    "bigbird": lambda: encoders.bigbird(EMBED, HEADS, 2, radius=1),
    "linformer": lambda: encoders.linformer(EMBED, HEADS, 2, num_landmarks=3, max_nodes=16),
    "performer": lambda: encoders.performer(EMBED, HEADS, 2),
    "reformer": lambda: encoders.reformer(EMBED, HEADS, 2, num_buckets=2),
    "neighborhood": lambda: encoders.neighborhood(EMBED, HEADS, 2, shape=(4, 3), kernel_size=3),
    "axial": lambda: encoders.axial(EMBED, HEADS, 2, shape=(4, 3)),
}


def sizes_for(kind: str) -> list[int]:
    """Sequences of several lengths, one of them a single node and one empty; or pictures of 4 by 3 cells."""
    return [12, 12] if kind in ("neighborhood", "axial") else [9, 1, 0, 16]


def graph_for(kind: str) -> ga.Graph:
    """Sequences or pictures side by side."""
    return ga.complete(sizes_for(kind))
