"""One page of explanations: each molecule drawn, with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.common.html import definitions, style
from graphattn.tasks.molecule.attribution import Check
from graphattn.tasks.molecule.explain import Explanation

_MEANING = {
    "gradients": "Integrated gradients: orange atoms raise the prediction, blue ones lower it; the numbers of all "
    "atoms and bonds add up to the prediction less that without atoms.",
    "occlusion": "Occlusion: orange atoms are those without which the prediction falls, blue ones those without which "
    "it rises.",
    "attention": "Attention: how much of each atom reaches the result through the layers. It has no sign, and much "
    "attention is not always much influence.",
}


def page(explanations: Sequence[Explanation], unit: str | None, checked: Check | None) -> str:
    """The page as HTML, complete in itself."""
    first = explanations[0]
    cards = "\n".join(_card(each, unit) for each in explanations)
    test = "" if checked is None else f'<p class="note">{escape(sentence(checked))}</p>'
    title = f"What {first.target} rests on"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{style()}
.picture svg {{ background: #fff; border-radius: 6px; }}</style></head>
<body><main><header><p>graphattn explain</p><h1>{escape(title)}</h1>
<p>{escape(_MEANING[first.method])}</p>{test}</header>
<h2>{len(explanations)} molecule{"s" if len(explanations) > 1 else ""}</h2>
<div class="pictures">{cards}</div></main></body></html>
"""


def sentence(checked: Check) -> str:
    """What the test by deletion found."""
    if checked.p != checked.p:
        return "The test by deletion needs five molecules of five atoms or more."
    larger = "further" if checked.top.mean() > checked.random.mean() else "no further"
    return (
        f"Test by deletion over {len(checked.top)} molecules: without the fifth of atoms with the largest numbers the "
        f"prediction moves by {checked.top.mean():.3g} on average, {larger} than without as many at random "
        f"({checked.random.mean():.3g}); p = {checked.p:.2g} (Wilcoxon's signed-rank test, one-sided)."
    )


def _card(each: Explanation, unit: str | None) -> str:
    rows = sorted(each.rows(), key=lambda row: -abs(row[3]))[:3]
    strongest = [
        (f"{kind} {text if kind == 'bond' else text + str(number)}", fixed(value, 3))
        for kind, number, text, value in rows
    ]
    found = each.attribution
    values = [("networks predict", fixed(found.prediction)), ("without its atoms", fixed(found.baseline)), *strongest]
    where = f" ({unit})" if unit else ""
    return (
        f'<div class="card picture"><h3>{escape(each.smiles)}</h3>{each.svg()}'
        f'{definitions(values)}<p class="note">{escape(each.target + where)}</p></div>'
    )
