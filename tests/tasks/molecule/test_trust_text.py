"""What is said of each kind of model, in whole sentences."""

from types import SimpleNamespace

from graphattn.tasks.molecule.trust_text import trust_lines

COVERED = {"level": 0.9, "values": 100, "held": 0.91, "chance": [0.84, 0.95], "half_width": 0.5}


def lines(metrics, *, columns=("y",), networks=5, within=None, unit=None):
    data = {"parts": {"test": 113}, "within_std": within, "unit": unit}
    return trust_lines(
        SimpleNamespace(metrics=metrics, target_columns=list(columns), weights=[{}] * networks, data=data)
    )


def test_regression():
    assert lines({"intervals": {"y": COVERED}, "beyond_training": 2}, unit="K") == [
        "90% intervals hold 91% of 100 test values, in the median ±0.5 K; 84% to 95% is within chance.",
        "2 of 113 test molecules are beyond what was trained on; see the column remark.",
    ]
    first, second = lines({"intervals": {"y": COVERED, "z": COVERED}}, columns=("y", "z"))
    assert first.startswith("90% intervals hold 91% of 100 test values of 'y', in")
    assert second.startswith("90% intervals hold 91% of 100 test values of 'z', in")


def test_classification():
    found = {"temperature": 1.5, "brier": 0.1, "brier_uncalibrated": 0.125}
    assert lines({"calibration": {"y": found}, "beyond_training": 1}) == [
        "Probabilities are calibrated (temperature 1.50): Brier score 0.100, before 0.125.",
        "1 of 113 test molecules is beyond what was trained on; see the column remark.",
        "± (std) is how far the 5 networks differ, not an error bar.",
    ]
    assert lines({"calibration": {"y": {**found, "temperature": 1.0}}}, networks=1) == []


def test_a_model_of_before():
    assert lines({}, within=0.14) == [
        "± (std) is how far the 5 networks differ, not an error bar: 14% of the test values lie within it, where 68% "
        "would within a standard error."
    ]
