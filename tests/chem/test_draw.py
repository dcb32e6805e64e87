import xml.etree.ElementTree as ET

import numpy as np
import pytest

from graphattn.chem import SmilesError, draw_grid, draw_molecule


def discs(svg):
    """Fill colors of the discs, by atom."""
    ellipses = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}ellipse")
    return {e.get("class"): e.get("style").split("fill:")[1][:7] for e in ellipses}


def test_svg_of_the_asked_size_without_xml_declaration():
    svg = draw_molecule(" CCO ", size=(211, 157))
    assert svg.startswith("<svg")
    root = ET.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("211px", "157px")
    assert discs(svg) == {}


def test_discs_are_orange_above_zero_and_blue_below():
    colors = discs(draw_molecule("CCO", atom_weights=[0.5, 0, -2]))
    assert set(colors) == {"atom-0", "atom-2"}  # none for weight zero

    def rgb(atom):
        return [int(colors[f"atom-{atom}"][i : i + 2], 16) for i in (1, 3, 5)]

    assert rgb(2) == [66, 140, 216]  # the largest has full color
    red, _, blue = rgb(0)
    assert red > blue > 200  # a quarter as strong: pale


def test_all_weights_zero():
    assert discs(draw_molecule("CCO", atom_weights=np.zeros(3))) == {}


def test_legend_is_drawn_and_any_character_survives():
    plain = draw_molecule("CCO")
    for legend in ("-2", "−2", "a <b> & é"):
        svg = draw_molecule("CCO", legend=legend)
        ET.fromstring(svg)
        assert len(svg) > len(plain)
    assert draw_molecule("CCO", legend="−2") == draw_molecule("CCO", legend="-2")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"one number per atom, shape \[3\], got shape \[2\]"),
        ([1, 2, np.nan], "must be finite, got nan for atom 2"),
        ([1, np.inf, 0], "must be finite, got inf for atom 1"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        draw_molecule("CCO", atom_weights=weights)


def test_bad_molecule_and_size():
    with pytest.raises(SmilesError):
        draw_molecule("C1")
    with pytest.raises(ValueError, match="size must be at least 1 by 1 pixel, got 0 by 5"):
        draw_molecule("C", size=(0, 5))


def test_grid_size():
    root = ET.fromstring(draw_grid(["C", "CC", "CCC", "CO", "CN"], columns=3, size=(101, 53)))
    assert (root.get("width"), root.get("height")) == ("303px", "106px")
    root = ET.fromstring(draw_grid(["C"], columns=3, size=(101, 53), legends=["methane"]))
    assert (root.get("width"), root.get("height")) == ("101px", "53px")


def test_grid_bad_input():
    with pytest.raises(ValueError, match="at least one molecule"):
        draw_grid([])
    with pytest.raises(ValueError, match="legends must be one per molecule, 2, got 1"):
        draw_grid(["C", "N"], legends=["a"])
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        draw_grid(["C"], columns=0)
    with pytest.raises(SmilesError, match="molecule 1"):
        draw_grid(["C", ""])
