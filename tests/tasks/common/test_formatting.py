from graphattn.tasks.common.formatting import fixed


def test_what_rounds_to_zero_has_no_sign():
    assert fixed(-0.0004, 2) == fixed(0.0, 2) == "0.00"
    assert fixed(-0.006, 2) == "\N{MINUS SIGN}0.01"
    assert fixed(float("nan")) == fixed(None) == "–"
