"""PyG's AttentionExplainer on the layers over several kinds of nodes and edges."""

import pytest
import torch
from torch.testing import assert_close

import graphattn as ga

explain = pytest.importorskip("torch_geometric.explain")
LINKS = [("a", "to", "b"), ("a", "to2", "b"), ("b", "by", "b"), ("b", "back", "a")]
METADATA = (["a", "b"], LINKS)
SIZES = {"a": 5, "b": 7}


class Net(torch.nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv, self.head = conv, torch.nn.Linear(8, 3)

    def forward(self, x_dict, edge_index_dict):
        return self.head(self.conv(x_dict, edge_index_dict)["b"])


@pytest.mark.parametrize("kind", ["HGTConv", "HANConv"])
def test_the_weights_of_each_kind_of_edge(kind):
    torch.manual_seed(0)
    conv = getattr(ga.nn, kind)(6, 8, METADATA, heads=2)
    net = Net(conv).eval()
    x = {name: torch.randn(count, 6) for name, count in SIZES.items()}
    edges = {link: torch.stack([torch.randint(SIZES[end], (count,)) for end in (link[0], link[-1])])
             for link, count in zip(LINKS, (9, 4, 11, 6), strict=True)}  # fmt: skip
    before = net(x, edges)
    explainer = explain.Explainer(
        net, explain.AttentionExplainer(reduce="sum"), explanation_type="model", edge_mask_type="object",
        model_config={"mode": "multiclass_classification", "task_level": "graph", "return_type": "raw"},
    )  # fmt: skip
    found = explainer(x, edges).edge_mask_dict
    assert found.keys() == set(LINKS)
    totals = {name: torch.zeros(count) for name, count in SIZES.items()}
    for link, mask in found.items():
        assert mask.shape == (edges[link].shape[1],)
        if kind == "HANConv":  # a softmax for each kind of edge
            own = torch.zeros(SIZES[link[-1]]).index_add(0, edges[link][1], mask)
            assert_close(own[edges[link][1]], torch.full_like(mask, 2.0))
        else:  # one softmax over all
            totals[link[-1]].index_add_(0, edges[link][1], mask)
    if kind == "HGTConv":
        for name, total in totals.items():
            ends = torch.cat([edges[link][1] for link in LINKS if link[-1] == name])
            assert_close(total[ends], torch.full((len(ends),), 2.0))
    assert_close(net(x, edges), before)


def test_messages_of_each_kind_give_the_same_output():
    torch.manual_seed(0)
    conv = ga.nn.HGTConv(6, 8, METADATA, heads=2).double()
    x = {name: torch.randn(count, 6, dtype=torch.float64) for name, count in SIZES.items()}
    edges = {link: torch.stack([torch.randint(SIZES[end], (9,)) for end in (link[0], link[-1])]) for link in LINKS}
    want = conv(x, edges)
    conv._name = "conv"
    handle = conv.register_message_forward_hook(lambda module, inputs, out: None)
    assert_close(conv(x, edges), want)
    handle.remove()
    assert_close(conv(x, edges), want)
