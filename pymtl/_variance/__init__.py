"""Covariances of the tasks' coefficients by maximum (restricted) likelihood."""

from .likelihood import Likelihood, State, Structure
from .statistics import Columns, Statistics, precisions
from .strengths import METHODS, estimate_strengths

__all__ = [
    "METHODS",
    "Columns",
    "Likelihood",
    "State",
    "Statistics",
    "Structure",
    "estimate_strengths",
    "precisions",
]
