"""Whole models: what each computes, by its formula."""

import networkx as nx
import pytest
import torch

import graphattn as ga
from graphattn.models import Exphormer, Graphormer, LanguageModel, SetTransformer, TextEncoder, Transformer, encoders
from graphattn.nn import MultiheadAttention
from graphattn.nn.positions import LearnedPositions, Rotary, shortest_paths, sinusoidal

EMBED, HEADS = 12, 3


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_sizes_that_do_not_add_up():
    tokens = torch.randint(9, (7,))
    with pytest.raises(ValueError, match="graph must have 7 destinations and 7 sources"):
        TextEncoder(9, EMBED, encoders.transformer(EMBED, HEADS, 1))(tokens, ga.complete([4, 4]))
    with pytest.raises(ValueError, match="sizes add up to 8, but there are 7 tokens"):
        LanguageModel(9, EMBED, HEADS, 1)(tokens, [4, 4])


def test_text_encoder():
    net = TextEncoder(20, EMBED, encoders.transformer(EMBED, HEADS, 1), positions=LearnedPositions(9, EMBED)).eval()
    tokens, graph = torch.randint(20, (7,)), ga.complete([4, 3])
    x = net.embedding.weight[tokens] + net.positions.table[[0, 1, 2, 3, 0, 1, 2]]
    torch.testing.assert_close(net(tokens, graph), net.encoder(x, graph))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_sequences_in_other_precisions(dtype):
    net = Transformer(9, 9, start=7, end=8, embed_dim=EMBED, num_heads=HEADS, depth=1, dropout=0.0).to(dtype)
    source, sizes = torch.randint(7, (7,)), [4, 1, 2]
    loss = net.loss(source, sizes, [torch.tensor([1, 2]), torch.tensor([], dtype=torch.int64), torch.tensor([3])])
    assert loss.dtype == dtype
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())
    assert len(net.eval().generate(source, sizes, max_length=3, num_beams=2)) == 3


def test_transformer_learns_to_reverse():
    net = Transformer(8, 8, start=6, end=7, embed_dim=32, num_heads=2, depth=1, dropout=0.0, ffn_dim=64)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(250):
        sources = [torch.randint(6, (size,)) for size in torch.randint(1, 5, (24,)).tolist()]
        optimizer.zero_grad()
        net.loss(torch.cat(sources), [len(s) for s in sources], [s.flip(0) for s in sources]).backward()
        optimizer.step()
    net.eval()
    sources = [torch.randint(6, (size,)) for size in (1, 4, 2, 3, 4, 4)]
    found = net.generate(torch.cat(sources), [len(s) for s in sources], max_length=8, num_beams=3)
    right = [found[0].tokens == s.flip(0).tolist() for found, s in zip(found, sources, strict=True)]
    assert sum(right) >= 5


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


def test_each_layer_has_an_attention_of_its_own():
    """Fewer key heads and rotary positions, in the encoder and in the decoder, which keeps what it has read."""

    def attention():
        rotary = Rotary(EMBED // HEADS)
        return MultiheadAttention(EMBED, HEADS, num_kv_heads=1, rotary=rotary)

    net = Transformer(9, 9, start=7, end=8, embed_dim=EMBED, num_heads=HEADS, depth=2, attention=attention)
    layers = [*net.encoder.encoder.layers, *net.head.tokens.decoder.layers]
    assert len({id(layer.attention) for layer in layers}) == 4
    assert all(layer.attention.num_kv_heads == 1 for layer in layers)
    net, source, sizes = net.double().eval(), torch.randint(7, (7,)), [4, 3]
    graph = ga.complete(sizes)
    nodes = net.encoder(source, graph)
    for found, memory in zip(net.generate(source, sizes, max_length=5), nodes.split(sizes), strict=True):
        written = [7, *found[0].tokens]
        best = net.head(memory, ga.complete(len(memory)), torch.tensor(written), [len(written)]).argmax(1)
        assert best[: len(written) - 1].tolist() == written[1:]


def mab(block, x, y, sizes, others):
    pieces = []
    for a, b in zip(x.split(sizes), y.split(others), strict=True):
        H, D = HEADS, EMBED // HEADS
        q, k, v = (
            proj(z).view(-1, H, D).transpose(0, 1)
            for proj, z in ((block.attention.q_proj, a), (block.attention.k_proj, b), (block.attention.v_proj, b))
        )
        out = (q @ k.transpose(1, 2) / D**0.5).softmax(-1) @ v
        z = block.attention_norm(a + block.attention.out_proj(out.transpose(0, 1).flatten(1)))
        pieces.append(block.ffn_norm(z + block.ffn(z)))
    return torch.cat(pieces)


def test_set_transformer():
    net = SetTransformer(4, 2, embed_dim=EMBED, num_heads=HEADS, num_points=3, num_seeds=2, depth=1).double()
    sizes, x = [5, 2], torch.randn(7, 4, dtype=torch.float64)
    h = net.embed(x)
    (block,) = net.encoder
    points = mab(block.gather, block.points.repeat(2, 1), h, [3, 3], sizes)
    h = mab(block.spread, h, points, sizes, [3, 3])
    seeds = mab(net.pool, net.seeds.repeat(2, 1), net.before_pooling(h), [2, 2], sizes)
    want = net.out(mab(net.among_seeds, seeds, seeds, [2, 2], [2, 2])).view(2, 2, 2)
    got = net(x, ga.complete(sizes))
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(net(x.flip(0), ga.complete([2, 5])), got.flip(0))
    shuffled = torch.tensor([3, 1, 4, 0, 2, 6, 5])
    torch.testing.assert_close(net(x[shuffled], ga.complete(sizes)), got)
    torch.testing.assert_close(block(h[shuffled], ga.complete(sizes)), block(h, ga.complete(sizes))[shuffled])
    assert net(x[:0], ga.complete([])).shape == (0, 2, 2)


def test_graphormer():
    net = Graphormer(EMBED, HEADS, 1, max_distance=3, edge_dim=2).double().eval()
    graph = ga.from_networkx(nx.karate_club_graph())
    x = torch.randn(34, EMBED, dtype=torch.float64)
    _, distance, edges = shortest_paths(graph, 3)
    attr = torch.randn(graph.num_edges, 2, dtype=torch.float64)
    h = x + net.centrality.of_in(graph.in_degree.clamp(max=16)) + net.centrality.of_out(graph.out_degree.clamp(max=16))
    (layer,) = net.encoder.layers
    q, k, v = (
        proj(layer.attention_norm(h)).view(34, HEADS, -1).transpose(0, 1)
        for proj in (layer.attention.q_proj, layer.attention.k_proj, layer.attention.v_proj)
    )
    bias = net.spatial.table.weight[distance] + net.along(attr, edges)
    bias = bias.view(34, 34, HEADS).permute(2, 0, 1)
    out = (q @ k.transpose(1, 2) / 2 + bias).softmax(-1) @ v
    h = h + layer.attention.out_proj(out.transpose(0, 1).flatten(1))
    torch.testing.assert_close(net(x, graph, attr), net.encoder.norm(h + layer.ffn(layer.ffn_norm(h))))
    with pytest.raises(ValueError, match="edge_attr goes with edge_dim"):
        net(x, graph)


def test_virtual_node_of_graphormer():
    net = Graphormer(EMBED, HEADS, 1, max_distance=3, virtual_node=True).double().eval()
    torch.nn.init.normal_(net.virtual_bias)
    sizes = [5, 1, 4]
    parts = [ga.Graph(torch.randint(size, (2, 2 * size)), size) for size in sizes]
    graph, x = ga.batch(parts), torch.randn(sum(sizes), EMBED, dtype=torch.float64)
    nodes, graphs = net(x, graph)
    h = x + net.centrality.of_in(graph.in_degree.clamp(max=16)) + net.centrality.of_out(graph.out_degree.clamp(max=16))
    (layer,) = net.encoder.layers
    want_nodes, want_graphs = [], []
    for part, own in zip(parts, h.split(sizes), strict=True):
        n = part.num_nodes
        bias = net.virtual_bias.expand(n + 1, n + 1, HEADS).clone()
        bias[1:, 1:] = net.spatial.table.weight[shortest_paths(part, 3).distance].view(n, n, HEADS)
        rows = torch.cat([net.virtual[None], own])
        rows = layer(rows, ga.complete(n + 1), edge_bias=bias.flatten(0, 1))
        rows = net.encoder.norm(rows)
        want_graphs.append(rows[0])
        want_nodes.append(rows[1:])
    torch.testing.assert_close(nodes, torch.cat(want_nodes))
    torch.testing.assert_close(graphs, torch.stack(want_graphs))


def test_exphormer_has_the_edges_of_the_paper():
    net = Exphormer(EMBED, HEADS, 1, degree=2, num_virtual=2, edge_dim=3).eval()
    small = ga.Graph(torch.tensor([[0, 1], [1, 0]]), 2)  # too small for an expander
    graph = ga.batch([ga.Graph(torch.tensor([[0, 3, 4], [1, 2, 0]]), 6), small])
    whole, kind = net._connect(graph)
    assert whole.num_nodes == 8 + 4
    own, random, down, up = (whole.edge_index[:, kind == number] for number in range(4))
    assert torch.equal(own, graph.edge_index)
    assert random[:, :12].max() < 6
    assert random[:, 12:].tolist() == [[6, 7], [6, 7]]
    assert sorted(map(tuple, down.t().tolist())) == sorted(
        [(8 + v, i) for i in range(6) for v in range(2)] + [(10 + v, i) for i in (6, 7) for v in range(2)]
    )
    assert torch.equal(up, down.flip(0))
    x, attr = torch.randn(8, EMBED), torch.randn(5, 3)
    features = net.kinds(kind)
    features = torch.cat([features[:5] + net.edges(attr), features[5:]])
    net._made = graph, (whole, kind)
    want = net.encoder(torch.cat([x, net.virtual, net.virtual]), whole, features)[:8]
    torch.testing.assert_close(net(x, graph, attr), want)
    with pytest.raises(ValueError, match="edge_attr goes with edge_dim"):
        net(x, graph)


class SumOfNeighbors(torch.nn.Module):
    def forward(self, x, edge_index, edge_attr):
        return torch.zeros_like(x).index_add(0, edge_index[1], x[edge_index[0]] + edge_attr)


def test_exphormer_with_message_passing():
    net = Exphormer(EMBED, HEADS, 2, degree=2, edge_dim=3, local=SumOfNeighbors).eval()
    graph = ga.from_networkx(nx.path_graph(6))
    x, attr = torch.randn(6, EMBED), torch.randn(graph.num_edges, 3)
    whole, kind = net._connect(graph)
    features, own = net.kinds(kind), net.edges(attr)
    features[: graph.num_edges] += own
    want = torch.cat([x, net.virtual])
    for layer in net.encoder.layers:
        want = layer(want, whole, features, local_edges=graph.edge_index, local_attr=own)
    torch.testing.assert_close(net(x, graph, attr), want[:6])


@pytest.mark.parametrize("kind", [Graphormer, Exphormer])
def test_networks_on_graphs_take_an_edge_index_and_check_its_size(kind):
    net, x = kind(EMBED, HEADS, 1).eval(), torch.randn(9, EMBED)
    edge_index = torch.tensor([[0, 1, 8], [1, 0, 2]])
    torch.testing.assert_close(net(x, edge_index), net(x, ga.Graph(edge_index, 9)))
    with pytest.raises(ValueError, match=r"graph must have 9 destinations and 9 sources.* it has 4 and 4"):
        net(x, ga.complete(4))
