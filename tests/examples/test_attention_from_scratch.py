"""The example for learners: what it prints is what it says."""


def test_attention_from_scratch(example, capsys):
    assert example("attention_from_scratch").main() < 1e-6
    printed = capsys.readouterr().out
    assert "0.8044 · 10 + 0.1956 · 20 = 11.9557" in printed  # softmax of (√2, 0), by hand
    assert "[30.0, 0.0, 11.9557]" in printed


def test_matrices_have_the_shape_of_their_graph(example):
    module = example("attention_from_scratch")
    assert module.adjacency(module.ga.causal(3)).tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert module.adjacency(module.ga.window(3, radius=1)).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
