"""Functions that take turns, in a module that a fresh process can import."""

import os


def count_turns(turns):
    """How many turns it had after its first, and in which process."""
    taken = 0
    for _ in range(turns):
        yield
        taken += 1
    return taken, os.getpid()


def fail_in_turn(turn):
    for number in range(turn + 1):
        if number == turn:
            raise RuntimeError(f"turn {number}")
        yield
