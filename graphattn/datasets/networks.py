"""Load a network with labeled nodes by name."""

from __future__ import annotations

from graphattn.datasets.facebook_pages import facebook_pages
from graphattn.datasets.fetch import DatasetError
from graphattn.datasets.heterophilous import load_heterophilous
from graphattn.datasets.network_card import NetworkCard
from graphattn.datasets.network_catalog import NETWORK_CARDS
from graphattn.datasets.network_data import NetworkData, multi_hot, undirected
from graphattn.datasets.planetoid import load_planetoid
from graphattn.datasets.twitch import load_twitch


def network_cards() -> dict[str, NetworkCard]:
    """What is known about each network, by name."""
    return dict(NETWORK_CARDS)


def load_network(name: str, *, split: str | None = None) -> NetworkData:
    """Load a network by name, downloading it once.

    Args:
        name: one of `network_cards()`; case does not matter, and `twitch-de` is `twitch_de`.
        split: one of the card's kinds of published splits; None takes the usual one.

    Raises:
        DatasetError: there is no network of that name or no such split, the files cannot be downloaded, or one that
            is found is not the published one.

    >>> data = load_network("cora")  # doctest: +SKIP
    >>> data.x.shape, data.masks["train"].sum(0)  # doctest: +SKIP
    (torch.Size([2708, 1433]), tensor([140]))
    """
    card = find_network(name)
    if card is None:
        raise DatasetError(f"no network is called {name!r}; there are {', '.join(NETWORK_CARDS)}")
    if split is not None and split not in card.splits:
        known = ", ".join(repr(kind) for kind in card.splits) or "none is published"
        raise DatasetError(f"{card.name} has no split {split!r}; its splits: {known}")
    if card.name == "facebook_pages":
        return _facebook(card)
    if card.name.startswith("twitch_"):
        return load_twitch(card)
    if "public" in card.splits:
        return load_planetoid(card, split or "public")
    return load_heterophilous(card)


def find_network(name: str) -> NetworkCard | None:
    """The card of the network that `name` means, or None."""
    return NETWORK_CARDS.get(name.lower().replace("-", "_"))


def _facebook(card: NetworkCard) -> NetworkData:
    pages = facebook_pages()
    return NetworkData(
        card,
        undirected(pages.edge_index.t().numpy(), card.nodes, loops=True),
        multi_hot([words.tolist() for words in pages.words], card.features),
        pages.role,
        masks=None,
        names=tuple(pages.names),
    )
