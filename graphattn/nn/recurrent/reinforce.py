"""REINFORCE, the loss that trains hard attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Reinforce(nn.Module):
    """A surrogate loss whose gradient is the REINFORCE estimator, with a moving average of the rewards as baseline.

        loss = − mean( (R − b) log p(choice) ),   b ← 0.9 b + 0.1 mean(R)

    In hard attention R is the log-likelihood of the words, given the attended elements.

    Args:
        decay: the decay rate of the moving average, 0.9 in the paper.

    Williams 1992, Machine Learning 8:229; Xu et al. 2015, arXiv:1502.03044, section 4.1, whose moving
    average is used here; the paper also adds an entropy term and scales both terms.
    """

    baseline: Tensor

    def __init__(self, decay: float = 0.9) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay is a share in [0, 1), got {decay}")
        self.decay = decay
        self.register_buffer("baseline", torch.zeros(()))

    def forward(self, log_prob: Tensor, reward: Tensor) -> Tensor:
        """The loss, a scalar; in training the baseline is then updated.

        Args:
            log_prob: log-probabilities of the sampled choices, any shape.
            reward: their rewards, of the same shape; treated as constants.
        """
        reward = reward.detach()
        loss = -((reward - self.baseline) * log_prob).mean()
        if self.training:
            self.baseline.lerp_(reward.mean().to(self.baseline.dtype), 1 - self.decay)
        return loss
