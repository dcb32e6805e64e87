"""Sentences, spoken digits, images and a social network: the published counts, and refusal of anything else."""

import gzip
import shutil
import tarfile
import zipfile

import pytest
import torch

from graphattn.datasets import DatasetError, facebook_pages, fsdd, mnist, multi30k


@pytest.fixture
def data(benchmark_data, monkeypatch):
    if not (benchmark_data / "fsdd").is_dir():
        pytest.skip("no facebook_pages, fsdd, mnist and multi30k_en_de among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))
    return benchmark_data


@pytest.mark.parametrize(
    ("split", "count", "first"),
    [
        ("train", 29_000, "Two young, White males are outside near many bushes."),
        ("val", 1014, "A group of men are loading cotton onto a truck"),
        ("test_2016_flickr", 1000, "A man in an orange hat starring at something."),
    ],
)
def test_multi30k(data, split, count, first):
    pairs = multi30k(split)
    assert len(pairs) == count
    assert pairs[0][0] == first
    assert all(english and german for english, german in pairs)


def test_mnist(data):
    images, digits = mnist("test")
    assert images.shape == (10_000, 28, 28) and images.dtype == torch.uint8
    assert digits[:5].tolist() == [7, 2, 1, 0, 4]
    assert digits.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize(("split", "count"), [("train", 600), ("test", 300)])
def test_fsdd(data, split, count):
    recordings = fsdd(split)
    assert len(recordings) == count
    assert torch.tensor([r.digit for r in recordings]).bincount().tolist() == [count // 10] * 10
    assert len({r.speaker for r in recordings}) == 6
    assert max(r.wave.abs().max() for r in recordings) <= 1
    assert sum(len(r.wave) for r in recordings) / count / 8000 == pytest.approx(0.43, abs=0.02)


def test_facebook_pages(data):
    pages = facebook_pages()
    assert dict(zip(pages.roles, pages.role.bincount().tolist(), strict=True)) == {
        "company": 6495, "government": 6880, "politician": 5768, "tvshow": 3327,
    }  # fmt: skip
    assert pages.names[2] == "ESET" and pages.roles[pages.role[2]] == "company"
    source, page = pages.edge_index
    loops = source == page
    assert int(loops.sum()) == 179 and len(source) == 2 * (171_002 - 179) + 179
    assert torch.equal(pages.edge_index.unique(dim=1), pages.edge_index.flip(0).unique(dim=1))
    assert int(torch.cat(pages.words).max()) == 4713 and len(pages.words) == 22_470


def test_fsdd_from_the_whole_repository(data, tmp_path, monkeypatch):
    (tmp_path / "fsdd").mkdir()
    with zipfile.ZipFile(tmp_path / "fsdd" / "free-spoken-digit-dataset.zip", "w") as repository:
        for pack in ("fsdd_train_rec5-14.tar.gz", "fsdd_test_rec0-4.tar.gz"):
            with tarfile.open(data / "fsdd" / pack) as tar:
                for info in tar.getmembers():
                    name = f"free-spoken-digit-dataset-master/recordings/{info.name}"
                    repository.writestr(name, tar.extractfile(info).read())
    expected = fsdd("test")
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path))
    for theirs, ours in zip(expected, fsdd("test"), strict=True):
        assert torch.equal(theirs.wave, ours.wave)
        assert theirs[1:] == ours[1:]


def test_other_files_are_refused(data, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path))
    for folder, name in (
        ("multi30k_en_de", "val.en.gz"),
        ("mnist", "t10k-images-idx3-ubyte.gz"),
        ("facebook_pages", "facebook_target.csv.gz"),
    ):
        (tmp_path / folder).mkdir()
        with gzip.open(tmp_path / folder / name, "wb") as file:
            file.write(b"something else")
    (tmp_path / "fsdd").mkdir()
    shutil.copy(data / "fsdd" / "fsdd_train_rec5-14.tar.gz", tmp_path / "fsdd" / "fsdd_test_rec0-4.tar.gz")
    with pytest.raises(DatasetError, match="not the published file of the data set 'multi30k_en_de'"):
        multi30k("val")
    with pytest.raises(DatasetError, match="not the published file of the data set 'mnist'"):
        mnist("test")
    with pytest.raises(DatasetError, match="not the published file of the data set 'facebook_pages'"):
        facebook_pages()
    with pytest.raises(DatasetError, match="the 0 recordings found for the split 'test' are not the published ones"):
        fsdd("test")


@pytest.mark.parametrize("load", [fsdd, mnist, multi30k])
def test_unknown_split(load):
    with pytest.raises(DatasetError, match=r"split is one of train, .*; got 'dev'"):
        load("dev")
