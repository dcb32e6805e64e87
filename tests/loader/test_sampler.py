"""The neighbor sampler: what it returns is what PyTorch Geometric documents, with the probabilities it promises."""

from itertools import combinations

import pytest
import torch
from expectation import assert_mean
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader import NodeLoader
from torch_geometric.sampler import EdgeSamplerInput, NegativeSampling, NodeSamplerInput
from torch_geometric.utils import k_hop_subgraph

from graphattn.loader import NeighborSampler

STAR = torch.stack([torch.arange(1, 6), torch.zeros(5, dtype=torch.int64)])  # five neighbors of node 0


def random_data(num_nodes=60, num_edges=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Data(edge_index=torch.randint(num_nodes, (2, num_edges), generator=generator), num_nodes=num_nodes)


def take(sampler, *nodes, time=None):
    return sampler.sample_from_nodes(NodeSamplerInput(None, torch.tensor(nodes), time))


def given_edges(sampler, out):
    """The edges of a sample, as places in the data's edge_index."""
    return out.edge if sampler.edge_permutation is None else sampler.edge_permutation[out.edge]


@pytest.mark.parametrize("options", [{}, {"replace": True}, {"disjoint": True}, {"subgraph_type": "induced"}])
def test_every_sampled_edge_is_one_of_the_graph(options):
    data = random_data()
    sampler = NeighborSampler(data, [4, 3, 2], **options)
    out = take(sampler, 3, 17, 40)
    edges = given_edges(sampler, out)
    assert torch.equal(data.edge_index[0, edges], out.node[out.row])
    assert torch.equal(data.edge_index[1, edges], out.node[out.col])
    assert out.node[:3].tolist() == [3, 17, 40]
    assert sum(out.num_sampled_nodes) == len(out.node)
    assert torch.equal(out.col.sort().values, out.col)
    if out.num_sampled_edges is not None:
        assert sum(out.num_sampled_edges) == len(out.row)
    if not sampler.disjoint:
        assert len(out.node.unique()) == len(out.node)
    if not sampler.replace:
        pairs = torch.stack([edges, out.batch[out.col]]) if sampler.disjoint else edges
        assert pairs.unique(dim=-1).shape == pairs.shape


def test_all_neighbors_are_the_subgraph_of_so_many_hops():
    data = random_data(num_nodes=200)
    out = take(NeighborSampler(data, [-1, -1]), 5, 9)
    nodes, edge_index, _, _ = k_hop_subgraph([5, 9], 2, data.edge_index)
    assert sorted(out.node.tolist()) == nodes.tolist()
    inner = take(NeighborSampler(data, [-1, -1], subgraph_type="induced"), 5, 9)
    found = torch.stack([inner.node[inner.row], inner.node[inner.col]])
    assert sorted(map(tuple, found.t().tolist())) == sorted(map(tuple, edge_index.t().tolist()))


def test_of_each_node_so_many_neighbors_as_asked_for_or_there_are():
    data = random_data()
    sampler = NeighborSampler(data, [4, 3])
    out = take(sampler, *range(10))
    degree = torch.bincount(data.edge_index[1], minlength=60)
    first, second = out.num_sampled_nodes[0], out.num_sampled_nodes[1]
    count = torch.bincount(out.col, minlength=len(out.node))
    assert torch.equal(count[:first], degree[out.node[:first]].clamp(max=4))
    assert torch.equal(count[first : first + second], degree[out.node[first : first + second]].clamp(max=3))
    assert count[first + second :].sum() == 0


def test_in_disjoint_samples_no_edge_joins_two_seeds():
    out = take(NeighborSampler(random_data(), [3, 3], disjoint=True), 1, 1, 2)
    assert torch.equal(out.batch[out.row], out.batch[out.col])
    for seed in range(3):
        nodes = out.node[out.batch == seed]
        assert len(nodes.unique()) == len(nodes)


@pytest.mark.parametrize("size", [2, 3])
def test_each_set_of_neighbors_is_equally_likely(size):
    sampler = NeighborSampler(Data(edge_index=STAR, num_nodes=6), [size])
    sets = {frozenset(each): number for number, each in enumerate(combinations(range(1, 6), size))}
    draws = torch.zeros(4000, len(sets))
    for draw in draws:
        draw[sets[frozenset(take(sampler, 0).node[1:].tolist())]] = 1
    assert_mean(draws, 1 / len(sets), rather_than=0.3 / len(sets))


def test_many_neighbors_are_drawn_evenly_too():
    count, size = 200, 80  # more than are compared with one another
    star = torch.stack([torch.arange(1, count + 1), torch.zeros(count, dtype=torch.int64)])
    sampler = NeighborSampler(Data(edge_index=star, num_nodes=count + 1), [size])
    draws = torch.zeros(2000, count)
    for draw in draws:
        nodes = take(sampler, 0).node[1:]
        assert len(nodes.unique()) == size
        draw[nodes - 1] = 1
    assert_mean(draws, size / count, rather_than=0.5)


def test_with_replacement_each_pick_is_even():
    sampler = NeighborSampler(Data(edge_index=STAR, num_nodes=6), [1], replace=True)
    draws = torch.zeros(3000, 5)
    for draw in draws:
        draw[take(sampler, 0).node[1] - 1] = 1
    assert_mean(draws, 0.2, rather_than=0.3)


@pytest.mark.parametrize("replace", [False, True])
def test_weights_decide_how_likely_a_neighbor_is(replace):
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0])
    data = Data(edge_index=STAR, num_nodes=6, weight=weight)
    sampler = NeighborSampler(data, [1], weight_attr="weight", replace=replace)
    draws = torch.zeros(4000, 5)
    for draw in draws:
        draw[take(sampler, 0).node[1] - 1] = 1
    assert_mean(draws, weight / 10, rather_than=torch.full((5,), 0.2))


def test_weighted_pairs_are_as_those_of_successive_draws():
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0])
    sampler = NeighborSampler(Data(edge_index=STAR, num_nodes=6, weight=weight), [2], weight_attr="weight")
    share = weight / 10
    expected = share + sum(share[j] * share / (1 - share[j]) * (torch.arange(5) != j) for j in range(4))
    draws = torch.zeros(4000, 5)
    for draw in draws:
        draw[take(sampler, 0).node[1:] - 1] = 1
    assert_mean(draws, expected, rather_than=2 * share)


def test_no_later_neighbor_is_followed():
    data = random_data()
    data.time = torch.arange(60)
    sampler = NeighborSampler(data, [-1, -1], time_attr="time")
    out = take(sampler, 30, 50, time=torch.tensor([30, 20]))
    assert (data.time[out.node[2:]] <= torch.tensor([30, 20])[out.batch[2:]]).all()
    neighbors = data.edge_index[0, data.edge_index[1] == 30]
    found = out.node[out.row[out.col == 0]]
    assert sorted(found.tolist()) == sorted(neighbors[neighbors <= 30].tolist())


def test_the_last_neighbors_are_the_latest():
    data = Data(edge_index=STAR, num_nodes=6, edge_time=torch.tensor([5, 1, 4, 2, 3]))
    sampler = NeighborSampler(data, [2], time_attr="edge_time", temporal_strategy="last")
    assert sorted(take(sampler, 0, time=torch.tensor([4])).node[1:].tolist()) == [3, 5]  # of times 4 and 3
    with pytest.raises(ValueError, match="each seed needs one"):
        take(sampler, 0)


def hetero():
    data = HeteroData()
    data["author"].num_nodes, data["paper"].num_nodes = 12, 30
    generator = torch.Generator().manual_seed(0)
    pair = torch.stack([torch.randint(12, (90,), generator=generator), torch.randint(30, (90,), generator=generator)])
    data["author", "writes", "paper"].edge_index = pair
    data["paper", "rev_writes", "author"].edge_index = pair.flip(0)
    data["paper", "cites", "paper"].edge_index = torch.randint(30, (2, 70), generator=generator)
    return data


@pytest.mark.parametrize("disjoint", [False, True])
def test_types_of_nodes_and_edges(disjoint):
    data = hetero()
    fanout = {name: [3, 2] for name in data.edge_types} | {("paper", "cites", "paper"): [0, -1]}
    sampler = NeighborSampler(data, fanout, disjoint=disjoint)
    out = sampler.sample_from_nodes(NodeSamplerInput(None, torch.tensor([4, 7]), None, "paper"))
    assert out.node["paper"][:2].tolist() == [4, 7]
    for name, edge in out.edge.items():
        given = data[name].edge_index[:, sampler.edge_permutation[name][edge]]
        assert torch.equal(given[0], out.node[name[0]][out.row[name]])
        assert torch.equal(given[1], out.node[name[-1]][out.col[name]])
        assert sum(out.num_sampled_edges[name]) == len(edge)
    assert out.num_sampled_edges["paper", "cites", "paper"][0] == 0
    assert out.num_sampled_nodes["author"][0] == 0
    assert sum(out.num_sampled_nodes["author"]) == len(out.node["author"]) > 0
    if disjoint:
        name = "author", "writes", "paper"
        assert torch.equal(out.batch["author"][out.row[name]], out.batch["paper"][out.col[name]])


@pytest.mark.parametrize("mode", ["binary", "triplet"])
def test_links_with_negative_ones(mode):
    data = random_data()
    links = EdgeSamplerInput(None, data.edge_index[0, :6], data.edge_index[1, :6])
    out = NeighborSampler(data, [3]).sample_from_edges(links, NegativeSampling(mode, 2))
    if mode == "binary":
        _, index, label, _ = out.metadata
        assert index.shape == (2, 18) and label.tolist() == [1] * 6 + [0] * 12
        assert torch.equal(out.node[index[:, :6]], data.edge_index[:, :6])
    else:
        _, source, positive, negative, _ = out.metadata
        assert torch.equal(out.node[torch.stack([source, positive])], data.edge_index[:, :6])
        assert negative.shape == (6, 2)


def test_backward_sampling_follows_edges_forwards():
    data = random_data()
    sampler = NeighborSampler(data, [-1], sample_direction="backward")
    out = take(sampler, 8)
    expected = data.edge_index[1, data.edge_index[0] == 8]
    assert sorted(out.node[out.col].tolist()) == sorted(expected.tolist())


def test_a_sample_follows_from_key_and_seeds():
    data, key = random_data(), torch.tensor([7])
    sampler = NeighborSampler(data, [3, 3], key=key)
    first = take(sampler, 1, 2)
    assert torch.equal(first.edge, take(sampler, 1, 2).edge)
    key += 1
    assert not torch.equal(first.edge, take(sampler, 1, 2).edge)
    torch.manual_seed(5)
    free = take(NeighborSampler(data, [3, 3]), 1, 2)
    torch.manual_seed(5)
    assert torch.equal(free.edge, take(NeighborSampler(data, [3, 3]), 1, 2).edge)


def test_it_serves_the_loaders_of_pyg():
    data = random_data()
    data.x = torch.arange(60.0)[:, None]
    for batch in NodeLoader(data, NeighborSampler(data, [2]), batch_size=20):
        assert torch.equal(batch.x[:, 0].long(), batch.n_id)


def test_a_graph_without_edges_and_no_seeds():
    data = Data(edge_index=torch.empty(2, 0, dtype=torch.int64), num_nodes=3)
    out = take(NeighborSampler(data, [2, 2]), 1)
    assert out.node.tolist() == [1] and out.num_sampled_edges == [0, 0]
    none = NodeSamplerInput(None, torch.empty(0, dtype=torch.int64))
    assert NeighborSampler(random_data(), [2]).sample_from_nodes(none).node.numel() == 0


def test_what_cannot_be_sampled_is_said():
    data = random_data()
    with pytest.raises(ValueError, match="node 60: the graph has nodes 0 to 59"):
        take(NeighborSampler(data, [2]), 60)
    data.weight = torch.full((400,), -1.0)
    with pytest.raises(ValueError, match="finite and not negative"):
        NeighborSampler(data, [2], weight_attr="weight")
    with pytest.raises(ValueError, match="'uniform' or 'last'"):
        take(NeighborSampler(data, [2], temporal_strategy="first"), 1)
