"""The stack's members in the report."""

from __future__ import annotations

from graphattn.tasks.common import html
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.molecule.config import MEMBERS
from graphattn.tasks.molecule.records import Fitted
from graphattn.tasks.molecule.task import METRIC_LABELS, mean_weight, metric_names


def members_table(fitted: Fitted) -> str:
    """Return a table of the stack's members, their weights and their own metrics, where there are several."""
    members = fitted.metrics.get("members", {})
    if len(members) < 2:
        return ""
    names = metric_names(fitted.task, len(fitted.target_columns))
    first = METRIC_LABELS[names[0]]
    header = ["members of graphattn", "weight", *(METRIC_LABELS[name] for name in names), f"{first}, out of fold"]
    lines = ["<table>", html.row("th", header)]
    for member, found in members.items():
        measured = [*(found["test"][name] for name in names), found["out_of_fold"][names[0]]]
        cells = [MEMBERS[member], fixed(mean_weight(found["weight"]), 2), *map(fixed, measured)]
        lines.append(html.row("td", cells))
    return "\n".join([*lines, "</table>"])
