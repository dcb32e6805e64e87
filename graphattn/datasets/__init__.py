"""Data sets of molecules, by name, and of sentences, sounds, images and a social network.

Data sets of molecules are loaded by name, with what their targets mean; ESOL and FreeSolv come with graphattn.

==============  ======  =======  ==============  ========  ==========================================
name              rows  targets  task            split     unit
==============  ======  =======  ==============  ========  ==========================================
esol             1,128        1  regression      scaffold  log mol/L
freesolv           642        1  regression      random    kcal/mol
lipophilicity    4,200        1  regression      scaffold  log D
bace             1,513        1  classification  scaffold  none
bbbp             2,050        1  classification  scaffold  none
tox21            7,831       12  classification  random    none
clintox          1,484        2  classification  random    none
sider            1,427       27  classification  random    none
hiv             41,127        1  classification  scaffold  none
qm7              6,830        1  regression      scaffold  kcal/mol
qm8             21,786       12  regression      random    hartree for E1 and E2, none for f1 and f2
aqsoldb          9,982        1  regression      random    log mol/L
==============  ======  =======  ==============  ========  ==========================================

`card(name)` says more: meaning, usual metric, oddities, citation, license. The split is the usual one,
80/10/10.

Sentences come by `load_text(name)`: "ud_english_ewt" (parts of speech), "trec" (question types), "sst" (sentiment).
Networks with labeled nodes come by `load_network(name)`: "cora", "minesweeper", "twitch_de" and others, see
`network_cards()`, with their published splits.
Four more are functions that return what they hold: `multi30k` (sentences in two languages), `fsdd` (spoken digits),
`mnist` (images of digits) and `facebook_pages` (a social network).
"""

from graphattn.datasets.dataset_card import Card
from graphattn.datasets.facebook_pages import Pages, facebook_pages
from graphattn.datasets.fetch import DatasetError
from graphattn.datasets.fsdd import Recording, fsdd
from graphattn.datasets.load import MoleculeDataset, Source, available, card, load, resolve
from graphattn.datasets.mnist import mnist
from graphattn.datasets.multi30k import multi30k
from graphattn.datasets.network_card import NetworkCard
from graphattn.datasets.network_data import NetworkData
from graphattn.datasets.networks import load_network, network_cards
from graphattn.datasets.text import Sentence, load_text, text_cards
from graphattn.datasets.text_card import TextCard, TextFile
from graphattn.datasets.vocabulary import Vocabulary

__all__ = [
    "Card",
    "DatasetError",
    "MoleculeDataset",
    "NetworkCard",
    "NetworkData",
    "Pages",
    "Recording",
    "Sentence",
    "Source",
    "TextCard",
    "TextFile",
    "Vocabulary",
    "available",
    "card",
    "facebook_pages",
    "fsdd",
    "load",
    "load_network",
    "load_text",
    "mnist",
    "multi30k",
    "network_cards",
    "resolve",
    "text_cards",
]
