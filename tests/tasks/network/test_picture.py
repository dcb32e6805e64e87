"""Pictures: every kind of file, the user's ids, and nothing of the user's text taken for markup."""

import re
import xml.etree.ElementTree as ET

import pytest

from graphattn.tasks.common.errors import SettingsError
from graphattn.tasks.network.picture import Edge, Node, Picture, color, to_svg, whole, write_picture


@pytest.fixture
def picture():
    nodes = [
        Node(-1, 0, "<7>", 0, "<7>: predicted a&b"),
        Node(1, 0.4, "007", 1, "007: no label", wrong=True),
        Node(0, -0.4, "a long $identifier$", 9, "third", center=True),
    ]
    edges = [Edge(0, 1, 1.0, "<7> – 007"), Edge(1, 2, 0.2, "007 – third")]
    return Picture(nodes, edges, [f"class {number}" for number in range(10)], "a <heading>", "a note")


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("html", b"<!doctype html>")]
)
def test_files(picture, suffix, start, tmp_path):
    path = tmp_path / f"node.{suffix}"
    write_picture(path, picture)
    assert path.read_bytes().startswith(start)


def test_another_kind_of_file(picture, tmp_path):
    with pytest.raises(SettingsError, match=r"must end in \.png, \.svg, \.pdf, \.html, got 'node\.gif'"):
        write_picture(tmp_path / "node.gif", picture)


def test_the_svg_is_well_formed_and_holds_the_ids(picture):
    tree = ET.fromstring(to_svg(picture))
    titles = [each.text for each in tree.iter("title")]
    assert titles == ["<7> – 007", "007 – third", "<7>: predicted a&b", "007: no label", "third"]
    texts = [each.text for each in tree.iter("text")]
    assert texts[:3] == ["<7>", "007", "a long $ide…"]
    width, height = map(float, tree.get("viewBox").split()[2:])
    assert width == 640 and height < width


def test_the_ninth_class_is_gray():
    assert len({color(kind) for kind in range(7)}) == 7
    assert color(7) == color(8) == color(-1)


def test_lines_are_as_thick_as_the_weights():
    import numpy as np

    made = whole(
        ids=("x", "y", "z"), edge_index=np.array([[0, 1, 2], [1, 2, 2]]), weights=[4.0, 1.0, 9.0], predicted=[0, 1, 1],
        confidence=[0.9, 0.6, 0.7], actual=["a", None, "a"], classes=("a", "b"), heading="three",
    )  # fmt: skip
    assert [edge.width for edge in made.edges] == [4 / 9, 1 / 9]  # the self-loop is not drawn
    assert [node.wrong for node in made.nodes] == [False, False, True]
    widths = [float(each) for each in re.findall(r'stroke-width="([\d.]+)" stroke-opacity', to_svg(made))]
    assert widths[0] > widths[1]
