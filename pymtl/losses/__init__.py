"""Losses: one file each, registered in :data:`LOSSES`."""

from ._base import Loss
from ._per_task import PerTask
from ._smoothed import Smoothed
from .hinge import Hinge
from .huber import Huber
from .logistic import Logistic
from .multinomial import Multinomial
from .poisson import Poisson
from .quantile import Quantile
from .square_root import SquareRoot
from .squared import Squared
from .squared_hinge import SquaredHinge

LOSSES = {
    "hinge": Hinge,
    "huber": Huber,
    "logistic": Logistic,
    "multinomial": Multinomial,
    "poisson": Poisson,
    "quantile": Quantile,
    "square_root": SquareRoot,
    "squared": Squared,
    "squared_hinge": SquaredHinge,
}

__all__ = [
    "LOSSES",
    "Hinge",
    "Huber",
    "Logistic",
    "Loss",
    "Multinomial",
    "PerTask",
    "Poisson",
    "Quantile",
    "Smoothed",
    "SquareRoot",
    "Squared",
    "SquaredHinge",
]
