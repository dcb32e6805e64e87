"""How one call is timed: until it is steady, in turns, with what the system did meanwhile. No test looks at a clock."""

import types

import pytest
import torch

from graphattn.bench import measure
from graphattn.bench.measure import LEAST, MOST, TURNS, WARM_CALLS, Timing, finish, in_turns, repeat


class FakeClock:
    """A clock that calls set forward: the n-th call takes `seconds(n)`."""

    def __init__(self, seconds):
        self.seconds, self.now, self.calls = seconds, 0.0, 0

    def perf_counter(self):
        return self.now

    def call(self):
        self.calls += 1
        self.now += self.seconds(self.calls)


@pytest.fixture
def clock(monkeypatch):
    def made(seconds):
        fake = FakeClock(seconds)
        monkeypatch.setattr(measure, "time", fake)
        monkeypatch.setattr(measure, "resource", None)
        return fake

    return made


def test_ten_repetitions_at_least_and_as_many_as_the_seconds_ask(clock):
    fake = clock(lambda _: 0.25)
    assert repeat(fake.call, 0.0, "cpu").repetitions == LEAST
    assert repeat(fake.call, 6.0, "cpu").repetitions == 24
    fake = clock(lambda _: 0.0)
    assert repeat(fake.call, 10.0, "cpu").repetitions == MOST


def test_warm_up_goes_on_until_three_calls_agree(clock):
    slow = [0.5, 0.25, 0.125, 33 / 512, 1 / 16, 65 / 1024]  # the last three agree within 5 %
    fake = clock(lambda n: slow[n - 1] if n <= len(slow) else 1 / 16)
    found = repeat(fake.call, 0.0, "cpu")
    assert (found.warm_up, found.first, found.median, found.slowest) == (6, 0.5, 1 / 16, 1 / 16)


def test_warm_up_ends_though_the_calls_never_agree(clock):
    fake = clock(lambda n: 0.125 if n % 2 else 0.0625)
    assert repeat(fake.call, 0.0, "cpu").warm_up == WARM_CALLS
    fake = clock(lambda n: 40.0 if n % 2 else 20.0)  # which are seconds enough after three
    assert repeat(fake.call, 0.0, "cpu").warm_up == 3


def test_median_and_quartiles(clock):
    taken = iter([1.0] * 3 + list(range(1, 5)) + [9.0] + list(range(5, 8)) + [9.0] + [8, 9, 10])
    fake = clock(lambda _: next(taken))  # three to warm up; a nine at the start of a turn does not count
    found = repeat(fake.call, 0.0, "cpu")
    assert (found.low, found.median, found.high, found.repetitions) == (3.25, 5.5, 7.75, 10)
    assert found.spread == 2.25
    assert found.slowest == 10


def test_others_have_their_turns_in_between(clock):
    fake = clock(lambda _: 1.0)
    turns = in_turns(fake.call, 0.0, "cpu")
    counts = []
    while True:
        try:
            next(turns)
        except StopIteration as end:
            found = end.value
            break
        counts.append(fake.calls)
        fake.now += 1000.0  # what others take does not count
    assert len(counts) == TURNS - 1
    assert counts == [3 + 4, 3 + 4 + 1 + 3]
    assert (found.repetitions, found.median, found.slowest) == (10, 1.0, 1.0)
    assert finish(in_turns(fake.call, 0.0, "cpu")) == found


def test_faults_and_time_in_the_system_are_those_of_a_call(clock, monkeypatch):
    fake = clock(lambda _: 1.0)

    def getrusage(_):  # 3 and 1 faults and a quarter of a second each call
        return types.SimpleNamespace(ru_minflt=3 * fake.calls, ru_majflt=fake.calls, ru_stime=0.25 * fake.calls)

    monkeypatch.setattr(measure, "resource", types.SimpleNamespace(RUSAGE_SELF=0, getrusage=getrusage))
    found = repeat(fake.call, 0.0, "cpu")
    assert (found.minor_faults, found.major_faults, found.system) == (3, 1, 0.25)


def test_a_system_that_tells_nothing(clock):
    found = repeat(clock(lambda _: 1.0).call, 0.0, "cpu")
    assert found.minor_faults is found.major_faults is found.system is None


def test_on_a_gpu_its_own_clock_counts(monkeypatch):
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    found = repeat(lambda: torch.ones(3, device="cuda"), 0.0, "cuda")
    assert found.repetitions == LEAST
    assert found.median > 0


def test_files_of_earlier_versions():
    assert Timing.load({"median": 4.0, "spread": 0.5, "repetitions": 3}) == Timing(4.0, 3.5, 4.5, 3)
    assert Timing.load(None) is None
