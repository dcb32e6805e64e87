"""What else the machine does."""

from graphattn.bench import machine
from graphattn.bench.measure import finish


def test_others_share_of_the_processors(monkeypatch):
    readings = iter([(100.0, 40.0, 10.0), (110.0, 48.0, 13.0)])  # of 10 s, 8 busy, of which 3 our own
    monkeypatch.setattr(machine.Watch, "_read", staticmethod(lambda: next(readings)))
    watch = machine.Watch()
    watch.pause()
    assert watch.disturbed() == 0.5


def test_only_its_own_turns_are_watched(monkeypatch):
    # made; first turn, 10 s, of 8 busy 4 our own; in between others take all of 90 s; second turn, 10 s all our own
    readings = iter([(0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (10.0, 8.0, 4.0), (100.0, 98.0, 4.0), (110.0, 108.0, 14.0)])
    monkeypatch.setattr(machine.Watch, "_read", staticmethod(lambda: next(readings)))

    def turns():
        yield
        return "done"

    watch = machine.Watch()
    assert finish(watch.over(turns())) == "done"
    assert watch.disturbed() == 0.2
