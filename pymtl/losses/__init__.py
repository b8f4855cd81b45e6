"""Losses: one file each, registered in :data:`LOSSES`."""

from ._base import Loss
from .square_root import SquareRoot
from .squared import Squared

LOSSES = {
    "square_root": SquareRoot,
    "squared": Squared,
}

__all__ = ["LOSSES", "Loss", "SquareRoot", "Squared"]
