import re

import pytest

import graphattn.datasets
from graphattn.datasets import available, card, text_cards
from graphattn.datasets.catalog import CARDS


def test_names():
    assert available() == [
        "esol",
        "freesolv",
        "lipophilicity",
        "bace",
        "bbbp",
        "tox21",
        "clintox",
        "sider",
        "hiv",
        "qm7",
        "qm8",
        "aqsoldb",
    ]
    assert all(name == facts.name for name, facts in CARDS.items())


@pytest.mark.parametrize("name", available())
def test_every_card_is_complete(name):
    facts = card(name)
    assert facts.task in ("regression", "classification")
    assert (facts.unit == "none") == (facts.task == "classification")
    assert facts.split in ("random", "scaffold")
    assert facts.metric in (("roc_auc",) if facts.task == "classification" else ("rmse", "mae"))
    assert re.fullmatch("[0-9a-f]{64}", facts.sha256)
    assert facts.url is None or facts.url.startswith("https://")
    for text in (facts.title, facts.meaning, facts.remarks, facts.citation, facts.license):
        assert len(text) > 5
    assert len(set(facts.target_columns)) == len(facts.target_columns) > 0


def test_checksums_differ():
    assert len({facts.sha256 for facts in CARDS.values()}) == len(CARDS)


def test_table_in_the_docstring_is_the_catalog():
    lines = graphattn.datasets.__doc__.splitlines()
    bars = [number for number, line in enumerate(lines) if line.startswith("===")]
    assert len(bars) == 3
    rows = [re.split(" {2,}", line, maxsplit=5) for line in lines[bars[1] + 1 : bars[2]]]
    assert rows == [
        [facts.name, f"{facts.rows:,}", str(len(facts.target_columns)), facts.task, facts.split, facts.unit]
        for facts in CARDS.values()
    ]


def test_card_as_text():
    text = str(card("ESOL"))
    assert "log mol/L" in text
    assert "1,128" in text
    assert "Delaney" in text
    assert "MIT" in text


@pytest.mark.parametrize("facts", [card("esol"), text_cards()["trec"]], ids=lambda facts: facts.name)
def test_the_old_spelling_of_license(facts):
    with pytest.warns(DeprecationWarning, match="licence is deprecated .* use license") as caught:
        assert facts.licence == facts.license
    assert caught[0].filename == __file__
