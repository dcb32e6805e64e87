"""Networks whose neighbors have unlike labels, with ten published splits each."""

from __future__ import annotations

import io

import numpy as np
import torch

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import locate, unpacked
from graphattn.datasets.network_card import NetworkCard
from graphattn.datasets.network_data import NetworkData, to_torch, undirected

_URL = "https://raw.githubusercontent.com/yandex-research/heterophilous-graphs/main/data"
_SHA256 = {
    "actor": "c350eef06b2c2a9bf8218be2b57cac6d4003d0922eb597a039e9123f75817816",
    "chameleon": "4c640bd2877fc4f9f101531e2f977bc16445a54e09a5cb01178df608e552f3fd",
    "chameleon_filtered": "bf46f07e1fb5249280447e5fe3100f3e82fc4b93ad1e13ffcfdec924b6ac0bb5",
    "cornell": "684c54ba3daa13b0ba1f04a3d6dd1b1175c1ae9bdeb982851fd4ff96d3aac298",
    "minesweeper": "e664c8dacf1e8ac466c2c09ed4b237bd2c5541f47a6eae9c6092cb87f16412b3",
    "squirrel": "d436e3b42c0546b105241c0ab0766097074e68e55f67b133eeb9b0162e55cbd9",
    "squirrel_filtered": "f06370ffb3116c5de8b7a600005400b2293c025e0ce2f6916d8201a825505ac7",
    "texas": "b164b99e6c3d43e4ab07488ec59bd8c815f90cbc1bd4cf425ce587d2b534d844",
    "tolokers": "dacf3ac94cec53d03cd2adb5255c08b33dee1656c33ca8164a464bd9450a1667",
    "wisconsin": "2543c89838cfc75f737f7c4664cc1d097f8268602c20b2d1bd4f21407df9c074",
}
_SPARSE_BELOW = 0.1  # share of numbers other than zero


def load_heterophilous(card: NetworkCard) -> NetworkData:
    """Read one of them: `NAME.npz`."""
    file = DataFile("heterophilous", f"{card.name}.npz", _SHA256[card.name], f"{_URL}/{card.name}.npz")
    with np.load(io.BytesIO(unpacked(locate(file))), allow_pickle=False) as arrays:
        x = torch.from_numpy(arrays["node_features"]).float()
        masks = {
            part: torch.from_numpy(np.ascontiguousarray(arrays[f"{key}_masks"].T))
            for part, key in (("train", "train"), ("valid", "val"), ("test", "test"))
        }
        return NetworkData(
            card,
            undirected(arrays["edges"], len(x), loops=True),
            to_torch(x.numpy()) if float((x != 0).float().mean()) < _SPARSE_BELOW else x,
            torch.from_numpy(arrays["node_labels"]).long(),
            masks,
        )
