"""Roles in a social network: the baseline by hand, and a short training."""

import pytest
import torch
from torch_geometric.data import Data


def test_most_frequent_of_neighbors(example):
    """Page 3 has two neighbors of role 1 and one of role 0; page 4 has none, page 5 only itself."""
    edges = torch.tensor([[0, 1, 2, 3, 5], [3, 3, 3, 4, 5]])
    data = Data(edge_index=edges, y=torch.tensor([0, 1, 1, 0, 0, 0]), num_nodes=6)
    answer = example("social_roles").by_neighbors(data, torch.tensor([0, 1, 2]))
    assert answer[[3, 4, 5]].tolist() == [1, 1, 1]
    answer = example("social_roles").by_neighbors(data, torch.tensor([0, 1, 5]))
    assert answer[[4, 5]].tolist() == [0, 0]


def test_roles(example, tmp_path, benchmark_data, monkeypatch):
    if not (benchmark_data / "facebook_pages").is_dir():
        pytest.skip("no facebook_pages among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))
    table = example("social_roles").main(tmp_path / "roles.png", quick=True)
    few, many = table["words and attention"].values()
    assert few > 0.4 and many > 0.5  # the most frequent role: about 0.3
    assert (tmp_path / "roles.png").read_bytes().startswith(b"\x89PNG")
