import itertools
import types

import pytest
import torch


@pytest.fixture
def gpu(monkeypatch):
    """Makes a GPU of some kind, of which all that counts here is what PyTorch tells of it."""
    from graphattn.ops.triton import tile_choice, tile_table

    def make(*, capability=None, gcn=None, name="a GPU"):
        properties = {"name": name} | ({} if gcn is None else {"gcnArchName": gcn})
        monkeypatch.setattr(torch.version, "hip", gcn and "6.4")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: types.SimpleNamespace(**properties))
        return torch.device("cuda", 0)

    for function in (tile_table.architecture_of, tile_choice.name_of):
        function.cache_clear()
    yield make
    for function in (tile_table.architecture_of, tile_choice.name_of):
        function.cache_clear()


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((7, 5), "sm_80"),
        ((8, 0), "sm_80"),
        ((8, 9), "sm_80"),
        ((9, 0), "sm_90"),
        ((10, 0), "sm_90"),
        ((12, 1), "sm_90"),
    ],
)
def test_nvidia(gpu, capability, expected):
    from graphattn.ops.triton import tile_choice, tile_table

    device = gpu(capability=capability)
    assert tile_table.architecture_of(device) == expected
    assert tile_choice.name_of(device) == f"a GPU, {expected}"


@pytest.mark.parametrize(
    ("gcn", "expected"), [("gfx942:sramecc+:xnack-", "gfx942"), ("gfx90a", "gfx942"), ("gfx1100", "sm_80")]
)
def test_amd(gpu, gcn, expected):
    from graphattn.ops.triton import tile_choice, tile_table

    device = gpu(gcn=gcn, name="AMD Instinct MI300X")
    assert tile_table.architecture_of(device) == expected
    assert tile_choice.name_of(device) == f"AMD Instinct MI300X, {gcn}"


def test_the_interpreter():
    from graphattn.ops.triton.tile_table import architecture_of

    assert architecture_of(torch.device("cpu")) == "sm_80"


def tiles_of_the_table():
    from graphattn.ops.triton.tile_table import ARCHITECTURES, tile_for

    for name, table in ARCHITECTURES.items():
        sizes = itertools.product(table.slots, (1, 8), (1, 4), (16, 128), table.numbers, (4, 8), (False, True))
        for degree, heads, group, width, kernel, size, crowded in sizes:
            tile = tile_for(name, degree, heads, group, width, kernel, size, crowded=crowded)
            yield table, tile, kernel, size, tile.rows * tile.slots * tile.key_heads * group * width


def test_a_thread_holds_no_more_numbers_than_the_table_says():
    for table, tile, kernel, size, numbers in tiles_of_the_table():
        if tile.slots * tile.rows > 1:  # one row of one edge must be held, however wide
            most = max(table.numbers[kernel] // (size // 4) ** 2, 8)
            assert numbers <= most * tile.warps * table.lanes, (tile, kernel)
        assert tile.warps <= table.warps


def test_smaller_tiles_come_to_an_end_and_each_is_smaller():
    from graphattn.ops.triton.tile_table import Tile, smaller

    for whole in (False, True):
        tile = Tile(4, 16, 8, 8, 2)
        while (less := smaller(tile, whole=whole)) is not None:
            assert less < tile or min(less) < min(tile) or sum(less) < sum(tile)
            assert all(a <= b for a, b in zip(less, tile, strict=True))
            tile = less
        assert tile == (1, 1, 8 if whole else 1, 1, 1)


def test_candidates_are_the_tile_and_others():
    from graphattn.ops.triton.tile_table import candidates

    for _, tile, *_ in tiles_of_the_table():
        found = candidates(tile)
        assert found[0] == tile
        assert len(set(found)) == len(found) <= 14
        for some in found:
            assert all(size & (size - 1) == 0 and size > 0 for size in some[:4])
            assert some.key_heads == tile.key_heads
