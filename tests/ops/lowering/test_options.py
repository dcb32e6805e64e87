"""Dropout, weights, states, and tensors that are not contiguous."""

import pytest
import torch
from ops.lowering.cases import FUSED, NORMALIZERS, SCORES, Case, attend, loss, pairwise, run, same_bits, tensors, with_

import graphattn as ga

pytest.importorskip("numba")

VARIANTS = pairwise(score=SCORES, normalize=NORMALIZERS)
GRAPH = ga.testing.zoo()["unsorted"]


@pytest.mark.parametrize("case", VARIANTS, ids=str)
def test_dropout_draws_the_mask_of_the_reference(case):
    case = with_(case, returns="weights", dropout=0.4, heads=(4, 2))
    given = tensors(case, GRAPH)
    _, fused = attend(case, GRAPH, given, FUSED)
    _, plain = attend(case, GRAPH, given, "reference")
    assert torch.equal(fused == 0, plain == 0)
    assert 0.2 < (fused == 0).double().mean() < 0.95
    torch.testing.assert_close(fused, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", VARIANTS, ids=str)
def test_dropout_in_the_backward_pass_is_that_of_the_forward_pass(case):
    case = with_(case, returns="weights", dropout=0.4)
    given = {name: tensor.requires_grad_(name == "v") for name, tensor in tensors(case, GRAPH).items()}
    out, weights = attend(case, GRAPH, given, FUSED)
    ahead = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.manual_seed(5)  # what is drawn later must not matter
    (grad,) = torch.autograd.grad(out, given["v"], ahead)
    (src, dst) = GRAPH.edge_index
    want = torch.zeros_like(grad).index_add(0, src, weights.detach().unsqueeze(-1) * ahead[dst])
    torch.testing.assert_close(grad, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", VARIANTS, ids=str)
def test_weights_come_back_in_the_callers_order(case):
    edges = "value" if case.score in ("cosine", "sum", "none") else "everything"
    case = with_(case, returns="weights", heads=(4, 2), edges=edges)
    given = tensors(case, GRAPH)
    out, weights = attend(case, GRAPH, given, FUSED)
    (src, dst) = GRAPH.edge_index
    values = given["v"].repeat_interleave(2, dim=1)[src] + given["edge_value"]
    if "value_proj" in given:
        values = values + torch.einsum("ea,ahd->ehd", given["edge_attr"], given["value_proj"])
    torch.testing.assert_close(out, torch.zeros_like(out).index_add(0, dst, weights.unsqueeze(-1) * values))
    if case.normalize == "softmax":
        sums = torch.zeros(13, 4, dtype=torch.float64).index_add(0, dst, weights)
        torch.testing.assert_close(sums, (GRAPH.in_degree > 0).double()[:, None].expand_as(sums))


@pytest.mark.parametrize("normalize", NORMALIZERS)
def test_asking_for_weights_changes_nothing_else(normalize):
    case = Case(normalize=normalize, edges="bias", dropout=0.3)
    given = {name: tensor.float() for name, tensor in tensors(case, GRAPH).items()}
    (alone,) = attend(case, GRAPH, given, FUSED)
    assert torch.equal(attend(with_(case, returns="weights"), GRAPH, given, FUSED)[0], alone)


@pytest.mark.parametrize("score", SCORES)
def test_states_of_disjoint_edges_merge(score):
    case = Case(score, edges="bias", heads=(4, 2), returns="state")
    given = tensors(case, GRAPH)
    whole = run(case, GRAPH, given, FUSED)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    states = []
    for part in range(3):
        edges = torch.arange(GRAPH.num_edges) % 3 == part
        some = leaves | {"edge_bias": leaves["edge_bias"][edges]}
        states.append(ga.ops.state.State(*attend(case, ga.Graph(GRAPH.edge_index[:, edges], 13), some, FUSED)))
    merged = ga.merge(*states)
    loss(tuple(merged), case.dtype).backward()
    found = {"out": merged.out, "lse": merged.lse} | {f"grad of {name}": leaf.grad for name, leaf in leaves.items()}
    for name, want in whole.items():
        torch.testing.assert_close(found[name].float(), want, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("way", ["transposed", "slice", "every other", "expanded"])
def test_strided_inputs(score, way):
    edges = "value" if score in ("cosine", "sum", "none") else "everything"
    case = Case(score, edges=edges, returns="weights")
    contiguous = tensors(case, GRAPH)
    contiguous = {name: tensor.float() for name, tensor in contiguous.items()}
    if way == "expanded":
        contiguous = {name: tensor[:1].expand_as(tensor) for name, tensor in contiguous.items()}
    strided = {name: _strided(tensor, way) for name, tensor in contiguous.items()}
    assert all(not tensor.is_contiguous() for name, tensor in strided.items() if tensor.ndim == 3)
    contiguous = {name: tensor.contiguous() for name, tensor in contiguous.items()}
    found, want = _as_they_are(case, strided), _as_they_are(case, contiguous)
    for name in want:
        torch.testing.assert_close(found[name], want[name], msg=lambda text, name=name: f"{name}: {text}")


def _as_they_are(case, given):
    """Results and gradients without copying what is given."""
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in given.items()}
    results = attend(case, GRAPH, leaves, FUSED)
    gradients = torch.autograd.grad(loss(results, case.dtype), [*leaves.values()])
    return dict(zip(("out", "weights", *leaves), (*results, *gradients), strict=True))


def _strided(tensor, way):
    """The same numbers, in memory otherwise."""
    if way == "transposed":
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if way == "slice":
        return torch.cat([tensor, tensor, tensor], dim=-1)[..., tensor.shape[-1] : 2 * tensor.shape[-1]]
    if way == "every other":
        return torch.stack([tensor, tensor], dim=-1).flatten(-2)[..., ::2]
    return tensor


@pytest.mark.parametrize("score", SCORES)
def test_a_gradient_that_is_not_contiguous(score):
    case = Case(score, edges="bias")
    given = {name: tensor.requires_grad_() for name, tensor in tensors(case, GRAPH).items()}
    found = []
    for ahead in (torch.ones(()).expand(13, 3, 7), torch.ones(13, 3, 7), torch.ones(7, 3, 13).transpose(0, 2)):
        (out,) = attend(case, GRAPH, given, FUSED)
        found.append(dict(zip(given, torch.autograd.grad(out, [*given.values()], ahead.double()), strict=True)))
    assert same_bits(found[0], found[1])
    assert same_bits(found[0], found[2])


@pytest.mark.parametrize("returns", ["out", "weights", "state"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_of_the_results(dtype, returns):
    case = Case(edges="everything", dtype=dtype, returns=returns)
    given = tensors(case, GRAPH)
    fused, plain = (run(case, GRAPH, given, backend) for backend in (FUSED, "reference"))
    assert {name: tensor.dtype for name, tensor in fused.items()} == {
        name: tensor.dtype for name, tensor in plain.items()
    }
