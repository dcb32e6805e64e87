"""Tiles that were measured: any gives the right result, the best is used and kept. The clock is put in."""

import itertools
import json

import pytest
import torch
from ops.lowering.cases import Case, run, same_bits, tensors
from ops.lowering.rounding import assert_as_good_as_plain_torch

import graphattn as ga

CASES = [
    Case("dot", edges="bias", heads=(4, 2), widths=(8, 8, 1)),
    Case("additive leaky_relu", edges="low rank for values", heads=(3, 3), widths=(5, 7, 2)),
]
CANDIDATES = 14  # of the tiles of these cases, at most


def graph_of(*degrees):
    torch.manual_seed(0)
    into = torch.repeat_interleave(torch.arange(len(degrees)), torch.tensor(degrees))
    return ga.Graph(torch.stack([torch.randint(0, 9, (into.numel(),)), into]), 9)


@pytest.fixture
def graph(monkeypatch):
    """A graph with rows of each bin, on which kernels are chosen but do nothing, for here the clock alone counts."""
    from graphattn.ops.triton import attend, gradient

    monkeypatch.setattr(attend, "launch", lambda *arguments, **more: None)
    monkeypatch.setattr(gradient, "launch", lambda *arguments, **more: None)
    return graph_of(1, 3, 7, 40)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHATTN_TILES", str(tmp_path / "there" / "tiles.json"))
    return tmp_path / "there" / "tiles.json"


@pytest.fixture
def fewest_warps_are_fastest(monkeypatch):
    """A clock by which a launch takes as many seconds as its program has edges and warps."""
    from graphattn.ops.triton import tune

    monkeypatch.setattr(tune, "_seconds", lambda start, tile: float(tile.slots * tile.warps + tile.rows))


def inputs(case, graph):
    given = tensors(case, graph)
    return {name: x.to(case.dtype).requires_grad_() for name, x in given.items()}


def tuned(graph, dtype=torch.float32):
    given = {name: x.to(dtype).requires_grad_() for name, x in tensors(CASES[0], graph).items()}
    return ga.tune(given["q"], given["k"], given["v"], graph, edge_bias=given["edge_bias"], backend="triton")


def used(graph):
    """The tiles of a call, by kernel and bin, that its launches take."""
    from graphattn.ops.triton import tile_choice

    found = {}

    def note(key, tile, start):
        found[key.kernel, key.degree] = tuple(tile)
        return tile

    with tile_choice.choosing(note):
        run(CASES[0], graph, tensors(CASES[0], graph), "triton")
    return found


@pytest.mark.parametrize(("number", "case"), zip(range(CANDIDATES), itertools.cycle(CASES), strict=False), ids=str)
def test_every_candidate_is_right_and_gives_the_same_bits_each_time(number, case, small_bins):
    from graphattn.ops.triton import tile_choice
    from graphattn.ops.triton.tune import _possible

    graph, tried = graph_of(1, 2, 4, 9), set()

    def choose(key, tile, start):
        possible = _possible(key, tile)
        assert len(possible) <= CANDIDATES
        tried.add(possible[number % len(possible)])
        return possible[number % len(possible)]

    with tile_choice.choosing(choose):
        assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
        if number % 4 < 2:
            assert same_bits(*(run(case, graph, tensors(case, graph), "triton") for _ in range(2)))
    assert tried


def test_the_best_is_used_from_then_on_and_kept(graph, file, fewest_warps_are_fastest):
    from graphattn.ops.triton import tile_choice

    before = used(graph)
    found = tuned(graph)
    assert {each.kernel for each in found.tiles} == {"forward", "source", "destination"}
    assert {each.degree for each in found.tiles} == {4, 32, 512}
    for each in found.tiles:
        assert each.before == before[each.kernel, each.degree]
        assert each.seconds_after <= each.seconds_before
    after = {(each.kernel, each.degree): tuple(each.after) for each in found.tiles}
    assert after != before
    assert used(graph) == after
    tile_choice.measured.cache_clear()  # as a process that starts later
    assert used(graph) == after
    assert len(json.loads(file.read_text())["tiles"]) == len(found.tiles)
    assert [path.name for path in file.parent.iterdir()] == ["tiles.json"]


def test_it_prints(graph, file, fewest_warps_are_fastest):
    head, *lines = str(tuned(graph)).splitlines()
    assert head.startswith("interpreter: ")
    assert " tiles are others than before" in head
    assert any("forward, rows of at most 32 edges: " in line and " µs → " in line for line in lines)


def test_others_than_those_of_this_call_stay(graph, file, fewest_warps_are_fastest):
    from graphattn.ops.triton import tile_choice

    first = tuned(graph)
    tile_choice.measured.cache_clear()
    second = tuned(graph, torch.bfloat16)
    assert len(tile_choice.measured()) == len(first.tiles) + len(second.tiles)
    assert len(json.loads(file.read_text())["tiles"]) == len(tile_choice.measured())


def test_others_stay_without_a_file(graph, fewest_warps_are_fastest):
    from graphattn.ops.triton import tile_choice

    first, second = tuned(graph), tuned(graph, torch.bfloat16)
    assert len(tile_choice.measured()) == len(first.tiles) + len(second.tiles)


def test_a_tile_that_is_hardly_better_is_not_taken(graph, file, monkeypatch):
    from graphattn.ops.triton import tune

    monkeypatch.setattr(tune, "_seconds", lambda start, tile: 1.0 if tile.stages == 1 else 0.99)
    assert all(each.before == each.after for each in tuned(graph).tiles)


def test_a_tile_that_the_gpu_cannot_hold_is_not_taken(graph, file, monkeypatch):
    from triton.runtime.errors import OutOfResources

    from graphattn.ops.triton import tune

    def timer(launch):
        launch()
        count = next(counts)
        if count % 2:
            raise OutOfResources(1, 2, "shared memory")
        return 1 / (1 + count)

    counts = iter(range(10_000))
    monkeypatch.setattr(tune, "timer", timer)
    assert all(each.seconds_after < float("inf") for each in tuned(graph).tiles)


DAMAGE = {
    "no JSON": lambda content: "{",
    "no version": lambda content: json.dumps({"tiles": content["tiles"]}),
    "another version": lambda content: json.dumps(content | {"version": [0, "3.5.0"]}),
    "a tile of three numbers": lambda content: json.dumps(content | {"tiles": [[content["tiles"][0][0], [1, 2, 3]]]}),
    "no power of two": lambda content: json.dumps(content | {"tiles": [[content["tiles"][0][0], [1, 3, 1, 1, 1]]]}),
    "too many heads": lambda content: json.dumps(content | {"tiles": [[content["tiles"][0][0], [1, 1, 64, 1, 1]]]}),
    "words": lambda content: json.dumps(content | {"tiles": [[content["tiles"][0][0], "large"]]}),
    "a list": lambda content: "[]",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_damaged_or_old_is_ignored(damage, graph, file, fewest_warps_are_fastest):
    from graphattn.ops.triton import tile_choice

    table = used(graph)
    tuned(graph)
    file.write_text(DAMAGE[damage](json.loads(file.read_text())))
    tile_choice.measured.cache_clear()
    assert used(graph) == table
    tuned(graph)  # and written anew
    tile_choice.measured.cache_clear()
    assert used(graph) != table


def test_where_the_file_lies(tmp_path, monkeypatch):
    from graphattn.ops.triton import tile_store

    monkeypatch.delenv("GRAPHATTN_TILES", raising=False)
    monkeypatch.setenv("GRAPHATTN_CACHE", str(tmp_path))
    assert tile_store.path() == tmp_path / "triton" / "tiles.json"
    monkeypatch.setenv("GRAPHATTN_TILES", "")
    assert tile_store.path() is None


def test_without_a_file_it_lasts_as_long_as_the_process(graph, fewest_warps_are_fastest):
    from graphattn.ops.triton import tile_choice

    table = used(graph)
    tuned(graph)
    assert used(graph) != table
    tile_choice.measured.cache_clear()
    assert used(graph) == table


def test_a_folder_that_cannot_be_written_is_no_error(graph, tmp_path, monkeypatch, fewest_warps_are_fastest):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRAPHATTN_TILES", str(tmp_path / "file" / "tiles.json"))
    assert tuned(graph).tiles


def test_only_forward_where_no_gradient_is_asked_for(graph, file, fewest_warps_are_fastest):
    x = torch.randn(9, 2, 4)
    found = ga.tune(x, x, x, graph, dropout=0.3, backend="triton")
    assert {each.kernel for each in found.tiles} == {"forward"}


def test_it_leaves_gradients_and_the_generator_alone(graph, file, fewest_warps_are_fastest):
    x = torch.randn(9, 2, 4, requires_grad=True)
    score = ga.scores.Additive(torch.ones(2, 4, requires_grad=True))
    state = torch.get_rng_state()
    found = ga.tune(x, x, x, graph, score=score, dropout=0.3, backend="triton")
    assert "source" in {each.kernel for each in found.tiles}
    assert x.grad is None
    assert score.vector.grad is None
    assert torch.equal(torch.get_rng_state(), state)


def test_nothing_to_tune(graph):
    x = torch.randn(9, 2, 4)
    found = ga.tune(x, x, x, graph, backend="reference")
    assert found.tiles == ()
    assert str(found) == "cpu: nothing to tune: the call runs on reference (asked for by name)"


def test_not_while_a_function_is_compiled(graph, monkeypatch):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    x = torch.randn(9, 2, 4)
    with pytest.raises(RuntimeError, match="tune measures, which cannot be done"):
        ga.tune(x, x, x, graph, backend="triton")


def test_the_clock(monkeypatch):
    import triton.testing

    from graphattn.ops.triton import tune

    monkeypatch.setattr(triton.testing, "do_bench", lambda launch, **options: launch() or 2.0)
    started = []
    assert tune.timer(lambda: started.append(1)) == 0.002  # do_bench gives milliseconds
    assert started
