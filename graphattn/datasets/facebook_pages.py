"""A social network: Facebook pages, the likes between them, and the type of each page's owner."""

from __future__ import annotations

import csv
import io
import json
from typing import NamedTuple

import torch
from torch import Tensor

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import locate, unpacked

_URL = "https://raw.githubusercontent.com/benedekrozemberczki/MUSAE/master/input"
_FEATURES, _EDGES, _ROLES = (
    DataFile("facebook_pages", path.rpartition("/")[2], sha256, f"{_URL}/{path}")
    for path, sha256 in (
        ("features/facebook.json", "ea870537646a93642a0008d38aa9bfeff02018070ba97b1f3f469d9622626436"),
        ("edges/facebook_edges.csv", "7c50d8f02a75cc0829577814a1fc14535164daa38d79c3612340c9e9cdbd4022"),
        ("target/facebook_target.csv", "7bd96eafea3c2ca40f44bfa9e73642194696c21e38c7b29ed409c32ad14075cd"),
    )
)


class Pages(NamedTuple):
    """A network of N pages."""

    words: list[Tensor]
    """for each page, the numbers of the words in its description, out of 4,714; the words are not published"""
    edge_index: Tensor
    """`[2, E]`: each liking in both directions, and a loop for each of the 179 pages that like themselves"""
    role: Tensor
    """`[N]` of int64: the place in `roles`"""
    roles: tuple[str, ...]
    names: list[str]


def facebook_pages() -> Pages:
    """Verified pages of Facebook in November 2017, and which like each other.

    22,470 pages, 171,002 mutual likings, four roles: company (6,495), government (6,880), politician (5,768) and
    tvshow (3,327). No split is published; accuracy and micro-F1 are the measures, which are one here.

    Raises:
        DatasetError: the files can neither be found (`$GRAPHATTN_DATA/facebook_pages`) nor downloaded, or are not the
            published ones.

    Rozemberczki et al. 2021, J. Complex Networks 9(2), arXiv:1909.13021; the repository is under GPL-3.0.
    """
    rows = sorted(csv.DictReader(_rows(_ROLES)), key=lambda row: int(row["id"]))
    words = json.loads(unpacked(locate(_FEATURES)))
    edges = torch.tensor([[int(one), int(other)] for one, other in list(csv.reader(_rows(_EDGES)))[1:]]).t()
    roles = tuple(sorted({row["page_type"] for row in rows}))
    return Pages(
        words=[torch.tensor(words[row["id"]], dtype=torch.long) for row in rows],
        edge_index=torch.cat([edges, edges[:, edges[0] != edges[1]].flip(0)], dim=1),
        role=torch.tensor([roles.index(row["page_type"]) for row in rows]),
        roles=roles,
        names=[row["page_name"] for row in rows],
    )


def _rows(file: DataFile) -> io.StringIO:
    return io.StringIO(unpacked(locate(file)).decode(), newline="")
