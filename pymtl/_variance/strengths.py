"""Strengths of the mean-regularised model as ratios of estimated variances."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..tasks import TaskData
from .likelihood import Likelihood, Structure
from .statistics import Columns, Statistics, precisions

METHODS = ("reml", "ml")
POOLED = 1e8  # times the mean curvature of the loss: as good as infinite


def estimate_strengths(
    data: TaskData,
    omega: np.ndarray,
    fit_intercept: bool | str,
    feature_weight: np.ndarray,
    lambda1: Any,
    lambda0: Any,
) -> dict[str, float]:
    r"""Return the strengths that are asked for by "reml" or "ml".

    With rows of precision :math:`v_{ti} / \sigma^2`, v the weights in the loss, the
    strengths are :math:`\lambda_1 = \sigma^2 / (2 \tau^2)` and :math:`\lambda_0 =
    \sigma^2 / (2 \tau_0^2)`.

    Parameters
    ----------
    data : TaskData
        The training data.
    omega : ndarray of shape (n_tasks,)
        Weights of the tasks' mean losses.
    fit_intercept : bool or {"shared", "shrink"}
        The form of the intercepts.
    feature_weight : ndarray of shape (n_features,)
        Multiplies the precision of each feature's coefficients.
    lambda1, lambda0 : float, "auto", "reml" or "ml"
        The strengths; lambda0 "auto" is estimated where lambda1 is.

    Returns
    -------
    strengths : dict
        The strengths that were estimated, by name.
    """
    wanted = {"lambda1": lambda1}
    if fit_intercept == "shrink":
        wanted["lambda0"] = lambda1 if lambda0 == "auto" else lambda0
    methods = {v for v in wanted.values() if isinstance(v, str) and v in METHODS}
    if len(methods) != 1 or "auto" in wanted.values():
        msg = (
            f"lambda1={lambda1!r} and lambda0={lambda0!r} do not go together: give "
            "each as a number or by the same one of 'reml' and 'ml'."
        )
        raise ValueError(msg)
    if isinstance(lambda1, str) or lambda1 > 0:
        weight = feature_weight
    else:
        weight = np.zeros_like(feature_weight)
    statistics = Statistics(
        data, precisions(data, omega), Columns(fit_intercept, weight)
    )
    columns = statistics.columns
    owner = np.where(columns.random == 0, "lambda0", "lambda1")
    names = [n for n in wanted if wanted[n] in METHODS and n in owner]
    unit = columns.weight[columns.random] ** -0.5
    groups, given = np.full(len(owner), -1), np.zeros(len(owner))
    typical = {}
    for name, value in wanted.items():
        own = owner == name
        if name in names:
            groups[own] = names.index(name)
            square = np.mean((statistics.scale[own] * unit[own]) ** 2)
            typical[name] = square if square > 0 else 1.0
            unit[own] /= np.sqrt(typical[name])
        elif value > 0:
            given[own] = unit[own] / np.sqrt(2 * value)
    structure = Structure(groups, unit, given)
    theta = np.zeros(len(names))
    if data.n_tasks > 1 and not statistics.exact:
        likelihood = Likelihood(statistics, structure, methods.pop())
        theta, converged = likelihood.minimise()
        if not converged:
            warnings.warn(
                "The search for the strengths of the largest likelihood ended where it "
                "could not improve, before its gradient vanished.",
                ConvergenceWarning,
                stacklevel=5,
            )
    curvature = float(omega.mean())
    found = {}
    for name, sd in zip(names, theta, strict=True):
        largest = POOLED * curvature * typical[name]
        found[name] = 0.5 / max(sd**2 / typical[name], 0.5 / largest)
        if found[name] == largest and data.n_tasks > 1:
            what = "intercepts" if name == "lambda0" else "coefficients"
            warnings.warn(
                f"The variance of the tasks' {what} is estimated as zero: {name} is so "
                "large that they are the same in all tasks.",
                UserWarning,
                stacklevel=5,
            )
    return found
