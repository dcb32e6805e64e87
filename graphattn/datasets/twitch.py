"""Gamers of Twitch who are friends, one network for each of six languages."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import torch

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import locate, unpacked
from graphattn.datasets.network_card import NetworkCard
from graphattn.datasets.network_data import NetworkData, multi_hot, undirected

_URL = "https://raw.githubusercontent.com/benedekrozemberczki/MUSAE/master/input"
_SHA256 = {
    "DE_edges.csv": "54feaf3e3e70a485fe07f8611e4d2677841b97f77b8358204bcf4a48cc884d86",
    "DE_features.json": "7b39c42570f05cd46017c765df8d8a1bc03f19787c3eb0f9684f50a52476ae3a",
    "DE_target.csv": "2188f58a093bb9db363d3eaf7c3a52c2adc8ff6b23cbcb4f53875f87061c0321",
    "ENGB_edges.csv": "5ea4d7f7267454e9523577eb2a9b4dcb7a22dd660a548240f01b815d08e0e3cc",
    "ENGB_features.json": "d55948bd911ab28e0a89c4946562d5a8b363b9a7e4216e1a4986f37c74caa777",
    "ENGB_target.csv": "e9d51399878216d2dd662b0a152b602cccde7b5cbb8452cb91d9379f64114443",
    "ES_edges.csv": "17801d2cc45fc4909a431ce7a190c0565d4af87b0548ca7705cf2bef7da4c884",
    "ES_features.json": "dec4b672183f9cb04524ee605b763cc14244ed88eb766147a3f954e9abe30d59",
    "ES_target.csv": "f843427bae58289100e78c6c211fa4a1ae0d5fbf2c665841df9e390b00dcffb5",
    "FR_edges.csv": "9924263f7e8edaa7278dcbc37bd90c8712cb0ea1726d85e054a5588b7959f887",
    "FR_features.json": "490ff6a0afb0838fea1696980b14b3fcb9e8932d18e1f5172f066e45d97daa46",
    "FR_target.csv": "dd0a9e7ba565cbb95ae66003892709742bd08c26387656e3e235fc25205663b4",
    "PTBR_edges.csv": "b72d93a3c8a82883771a2f3822fce229885fa0d40367fb105c0535fb36c773b9",
    "PTBR_features.json": "5012dee29ca3ae57cbdb4f46279506e3b87ff79d8c43affcafd7576acb21f960",
    "PTBR_target.csv": "ecba7d1287e72ae7c3f42c922be475283288c0c67346245c72109690460444bd",
    "RU_edges.csv": "fd307587a550289f746056ea12a7336171ab2053c9e08c42dba77499126ca5b2",
    "RU_features.json": "7767f5d6fdb405cc5cd4267bd3dd0371cbd585ef3f3bec6b5d156880fe42e30a",
    "RU_target.csv": "db7617528355be994352e491e7b25d060fed466d0d81c09cadd90fa10f15c071",
}


def load_twitch(card: NetworkCard) -> NetworkData:
    """Read the network of one language; of two rows for a streamer the first counts."""
    language = card.name.rpartition("_")[2].upper()
    words = json.loads(_content("features", f"{language}_features.json"))
    nodes = len(words)
    edges = np.loadtxt(io.BytesIO(_content("edges", f"{language}_edges.csv")), np.int64, delimiter=",", skiprows=1)
    y = torch.full((nodes,), -1)
    for row in csv.DictReader(io.StringIO(_content("target", f"{language}_target.csv").decode(), newline="")):
        if y[int(row["new_id"])] < 0:
            y[int(row["new_id"])] = card.classes.index(row["mature"])
    return NetworkData(
        card,
        undirected(edges, nodes, loops=True),
        multi_hot([words[str(node)] for node in range(nodes)], card.features),
        y,
        masks=None,
    )


def _content(folder: str, file: str) -> bytes:
    return unpacked(locate(DataFile("twitch", file, _SHA256[file], f"{_URL}/{folder}/{file}")))
