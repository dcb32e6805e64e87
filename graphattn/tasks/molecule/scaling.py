"""Scaling of descriptors and targets, fitted on the training part and kept as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LARGEST = 3.0
"""standard deviations; scaled descriptors are cut there, so that an outlier cannot dominate the others"""


@dataclass(frozen=True)
class TargetScaler:
    """Targets to zero mean and unit variance, each column by itself; missing values stay missing."""

    mean: Array
    std: Array

    @classmethod
    def fit(cls, targets: Array) -> TargetScaler:
        """Fit on `[n, T]` training values; a column that does not vary keeps its scale."""
        std = np.nanstd(targets, axis=0)
        return cls(np.nanmean(targets, axis=0), np.where(std > 0, std, 1.0))

    @classmethod
    def identity(cls, num_targets: int) -> TargetScaler:
        """Return the scaler that leaves `num_targets` columns as they are: for classes."""
        return cls(np.zeros(num_targets), np.ones(num_targets))

    def transform(self, targets: Array) -> Array:
        """Return the scaled values."""
        return (targets - self.mean) / self.std

    def inverse(self, scaled: Array) -> Array:
        """Return the values in their own unit."""
        return scaled * self.std + self.mean

    def to_json(self) -> dict[str, Any]:
        """Return the scaler as a JSON object."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> TargetScaler:
        """Read what `to_json` wrote."""
        return cls(np.array(content["mean"], dtype=np.float64), np.array(content["std"], dtype=np.float64))


@dataclass(frozen=True)
class DescriptorScaler:
    """Descriptors without gaps, at zero mean and unit variance, cut at ±3 standard deviations.

    A missing value becomes the median of the training part. A descriptor that does not vary there becomes 0.
    """

    median: Array
    mean: Array
    std: Array

    @classmethod
    def fit(cls, descriptors: Array) -> DescriptorScaler:
        """Fit on `[n, d]` training values with NaN where one is missing."""
        known = ~np.isnan(descriptors).all(axis=0)
        median = np.zeros(descriptors.shape[1])
        median[known] = np.nanmedian(descriptors[:, known], axis=0)
        filled = np.where(np.isnan(descriptors), median, descriptors)
        return cls(median, filled.mean(axis=0), filled.std(axis=0))

    def fill(self, descriptors: Array) -> Array:
        """Return the values with the gaps filled."""
        return np.where(np.isnan(descriptors), self.median, descriptors)

    def transform(self, descriptors: Array) -> Array:
        """Return the filled and scaled values."""
        varies = self.std > 1e-12
        scaled = (self.fill(descriptors) - self.mean) / np.where(varies, self.std, 1.0)
        return np.where(varies, scaled.clip(-_LARGEST, _LARGEST), 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the scaler as a JSON object."""
        return {"median": self.median.tolist(), "mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> DescriptorScaler:
        """Read what `to_json` wrote."""
        return cls(*(np.array(content[key], dtype=np.float64) for key in ("median", "mean", "std")))
