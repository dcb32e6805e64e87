"""Numbers that the pages state are those of the code."""

import re
from pathlib import Path

from graphattn.datasets import load
from graphattn.tasks.molecule.config import DEVICES, ModelConfig, TrainingConfig
from graphattn.tasks.molecule.split import METHODS

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = " ".join((DOCS / "guides" / "chemist.md").read_text(encoding="utf-8").split())
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def test_the_ensemble_of_the_guide():
    assert re.findall(r"`--ensemble`, (\w+) by default", GUIDE) == [WORDS[TrainingConfig().ensemble]]


def test_no_page_states_another_default_of_the_predictor():
    stated = {}
    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for option, value in re.findall(r"`--([a-z-]+)`?,? (\w+) by default", page.read_text(encoding="utf-8")):
            stated[option.replace("-", "_")] = value
    defaults = vars(TrainingConfig()) | vars(ModelConfig())
    for option, value in stated.items():
        default = defaults[option]
        assert value in (str(default), WORDS[default] if isinstance(default, int) and default < len(WORDS) else None)


def test_the_options_of_the_guide():
    from typer.main import get_command

    from graphattn.cli.main import app

    commands = get_command(app).commands
    known = {name for command in commands.values() for option in command.params for name in option.opts} | {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", GUIDE)) <= known
    assert set(re.findall(r"--split ([a-z]+)", GUIDE)) <= set(METHODS)
    assert set(re.findall(r"--device ([a-z]+)", GUIDE)) <= set(DEVICES)


def test_the_split_of_the_guide():
    from graphattn.chem.splits import _FRACTIONS

    shares = "/".join(f"{100 * share:.0f}" for share in _FRACTIONS)
    assert f"split {shares} into" in GUIDE


def test_the_size_of_esol():
    page = (DOCS / "quickstart.md").read_text(encoding="utf-8")
    assert re.findall(r"ESOL, ([\d,]+) measured molecules", page) == [f"{len(load('esol').frame):,}"]
