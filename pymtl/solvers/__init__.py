"""Solvers: every problem is solved and certified through :func:`solve`."""

from ._problem import Problem, on_design
from ._result import Result
from ._solve import SOLVERS, solve

__all__ = ["SOLVERS", "Problem", "Result", "on_design", "solve"]
