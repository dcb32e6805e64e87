import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from graphattn.tasks.molecule import MoleculePredictor
from graphattn.tasks.molecule.report import write_report

BASELINES = {"mean": {"rmse": 2.0, "mae": 1.5, "r2": -0.1}, "random_forest": {"rmse": 0.01, "mae": 0.01, "r2": 0.99}}


class Outside(HTMLParser):
    """Collect what the page would load from elsewhere."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value[:1] != "#"]
        if tag in ("script", "link", "iframe", "img"):
            self.found.append(tag)


def with_baselines(predictor):
    copy = MoleculePredictor(predictor.model, predictor.training)
    copy.outcome = predictor.outcome
    copy.fitted = replace(predictor.fitted, metrics={**predictor.fitted.metrics, "baselines": BASELINES})
    return copy


def test_regression_page(fitted, tmp_path):
    write_report(tmp_path / "r.html", with_baselines(fitted))
    page = (tmp_path / "r.html").read_text("utf-8")
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert "url(" not in page.replace("url(#", "")
    assert "$" not in re.sub(r"<code>.*?</code>", "", page)  # nothing of the template is left
    assert '<td class="best">0.010</td>' in page  # the rival is better, and the page says so
    assert "the random forest" in page
    assert "95 % interval" in page
    assert "drawn at random" in page
    assert "no row was left out" in page
    assert page.count('class="card molecule"') == 4  # four test molecules: two of the worst, two of the best
    write_report(tmp_path / "again.html", with_baselines(fitted))
    assert (tmp_path / "again.html").read_text("utf-8") == page


def test_classification_page_with_awkward_names(frame, model_config, training_config, tmp_path):
    name = "<b>soluble</b> & $well"
    table = frame.rename(columns={"soluble": name})
    one = replace(training_config, ensemble=1, epochs=1)
    predictor = MoleculePredictor(model_config, one).fit(table, target_columns=[name], split="stratified")
    write_report(tmp_path / "r.html", predictor)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "&lt;b&gt;soluble&lt;/b&gt; &amp; $well" in page
    assert "<b>soluble" not in page
    assert "ROC" in page


def test_several_targets(frame, model_config, training_config, tmp_path):
    table = frame.assign(twice=2 * frame["logS"])
    one = replace(training_config, ensemble=1, epochs=1)
    predictor = MoleculePredictor(model_config, one).fit(table, target_columns=["logS", "twice"], split="random")
    write_report(tmp_path / "r.html", predictor)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "<h2>twice</h2>" in page
    assert "graphattn, each target" in page


def test_a_loaded_predictor_cannot_report(fitted, tmp_path):
    fitted.save(tmp_path)
    with pytest.raises(ValueError, match="fitted here"):
        write_report(tmp_path / "r.html", MoleculePredictor.load(tmp_path))
