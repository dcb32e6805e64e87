import xml.etree.ElementTree as ET

import numpy as np
import pytest

from graphattn.tasks.common import figures

VALUES = np.array([1.0, 2.0, 4.0])
HISTORY = [
    {"epoch": 1, "train_loss": 0.9, "valid_loss": 0.8},
    {"epoch": 2, "train_loss": 0.5, "valid_loss": 0.6},
    {"epoch": 3, "train_loss": 0.3, "valid_loss": 0.7},
]
DRAWINGS = {
    "parity": lambda: figures.parity_plot({"train": VALUES, "test": VALUES}, {"train": VALUES, "test": -VALUES}, "J"),
    "errors": lambda: figures.error_histogram(VALUES - 2, "J"),
    "roc": lambda: figures.roc_plot({"area 0.500": (np.array([0.0, 1.0]), np.array([0.0, 1.0]))}),
    "probabilities": lambda: figures.probability_histogram(np.array([0.1, 0.9]), np.array([0.0, 1.0])),
    "learning": lambda: figures.learning_curve([HISTORY, HISTORY[:1]]),
}


LONG = {
    "many classes": lambda: figures.probability_histogram(
        np.linspace(0, 1, 60), np.tile([0.0, 1.0], 30), ("a" * 40, "not " + "a" * 40)
    ),
    "a long unit": lambda: figures.error_histogram(VALUES * 1e6, "micrograms per cubic decimeter of air"),
}


@pytest.mark.parametrize("draw", [*DRAWINGS.values(), *LONG.values()], ids=[*DRAWINGS, *LONG])
def test_no_legend_covers_what_is_drawn_or_is_cut_off(draw, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "to_svg", lambda figure, title: drawn.append(figure))
    draw()
    (figure,) = drawn
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend().get_window_extent()
    assert legend.y0 >= axes.get_window_extent().y1
    assert legend.y1 <= figure.bbox.y1
    assert legend.x0 >= figure.bbox.x0
    assert legend.x1 <= figure.bbox.x1


@pytest.mark.parametrize("name", DRAWINGS)
def test_svg_stands_alone_takes_the_pages_colors_and_is_the_same_every_time(name):
    svg = DRAWINGS[name]()
    ET.fromstring(svg)
    assert svg.startswith('<svg viewBox="')
    assert "var(--accent)" in svg
    assert "#040404" not in svg
    assert "http" not in svg
    assert svg == DRAWINGS[name]()


def test_unit_and_text_stay_text():
    assert ">measured (J)<" in DRAWINGS["parity"]()


def test_no_error_at_all_can_be_drawn():
    ET.fromstring(figures.error_histogram(np.zeros(3), ""))


def test_a_large_training_part_is_thinned():
    many = np.linspace(0, 1, 50_000)
    svg = figures.parity_plot({"train": many, "test": VALUES}, {"train": many, "test": VALUES}, "")
    assert svg.count("<use") < 2500


def test_intervals_and_reliability_are_drawn():
    values = np.array([0.0, 1.0, 2.0])
    parts = {"train": values, "test": values}
    plain = figures.parity_plot(parts, parts, "K")
    assert figures.parity_plot(parts, parts, "K", (values - 1, values + 1)) != plain
    drawn = figures.reliability_plot(values / 2, values / 2, values / 4, values / 4 + 0.5, "active $1")
    assert "share of class active $1" in drawn
