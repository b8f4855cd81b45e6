"""Simulated problems with their ground truth, and real multi-task data."""

from ._load import (
    load_bdf,
    load_exam,
    load_hsb82,
    load_landmine,
    load_school,
    load_star,
)
from ._simulate import make_multitask_classification, make_multitask_regression

__all__ = [
    "load_bdf",
    "load_exam",
    "load_hsb82",
    "load_landmine",
    "load_school",
    "load_star",
    "make_multitask_classification",
    "make_multitask_regression",
]
