"""PyTorch's modules with random weights, and ours made of them, on packed sequences of unequal lengths."""

import pytest
import torch
from torch import nn

import graphattn as ga

EMBED, HEADS, FFN = 12, 3, 7
SIZES, MEMORY = [4, 1, 6], [3, 5, 2]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def randomized(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    return module.double().eval()


def packed(sizes, width=EMBED):
    return torch.randn(sum(sizes), width, dtype=torch.float64)


def each(sizes, x):
    return [piece.unsqueeze(0) for piece in x.split(sizes)]


def expect(got, wanted):
    torch.testing.assert_close(got, torch.cat([piece.squeeze(0) for piece in wanted]))


@pytest.mark.parametrize("bias", [True, False])
def test_attention(bias):
    theirs = randomized(nn.MultiheadAttention(EMBED, HEADS, batch_first=True, bias=bias))
    ours, x, memory = ga.nn.from_torch(theirs), packed(SIZES), packed(MEMORY)
    expect(ours(x, ga.complete(SIZES)), [theirs(a, a, a)[0] for a in each(SIZES, x)])
    pairs = zip(each(SIZES, x), each(MEMORY, memory), strict=True)
    expect(ours(x, ga.bipartite(SIZES, MEMORY), memory), [theirs(a, b, b)[0] for a, b in pairs])


def test_attention_with_other_widths_of_keys_and_values():
    theirs = randomized(nn.MultiheadAttention(EMBED, HEADS, batch_first=True, kdim=5, vdim=7))
    ours, x, k, v = ga.nn.from_torch(theirs), packed([4]), packed([6], 5), packed([6], 7)
    expect(ours(x, ga.bipartite(4, 6), k, v), [theirs(x[None], k[None], v[None])[0]])


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu", nn.SiLU()])
def test_encoder_layer(norm_first, activation):
    theirs = randomized(
        nn.TransformerEncoderLayer(
            EMBED, HEADS, FFN, batch_first=True, norm_first=norm_first, activation=activation, layer_norm_eps=0.1
        )
    )
    ours, x = ga.nn.from_torch(theirs), packed(SIZES)
    expect(ours(x, ga.complete(SIZES)), [theirs(a) for a in each(SIZES, x)])


def test_encoder_layer_without_biases_and_with_a_mask():
    theirs = randomized(nn.TransformerEncoderLayer(EMBED, HEADS, FFN, batch_first=True, bias=False))
    ours, x = ga.nn.from_torch(theirs), packed([6])
    mask = torch.rand(6, 6) < 0.5
    mask.fill_diagonal_(False)
    seen = (~mask).nonzero().t().flip(0)
    expect(ours(x, ga.Graph(seen, 6)), [theirs(x[None], src_mask=mask)])
    causal = nn.Transformer.generate_square_subsequent_mask(6, dtype=torch.float64)
    expect(ours(x, ga.causal(6)), [theirs(x[None], src_mask=causal, is_causal=True)])


@pytest.mark.parametrize("norm_first", [True, False])
def test_decoder_layer(norm_first):
    theirs = randomized(nn.TransformerDecoderLayer(EMBED, HEADS, FFN, batch_first=True, norm_first=norm_first))
    ours, x, memory = ga.nn.from_torch(theirs), packed(SIZES), packed(MEMORY)
    wanted = [
        theirs(a, b, tgt_mask=nn.Transformer.generate_square_subsequent_mask(a.shape[1], dtype=torch.float64))
        for a, b in zip(each(SIZES, x), each(MEMORY, memory), strict=True)
    ]
    expect(ours(x, ga.causal(SIZES), memory, ga.bipartite(SIZES, MEMORY)), wanted)


def test_stacks_of_a_whole_transformer():
    theirs = randomized(nn.Transformer(EMBED, HEADS, 2, 3, FFN, batch_first=True))
    encoder, decoder = ga.nn.from_torch(theirs.encoder), ga.nn.from_torch(theirs.decoder)
    assert (len(encoder.layers), len(decoder.layers)) == (2, 3)
    source, target = packed(MEMORY), packed(SIZES)
    got = decoder(target, ga.causal(SIZES), encoder(source, ga.complete(MEMORY)), ga.bipartite(SIZES, MEMORY))
    wanted = [
        theirs(a, b, tgt_mask=nn.Transformer.generate_square_subsequent_mask(b.shape[1], dtype=torch.float64))
        for a, b in zip(each(MEMORY, source), each(SIZES, target), strict=True)
    ]
    expect(got, wanted)


def test_dropout_mode_and_dtype_come_along_and_weights_are_copies():
    theirs = nn.TransformerEncoderLayer(EMBED, HEADS, FFN, dropout=0.25).double()
    ours = ga.nn.from_torch(theirs)
    assert ours.training
    assert (ours.dropout.p, ours.ffn[2].p, ours.attention.dropout) == (0.25, 0.25, 0.25)
    assert ours.ffn[0].weight.dtype == torch.float64
    ours.ffn[0].weight.data.zero_()
    assert theirs.linear1.weight.abs().sum() > 0


def test_what_it_refuses():
    with pytest.raises(TypeError, match=r"from_torch takes torch\.nn\.MultiheadAttention, .* got Linear"):
        ga.nn.from_torch(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="sees a key that is no node"):
        ga.nn.from_torch(nn.MultiheadAttention(EMBED, HEADS, add_zero_attn=True))
    with pytest.raises(TypeError, match="activation is a module, relu or gelu, got"):
        ga.nn.from_torch(nn.TransformerEncoderLayer(EMBED, HEADS, FFN, activation=torch.tanh))


def _scaled(module):
    old = module.forward
    module.forward = lambda *args: old(*args) * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: _scaled(layer.linear1),
        lambda layer: layer.self_attn.register_forward_hook(lambda *args: None),
        lambda layer: setattr(layer, "linear2", nn.Bilinear(32, 32, 16)),
        lambda layer: nn.utils.parametrizations.weight_norm(layer.linear1),
    ],
)
def test_changes_that_weights_do_not_tell_of_are_refused(change):
    theirs = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    change(theirs)
    with pytest.raises(TypeError, match="from_torch copies weights"):
        ga.nn.from_torch(theirs)
