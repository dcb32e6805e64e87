"""What `make test-quick` leaves out is still there under its name."""

from pathlib import Path

TESTS = Path(__file__).parent


def test_slow_tests_are_where_the_list_says(pytestconfig):
    (plugin,) = (plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "SLOW"))
    assert [name for name in plugin.SLOW if not (TESTS / name).exists()] == []
