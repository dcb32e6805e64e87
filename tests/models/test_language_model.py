"""The language model by its formula, and greedy generation."""

import pytest
import torch

import graphattn as ga
from graphattn.models import LanguageModel
from graphattn.nn.positions import sinusoidal

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_language_model():
    net = LanguageModel(11, EMBED, HEADS, 2).double().eval()
    tokens, sizes = torch.randint(11, (6,)), [4, 2]
    x = net.embedding.weight[tokens] * EMBED**0.5
    x = x + sinusoidal(torch.tensor([0, 1, 2, 3, 0, 1]), EMBED).double()
    want = net.decoder(x, ga.causal(sizes)) @ net.embedding.weight.T
    torch.testing.assert_close(net(tokens, sizes), want)
    prompts = list(tokens.split(sizes))
    got = net.generate(prompts, max_length=5, temperature=0)
    for prompt, rest in zip(prompts, got, strict=True):
        written = prompt.tolist()
        for token in rest:
            assert net(torch.tensor(written), [len(written)])[-1].argmax() == token
            written.append(token)
    assert [len(rest) for rest in got] == [5, 5]
    short = net.generate([prompts[0][:1], prompts[1][:1]], max_length=3, temperature=0)
    assert short[0] == net.generate([prompts[0][:1]], max_length=3, temperature=0)[0]
    with pytest.raises(ValueError, match="one is empty"):
        net.generate([tokens[:0]], max_length=2)
