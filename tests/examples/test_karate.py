"""The karate club example, whole: it is quick."""

import torch


def test_karate(example, tmp_path, capsys):
    out = tmp_path / "club" / "karate.png"
    share = example("karate").main(out=out)
    assert share >= 29 / 32  # 31 of 32 on the machine that wrote the docstring
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "Graph(num_nodes=34, num_edges=156)" in capsys.readouterr().out


def test_weights_are_a_mean(example):
    karate = example("karate")
    club = karate.nx.karate_club_graph()
    graph = karate.ga.from_networkx(club)
    edges, weights = karate.GAT(34).weights(torch.eye(34), graph)
    assert edges.shape == (2, 156 + 34)  # a self-loop for each
    torch.testing.assert_close(torch.zeros(34).index_add(0, edges[1], weights), torch.ones(34))
