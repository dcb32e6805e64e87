"""`graphattn.distributed.attention`: the operator on a graph that is spread over processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from graphattn.distributed.agree import contact
from graphattn.distributed.exchange import Pending, finish, halo
from graphattn.distributed.heads import by_head, refusal
from graphattn.distributed.part import Part
from graphattn.graph.graph import Graph
from graphattn.ops.attention import attention as attend
from graphattn.ops.custom_score import Custom
from graphattn.ops.random import keeps, new_seed
from graphattn.ops.scores import Score
from graphattn.ops.state import State, merge

_ADDITIVE = ("relu", "sigmoid", "identity")  # a destination's result is the sum over its edges
_PER_EDGE = ("edge_bias", "edge_key", "edge_value", "edge_attr")


def attention(
    q: Tensor | None,
    k: Tensor | None,
    v: Tensor,
    part: Part,
    *,
    score: str | Score = "dot",
    normalize: str = "softmax",
    scale: float | None = None,
    edge_bias: Tensor | None = None,
    edge_key: Tensor | None = None,
    edge_value: Tensor | None = None,
    edge_attr: Tensor | None = None,
    edge_proj: Any = None,
    dropout: float = 0.0,
    exchange: str = "auto",
    backend: str = "auto",
) -> Tensor:
    """`graphattn.attention` on a graph that is spread over processes; the result is the same, up to rounding.

    All processes call it together, each with the rows of its own nodes; gradients go back the same way, in a fixed
    order. Of the destinations' softmax over their own and others' sources, each process computes two states and merges
    them (see `graphattn.merge`), so that it attends to its own while the others' rows are under way.

    Args:
        q: queries of this process's destinations (`part.nodes`), `[n, H, D]`.
        k: keys of its sources (`part.src_nodes`), `[m, Hk, D]`.
        v: values of its sources, `[m, Hk, Dv]`.
        part: this process's part of the graph.
        score, normalize, scale, edge_proj, backend: as for `graphattn.attention`. A score holds no tensors per edge or
            per source.
        edge_bias, edge_key, edge_value, edge_attr: as there, one row for each edge of the part (`part.shard_edges`).
        dropout: as there. The same weights are dropped as on one process, by a second call; for the normalizers
            "softmax", "relu", "sigmoid" and "identity".
        exchange: how.

            - "halo": each process gets the keys and values it attends to, once.
            - "stream": the same, from one process after the other, and again in the backward pass, so that only one's
              rows are in memory. For the normalizers above.
            - "heads": each process gets all nodes for some heads, and gives them back. Needs the whole graph on
              each, and heads that the number of processes divides.
            - "auto": "heads" where it is possible and sends less, otherwise "halo".

    Returns:
        `[n, H, Dv]`.

    Raises:
        ValueError: as for `graphattn.attention`; rows that are not those of the part; an exchange that is not possible.
    """
    edges = {"edge_bias": edge_bias, "edge_key": edge_key, "edge_value": edge_value, "edge_attr": edge_attr}
    for name, tensor in edges.items():
        if tensor is not None and tensor.shape[0] != part.edge_ids.numel():
            raise ValueError(
                f"{name} must have a row for each of the {part.edge_ids.numel()} edges of rank {part.rank}, got "
                f"{list(tensor.shape)}"
            )
    if isinstance(score, Custom) and (score.is_numbered or score.edge or score.src or score.dst):
        raise ValueError("a score of one's own may name tensors of heads only here, and no numbers of nodes")
    options = {"score": score, "normalize": normalize, "scale": scale, "edge_proj": edge_proj, "backend": backend}
    exchange = _choose(q, k, v, part, edges, dropout, exchange)
    if exchange == "heads":
        return by_head(q, k, v, part, options)
    run = _Run(q, k, v, part, edges, options)
    if not dropout:
        return run.states(exchange, normalize) if normalize in ("softmax", *_ADDITIVE) else run.whole_rows()
    if normalize not in ("softmax", *_ADDITIVE):
        raise ValueError(f'dropout over several processes needs softmax or a sum over edges, not "{normalize}"')
    hidden = run.hiding(_mask(part, run.heads, dropout))
    if normalize != "softmax":
        return hidden.states(exchange, normalize) / (1 - dropout)
    every, kept = run.softmax(exchange), hidden.softmax(exchange)
    share = torch.where(kept.lse == -torch.inf, 0, (kept.lse - every.lse).exp())
    return kept.out * (share / (1 - dropout)).unsqueeze(-1).to(kept.out.dtype)


class _Run(NamedTuple):
    q: Tensor | None
    k: Tensor | None
    v: Tensor
    part: Part
    edges: dict[str, Tensor | None]
    options: dict[str, Any]

    @property
    def heads(self) -> int:
        return (self.v if self.q is None else self.q).shape[1]

    def hiding(self, keep: Tensor) -> _Run:
        """The same with the edges hidden that are not kept, `[e, H]`."""
        bias = self.edges["edge_bias"]
        zero = self.v.new_zeros(()) if bias is None else bias
        return self._replace(edges={**self.edges, "edge_bias": torch.where(keep, zero, -torch.inf)})

    def states(self, exchange: str, normalize: str) -> Tensor:
        if normalize == "softmax":
            return self.softmax(exchange).out
        local, remote = self.part.local_and_remote
        if exchange == "stream":
            return sum(
                (self._from_peer(peer, False)[0] for peer in self._peers()), self._attend(self.k, self.v, *local)
            )
        waiting = self._send()
        out: Tensor = self._attend(self.k, self.v, *local)
        return out + self._attend(*self._receive(waiting), *remote)

    def softmax(self, exchange: str) -> State:
        local, remote = self.part.local_and_remote
        if exchange == "stream":
            state = self._attend(self.k, self.v, *local, state=True)
            for peer in self._peers():
                state = merge(state, State(*self._from_peer(peer, True)))
            return state
        waiting = self._send()
        state = self._attend(self.k, self.v, *local, state=True)
        return merge(state, self._attend(*self._receive(waiting), *remote, state=True))

    def whole_rows(self) -> Tensor:
        """For normalizers that need all scores of a destination at once."""
        k, v = (None if x is None else torch.cat([x, halo(x, self.part)]) for x in (self.k, self.v))
        ids = torch.arange(self.part.edge_ids.numel(), device=self.part.device)
        out: Tensor = self._attend(k, v, self.part.graph, ids)
        return out

    def _attend(self, k: Tensor | None, v: Any, graph: Graph, ids: Tensor, state: bool = False) -> Any:
        edges: dict[str, Any] = {name: None if x is None else x[ids] for name, x in self.edges.items()}
        return attend(self.q, k, v, graph, return_state=state, **edges, **self.options)

    def _send(self) -> tuple[Pending | None, Pending]:
        return None if self.k is None else Pending(self.k, self.part), Pending(self.v, self.part)

    def _receive(self, waiting: tuple[Pending | None, Pending]) -> tuple[Tensor | None, Tensor]:
        keys, values = waiting
        return None if keys is None or self.k is None else finish(self.k, keys), finish(self.v, values)

    def _peers(self) -> Sequence[int]:
        """The others in turn. All processes take part in each round, whether or not they need its rows."""
        return range(1, self.part.world_size)

    def _from_peer(self, distance: int, state: bool) -> tuple[Tensor, ...]:
        """Attention to the sources of the process `distance` before this one, computed again in the backward pass."""
        part = self.part
        peer = (part.rank - distance) % part.world_size
        graph, ids = part.from_peer(peer)
        narrowed = _only_from(part, distance)
        tensors = [x for x in (self.q, self.k, self.v, *self.edges.values()) if x is not None]

        def run(*_: Tensor) -> tuple[Tensor, ...]:
            k = None if self.k is None else halo(self.k, narrowed)
            found = self._attend(k, halo(self.v, narrowed), graph, ids, state=state)
            return tuple(found) if state else (found,)

        if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
            answer: tuple[Tensor, ...] = checkpoint(run, *tensors, use_reentrant=False)
            return answer
        return run()


def _only_from(part: Part, distance: int) -> Part:
    """The part of the exchange in which each process hears from the one `distance` before it."""
    to, peer = (part.rank + distance) % part.world_size, (part.rank - distance) % part.world_size
    nothing = part.nodes.new_empty(0)
    send = [index if number == to else nothing for number, index in enumerate(part.send_index)]
    counts = [count if number == peer else 0 for number, count in enumerate(part.receive_counts)]
    return replace(part, send_index=send, receive_counts=counts)


def _mask(part: Part, heads: int, dropout: float) -> Tensor:
    """Which weights dropout keeps, `[e, H]`: those that it keeps on one process with the first one's seed."""
    seed = new_seed().to(part.device)
    with contact(part):
        dist.broadcast(seed, group=part.group, group_src=0)
    counter = part.places[:, None] * heads + torch.arange(heads, device=part.device)
    return keeps(seed, counter.flatten(), dropout).view(-1, heads)


def _choose(
    q: Tensor | None,
    k: Tensor | None,
    v: Tensor,
    part: Part,
    edges: dict[str, Tensor | None],
    dropout: float,
    name: str,
) -> str:
    if name not in ("auto", "halo", "heads", "stream"):
        raise ValueError(f'exchange must be "auto", "halo", "heads" or "stream", got {name!r}')
    why_not = refusal(q, k, v, part, any(x is not None for x in edges.values()), dropout)
    if name == "heads" and why_not is not None:
        raise ValueError(f'exchange="heads" is not possible: {why_not}')
    if name != "auto":
        return name
    if why_not is not None:
        return "halo"
    return "heads" if _all_prefer_heads(q, k, v, part) else "halo"


def _all_prefer_heads(q: Tensor | None, k: Tensor | None, v: Tensor, part: Part) -> bool:
    """Whether "heads" sends fewer numbers, all processes together."""
    source = v[0].numel() + (0 if k is None else k[0].numel()) if v.shape[0] else 0
    heads = (v if q is None else q).shape[1]
    target = (0 if q is None else q[0].numel()) + heads * v.shape[2] if part.nodes.numel() else 0
    other = 1 - 1 / part.world_size
    more = part.halo_nodes.numel() * source - other * (part.src_nodes.numel() * source + part.nodes.numel() * target)
    balance = torch.tensor([more], dtype=torch.float64, device=part.device)
    with contact(part):
        dist.all_reduce(balance, group=part.group)
    return bool(balance > 0)
