"""An encoder-decoder learns to reverse, and writes what teacher forcing says is best."""

import itertools

import pytest
import torch
import torch.nn.functional as F

import graphattn as ga


def make(vocab=6, hidden=16, decoder=ga.nn.LuongDecoder, align=ga.nn.Alignment, **options):
    torch.manual_seed(0)
    encoder = ga.nn.RecurrentEncoder(vocab, 8, hidden)
    look = align(hidden, encoder.memory_dim, score="general", **options)
    return ga.models.Seq2Seq(encoder, decoder(vocab, 8, look, encoder.summary_dim), start=0, end=1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"align": ga.nn.LocalAlignment, "radius": 1},
        {"align": ga.nn.LocalAlignment, "radius": 1, "predict": False},
        {"align": ga.nn.HardAlignment, "decoder": ga.nn.BahdanauDecoder},
    ],
    ids=["global", "local-p", "local-m", "hard"],
)
def test_greedy_is_the_best_token_at_each_step(options):
    model = make(**options).eval()
    sentences = [torch.tensor([3, 2, 5]), torch.tensor([4]), torch.tensor([2, 2])]
    together = model.generate(sentences, max_length=5)
    assert together == [model.generate([sentence], max_length=5)[0] for sentence in sentences]
    for sentence, tokens in zip(sentences, together, strict=True):
        logits = model([sentence], torch.tensor([[0, *tokens]])).logits[0]
        best = logits.argmax(1).tolist()
        assert best[: len(tokens)] == tokens
        assert len(tokens) == 5 or best[-1] == 1
    assert [len(found) <= 5 for found in model.generate(sentences, max_length=5, num_beams=3)] == [True] * 3


def test_a_wide_beam_finds_the_most_likely_of_all():
    model = make(vocab=4, decoder=ga.nn.BahdanauDecoder).eval().double()
    sentence = [torch.tensor([3, 2])]
    scored = []
    for length in range(4):
        for tokens in itertools.product([0, 2, 3], repeat=length):
            given = torch.tensor([[0, *tokens]])
            following = [*tokens, 1] if length < 3 else list(tokens)
            log_p = model(sentence, given).logits[0].log_softmax(1)[range(len(following)), following].sum().item()
            scored.append((log_p / ((5 + len(following)) / 6) ** 0.6, list(tokens)))
    assert model.generate(sentence, max_length=3, num_beams=64)[0] == max(scored)[1]


@pytest.mark.parametrize("align", [ga.nn.Alignment, ga.nn.HardAlignment])
def test_captions_of_pictures(align):
    """Show, Attend and Tell: each word looks at the places of its own picture, and at one of them where it is hard."""
    torch.manual_seed(0)
    features = torch.nn.Conv2d(1, 6, kernel_size=3, stride=2)
    decoder = ga.nn.BahdanauDecoder(9, 5, align(8, 6), 6, cell="lstm")
    model = ga.models.Seq2Seq(ga.nn.PatchEncoder(features, 6), decoder, start=0, end=1).double()
    images = torch.randn(3, 1, 7, 9, dtype=torch.float64, requires_grad=True)
    decoded = model(images, torch.randint(2, 9, (3, 4)))
    seen = decoded.alignments.view(4, 3, 3 * 4)
    torch.testing.assert_close(seen.sum(2), torch.ones(4, 3, dtype=torch.float64))
    assert (seen.count_nonzero(2) == 1).all() == (align is ga.nn.HardAlignment)
    (decoded.logits.sin().sum() + (0 if decoded.log_prob is None else decoded.log_prob.sum())).backward()
    assert all(parameter.grad.abs().max() > 1e-9 for parameter in model.parameters())
    (gradient,) = torch.autograd.grad(model(images, torch.zeros(3, 2).long()).logits[1].sum(), images)
    assert gradient[[0, 2]].abs().max() == 0 and gradient[1].abs().max() > 1e-9
    written = model.eval().generate(images, max_length=4, num_beams=2)
    assert written == [model.generate(images[i : i + 1], max_length=4, num_beams=2)[0] for i in range(3)]


def test_it_learns_to_reverse():
    model = make(vocab=8, hidden=24)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)

    def batch(count):
        sizes = torch.randint(2, 6, (count,), generator=generator).tolist()
        x = [torch.randint(2, 8, (n,), generator=generator) for n in sizes]
        y = torch.nn.utils.rnn.pad_sequence([F.pad(s.flip(0), (0, 1), value=1) for s in x], True, -100)
        return x, y

    for _ in range(150):
        x, y = batch(32)
        given = F.pad(y[:, :-1].clamp(min=0), (1, 0), value=0)
        loss = F.cross_entropy(model(x, given).logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, _ = batch(100)
    written = model.eval().generate(x, max_length=8, num_beams=2)
    assert sum(w == s.flip(0).tolist() for w, s in zip(written, x, strict=True)) >= 95
