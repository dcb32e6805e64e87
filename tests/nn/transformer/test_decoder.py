"""The decoder: its formula, and the same numbers step by step as all at once."""

import pytest
import torch
import torch.nn.functional as F

import graphattn as ga
from graphattn.nn import MultiheadAttention, PerformerFeatures, TransformerDecoder, TransformerDecoderLayer, positions

EMBED, HEADS = 12, 3
SIZES, MEMORY = [4, 1, 3], [3, 5, 2]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def packed(sizes, width=EMBED):
    return torch.randn(sum(sizes), width, dtype=torch.float64)


def norm(x, module):
    return F.layer_norm(x, (EMBED,), module.weight, module.bias)


def ffn(x, layer):
    first, _, _, second = layer.ffn
    return F.gelu(x @ first.weight.T + first.bias) @ second.weight.T + second.bias


@pytest.mark.parametrize("norm_first", [True, False])
def test_formula(norm_first):
    layer = TransformerDecoderLayer(EMBED, HEADS, memory_dim=5, ffn_dim=7, norm_first=norm_first, dropout=0.5)
    layer = layer.double().eval()
    x, memory, graph, look = packed(SIZES), packed(MEMORY, 5), ga.causal(SIZES), ga.bipartite(SIZES, MEMORY)
    if norm_first:
        y = x + layer.attention(norm(x, layer.attention_norm), graph)
        z = y + layer.cross_attention(norm(y, layer.cross_norm), look, memory)
        want = z + ffn(norm(z, layer.ffn_norm), layer)
    else:
        y = norm(x + layer.attention(x, graph), layer.attention_norm)
        z = norm(y + layer.cross_attention(y, look, memory), layer.cross_norm)
        want = norm(z + ffn(z, layer), layer.ffn_norm)
    torch.testing.assert_close(layer(x, graph, memory, look), want)


SCORES = ["cosine", "additive", "sum", "none"]


def decoder(kind):
    def layer():
        options = {"rotary": positions.Rotary(EMBED // HEADS)} if kind == "rotary" else {}
        if kind in SCORES:
            options = {"score": kind}
        elif kind == "Performer":
            options = {"normalize": "linear", "feature_map": PerformerFeatures(EMBED // HEADS)}
        attention = MultiheadAttention(EMBED, HEADS, num_kv_heads=1, **options)
        return TransformerDecoderLayer(EMBED, HEADS, attention=attention, cross=kind != "language model")

    bias = {"alibi": positions.ALiBi(HEADS), "t5": positions.RelativeBias(HEADS, bidirectional=False)}.get(kind)
    return TransformerDecoder([layer(), layer()], norm=torch.nn.LayerNorm(EMBED), bias=bias).double().eval()


@pytest.mark.parametrize("kind", ["plain", "rotary", "alibi", "t5", "language model", *SCORES, "Performer"])
@pytest.mark.parametrize("prompt", [0, 2])
def test_step_by_step_is_all_at_once(kind, prompt):
    made = decoder(kind)
    cross = kind != "language model"
    lengths = [4, 4, 4]
    x, memory = packed(lengths), packed(MEMORY) if cross else None
    look = ga.bipartite(lengths, MEMORY) if cross else None
    want = made(x, ga.causal(lengths), memory, look).view(3, 4, EMBED)
    state, rows = made.start(memory, MEMORY), x.view(3, 4, EMBED)
    if prompt:
        out, state = made.step(rows[:, :prompt].flatten(0, 1), state, [prompt] * 3)
        torch.testing.assert_close(out.view(3, prompt, EMBED), want[:, :prompt])
    for place in range(prompt, 4):
        out, state = made.step(rows[:, place], state)
        torch.testing.assert_close(out, want[:, place])


def test_prompts_of_unequal_lengths_and_rows_chosen_anew():
    made, memory = decoder("rotary"), packed(MEMORY)
    prompts, extra = [packed([size]) for size in SIZES], packed([3])
    _, state = made.step(torch.cat(prompts), made.start(memory, MEMORY), SIZES)
    chosen = torch.tensor([2, 0, 2])
    out, _ = made.step(extra, ga.nn.generation.select_rows(state, chosen))
    for row, b in enumerate(chosen.tolist()):
        x = torch.cat([prompts[b], extra[row : row + 1]])
        whole = made(x, ga.causal(len(x)), memory.split(MEMORY)[b], ga.bipartite(len(x), MEMORY[b]))
        torch.testing.assert_close(out[row], whole[-1])


def test_errors():
    made, memory = decoder("plain"), packed(MEMORY)
    x = packed(SIZES)
    with pytest.raises(ValueError, match=r"are for cross-attention, which this layer has$"):
        made(x, ga.causal(SIZES))
    with pytest.raises(ValueError, match=r"are for cross-attention, which this layer does not have$"):
        decoder("language model")(x, ga.causal(SIZES), memory, ga.bipartite(SIZES, MEMORY))
    with pytest.raises(ValueError, match="the decoder computes it by its own bias"):
        biased = decoder("alibi")
        biased(x, ga.causal(SIZES), memory, ga.bipartite(SIZES, MEMORY), edge_bias=biased.bias(ga.causal(SIZES)))
    _, state = made.step(x, made.start(memory, MEMORY), SIZES)
    with pytest.raises(ValueError, match=r"a prompt comes first.*sizes=\(4, 1, 3\) after \(4, 1, 3\)"):
        made.step(x, state, SIZES)
    with pytest.raises(ValueError, match="attention_dropout is an option of the module attention"):
        TransformerDecoderLayer(EMBED, HEADS, attention=MultiheadAttention(EMBED, HEADS), attention_dropout=0.1)
