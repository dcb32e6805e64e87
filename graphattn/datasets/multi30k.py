"""Multi30k: descriptions of photographs, in English and in German."""

from __future__ import annotations

import io
from typing import Literal

from graphattn.datasets.data_file import DataFile
from graphattn.datasets.fetch import DatasetError, locate, unpacked

Multi30kSplit = Literal["train", "val", "test_2016_flickr", "test_2017_flickr", "test_2017_mscoco"]

_URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
_SHA256 = {
    "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
    "test_2017_flickr.en": "ce1450ddc5ab0834502579d77a170849952e15a2938b34cc503bdc25ebb4fb98",
    "test_2017_flickr.de": "c3078bc3b36808bf9d20eb2347ed6137016179ef59ec0d2b9b8ecc3fb2880081",
    "test_2017_mscoco.en": "43051fdfa86fd5395182e718a94ca67b1b227b9f7c79596ff0f6b813216981d2",
    "test_2017_mscoco.de": "58277df3c75f92f7145a11b910b553d1cf82c439249d4dc237c899609eafac22",
}


def multi30k(split: Multi30kSplit) -> list[tuple[str, str]]:
    """Pairs of sentences, English and German, as raw text.

    29,000 of them in "train", 1,014 in "val", 1,000 each in "test_2016_flickr" and "test_2017_flickr", 461 in
    "test_2017_mscoco".

    The usual measure is BLEU on test_2016_flickr, `sacrebleu`'s on the raw text.

    Raises:
        DatasetError: there is no such split, or the files can neither be found (`$GRAPHATTN_DATA/multi30k_en_de`) nor
            downloaded, or are not the published ones.

    Elliott et al. 2016, arXiv:1605.00459; 2017, arXiv:1710.07177. Captions of Flickr30k, for research that is not
    commercial; the repository states no license of its own.
    """
    if f"{split}.en" not in _SHA256:
        splits = ", ".join(name.removesuffix(".en") for name in _SHA256 if name.endswith(".en"))
        raise DatasetError(f"split is one of {splits}; got {split!r}")
    english, german = (_lines(f"{split}.{language}") for language in ("en", "de"))
    return list(zip(english, german, strict=True))


def _lines(name: str) -> list[str]:
    path = locate(DataFile("multi30k_en_de", f"{name}.gz", _SHA256[name], f"{_URL}/{name}.gz"))
    return [line.strip() for line in io.StringIO(unpacked(path).decode(), newline=None)]
