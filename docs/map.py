"""The maps of docs/architecture.md and the table of packages in CONTRIBUTING, drawn from the imports of the code.

    python docs/map.py

A map shows what a package holds in rows: what stands in a row imports only from the rows below it. The sentences are
the first ones of the docstrings. A test compares every map with the code.
"""

import ast
import re
import sys
import textwrap
from html import escape
from pathlib import Path

import grimp
import networkx

ROOT = Path(__file__).parent.parent
MAPS = {
    ROOT / "docs" / "_static" / "maps" / f"{package.rpartition('.')[2]}.svg": package
    for package in ("graphattn", "graphattn.nn", "graphattn.ops", "graphattn.graph")
}
PAGES = [ROOT / "CONTRIBUTING.md"]
MARK = re.compile(r"(<!-- map: packages -->\n).*?(<!-- end of map -->)", re.DOTALL)

WIDTH, MARGIN, LINE, COLUMNS = 640, 12, 17, 3
FONT = "font-family='system-ui, sans-serif'"
CHARACTER = 6.6  # the mean width of one, of 12 pixels
FOLDER, FILE = ("#dcebf3", "#2a6f97"), ("#f7f7f7", "#b5b5b5")  # fill and border

_imports = grimp.build_graph("graphattn", include_external_packages=True, cache_dir=None)


def arrows(package: str) -> networkx.DiGraph:
    """Which of the files and folders of a package import which others of it."""
    members = _imports.find_children(package)
    graph = networkx.DiGraph()
    for member in sorted(members):
        if package != "graphattn" or _imports.find_children(member):  # of the whole, the packages only
            graph.add_node(member)
    for member in graph.nodes:
        for module in (member, *_imports.find_descendants(member)):
            for imported in _imports.find_modules_directly_imported_by(module):
                of = next((each for each in graph.nodes if f"{imported}.".startswith(f"{each}.")), member)
                if of != member:
                    graph.add_edge(member, of)
    return graph


def rows(package: str) -> list[list[str]]:
    """The files and folders of a package from the top down: each imports only from rows below its own."""
    graph = arrows(package)
    if not networkx.is_directed_acyclic_graph(graph):
        raise ValueError(f"{package} imports itself in a circle: {networkx.find_cycle(graph)}")
    height: dict[str, int] = {}
    for member in reversed(list(networkx.topological_sort(graph))):
        height[member] = 1 + max((height[below] for below in graph.successors(member)), default=-1)
    return [
        [each for each in sorted(height) if height[each] == at] for at in sorted(set(height.values()), reverse=True)
    ]


def face(module: str) -> str:
    """The first sentence of a module's docstring."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = " ".join((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split())
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0].replace("`", "").rstrip(".:")


def draw(package: str) -> str:
    """The map of a package, as SVG."""
    top, pieces = MARGIN, []
    graph = arrows(package)
    for members in rows(package):
        width = (WIDTH - MARGIN) / min(len(members), COLUMNS) - MARGIN
        for start in range(0, len(members), COLUMNS):
            group = members[start : start + COLUMNS]
            texts = [_text(each, graph if package == "graphattn" else None, width) for each in group]
            height = LINE * (1 + max(map(len, texts))) + 14
            for place, (member, lines) in enumerate(zip(group, texts, strict=True)):
                pieces.append(_box(member, lines, MARGIN + place * (width + MARGIN), top, width, height))
            top += height + (5 if start + COLUMNS < len(members) else 0)
        top += 18
    frame = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {top}' width='{WIDTH}' height='{top}' {FONT}>"
    )
    back = f"<rect width='{WIDTH}' height='{top}' rx='8' fill='white'/>"
    return "\n".join([frame, f"<title>What {package} holds</title>", back, *pieces, "</svg>", ""])


def _text(member: str, graph: networkx.DiGraph | None, width: float) -> list[tuple[str, str]]:
    """The lines under a name, with their colors: the first sentence, and, on the map of the whole, what it imports."""
    letters = int((width - 20) / CHARACTER)
    lines = [(line, "#333") for line in textwrap.wrap(face(member), letters)]
    if graph is not None and graph.out_degree(member):
        imports = "imports " + ", ".join(map(_short, sorted(graph.successors(member))))
        lines += [(line, "#777") for line in textwrap.wrap(imports, letters)]
    return lines


def _box(member: str, lines: list[tuple[str, str]], x: float, y: float, width: float, height: float) -> str:
    is_folder = bool(_imports.find_children(member))
    fill, border = FOLDER if is_folder else FILE
    name = _short(member) + ("/" if is_folder else ".py")
    rectangle = (
        f"<rect x='{x:.0f}' y='{y}' width='{width:.0f}' height='{height}' rx='5' fill='{fill}' stroke='{border}'/>"
    )
    parts = [f"<text x='{x + 10:.0f}' y='{y + 21}' font-size='13' font-weight='600' fill='#12354a'>{name}</text>"]
    for number, (line, color) in enumerate(lines, 1):
        place = f"x='{x + 10:.0f}' y='{y + 21 + LINE * number}'"
        parts.append(f"<text {place} font-size='12' fill='{color}'>{escape(line)}</text>")
    return "\n".join([rectangle, *parts])


def _short(module: str) -> str:
    return module.rpartition(".")[2]


def packages() -> str:
    """The table of packages: what each holds, what of the others it imports, and what from elsewhere."""
    graph = arrows("graphattn")
    lines = ["| package | what is in it | imports | from elsewhere |", "|---|---|---|---|"]
    for package in (each for row in rows("graphattn") for each in row):
        below = ", ".join(f"`{_short(each)}`" for each in sorted(graph.successors(package)))
        lines.append(f"| `{_short(package)}` | {face(package)} | {below} | {', '.join(elsewhere(package))} |")
    return "\n".join(lines) + "\n"


def elsewhere(package: str) -> list[str]:
    """The libraries that a package imports, at the top of a file or inside a function; those of PyTorch come along."""
    found = set()
    for module in (package, *_imports.find_descendants(package)):
        found |= {each.partition(".")[0] for each in _imports.find_modules_directly_imported_by(module)}
    return sorted(found - {"graphattn", "numpy", "typing_extensions", *sys.stdlib_module_names})


def written(text: str) -> str:
    """A page with its table as it should be."""
    return MARK.sub(lambda found: found[1] + packages() + found[2], text)


if __name__ == "__main__":
    for path, package in MAPS.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(draw(package), encoding="utf-8")
    for page in PAGES:
        page.write_text(written(page.read_text("utf-8")), encoding="utf-8")
