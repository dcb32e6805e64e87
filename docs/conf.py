"""How Sphinx builds this site: `make docs`."""

from __future__ import annotations

import re
from typing import Any

from graphattn.version import __version__

project = "graphattn"
author = "The graphattn developers"
project_copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_parser",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
default_role = "py:obj"  # `name` in a docstring links to what bears that name, and is code otherwise

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Shapes", "Shapes")]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"graphattn {release}"
html_static_path = ["_static"]
html_css_files = ["graphattn.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2a6f97", "color-brand-content": "#2a6f97"},
    "dark_css_variables": {"color-brand-primary": "#89c2d9", "color-brand-content": "#89c2d9"},
}


def mark_formulas(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep the lines of an indented formula apart, as the docstring shows them.

    A docstring sets formulas off as Markdown does: a blank line, then an indented block. To reStructuredText that is
    a quotation, whose lines run together; a `::` before it makes it a literal block.
    """
    result: list[str] = []
    text_before = ""  # the last line that is not empty
    for line in lines:
        starts_block = line.startswith("    ") and result and not result[-1]
        if starts_block and text_before and not text_before.startswith(" ") and not _is_section(text_before):
            result += ["::", ""]
        result.append(line)
        text_before = line or text_before
    lines[:] = result


def _is_section(line: str) -> bool:
    return re.fullmatch(r"[A-Z][a-z]+:", line) is not None


def setup(app: Any) -> None:
    """Add the above to autodoc, ahead of napoleon, which has priority 500."""
    app.connect("autodoc-process-docstring", mark_formulas, priority=400)
