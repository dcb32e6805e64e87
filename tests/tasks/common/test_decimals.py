import pytest

from graphattn.tasks.common.decimals import (
    COMMA,
    GROUPED,
    POINT,
    UNCLEAR,
    convention_of,
    is_bound,
    looks_numeric,
    parse_number,
)


@pytest.mark.parametrize(
    ("cells", "convention"),
    [
        (["1", "-2.5", "3e-4"], POINT),
        ([], POINT),
        (["4,690.0", "522.0"], GROUPED),
        (["1,234,567", "12"], GROUPED),
        (["-2,273", "-5,4", "7"], COMMA),
        (["0,522", "4,690"], COMMA),  # no thousands after a zero
        (["1.234,5", "2.345"], COMMA),
        (["4,690", "522"], UNCLEAR),
        (["0.522", "4,690"], POINT),  # a slip in a column of points
        (["0.5", "1,2"], POINT),
        (["4,690.0", "0,5"], POINT),
        (["a,b", "x"], POINT),
    ],
)
def test_a_column_is_written_in_one_way(cells, convention):
    assert convention_of(cells) == convention


@pytest.mark.parametrize(
    ("cell", "convention", "value"),
    [
        (" -2.5e-3 ", POINT, -0.0025),
        ("4,690.0", GROUPED, 4690.0),
        ("-1,234,567.5", GROUPED, -1234567.5),
        ("-2,273", COMMA, -2.273),
        ("1.234,5", COMMA, 1234.5),
        ("2.345", COMMA, 2345.0),
        ("1,5e3", COMMA, 1500.0),
        ("\N{MINUS SIGN}4.5", POINT, -4.5),
        ("-0", POINT, 0.0),
    ],
)
def test_numbers(cell, convention, value):
    assert parse_number(cell, convention) == value
    assert looks_numeric(cell)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("n.d.", "'n.d.' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("1,2", "'1,2' is not a number; write a decimal point, not a comma, and no thousands separators"),
        (">5", "'>5' is not a number: it is a bound or an estimate, not a measured value"),
        ("<= 0.1", "'<= 0.1' is not a number: it is a bound or an estimate, not a measured value"),
        ("5 mg/L", "'5 mg/L' is not a number; write 5 alone, without its unit"),
        ("12.5%", "'12.5%' is not a number; write 12.5 alone, without its unit"),
        ("inf", "'inf' is not finite"),
        ("1e400", "'1e400' is not finite"),
        ("1e31", "'1e31' is too large: 1e+30 is the most; give its logarithm or another unit"),
    ],
)
def test_what_is_no_number_says_why(cell, reason):
    with pytest.raises(ValueError) as caught:
        parse_number(cell)
    assert str(caught.value) == reason


def test_a_zero_has_no_sign():
    assert str(parse_number("-0.0")) == "0.0"


def test_bounds():
    assert all(is_bound(cell) for cell in (">5", "< 0,1", "≥3", "~2.5", ">=1e3"))
    assert not any(is_bound(cell) for cell in ("5", ">", "-5", "> many"))
