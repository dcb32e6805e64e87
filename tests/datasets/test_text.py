"""Sentences: the published counts, and what a broken name or file says."""

import gzip
import os
from pathlib import Path

import pytest

from graphattn.datasets import DatasetError, Vocabulary, load_text, text_cards
from graphattn.datasets.text import _read_classes, _read_tags

DATA = Path(os.environ.get("GRAPHATTN_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.parametrize("name", text_cards())
def test_counts(name, monkeypatch):
    card = text_cards()[name]
    if not list((DATA / name).glob(f"{card.files['train'].file}*")):
        pytest.skip("needs GRAPHATTN_DATA")
    monkeypatch.setenv("GRAPHATTN_DATA", str(DATA))
    data = load_text(name.upper())
    assert {part: len(sentences) for part, sentences in data.items()} == {
        part: file.sentences for part, file in card.files.items()
    }
    everything = [sentence for part in data.values() for sentence in part]
    assert {label for sentence in everything for label in sentence.labels} == set(card.labels)
    for words, labels in everything:
        assert len(labels) == (len(words) if card.task == "tagging" else 1)
    words = sum(len(sentence.words) for sentence in data["train"])
    assert words == {"ud_english_ewt": 204577, "trec": 55635, "sst": 133552}[name]


def test_formats():
    text = "# text = It's\n1-2\tIt's\t_\t_\n1\tIt\tit\tPRON\tX\n2\t's\tbe\tAUX\tX\n2.1\tgone\tgo\tVERB\tX\n\n\n"
    assert _read_tags(text) == [(["It", "'s"], ["PRON", "AUX"])]
    want = [(["How", "?"], ["DESC"]), (["a\u00a0b", "c"], ["1"])]
    assert _read_classes("DESC:manner How ?\n\n1 a\u00a0b  c\n") == want


def test_errors(monkeypatch, tmp_path):
    with pytest.raises(DatasetError, match="no data set of sentences is called 'esol'; there are ud_english_ewt, trec"):
        load_text("esol")
    monkeypatch.setenv("GRAPHATTN_DATA", str(tmp_path))
    (tmp_path / "trec").mkdir()
    (tmp_path / "trec" / "TREC.train.gz").write_bytes(gzip.compress(b"DESC:manner How ?"))
    with pytest.raises(DatasetError, match="is not the published file of the data set 'trec'"):
        load_text("trec")


@pytest.mark.parametrize("name", text_cards())
def test_cards(name):
    card = text_cards()[name]
    assert card.name == name
    assert card.task in ("tagging", "classification")
    text = str(card)
    for part in (card.title, card.license, f"{card.files['train'].sentences:,}", card.labels[-1]):
        assert part in text
    for file in card.files.values():
        assert file.name == name
        assert file.url.startswith("https://")
        assert file.url.endswith(file.file)
        assert len(file.sha256) == 64


def test_vocabulary():
    vocabulary = Vocabulary(["b", "a", "b", "c", "b", "a"], min_count=2, special=["<class>", "<mask>"])
    assert vocabulary.words == ["<class>", "<mask>", "<unknown>", "b", "a"]
    assert (vocabulary.unknown, len(vocabulary)) == (2, 5)
    assert vocabulary(["c", "a", "<mask>"]) == [2, 4, 1]
