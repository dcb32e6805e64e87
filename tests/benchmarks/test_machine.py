"""What else the machine does."""

from graphattn.bench import machine


def test_others_share_of_the_processors(monkeypatch):
    readings = iter([(100.0, 40.0, 10.0), (110.0, 48.0, 13.0)])  # of 10 s, 8 busy, of which 3 our own
    monkeypatch.setattr(machine.Watch, "_read", staticmethod(lambda: next(readings)))
    assert machine.Watch().disturbed() == 0.5
