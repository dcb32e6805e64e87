"""Backends that refuse every call, for the others to be met."""

from dataclasses import replace

from graphattn.ops import dispatch


def pass_over(monkeypatch, name):
    """Calls find the backend of that name unable to run them."""
    refusing = {each: replace(each, refusal=lambda call: "no") for each in dispatch.BACKENDS if each.name == name}
    monkeypatch.setattr(dispatch, "BACKENDS", tuple(refusing.get(each, each) for each in dispatch.BACKENDS))
    monkeypatch.setattr(dispatch, "NUMBA", refusing.get(dispatch.NUMBA, dispatch.NUMBA))
