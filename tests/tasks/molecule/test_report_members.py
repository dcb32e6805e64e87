from types import SimpleNamespace

from graphattn.tasks.molecule.report_members import members_table

FIGURES = {"rmse": 1.0, "mae": 0.5, "r2": 0.25}


def test_each_member_its_weight_and_its_figures():
    members = {
        "network": {"weight": 0.75, "test": FIGURES, "out_of_fold": {"rmse": 2.0}},
        "svr": {"weight": 0.25, "test": FIGURES, "out_of_fold": {"rmse": 3.0}},
    }
    fitted = SimpleNamespace(task="regression", target_columns=["y"], metrics={"members": members})
    cells = "<td>graph network</td><td>0.75</td><td>1.000</td><td>0.500</td><td>0.250</td><td>2.000</td>"
    assert cells in members_table(fitted)
    assert "<td>support vectors</td><td>0.25</td>" in members_table(fitted)


def test_a_single_member_needs_no_table():
    fitted = SimpleNamespace(task="regression", target_columns=["y"], metrics={"members": {"network": {}}})
    assert members_table(fitted) == ""
