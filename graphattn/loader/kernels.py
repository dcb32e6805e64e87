"""Compiled kernels of neighbor sampling: how many, which, and their numbers within the sample.

Random numbers are a function of a key and a counter (SplitMix64, Steele et al., 2014), so that a sample depends on
neither threads nor workers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

U = np.uint64
_GAMMA = U(0x9E3779B97F4A7C15)
_FEW = 64  # picks up to which Floyd's algorithm looks for repeats one by one
EMPTY = -1  # marks a free place in a hash table

_jit = njit(nogil=True, cache=True, error_model="numpy")


@_jit
def mix(state: Any) -> Any:
    """A uniformly distributed 64-bit number for each state, the finalizer of SplitMix64."""
    state = U(state) + _GAMMA
    state = (state ^ (state >> U(30))) * U(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> U(27))) * U(0x94D049BB133111EB)
    return state ^ (state >> U(31))


@_jit
def _uniform(key: Any, counter: Any) -> Any:
    """A number in (0, 1)."""
    return (np.float64(mix(key + U(counter) * _GAMMA) >> U(11)) + 0.5) * 2.0**-53


@_jit
def _below(key: Any, counter: Any, bound: Any) -> Any:
    """An integer in [0, bound), bound ≤ 2⁵³."""
    return np.int64(_uniform(key, counter) * np.float64(bound))


@_jit
def digest(key: Any, nodes: Any) -> Any:
    """A key for a batch, from a key and the batch's nodes."""
    state = U(key)
    for node in nodes:
        state = mix(state ^ U(node))
    return np.int64(state >> U(1))


@_jit
def allowed_ends(colptr: Any, nodes: Any, limits: Any, times: Any, time_is_of_edges: Any, row: Any) -> Any:
    """Where the neighbors of each node end that are no later than its limit; they are in order of time."""
    ends = np.empty(nodes.size, np.int64)
    for f in range(nodes.size):
        low, high = np.int64(colptr[nodes[f]]), np.int64(colptr[nodes[f] + 1])
        if times.size > 0:
            while low < high:
                middle = (low + high) // 2
                time = times[middle] if time_is_of_edges else times[row[middle]]
                if time <= limits[f]:
                    low = middle + 1
                else:
                    high = middle
        ends[f] = high
    return ends


@_jit
def count_picks(colptr: Any, nodes: Any, ends: Any, weights: Any, most: Any, replace: Any) -> Any:
    """Where the picks of each node begin, and their number at the end; `most` below 0 takes all."""
    starts = np.zeros(nodes.size + 1, np.int64)
    for f in range(nodes.size):
        begin = np.int64(colptr[nodes[f]])
        count = ends[f] - begin
        if weights.size > 0:
            count = 0
            for p in range(begin, ends[f]):
                count += weights[p] > 0
        if most >= 0 and (count > most or (replace and count > 0)):
            count = most
        starts[f + 1] = starts[f] + count
    return starts


@_jit
def _pick_few(picks: Any, count: Any, begin: Any, size: Any, key: Any) -> None:
    """Floyd's algorithm (Bentley and Floyd, 1987): each subset of `count` of `size` is equally likely."""
    for x in range(count):
        last = size - count + x
        chosen = begin + _below(key, x, last + 1)
        for y in range(x):
            if picks[y] == chosen:
                chosen = begin + last
                break
        picks[x] = chosen


@_jit
def _pick_many(picks: Any, count: Any, begin: Any, size: Any, key: Any) -> None:
    """Selection sampling (Knuth, volume 2, algorithm S), in order."""
    done = 0
    for p in range(size):
        if done == count:
            return
        if _uniform(key, p) * (size - p) < count - done:
            picks[done] = begin + p
            done += 1


@_jit
def _pick_by_weight(picks: Any, count: Any, begin: Any, end: Any, weights: Any, key: Any, best: Any) -> None:
    """One after another in proportion to their weights, without replacement (Efraimidis and Spirakis, 2006)."""
    filled = 0  # the least `count` of -log(u) / w, in a heap whose top is the largest
    for p in range(begin, end):
        if not weights[p] > 0:
            continue
        rank = -np.log(_uniform(key, p - begin)) / weights[p]
        if filled < count:
            place = filled
            filled += 1
            while place > 0 and best[(place - 1) // 2] < rank:
                best[place], picks[place] = best[(place - 1) // 2], picks[(place - 1) // 2]
                place = (place - 1) // 2
            best[place], picks[place] = rank, p
        elif rank < best[0]:
            place = 0
            while True:
                child = 2 * place + 1
                if child >= count:
                    break
                if child + 1 < count and best[child + 1] > best[child]:
                    child += 1
                if best[child] <= rank:
                    break
                best[place], picks[place] = best[child], picks[child]
                place = child
            best[place], picks[place] = rank, p


@_jit
def _pick_by_weight_again(picks: Any, count: Any, begin: Any, end: Any, weights: Any, key: Any) -> None:
    """In proportion to their weights, with replacement."""
    total = 0.0
    for p in range(begin, end):
        total += max(weights[p], 0)
    for x in range(count):
        left = _uniform(key, x) * total
        chosen = begin
        for p in range(begin, end):
            if weights[p] > 0:
                chosen = p
                left -= weights[p]
                if left < 0:
                    break
        picks[x] = chosen


@_jit
def pick(
    colptr: Any, nodes: Any, ends: Any, starts: Any, weights: Any, replace: Any, last: Any, key: Any, salts: Any
) -> Any:
    """The positions of the edges that are picked, those of one node after those of another."""
    picks = np.empty(starts[-1], np.int64)
    best = np.empty(picks.size if weights.size > 0 else 0, np.float64)
    for f in range(nodes.size):
        count, begin = starts[f + 1] - starts[f], np.int64(colptr[nodes[f]])
        size = ends[f] - begin
        chosen = picks[starts[f] : starts[f + 1]]
        own = mix(U(key) ^ mix(U(salts[f])))
        if last and not replace:
            for x in range(count):
                chosen[x] = ends[f] - count + x
        elif weights.size > 0 and replace:
            _pick_by_weight_again(chosen, count, begin, ends[f], weights, own)
        elif weights.size > 0:
            _pick_by_weight(chosen, count, begin, ends[f], weights, own, best[starts[f] : starts[f + 1]])
        elif replace:
            for x in range(count):
                chosen[x] = begin + _below(own, x, size)
        elif count == size:
            for x in range(count):
                chosen[x] = begin + x
        elif count <= _FEW:
            _pick_few(chosen, count, begin, size, own)
        else:
            _pick_many(chosen, count, begin, size, own)
    return picks


@_jit
def _place(keys: Any, wanted: Any) -> Any:
    """The place in a hash table, whose size is a power of two, of a key or where it goes."""
    mask = U(keys.size - 1)
    place = mix(U(wanted)) & mask
    while keys[place] != EMPTY and keys[place] != wanted:
        place = (place + U(1)) & mask
    return place


@_jit
def insert(keys: Any, numbers: Any, nodes: Any, batch: Any, num_nodes: Any, first: Any) -> None:
    """Give the nodes the numbers `first`, `first + 1`, …; of equal ones the first counts."""
    for x in range(nodes.size):
        wanted = nodes[x] + (batch[x] * num_nodes if batch.size > 0 else 0)
        place = _place(keys, wanted)
        if keys[place] == EMPTY:
            keys[place], numbers[place] = wanted, first + x


@_jit
def renumber(
    keys: Any, numbers: Any, row: Any, picks: Any, owner: Any, owner_batch: Any, num_nodes: Any, first: Any
) -> Any:
    """The number of the source of each edge picked, and the new sources, numbered from `first`, with their batch."""
    local = np.empty(picks.size, np.int64)
    fresh = np.empty(picks.size, np.int64)
    fresh_batch = np.empty(picks.size if owner_batch.size > 0 else 0, np.int64)
    found = 0
    for x in range(picks.size):
        node = np.int64(row[picks[x]])
        batch = owner_batch[owner[x]] if owner_batch.size > 0 else 0
        place = _place(keys, node + batch * num_nodes)
        if keys[place] == EMPTY:
            keys[place], numbers[place] = node + batch * num_nodes, first + found
            fresh[found] = node
            if owner_batch.size > 0:
                fresh_batch[found] = batch
            found += 1
        local[x] = numbers[place]
    return local, fresh[:found].copy(), fresh_batch[: min(found, fresh_batch.size)].copy()


@_jit
def owners(starts: Any) -> Any:
    """For each pick the place of the node it was picked for."""
    out = np.empty(starts[-1], np.int64)
    for f in range(starts.size - 1):
        out[starts[f] : starts[f + 1]] = f
    return out


@_jit
def induced(keys: Any, numbers: Any, colptr: Any, row: Any, nodes: Any, batch: Any, num_src: Any) -> Any:
    """All edges between nodes of the sample: sources, destinations, positions."""
    counts = np.zeros(nodes.size + 1, np.int64)
    for f in range(nodes.size):
        offset = batch[f] * num_src if batch.size > 0 else 0
        count = 0
        for p in range(colptr[nodes[f]], colptr[nodes[f] + 1]):
            count += keys[_place(keys, row[p] + offset)] != EMPTY
        counts[f + 1] = counts[f] + count
    source, destination = np.empty(counts[-1], np.int64), np.empty(counts[-1], np.int64)
    position = np.empty(counts[-1], np.int64)
    for f in range(nodes.size):
        offset = batch[f] * num_src if batch.size > 0 else 0
        x = counts[f]
        for p in range(colptr[nodes[f]], colptr[nodes[f] + 1]):
            place = _place(keys, row[p] + offset)
            if keys[place] != EMPTY:
                source[x], destination[x], position[x] = numbers[place], f, p
                x += 1
    return source, destination, position
