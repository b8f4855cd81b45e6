"""Covariances of the tasks' coefficients by maximum (restricted) likelihood."""

from .likelihood import Likelihood, State, Structure
from .noise import estimate_noise
from .posterior import Posterior
from .statistics import Columns, Statistics, precisions
from .strengths import METHODS, estimate_strengths

__all__ = [
    "METHODS",
    "Columns",
    "Likelihood",
    "Posterior",
    "State",
    "Statistics",
    "Structure",
    "estimate_noise",
    "estimate_strengths",
    "precisions",
]
