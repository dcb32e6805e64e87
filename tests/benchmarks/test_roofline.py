"""The least that any program must move."""

from graphattn.bench.case import Case
from graphattn.bench.result import Facts
from graphattn.bench.roofline import forward_bytes


def test_roofline_counts_every_byte():
    facts = Facts("", num_dst=3, num_src=5, num_edges=7, largest=4, empty=0)
    assert forward_bytes(Case("", "dot", 2, 4), facts) == 4 * (7 * 16 + 3 * 16 + 3 * 2) + 4 * (7 + 3)
    assert forward_bytes(Case("", "sum", 2, 4), facts) == 4 * (7 * 10 + 3 * 10 + 3 * 2) + 4 * (7 + 3)
    assert forward_bytes(Case("", "additive", 2, 4), facts) == 4 * (7 * 8 + 3 * 16 + 3 * 2) + 4 * (7 + 3)
