"""Four processes for all tests of this folder."""

import pytest
from team import Team


@pytest.fixture(scope="session")
def team(tmp_path_factory):
    team = Team(4, tmp_path_factory.mktemp("team"))
    yield team
    team.close()
