"""Who answers."""

import numpy as np

from graphattn.tasks.network.answer import find_answer


def drawn(size):
    """Probabilities, and labels drawn with them."""
    draw = np.random.default_rng(0)
    p = draw.dirichlet(np.ones(3), size)
    return p, (draw.random((size, 1)) > p.cumsum(1)).sum(1)


def test_the_better_method_answers():
    p, y = drawn(600)
    valid, test = np.arange(600) < 300, np.arange(600) >= 300
    noise = np.random.default_rng(5).dirichlet(np.full(3, 0.3), 600)
    answer = find_answer("multiclass", "accuracy", {"good": p, "noise": noise}, y, valid, test)
    assert answer.chosen in ("good", "blend")
    assert {member.name for member in answer.members} == {"good", "noise", "blend"}
    weight = {member.name: member.weight for member in answer.members}
    assert weight["good"] > 0.9
    assert answer.chosen in answer.why or "blend" in answer.why
    assert answer("multiclass", {"good": p, "noise": noise}).shape == (600, 3)
