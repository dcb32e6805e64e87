"""Pictures of attention: who looks at whom, how much, through one layer or several, and what it costs.

Every function draws on Matplotlib axes and returns them: `plot_attention(graph, weights).figure.savefig("a.png")`. The
colors can be told apart by the color-blind, and in grey.
"""

from __future__ import annotations

from graphattn.viz.alignment import plot_alignment
from graphattn.viz.attention import plot_attention
from graphattn.viz.cost import plot_cost
from graphattn.viz.heads import head_grid
from graphattn.viz.rollout import rollout

__all__ = ["head_grid", "plot_alignment", "plot_attention", "plot_cost", "rollout"]
