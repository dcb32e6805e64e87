"""The search ends, and goes on where it was stopped."""

import torch
from small_networks import blocks

from graphattn.tasks.network import NodeClassifier


def test_a_search_within_few_trials(tmp_path):
    options = {"budget": "10m", "trials": 1, "rivals": ("majority",), "directory": tmp_path}
    fit = NodeClassifier().fit(blocks(45), **options)
    assert len(fit.trials) == len(fit.networks) == 1
    said = []
    resumed = NodeClassifier().fit(blocks(45), **options, resume=True, progress=said.append)
    assert resumed.trials == fit.trials
    assert not any("recipe" in sentence for sentence in said)
    torch.testing.assert_close(resumed.networks[0].logits, fit.networks[0].logits)


def test_a_search_ends_with_its_budget():
    fit = NodeClassifier().fit(blocks(45), budget="1s", rivals=("majority",))
    assert fit.trials[0].number == 0 or fit.trials[0].score >= fit.trials[-1].score
    assert 1 <= len(fit.networks) <= 3
