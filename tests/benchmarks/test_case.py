"""What is measured: cases and their inputs."""

from itertools import groupby

import torch
from bench_cases import tiny

from graphattn.bench.case import GPU, QUICK, SCORES, SHAPES, SUITE, Case


def test_cases_for_gpus_in_their_dtype():
    assert len(set(GPU)) == len(GPU)
    assert {case.dtype for case in GPU} == {"float32", "bfloat16"}
    assert str(Case("cora", "dot", 4, 64, "bfloat16")) == "cora, dot, 4 × 64, bfloat16"
    graph = tiny("more_sources")
    assert {leaf.dtype for leaf in Case("", "dot", 2, 3, "bfloat16").leaves(graph)} == {torch.bfloat16}


def test_the_suite_has_every_score_in_every_shape():
    for graph in ("cora", "arxiv", "molecules", "mesh-up", "knn-8"):
        small = {(score, 8, 8) for score in SCORES} if graph in ("cora", "molecules") else set()
        assert {(case.score, case.heads, case.width) for case in SUITE if case.graph == graph} == {
            (score, *shape) for score in SCORES for shape in SHAPES
        } | small
    assert set(QUICK) <= set(SUITE)
    assert len(set(SUITE)) == len(SUITE)
    assert len([name for name, _ in groupby(SUITE, key=lambda case: case.graph)]) == len({case.graph for case in SUITE})


def test_leaves_follow_the_score():
    graph = tiny("more_sources")
    shapes = {score: [list(leaf.shape) for leaf in Case("", score, 2, 3).leaves(graph)] for score in SCORES}
    assert shapes["dot"] == [[7, 2, 3], [17, 2, 3], [17, 2, 3]]
    assert shapes["sum"] == [[7, 2], [17, 2], [17, 2, 3]]
    assert shapes["additive"] == [[7, 2, 3], [17, 2, 3], [2, 3]]
