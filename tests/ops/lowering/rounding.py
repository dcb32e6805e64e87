"""The rule of precision: as good as the same formula in plain torch, up to the last places of the numbers added."""

from __future__ import annotations

import torch
from ops.lowering.cases import EDGE_TERMS, FUSED, Case, attend, loss_weights, run, with_
from torch import Tensor

import graphattn as ga
from graphattn import scores

_ORDERS = 5
_PLACES = 4  # of seven thousand comparisons in fixed cases five need more than 2, none 3; drawn ones need the fourth


def assert_as_good_as_plain_torch(case: Case, graph: ga.Graph, given: dict[str, Tensor]) -> None:
    """The worst error of each result and gradient is at most twice that of the reference backend in that dtype.

    Errors are distances to the reference in float64 on the same numbers. Plain torch may be lucky with one order of
    addition, so its error is the worst over several, each as good as another; and where it is lucky with all of them
    (few numbers, few orders), `_PLACES` units in the last place of the largest number added are allowed.
    """
    exact = run(case, graph, given, "reference", dtype=torch.float64)
    plain = [run(case, graph, given, "reference", order=order) for order in range(_ORDERS)]
    fused = run(case, graph, given, FUSED)
    allowance = _allowance(case)
    terms = largest_terms(case, graph, given)
    for name, want in exact.items():
        assert name in fused, f"{case}: there is no {name}"
        assert fused[name].dtype == plain[0][name].dtype, f"{case}: {name} is {fused[name].dtype}"
        allowed = 2 * max(_worst(found[name], want) for found in plain)
        error = _worst(fused[name], want)
        slack = allowance * max(_largest(want), terms.get(name, 0.0))
        assert error <= allowed + slack, (
            f"{case}: {name} of {graph} is off by {error:.3g}; plain torch by {allowed / 2:.3g}, places {slack:.3g}"
        )


def _allowance(case: Case) -> float:
    """How far off a result may be where plain torch is exact, relative to the largest number added.

    Numbers are added in float32 where the inputs are in half precision, so the unit is that of float32; but where edge
    keys of an additive score are formed from as many features, they are halves, as their gradients are. The reference
    in float64 is as far from the truth as what is in float64 itself.
    """
    if case.dtype == torch.float64:
        return 2 * _PLACES * torch.finfo(torch.float64).eps
    (H, _), (D, _, A) = case.heads, case.widths
    projected = bool({"proj", "key_proj"} & {*EDGE_TERMS[case.edges]})
    forms_keys = case.score.startswith("additive") and projected and A >= H * D
    if forms_keys and case.dtype in (torch.float16, torch.bfloat16):
        return torch.finfo(case.dtype).eps
    return _PLACES * torch.finfo(torch.float32).eps


def assert_far_scores_weigh_like_near_ones(graph: ga.Graph, top: float) -> None:
    """Half a unit in the last place of 10,000 is 5e-4, which nothing may show, for these scores are exact."""
    steps = torch.arange(graph.num_edges)[:, None].expand(-1, 3) % 5
    v = torch.randn(graph.num_src, 3, 7, generator=torch.Generator().manual_seed(0))
    found = {}
    for shift in (0.0, top):
        bias = (shift + steps.float()).requires_grad_()
        out, weights = ga.attention(
            None, None, v, graph, score="none", edge_bias=bias, return_weights=True, backend=FUSED
        )
        (grad,) = torch.autograd.grad(out.square().sum(), bias)
        found[shift] = out, weights, grad
    for far, near in zip(found[top], found[0.0], strict=True):
        torch.testing.assert_close(far, near, rtol=2e-6, atol=2e-6)


def _worst(found: Tensor, exact: Tensor) -> float:
    """The largest error; infinities must be where they belong, and nothing else may be one."""
    finite = exact.isfinite()
    if not torch.equal(found.isfinite(), finite) or not torch.equal(found[~finite].double(), exact[~finite]):
        return float("inf")
    return _largest(found.double() - exact)


def _largest(tensor: Tensor) -> float:
    finite = tensor[tensor.isfinite()]
    return float(finite.abs().max()) if finite.numel() else 0.0


def largest_terms(case: Case, graph: ga.Graph, given: dict[str, Tensor]) -> dict[str, float]:
    """By result, the largest of the numbers that are added up to it: what rounding is relative to.

    The chain rule on absolute values: with s the scores, w the weights, g the gradient of the loss by `out`,

        dw = Σ_d |g| (|v| + |u|),   ds = |∂w/∂s| dw,   dx = ds |∂s/∂x|    for x = q, k, e, …

    A softmax has ds = w (dw − δ) with δ = Σ w dw, a difference of two numbers that may be almost equal. All edges of a
    row share one δ and its error, so what it adds to a gradient is one number, δ Σ w |∂s/∂x|.
    """
    if graph.num_edges == 0:
        return {}
    given = {name: tensor.detach() for name, tensor in given.items()}
    (src, dst), (H, Hk) = graph.edge_index, case.heads
    grads = _absolute_loss_weights(case, graph, given)
    key_terms, value_terms = _edge_terms(given, "edge_key", "key_proj"), _edge_terms(given, "edge_value", "value_proj")
    values = given["v"].repeat_interleave(H // Hk, dim=1)[src].abs() + value_terms.abs
    slopes_of_scores, sizes = _scores(case, given, src, dst, key_terms)

    (_, weights) = attend(with_(case, returns="weights", dropout=0.0), graph, given, "reference")
    steep = ((1 - weights) * _largest_of_scores(case, graph, given)).clamp(min=1)
    grew = 1 / (1 - case.dropout)
    grad_out = grads["out"][dst] * grew
    grad_weights = (grad_out * values).sum(-1) + grads["weights"] * grew
    if case.normalize == "softmax":
        row = torch.zeros(graph.num_dst, H, dtype=torch.float64).index_add(0, dst, weights * grad_weights)
        delta = weights * row[dst]
        grad_scores = steep * (torch.maximum(weights * grad_weights, delta) + weights * grads["lse"][dst])
        weights = steep * weights
    elif case.normalize == "sigmoid":
        grad_scores = steep * weights * (1 - weights) * grad_weights
        weights = steep * weights
    else:
        weights = sizes
        grad_scores = grad_weights
    found = {name: grad_scores.view(*grad_scores.shape, *[1] * (slope.ndim - 2)) * slope.abs()
             for name, slope in slopes_of_scores.items()}  # fmt: skip
    found["weights"] = weights * grew
    found["out"] = found["weights"].unsqueeze(-1) * values
    found["v"] = found["edge_value"] = weights.unsqueeze(-1) * grad_out
    if "edge_attr" in given:
        _add_low_rank(found, given)
    if case.normalize == "softmax":
        _add_shared(found, slopes_of_scores, delta, dst, src)
    renamed = {name if name in ("out", "weights") else f"grad of {name}": terms for name, terms in found.items()}
    return {name: _largest(terms) for name, terms in renamed.items()}


def _add_shared(found: dict[str, Tensor], slopes: dict[str, Tensor], delta: Tensor, dst: Tensor, src: Tensor) -> None:
    """What one δ, given times w for each edge, adds to one number of each gradient that sums over edges."""
    groups = {"k": torch.stack([dst, src])} | dict.fromkeys(("q", "vector", "beta"), dst[None])
    for name in groups.keys() & slopes.keys():
        terms = delta.view(*delta.shape, *[1] * (slopes[name].ndim - 2)) * slopes[name].abs()
        group = groups[name].unique(dim=1, return_inverse=True)[1]
        found[name] = torch.cat([found[name], torch.zeros_like(terms).index_add(0, group, terms)])


def _largest_of_scores(case: Case, graph: ga.Graph, given: dict[str, Tensor]) -> Tensor:
    """For each score s the largest number on the way to it; one unit in its last place moves a weight by w (1 − w)."""
    if case.score == "none":
        return torch.zeros_like(given["edge_bias"])  # exact
    plain = with_(case, normalize="identity", returns="weights", dropout=0.0)
    largest = attend(plain, graph, given, "reference")[1].abs()
    projection = given.get("proj", given.get("key_proj"))
    if case.score == "dot" and projection is not None:  # ⟨q, W a⟩ = ⟨Wᵀ q, a⟩, a sum of few and large numbers
        queries = torch.einsum("mhd,ahd->mha", given["q"], projection)[graph.edge_index[1]]
        scale = case.widths[0] ** -0.5 if case.scale is None else abs(case.scale)
        largest = largest.maximum((queries * given["edge_attr"][:, None]).abs().amax(-1) * scale)
    return largest


class _EdgeTerms:
    """What is added to a key or value for each edge: its number, and the sum of the absolute values of its terms."""

    def __init__(self, exact: Tensor | float, absolute: Tensor | float) -> None:
        self.exact, self.abs = exact, absolute


def _edge_terms(given: dict[str, Tensor], full: str, projection: str) -> _EdgeTerms:
    terms = _EdgeTerms(0.0, 0.0)
    if full in given:
        terms = _EdgeTerms(given[full], given[full].abs())
    projection = "proj" if "proj" in given else projection
    if projection in given:
        a, W = given["edge_attr"], given[projection]
        terms.exact = terms.exact + torch.einsum("ea,ahd->ehd", a, W)
        terms.abs = terms.abs + torch.einsum("ea,ahd->ehd", a.abs(), W.abs())
    return terms


def _absolute_loss_weights(case: Case, graph: ga.Graph, given: dict[str, Tensor]) -> dict[str, Tensor]:
    M, E, H = graph.num_dst, graph.num_edges, case.heads[0]
    shapes = {"out": (M, H, given["v"].shape[2]), "weights": (E, H), "lse": (M, H)}
    names = {"out": ["out"], "weights": ["out", "weights"], "state": ["out", "lse"]}[case.returns]
    drawn = loss_weights([torch.Size(shapes[name]) for name in names], case.dtype)
    found = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes.items()}
    return found | {name: weight.double().abs() for name, weight in zip(names, drawn, strict=True)}


def _scores(
    case: Case, given: dict[str, Tensor], src: Tensor, dst: Tensor, key_terms: _EdgeTerms
) -> tuple[dict[str, Tensor], Tensor]:
    """∂s/∂x for each edge and each input x of its score, and Σ |terms of s|."""
    bias = given.get("edge_bias")
    if case.score == "none":
        return {"edge_bias": torch.ones_like(bias)}, bias.abs()
    repeat = case.heads[0] // case.heads[1]
    leaves = {"q": given["q"][dst], "k": given["k"].repeat_interleave(repeat, dim=1)[src]}
    absolute_key = leaves["k"].abs() + key_terms.abs
    leaves["k"] = leaves["k"] + key_terms.exact
    if bias is not None:
        leaves["edge_bias"] = bias
    for name in ("vector", "beta"):
        if name in given:
            leaves[name] = given[name].expand(len(src), *given[name].shape)
    leaves = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items()}
    score, absolute_score = _score(case, leaves), _score(case, {name: leaf.abs() for name, leaf in leaves.items()})
    scale = score.default_scale(case.widths[0]) if case.scale is None else case.scale
    found = score(leaves["q"], leaves["k"], leaves.get("edge_bias"), scale)
    slopes = dict(zip(leaves, torch.autograd.grad(found.sum(), [*leaves.values()]), strict=True))
    if case.score == "cosine":  # (k / |k| − cos q / |q|) / |q| is a difference of two numbers of this size
        for name in "qk":
            lengths = leaves[name].norm(dim=-1, keepdim=True).clamp(min=1e-12)
            slopes[name] = (leaves["beta"].unsqueeze(-1) * scale / lengths).expand_as(leaves[name])
    if case.score == "additive tanh":  # one unit in the last place of a tanh near one is two of 1 − tanh², near zero
        slopes |= dict.fromkeys("qk", 2 * leaves["vector"] * scale)
    slopes["edge_key"] = slopes["k"]
    sizes = absolute_score(leaves["q"].abs(), absolute_key, None if bias is None else bias.abs(), abs(scale))
    return {name: slope.detach() for name, slope in slopes.items()}, sizes.detach()


def _score(case: Case, leaves: dict[str, Tensor]) -> scores.Score:
    if case.score == "cosine":
        return scores.Cosine(leaves["beta"])
    if case.score == "sum":
        return scores.Sum(negative_slope=0.3)
    if case.score.startswith("additive"):
        score = scores.Additive.__new__(scores.Additive)  # with one vector per edge
        values = {"vector": leaves["vector"], "activation": case.score.split()[1], "negative_slope": 0.3}
        score.__dict__.update(values)
        return score
    return scores.Dot()


def _add_low_rank(found: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    attributes = given["edge_attr"].abs()
    for name, sides in (("proj", ("k", "v")), ("key_proj", ("k",)), ("value_proj", ("v",))):
        if name not in given:
            continue
        for side in sides:
            of_attributes = torch.einsum("ehd,ahd->eah", found[side], given[name].abs())
            of_projection = attributes[:, :, None, None] * found[side][:, None]
            for target, terms in (("edge_attr", of_attributes), (name, of_projection)):
                largest = max(_largest(terms), _largest(found.get(target, torch.zeros(1))))
                found[target] = torch.tensor([largest], dtype=torch.float64)
