"""The examples of single systems, on a small scale: each runs whole and learns something."""

import pytest


@pytest.fixture
def data(benchmark_data, monkeypatch):
    if not (benchmark_data / "fsdd").is_dir():
        pytest.skip("no fsdd and multi30k_en_de among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))


def is_picture(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_pointers(example, tmp_path):
    module = example("pointer_network")
    assert module.main("sort", tmp_path / "sort.png", steps=80) > 0.1  # 1 of 3.6 million orders is right
    module.main("hull", tmp_path / "hull.png", steps=2)
    assert is_picture(tmp_path / "sort.png") and is_picture(tmp_path / "hull.png")


def test_hulls_are_right(example):
    """Each corner turns left, and no point lies outside."""
    module = example("pointer_network")
    for x, corners in zip(*module.hulls(20, module.np.random.default_rng(0)), strict=True):
        assert corners[0] == corners.min()
        for a, b in zip(corners, corners.roll(-1), strict=True):
            side, away = x[b] - x[a], x - x[a]
            assert (side[0] * away[:, 1] - side[1] * away[:, 0] >= -1e-6).all()


@pytest.mark.parametrize("task", ["copy", "repeat"])
def test_turing_machine(example, tmp_path, task):
    errors = example("turing_copy").main(task, tmp_path / "tape.png", steps=12)
    assert set(errors) == {10, 20}
    assert all(0.2 < error < 0.6 for error in errors.values())  # about half the bits before it has learned
    assert is_picture(tmp_path / "tape.png")


def test_turing_sequences(example):
    module = example("turing_copy")
    x, y = module.sequences("repeat", 3, 2, 4, module.torch.Generator().manual_seed(0))
    assert x.shape == (3 + 1 + 7, 4, 10) and y.shape == (7, 4, 9)
    assert module.torch.equal(y[:6, :, :8], x[:3, :, :8].repeat(2, 1, 1))
    assert y[6, 0].tolist() == [0] * 8 + [1]


@pytest.mark.parametrize("attention", ["soft", "hard"])
def test_captions(example, tmp_path, attention):
    module = example("captions")
    assert module.main(attention, tmp_path / "captions.png", steps=50) > 0.005  # 1 in 4 × 10 ... 40,000 by chance
    assert is_picture(tmp_path / "captions.png")


def test_spoken_digits(example, tmp_path, data):
    accuracy = example("spoken_digits").main(tmp_path / "digits.png", epochs=3)
    assert accuracy > 0.4  # 0.1 by chance
    assert is_picture(tmp_path / "digits.png")


def test_translate(example, tmp_path, data):
    pytest.importorskip("sentencepiece")
    pytest.importorskip("sacrebleu")
    module = example("translate")
    bleu = module.main(tmp_path / "alignment.png", epochs=1, pairs=400, sentences=4, width=32, vocabulary=500)
    assert 0 <= bleu < 100
    assert is_picture(tmp_path / "alignment.png")
