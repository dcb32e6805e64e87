import pytest
import torch

from graphattn.tasks.common.device import resolve_device
from graphattn.tasks.common.errors import SettingsError


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(SettingsError, match="precision 16 needs a GPU"):
        resolve_device("cpu", "16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there():
    with pytest.raises(SettingsError, match="'cuda' is not available here"):
        resolve_device("cuda")
