"""Kernel code for scores that a user wrote: emitted from the traced expression and registered beside the built-in ones.

For each edge the sums over the width are computed first, for all heads, and kept in `hidden`; then the expression, head
by head. The pass back goes the same way: the derivative by each sum, for all heads, then what each sum adds to the
gradients of the query or key.
"""

from __future__ import annotations

import linecache
from typing import Any

from numba import njit

from graphattn.ops.custom_score import DESTINATION, HEAD, SOURCE, Program, program_of
from graphattn.ops.custom_score import K as KEY
from graphattn.ops.custom_score import Q as QUERY
from graphattn.ops.expression import ONE, SYMBOLS, ZERO, Node, apply, derivative, walk
from graphattn.ops.numba import exponential, scores
from graphattn.ops.numba.edges import U
from graphattn.ops.numba.elementwise import set_to
from graphattn.ops.numba.heads import add_dots, add_to_keys, add_to_queries
from graphattn.ops.numba.helper import HELPER, inlined
from graphattn.ops.numba.vector import at, shifted

_FAST = njit(**HELPER, forceinline=True, fastmath={"contract", "reassoc", "nsz"})  # sums over the width, in any order
_DOT = apply("mul", QUERY, KEY)
_OF_VECTOR = """\
    if g.vector != 0:
        of_vector = shifted(at(g.vector, p.number), task * room_of_vector_(p))
"""
_registered: set[str] = set()


def register(name: str) -> None:
    """Make kernels for the program of this name, unless there are."""
    if name in _registered:
        return
    program = program_of(name)
    module = _run(_emit(program), name)
    for function in (
        scores.room_of_tile,
        scores.room_of_vector,
        scores.start_tile,
        scores.end_tile,
        scores.scores_of_edge,
        scores.slopes_of_inputs,
        scores.add_to_source,
        scores.add_to_destination,
    ):
        scores.for_score(function, name)(module[function.__name__])
    _registered.add(name)


def _run(source: str, name: str) -> dict[str, Any]:
    """The functions that a piece of source code defines; debuggers and errors show its lines."""
    file = f"<score {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    module: dict[str, Any] = {
        "__name__": f"graphattn.ops.numba.generated_{name.partition(':')[2]}",
        "U": U, "at": at, "shifted": shifted, "set_to": set_to, "add_dots": add_dots,
        "add_to_keys": add_to_keys, "add_to_queries": add_to_queries, "TILE": scores.TILE, "ONE": U(1),
        "inlined": inlined, "fast": _FAST,
    }  # fmt: skip
    module |= {"exp_": exponential.exp, "log_": exponential.log, "tanh_": exponential.tanh}
    exec("import math\n" + source, module)
    return module


class _Lines:
    """Straight-line code that computes expressions, each node once."""

    def __init__(self, leaves: dict[Node, str]) -> None:
        self.lines: list[str] = []
        self.names = dict(leaves)

    def of(self, root: Node) -> str:
        """The name of the variable that holds the value of an expression."""
        for node in walk(root):
            if node not in self.names:
                self.names[node] = name = f"x{len(self.names)}"
                self.lines.append(f"{name} = {self._code(node)}")
        return self.names[root]

    def _code(self, node: Node) -> str:
        args = [self.names[arg] for arg in node.args]
        if node.op == "const":
            return f"number({node.value!r})" if node.value == node.value else "number(math.nan)"
        if node.op in SYMBOLS:
            return f"{args[0]} {SYMBOLS[node.op]} {args[1]}"
        if node.op == "where":
            return f"{args[1]} if {args[0]} else {args[2]}"
        if node.op == "neg":
            return f"-{args[0]}"
        if node.op == "sigmoid":
            return f"number(1) / (number(1) + exp_(-{args[0]}))"
        if node.op == "abs":
            return f"abs({args[0]})"
        own = {"exp": "exp_", "log": "log_", "tanh": "tanh_"}
        return f"{own.get(node.op, 'math.' + node.op)}({args[0]})"


def _indented(lines: list[str], depth: int) -> str:
    return "".join("    " * depth + line + "\n" for line in lines)


def _inner(node: Node, program: Program) -> tuple[dict[Node, str], str]:
    """How the numbers of one place of the width are read, and by which arguments."""
    leaves = {QUERY: "qd", KEY: "kd"}
    for place, name in enumerate(program.weights):
        leaves[Node("weight", (), name)] = f"w[{place} * slot + first_w + d]"
    return leaves, "q, first_q, k, first_k, w, first_w, slot, D, number"


def _sum_function(place: int, node: Node, program: Program) -> str:
    leaves, arguments = _inner(node, program)
    lines = _Lines(leaves)
    value = lines.of(node)
    return (
        f"@fast\ndef sum_{place}({arguments}):\n    total = number(0)\n    for d in range(D):\n"
        f"        qd, kd = q[first_q + d], k[first_k + d]\n{_indented(lines.lines, 2)}"
        f"        total += {value}\n    return total\n\n"
    )


def _slope_function(kind: str, place: int, slope: Node, program: Program) -> str:
    """g[first_g + d] += factor · slope for each place d of the width."""
    leaves, arguments = _inner(slope, program)
    lines = _Lines(leaves)
    value = lines.of(slope)
    return (
        f"@fast\ndef {kind}_{place}(factor, g, first_g, {arguments}):\n    for d in range(D):\n"
        f"        qd, kd = q[first_q + d], k[first_k + d]\n{_indented(lines.lines, 2)}"
        f"        g[first_g + d] += factor * {value}\n\n"
    )


def _outer(program: Program) -> dict[Node, str]:
    """How the leaves of the expression of one edge and head h are read."""
    leaves = {Node("scale", (), "scale"): "p.scale"}
    for place, node in enumerate(program.reductions):
        leaves[node] = f"sums[{place} * H + h]"
    for node, column in _columns(program).items():
        leaves[node] = f"attr[edge * A + {column}]"
    for place, name in enumerate(program.heads):
        leaves[Node("head", (), f"head[{name}]")] = f"vector[{_head_place(program, place)}]"
    return leaves | {SOURCE: "number(j)", DESTINATION: "number(i)", HEAD: "number(h)"}


def _columns(program: Program) -> dict[Node, str]:
    """Where each number of an edge is among its A, as code."""
    found, alone, per_head = {}, 0, 0
    for kind, name, each in program.columns:
        before = f"{alone} + {per_head} * H"
        found[Node(kind, (), f"{kind}[{name}]")] = f"{before} + h" if each else before
        alone, per_head = alone + (not each), per_head + each
    return {node: f"U({place})" if place.isdigit() else place for node, place in found.items()}


def _head_place(program: Program, place: int) -> str:
    """Where the number of head h is in the slots, [S, H, D]."""
    return f"(({len(program.weights)} + {place} // D) * H + h) * D + {place} % D"


def _emit(program: Program) -> str:
    count = len(program.reductions)
    source = ""
    for place, node in enumerate(program.reductions):
        if node.value is not _DOT:
            source += _sum_function(place, node.value, program)
            for kind, leaf in (("query", QUERY), ("key", KEY)):
                source += _slope_function(kind, place, derivative(node.value, leaf), program)
        for name in program.weights:
            slope = derivative(node.value, Node("weight", (), name))
            if slope is not ZERO:
                source += _slope_function(f"weight_{program.weights.index(name)}", place, slope, program)
    sizes = (
        "    H, D, group = U(p.heads), U(p.width), U(p.group)\n"
        "    Hk, A, number = U(p.key_heads), U(p.attr_width), type(p.number)\n"
        "    q, k, slot = at(p.q, p.number), at(p.k, p.number), H * D\n"
        "    vector, attr = at(p.vector, p.number), at(p.edge_attr, p.number)\n"
    )
    where = "q, (i * H + h) * D, k, (j * Hk + h // group) * D, vector, h * D, slot, D, number"
    source += _sums(program, sizes, where)
    source += f"def room_of_tile(p):\n    return U({count}) * (TILE + ONE) * U(p.heads) + U(p.heads)\n\n"
    slots = f"U({len(program.weights)}) + (U({len(program.heads)}) + U(p.width) - ONE) // U(p.width)"
    source += f"def room_of_vector(p):\n    return ({slots}) * U(p.heads) * U(p.width)\n\n"
    source += "def start_tile(p, edges, first, last, hidden):\n    pass\n\n"
    source += "def end_tile(p, g, task, edges, first, last, hidden):\n    pass\n\n"
    source += "def slopes_of_inputs(p, i, j, edge, t, hidden, slopes, y):\n    pass\n\n"
    value = _Lines(_outer(program))
    result = value.of(program.root)
    source += (
        f"def scores_of_edge(p, i, j, edge, t, hidden, scores, y):\n{sizes}"
        f"    sums = shifted(hidden, t * U({count}) * H)\n    sums_into(p, i, j, sums)\n    for h in range(H):\n"
        f"{_indented(value.lines, 2)}        scores[y + h] = number({result})\n"
        "    if p.bias != 0:\n        bias = at(p.bias, p.number)\n"
        "        for h in range(H):\n            scores[y + h] += bias[edge * H + h]\n\n"
    )
    source += _source_pass(program, sizes, where)
    source += _destination_pass(program, sizes, where)
    return source


def _sums(program: Program, sizes: str, where: str) -> str:
    """sums_into: all sums over the width of one edge, [sum, head]."""
    body = ""
    for place, node in enumerate(program.reductions):
        if node.value is _DOT:
            body += f"    set_to(sums, U({place}) * H, number(0), H)\n"
            body += f"    add_dots(number(1), q, i, k, j, D, group, Hk, sums, U({place}) * H)\n"
        else:
            body += f"    for h in range(H):\n        sums[U({place}) * H + h] = sum_{place}({where})\n"
    return f"@inlined\ndef sums_into(p, i, j, sums):\n{sizes}{body}    return\n\n"


def _slopes(program: Program, wanted: dict[Node, str]) -> str:
    """Code that puts slope · ∂ score / ∂ leaf, where it is not 0, into the target of each leaf, for each head."""
    lines, ends = _Lines(_outer(program)), []
    for leaf, target in wanted.items():
        slope = derivative(program.root, leaf)
        if slope is not ZERO:
            factor = "slopes[y + h]" if slope is ONE else f"slopes[y + h] * {lines.of(slope)}"
            ends.append(target.format(f"number({factor})"))
    if not ends:
        return ""
    return f"    for h in range(H):\n{_indented([*lines.lines, *ends], 2)}"


def _source_pass(program: Program, sizes: str, where: str) -> str:
    count = len(program.reductions)
    body = f"    sums, factors = shifted(hidden, t * U({count}) * H), shifted(hidden, TILE * U({count}) * H)\n"
    wanted = {node: f"factors[U({place}) * H + h] = {{}}" for place, node in enumerate(program.reductions)}
    body += _slopes(program, wanted)
    for place, node in enumerate(program.reductions):
        if derivative(program.root, node) is ZERO:
            continue
        factor = f"factors[U({place}) * H + h]"
        if node.value is _DOT:
            body += "    if g.k != 0:\n"
            body += (
                f"        add_to_keys(number(1), factors, U({place}) * H, q, i, at(g.k, p.number), row, D, group, Hk)\n"
            )
        elif derivative(node.value, KEY) is not ZERO:
            body += "    if g.k != 0:\n        keys = at(g.k, p.number)\n        for h in range(H):\n"
            body += f"            key_{place}({factor}, keys, (row * Hk + h // group) * D, {where})\n"
        for slot, name in enumerate(program.weights):
            if derivative(node.value, Node("weight", (), name)) is not ZERO:
                body += _OF_VECTOR + "        for h in range(H):\n"
                body += f"            weight_{slot}_{place}({factor}, of_vector, ({slot} * H + h) * D, {where})\n"
    heads = {
        Node("head", (), f"head[{name}]"): f"of_vector[{_head_place(program, place)}] += {{}}"
        for place, name in enumerate(program.heads)
    }
    added = _slopes(program, heads)
    if added:
        body += _OF_VECTOR + _deeper(added)
    columns = {node: f"of_edges[edge * A + {place}] += {{}}" for node, place in _columns(program).items()}
    added = _slopes(program, columns)
    if added:
        body += "    if g.edge_attr != 0:\n        of_edges = at(g.edge_attr, p.number)\n" + _deeper(added)
    slots = f"(U({len(program.weights)}) + (U({len(program.heads)}) + U(p.width) - ONE) // U(p.width))"
    room = f"@inlined\ndef room_of_vector_(p):\n    return {slots} * U(p.heads) * U(p.width)\n\n"
    return f"{room}def add_to_source(p, g, task, row, i, j, edge, t, hidden, slopes, y):\n{sizes}{body}    return\n\n"


def _deeper(code: str) -> str:
    return "".join(f"    {line}\n" for line in code.splitlines())


def _destination_pass(program: Program, sizes: str, where: str) -> str:
    count = len(program.reductions)
    body = f"    sums, factors = shifted(hidden, t * U({count}) * H), shifted(hidden, TILE * U({count}) * H)\n"
    slopes = [derivative(program.root, node) for node in program.reductions]
    if any(leaf in program.reductions for slope in slopes for leaf in walk(slope)):
        body += "    sums_into(p, i, j, sums)\n"
    body += _slopes(program, {node: f"factors[U({n}) * H + h] = {{}}" for n, node in enumerate(program.reductions)})
    for place, node in enumerate(program.reductions):
        if slopes[place] is ZERO:
            continue
        if node.value is _DOT:
            body += (
                f"    add_to_queries(number(1), factors, U({place}) * H, at(g.q, p.number), row, k, j, D, group, Hk)\n"
            )
        elif derivative(node.value, QUERY) is not ZERO:
            body += "    queries = at(g.q, p.number)\n    for h in range(H):\n"
            body += f"        query_{place}(factors[U({place}) * H + h], queries, (row * H + h) * D, {where})\n"
    return (
        "def add_to_destination(p, g, row, i, j, edge, t, hidden, slopes, y):\n"
        f"{sizes}    if g.q == 0:\n        return\n{body}    return\n"
    )
