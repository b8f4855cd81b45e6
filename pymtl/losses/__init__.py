"""Losses: one file each, registered in :data:`LOSSES`."""

from ._base import Loss
from .squared import Squared

LOSSES = {
    "squared": Squared,
}

__all__ = ["LOSSES", "Loss", "Squared"]
