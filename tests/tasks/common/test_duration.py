import pytest

from graphattn.tasks.common.duration import seconds
from graphattn.tasks.common.errors import SettingsError


def test_budgets():
    assert [seconds(budget) for budget in ("90s", "10m", "1.5h", 7)] == [90, 600, 5400, 7]
    with pytest.raises(SettingsError, match="budget"):
        seconds("soon")
