"""The citation networks Cora, CiteSeer and PubMed, in Planetoid's files."""

from __future__ import annotations

import io
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import locate, unpacked
from graphattn.datasets.network_card import NetworkCard
from graphattn.datasets.network_data import NetworkData, undirected
from graphattn.datasets.restricted_pickle import loads

_URL = "https://raw.githubusercontent.com/kimiyoung/planetoid/master/data"
_SPLITS_URL = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master/splits"
_SHA256 = {
    "ind.citeseer.allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
    "ind.citeseer.ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
    "ind.citeseer.graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
    "ind.citeseer.test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    "ind.citeseer.tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
    "ind.citeseer.ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
    "ind.citeseer.x": "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
    "ind.citeseer.y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
    "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "ind.cora.x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
    "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
    "ind.pubmed.ally": "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
    "ind.pubmed.graph": "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
    "ind.pubmed.test.index": "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
    "ind.pubmed.tx": "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
    "ind.pubmed.ty": "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
    "ind.pubmed.x": "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33",
    "ind.pubmed.y": "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3",
}
_SPLITS_SHA256 = {
    "citeseer_split_0.6_0.2_0.npz": "31d483e4c9cbdd031c35e284fbda3935bfda6901b8618e4ef0381af5b9143582",
    "citeseer_split_0.6_0.2_1.npz": "1e02e3220676a90715b5a868b207dc19f49e5bc13ef1e8a8c8305fb46e028659",
    "citeseer_split_0.6_0.2_2.npz": "910ce9d1a9c12f2ce84486fa7d1953d560c2cf57f9e0c213a4ae362ca56bff77",
    "citeseer_split_0.6_0.2_3.npz": "e8c84d2e0099b3c0d692a68126c03370579f0cd83c0dab42b25a0fb3b94cb2c6",
    "citeseer_split_0.6_0.2_4.npz": "a45c9e6b4abe527499a1a1bf545063cdc910c82ef4676f1ef4e483bb77712c8e",
    "citeseer_split_0.6_0.2_5.npz": "fc0f6091daab2b0f37a3522dbc60052d9bce4209e7c06482f6beb61a4ed442b9",
    "citeseer_split_0.6_0.2_6.npz": "c99f610ff84bf5f5c3fe71b548c3cdf9c9bf02185d0152432b290877df1c4a3b",
    "citeseer_split_0.6_0.2_7.npz": "26bb7e5ea3aed014df5765af845fae70db9cdbb8875c46fc89cc4d6d042fb182",
    "citeseer_split_0.6_0.2_8.npz": "f8efadce7a3732ac39ec6625f591c9ed0b4222d95257f25f2a05ad5518e4a7eb",
    "citeseer_split_0.6_0.2_9.npz": "d9e586dad1886b3e1fdf3999140a192bb0cacea67c7849262ec862b8e7286cdf",
    "cora_split_0.6_0.2_0.npz": "619931e6c3f0248bf9c7b6be24680a0a617bcfaba661cb0d7afaee8e18a74a51",
    "cora_split_0.6_0.2_1.npz": "d24be667034cb15a55bbf512dbae07b39c758eed66a9ba27106fa795422fe11c",
    "cora_split_0.6_0.2_2.npz": "811fb695c4c9ab0a53ab3a665bf4232652a08a6e38faac5b43a7da43a8454b74",
    "cora_split_0.6_0.2_3.npz": "9d9c19d88a689b76a4b97e8694ef8d20cb0f1b192bbd05a0d5649c91f0cb6ef4",
    "cora_split_0.6_0.2_4.npz": "3040b6bc0ddfff3757d55f514becf0b1b6b2e382114bfb0bc900dbcbb58fca17",
    "cora_split_0.6_0.2_5.npz": "52373862971060e366829930332acabaa90cc6f41019c52bf6c92e4c22f8f093",
    "cora_split_0.6_0.2_6.npz": "07847ea94e8b19970cf86731f19869aac0c56310d27f687d0feb9553d7525dd6",
    "cora_split_0.6_0.2_7.npz": "262573079c8b1f4bc043d32edd3d23a6c36f1d7258efe60c11a6197ba0eee560",
    "cora_split_0.6_0.2_8.npz": "d6c6a2163aeadd103ae386e800e473d2388da866f3f464199180d9b0e2f7d6cc",
    "cora_split_0.6_0.2_9.npz": "9d236d0cf723871d88dea567afe92d50c11d0ffba280349a5cc7f5f2ea42202f",
    "pubmed_split_0.6_0.2_0.npz": "a15825b5bf77ffd2e9179e354f455bb9a6f8c4886cb28796688a38d45d75bdc9",
    "pubmed_split_0.6_0.2_1.npz": "51f2349156410d851859ff4858ecd401d05d024f1a3936250dd8e844a6fd527b",
    "pubmed_split_0.6_0.2_2.npz": "d94a2a3d607f23d7dc88dabb966db7c7da187e0a2af3c848d88ab0c5452c4a2b",
    "pubmed_split_0.6_0.2_3.npz": "62c389ddac567fcd25654db846fc693973c69cddf083f5495d33b592a768515e",
    "pubmed_split_0.6_0.2_4.npz": "3b2bbeb2f4bbee257bb4c626c15c3e3dd0e9da6ed23bf16f6ac520b95e18f84d",
    "pubmed_split_0.6_0.2_5.npz": "23aea01576f71aa165cd70564fb53b3f158d1ff71c1227e062797870fe130551",
    "pubmed_split_0.6_0.2_6.npz": "9122bd4e8e42cab8d33e952693d18d0f49c5f11327b922baefb81228ee903c44",
    "pubmed_split_0.6_0.2_7.npz": "958706e960939c716a5204671c08399864600ce82094755b2e61975137ccfae9",
    "pubmed_split_0.6_0.2_8.npz": "764dd33802022d7ab2595f08f21b424e83007aceeb5f85c9403c74bf791f56f6",
    "pubmed_split_0.6_0.2_9.npz": "b9d4b4362fc02751c168f68f4120ab2fb516f4c84d447571653f1cd692946a66",
}
_VALIDATION = 500  # nodes of the public split, after those of the training


def load_planetoid(card: NetworkCard, split: str) -> NetworkData:
    """Read one of the three; `split` is "public" or "geom_gcn".

    As in PyTorch Geometric, an edge that is listed twice is one and loops are left out. Nodes that the published files
    have neither words nor a label for (15 of CiteSeer) get zeros, and the label −1.
    """
    parts = {key: _pickle(card.name, key) for key in ("allx", "tx", "ally", "ty", "y", "graph")}
    test = np.array(unpacked(locate(_file(card.name, "test.index"))).split(), dtype=np.int64)
    nodes = max(len(parts["graph"]), int(test.max()) + 1)
    x = _features(parts["allx"], parts["tx"], test, nodes)
    labels = np.zeros((nodes, parts["ally"].shape[1]))
    labels[: len(parts["ally"])] = parts["ally"]
    labels[test] = parts["ty"]
    y = np.where(labels.any(1), labels.argmax(1), -1)
    neighbors = parts["graph"]
    sources = np.repeat(np.fromiter(neighbors, dtype=np.int64), [len(found) for found in neighbors.values()])
    pairs = np.stack([sources, np.fromiter(chain.from_iterable(neighbors.values()), dtype=np.int64)], axis=1)
    masks = _public(nodes, len(parts["y"]), test) if split == "public" else _geom_gcn(card.name)
    return NetworkData(card, undirected(pairs, nodes), x, torch.from_numpy(y), masks)


def _pickle(name: str, part: str) -> Any:
    file = _file(name, part)
    return loads(unpacked(locate(file)), file.file)


def _file(name: str, part: str) -> DataFile:
    file = f"ind.{name}.{part}"
    return DataFile("planetoid", file, _SHA256.get(file), f"{_URL}/{file}")


def _features(known: Any, tested: Any, test: np.ndarray[Any, Any], nodes: int) -> Tensor:
    """Stack the two matrices and put the rows of the test nodes, which are in the order of `test`, in their places."""
    from scipy import sparse

    place = np.full(nodes, -1)
    place[: known.shape[0]] = np.arange(known.shape[0])
    place[test] = known.shape[0] + np.arange(len(test))
    blank = sparse.csr_matrix((1, known.shape[1]), dtype=np.float32)
    rows = sparse.vstack([known, tested, blank]).tocsr()[place]  # −1 is the blank row
    rows.sort_indices()
    return torch.sparse_csr_tensor(
        torch.from_numpy(rows.indptr.astype(np.int64)),
        torch.from_numpy(rows.indices.astype(np.int64)),
        torch.from_numpy(rows.data.astype(np.float32)),
        size=rows.shape,
    )


def _public(nodes: int, training: int, test: np.ndarray[Any, Any]) -> dict[str, Tensor]:
    masks = {part: torch.zeros(nodes, 1, dtype=torch.bool) for part in ("train", "valid", "test")}
    masks["train"][:training] = True
    masks["valid"][training : training + _VALIDATION] = True
    masks["test"][torch.from_numpy(test)] = True
    return masks


def _geom_gcn(name: str) -> dict[str, Tensor]:
    columns: dict[str, list[Tensor]] = {"train": [], "valid": [], "test": []}
    for number in range(10):
        file = f"{name}_split_0.6_0.2_{number}.npz"
        path = locate(DataFile("geom_gcn_splits", file, _SPLITS_SHA256[file], f"{_SPLITS_URL}/{file}"))
        with np.load(io.BytesIO(unpacked(path)), allow_pickle=False) as masks:
            for part, key in (("train", "train_mask"), ("valid", "val_mask"), ("test", "test_mask")):
                columns[part].append(torch.from_numpy(masks[key].astype(bool)))
    return {part: torch.stack(masks, dim=1) for part, masks in columns.items()}
