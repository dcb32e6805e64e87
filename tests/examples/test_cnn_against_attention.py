"""The two curves, with few steps: better than chance, which is 0.1."""

import pytest


def test_curves(example, tmp_path, benchmark_data, monkeypatch):
    if not (benchmark_data / "mnist").is_dir():
        pytest.skip("no mnist among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))
    curves = example("cnn_against_attention").main(tmp_path / "curves.png", quick=True)
    assert list(curves) == ["CNN", "ViT"]
    for points in curves.values():
        assert [point.size for point in points] == [50, 200]
        assert max(point.test for point in points) > 0.15
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
