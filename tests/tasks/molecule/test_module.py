import math

import numpy as np
import pytest
import torch

from graphattn.tasks.molecule.module import masked_loss

NAN = float("nan")


def test_squared_error_of_the_values_there():
    outputs = torch.tensor([[1.0, 5.0], [2.0, 0.0]], requires_grad=True)
    loss = masked_loss("regression", outputs, torch.tensor([[3.0, NAN], [NAN, 1.0]]))
    assert loss.item() == pytest.approx((4 + 1) / 2)
    loss.backward()
    np.testing.assert_array_equal(outputs.grad, [[-2.0, 0.0], [0.0, -1.0]])


def test_cross_entropy_of_the_classes_there():
    loss = masked_loss("classification", torch.tensor([[0.0, 3.0]]), torch.tensor([[1.0, NAN]]))
    assert loss.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_no_value_at_all_is_no_loss_and_no_nan(task):
    outputs = torch.ones(2, 1, requires_grad=True)
    masked_loss(task, outputs, torch.full((2, 1), NAN)).backward()
    assert outputs.grad.tolist() == [[0.0], [0.0]]
