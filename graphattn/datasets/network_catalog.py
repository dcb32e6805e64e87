"""The catalog of networks: one card per data set."""

from graphattn.datasets.network_card import NetworkCard

_MUSAE = "Rozemberczki et al. 2021, J. Complex Networks 9(2), arXiv:1909.13021"
_PLANETOID = "Sen et al. 2008, AI Magazine 29(3); split of Yang et al. 2016, ICML, arXiv:1603.08861"
_PLATONOV = "Platonov et al. 2023, ICLR, arXiv:2302.11640"
_PEI = "Pei et al. 2020, ICLR, arXiv:2002.05287"
_FIVE = ("0", "1", "2", "3", "4")
_PLANETOID_SPLITS = {"public": 1, "geom_gcn": 10}
_TEN = {"published": 10}


def _citations(
    name: str, title: str, classes: tuple[str, ...], size: tuple[int, int, int], remarks: str
) -> NetworkCard:
    return NetworkCard(
        name=name,
        title=title,
        target="topic",
        meaning="the field of a paper",
        classes=classes,
        nodes=size[0],
        edges=size[1],
        features=size[2],
        metric="accuracy",
        splits=_PLANETOID_SPLITS,
        remarks=remarks,
        citation=_PLANETOID,
        license="MIT (the repository kimiyoung/planetoid)",
    )


def _wikipedia(name: str, size: tuple[int, int, int], remarks: str) -> NetworkCard:
    return NetworkCard(
        name=name,
        title=f"Wikipedia pages about {name.partition('_')[0]}s that link to each other",
        target="traffic",
        meaning="fifth of the monthly visits, few to many",
        classes=_FIVE,
        nodes=size[0],
        edges=size[1],
        features=size[2],
        metric="accuracy",
        splits=_TEN,
        remarks=remarks,
        citation=f"{_MUSAE}; {_PEI}; {_PLATONOV}",
        license="MIT (the repository yandex-research/heterophilous-graphs)",
    )


def _webkb(name: str, title: str, size: tuple[int, int, int]) -> NetworkCard:
    return NetworkCard(
        name=name,
        title=title,
        target="kind",
        meaning="kind of page: student, project, course, staff or faculty, by number",
        classes=_FIVE,
        nodes=size[0],
        edges=size[1],
        features=size[2],
        metric="accuracy",
        splits=_TEN,
        remarks="so small that ten splits differ by ten points",
        citation=_PEI,
        license="MIT (the repository yandex-research/heterophilous-graphs)",
    )


def _twitch(language: str, nodes: int, edges: int) -> NetworkCard:
    return NetworkCard(
        name=f"twitch_{language.lower()}",
        title=f"friendships of Twitch's gamers who stream in {language}",
        target="mature",
        meaning="whether the streamer uses explicit language",
        classes=("False", "True"),
        nodes=nodes,
        edges=edges,
        features=3170,
        metric="roc_auc",
        splits={},
        remarks="the usual test trains on twitch_de and labels the others; the features of all six are the same"
        + ("; two rows of the target's file repeat a streamer" if language == "FR" else ""),
        citation=_MUSAE,
        license="GPL-3.0 (the repository benedekrozemberczki/MUSAE)",
    )


_CARDS = [
    _citations(
        "cora",
        "Cora, papers on machine learning that cite each other",
        (
            "Theory",
            "Reinforcement_Learning",
            "Genetic_Algorithms",
            "Neural_Networks",
            "Probabilistic_Methods",
            "Case_Based",
            "Rule_Learning",
        ),
        (2708, 5278, 1433),
        "the split geom_gcn leaves 223 nodes out",
    ),
    _citations(
        "citeseer",
        "CiteSeer, papers on computer science that cite each other",
        ("AI", "ML", "IR", "DB", "Agents", "HCI"),
        (3327, 4552, 3703),
        "15 papers have neither words nor a label; 48 nodes have no edge",
    ),
    _citations(
        "pubmed",
        "PubMed, papers on diabetes that cite each other",
        ("0", "1", "2"),
        (19717, 44324, 500),
        "the features are TF-IDF weights, not 0 and 1",
    ),
    NetworkCard(
        name="minesweeper",
        title="a grid of 100 × 100 cells of which a fifth hold mines",
        target="mine",
        meaning="whether there is a mine under the cell",
        classes=("0", "1"),
        nodes=10000,
        edges=39402,
        features=7,
        metric="roc_auc",
        splits=_TEN,
        remarks="the features say how many mines are around, and are missing for half of the cells",
        citation=_PLATONOV,
        license="MIT (the repository yandex-research/heterophilous-graphs)",
    ),
    NetworkCard(
        name="tolokers",
        title="workers of a crowdsourcing platform who worked on the same task",
        target="banned",
        meaning="whether the worker was banned from a project",
        classes=("0", "1"),
        nodes=11758,
        edges=519000,
        features=10,
        metric="roc_auc",
        splits=_TEN,
        remarks="a node has 88 neighbors on average",
        citation=_PLATONOV,
        license="MIT (the repository yandex-research/heterophilous-graphs)",
    ),
    _wikipedia("squirrel_filtered", (2223, 46998, 2089), "without the copies of nodes that squirrel has"),
    _wikipedia("chameleon_filtered", (890, 8854, 2325), "without the copies of nodes that chameleon has"),
    _wikipedia("squirrel", (5201, 198353, 2089), "copies of nodes leak from training to test; use squirrel_filtered"),
    _wikipedia("chameleon", (2277, 31371, 2325), "copies of nodes leak from training to test; use chameleon_filtered"),
    NetworkCard(
        name="actor",
        title="actors who are named on the same page of Wikipedia",
        target="category",
        meaning="what the words of the actor's page are about, by number",
        classes=_FIVE,
        nodes=7600,
        edges=26659,
        features=932,
        metric="accuracy",
        splits=_TEN,
        remarks="the edges help little",
        citation=_PEI,
        license="MIT (the repository yandex-research/heterophilous-graphs)",
    ),
    _webkb("texas", "web pages of the University of Texas", (183, 279, 1703)),
    _webkb("cornell", "web pages of Cornell University", (183, 277, 1703)),
    _webkb("wisconsin", "web pages of the University of Wisconsin", (251, 450, 1703)),
    NetworkCard(
        name="facebook_pages",
        title="verified pages of Facebook that like each other",
        target="page_type",
        meaning="whose page it is",
        classes=("company", "government", "politician", "tvshow"),
        nodes=22470,
        edges=170823,
        features=4714,
        metric="accuracy",
        splits={},
        remarks="179 pages like themselves besides; nobody published the words that the features stand for",
        citation=_MUSAE,
        license="GPL-3.0 (the repository benedekrozemberczki/MUSAE)",
    ),
    _twitch("DE", 9498, 153138),
    _twitch("ENGB", 7126, 35324),
    _twitch("ES", 4648, 59382),
    _twitch("FR", 6549, 112666),
    _twitch("PTBR", 1912, 31299),
    _twitch("RU", 4385, 37304),
]

NETWORK_CARDS = {card.name: card for card in _CARDS}
