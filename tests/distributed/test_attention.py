"""Attention over several processes gives what one process gives, results and gradients."""

import distributed_work as work
import pytest

TINY = 1e-11  # of values of about one, in float64


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["balanced", "metis", "odd"])
def test_any_number_of_processes_and_any_partition(team, size, method):
    if method == "metis":
        pytest.importorskip("pymetis")
    for difference, _, _ in team.run(work.compare, size, "random", method, {}):
        assert difference < TINY


@pytest.mark.parametrize("kind", ["bipartite", "sparse"])
@pytest.mark.parametrize("exchange", ["halo", "stream"])
def test_two_sets_of_nodes_and_nodes_without_edges(team, kind, exchange):
    for difference, _, _ in team.run(work.compare, 3, kind, "balanced", {"exchange": exchange}, True):
        assert difference < TINY


@pytest.mark.parametrize("exchange", ["halo", "stream", "heads"])
@pytest.mark.parametrize("score", ["dot", "cosine", "sum", "none"])
def test_every_exchange_and_score(team, exchange, score):
    options = {"score": score, "exchange": exchange}
    for difference, sent, _ in team.run(
        work.compare, 2, "random", "odd" if exchange == "halo" else "balanced", options
    ):
        assert difference < TINY
        assert sent > 0 or exchange == "halo"


@pytest.mark.parametrize("normalize", ["relu", "sigmoid", "identity", "linear", "sparsemax", "entmax15"])
def test_every_normalizer(team, normalize):
    options = {"normalize": normalize, "score": "none" if normalize == "linear" else "dot"}
    for difference, _, _ in team.run(work.compare, 3, "random", "balanced", options):
        assert difference < TINY


@pytest.mark.parametrize("exchange", ["halo", "stream"])
def test_tensors_per_edge(team, exchange):
    for difference, _, _ in team.run(work.compare, 4, "random", "balanced", {"exchange": exchange}, True):
        assert difference < TINY


@pytest.mark.parametrize("normalize", ["softmax", "sigmoid"])
@pytest.mark.parametrize("exchange", ["halo", "stream"])
def test_dropout_drops_what_one_process_would(team, normalize, exchange):
    options = {"normalize": normalize, "dropout": 0.4, "exchange": exchange}
    for difference, _, _ in team.run(work.compare, 3, "random", "balanced", options, True, 7):
        assert difference < TINY


def test_bytes_sent_are_those_of_the_halo(team):
    answers = team.run(work.bytes_of_halo, 4)
    sent, halo = map(sum, zip(*answers, strict=True))
    assert sent == halo * 2 * work.H * work.D * 4  # keys and values, in float32


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("rows", "sources, but got"),
        ("edges", "edge_bias must have a row for each of the"),
        ("exchange", "exchange must be"),
        ("heads", "tensors per edge are spread by node"),
        ("dropout", 'not "sparsemax"'),
        ("numbers", "no numbers of nodes"),
    ],
)
def test_what_cannot_be_is_said_on_every_process(team, what, message):
    for answer in team.answers(work.call_of, 2, what):
        assert answer[0] == "failed" and message in answer[1]
