import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from graphattn.tasks.common.table import Table, parse_table
from graphattn.tasks.molecule import TableError
from graphattn.tasks.molecule.evaluation import evaluate_table


def table_of(**columns) -> Table:
    rows = [[str(cell) for cell in cells] for cells in zip(*columns.values(), strict=True)]
    return Table("t.csv", list(columns), rows, list(range(2, len(rows) + 2)))


MEASURED = np.array([1.0, 2.5, -3.0, 4.0, 0.5, 2.0])
PREDICTED = MEASURED + np.array([0.1, -0.4, 0.3, 0.2, -0.6, 0.0])


def test_the_metrics_of_numbers_are_scikit_learns():
    found = evaluate_table(table_of(y=MEASURED, y_predicted=PREDICTED), "y")
    assert (found.task, found.prediction, found.values) == ("regression", "y_predicted", 6)
    assert found.metrics["rmse"] == pytest.approx(root_mean_squared_error(MEASURED, PREDICTED))
    assert found.metrics["mae"] == pytest.approx(mean_absolute_error(MEASURED, PREDICTED))
    assert found.metrics["r2"] == pytest.approx(r2_score(MEASURED, PREDICTED))
    for name, (low, high) in found.intervals.items():
        assert low <= found.metrics[name] <= high
    assert found.coverage is None


def test_rows_without_a_value_or_a_prediction_do_not_count():
    whole = evaluate_table(table_of(y=MEASURED, p=PREDICTED), "y", "p")
    found = evaluate_table(table_of(y=["", "7", *MEASURED], p=["1", "", *PREDICTED]), "y", "p")
    assert (found.values, found.unmeasured, found.unpredicted) == (6, 1, 1)
    assert found.metrics == whole.metrics


def test_the_intervals_of_the_table_are_counted():
    found = evaluate_table(
        table_of(y=[1, 2, 3, 4], y_predicted=[1, 2, 3, 4.5], y_low=[0, 1, 2, 4.2], y_high=[2, 3, 4, 5]), "y"
    )
    assert found.coverage["held"] == 0.75


def test_probabilities_and_labels_of_classes():
    labels, scores = ["no", "yes", "no", "yes", "yes"], [0.2, 0.9, 0.6, 0.5, 0.7]
    found = evaluate_table(table_of(toxic=labels, toxic_predicted=labels, toxic_probability=scores), "toxic")
    assert (found.task, found.prediction) == ("classification", "toxic_probability")
    assert found.metrics["roc_auc"] == pytest.approx(roc_auc_score([label == "yes" for label in labels], scores))
    told = evaluate_table(table_of(toxic=labels, said=["no", "yes", "yes", "yes", "no"]), "toxic", "said")
    assert told.metrics["accuracy"] == pytest.approx(3 / 5)
    assert any("holds labels, not probabilities" in note for note in told.notes)


def test_decimal_commas_and_shifted_rows():
    text = "y;p\n1,5;1,25\n2,5;2,75\n0,5;0,5;9\n"
    found = evaluate_table(parse_table(text.encode(), "t.csv"), "y", "p")
    assert found.metrics["rmse"] == pytest.approx(0.25)
    assert any("1 row with more values than the header" in note for note in found.notes)


@pytest.mark.parametrize(
    ("columns", "prediction", "message"),
    [
        ({"y": [1, 2], "z": [1, 2]}, None, "no 'y_predicted'; the other columns are 'z'"),
        ({"y": [1, 2], "z": [1, 2]}, "y", "cannot be both"),
        ({"y": ["", ""], "z": [1, 2]}, "z", "no row has a value"),
        ({"y": [1.5, ""], "z": ["", 2]}, "z", "no row has both"),
        ({"y": ["yes", "yes"], "z": [1, 1]}, "z", "with one class there is nothing to compare"),
        ({"y": ["yes", "no"], "z": [1, 1.5]}, "z", "line 2, column 'z'.*no probability between 0 and 1"),
        ({"y": [1.5, 2], "z": [1, "n.d."]}, "z", "line 3, column 'z': 'n.d.' is not a number"),
    ],
)
def test_what_cannot_be_compared_is_said(columns, prediction, message):
    with pytest.raises(TableError, match=message):
        evaluate_table(table_of(**columns), "y", prediction)
