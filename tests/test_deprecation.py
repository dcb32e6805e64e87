"""Old names work, and warn at the line that uses them."""

import sys
import types
import warnings

import pytest

from graphattn.deprecation import REMOVED_IN, renamed, warn_renamed
from graphattn.version import __version__

NAMES = {"old_pi": "math:pi"}
OWN_GETATTR = """
from graphattn.deprecation import renamed
_renamed = renamed(__name__, {"old_pi": "math:pi"})
def __getattr__(name):
    if name == "lazy":
        return 1
    return _renamed(name)
"""


@pytest.fixture(params=["renamed itself", "a function that calls renamed"])
def module(request):
    made = types.ModuleType("some_old_module")
    if request.param == "renamed itself":
        made.__getattr__ = renamed(made.__name__, NAMES)
    else:
        exec(OWN_GETATTR, made.__dict__)
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def test_an_old_name_is_the_new_object_and_warns_here(module):
    with pytest.warns(DeprecationWarning) as caught:
        assert module.old_pi == pytest.approx(3.14159, abs=1e-5)
    (warning,) = caught
    assert warning.filename == __file__
    assert str(warning.message) == (
        f"some_old_module.old_pi is deprecated and will be removed in graphattn {REMOVED_IN}; use math.pi"
    )


def test_importing_an_old_name_warns_here(module):
    with pytest.warns(DeprecationWarning) as caught:
        from some_old_module import old_pi  # noqa: F401
    assert {warning.filename for warning in caught} == {__file__}


def test_other_names_are_missing_without_a_warning(module):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match="module 'some_old_module' has no attribute 'nothing'"):
            _ = module.nothing
        assert getattr(module, "lazy", 1) == 1


def test_warn_renamed_points_at_the_caller_of_its_caller():
    def old():
        warn_renamed("old", "new")

    with pytest.warns(DeprecationWarning, match="old is deprecated .* use new") as caught:
        old()
    assert caught[0].filename == __file__


def test_old_names_outlive_this_release():
    def version(text):
        return tuple(map(int, text.split(".")))

    assert version(__version__) < version(REMOVED_IN)
