"""Data that say nothing of coefficients."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tasks import TaskData


def check_features(data: TaskData, name: str) -> None:
    """Raise an error if there are no features.

    Parameters
    ----------
    data : TaskData
        Rows and targets of all tasks.
    name : str
        The estimator, for the message.

    Raises
    ------
    ValueError
        If X has no column but that of the tasks.
    """
    if data.X.shape[1]:
        return
    column = " but the task column" if data.door == "long" else ""
    msg = (
        f"X has no columns{column}, and {name} fits coefficients of features. For the "
        "means of the tasks alone add a constant feature, for example "
        "X.assign(constant=1.0), with fit_intercept='shrink' if small tasks are to be "
        "drawn to the others; or use MultiTaskBayesianRegressor, which needs none."
    )
    raise ValueError(msg)


def warn_of_single_rows(data: TaskData, fit_intercept: bool | str) -> None:
    """Warn if every task has one row, which its own intercept fits.

    Parameters
    ----------
    data : TaskData
        Rows and targets of all tasks.
    fit_intercept : bool or str
        The form of the intercepts.
    """
    free = fit_intercept and not isinstance(fit_intercept, str)
    if not free or data.n_tasks == 1:
        return
    if data.task_sum((data.weight > 0).astype(int)).max() > 1:
        return
    warnings.warn(
        f"Each of the {data.n_tasks} tasks has one row only, which its own intercept "
        "fits exactly: the coefficients are zero, whatever X holds. "
        "fit_intercept='shrink' draws the intercepts to their mean, so that all rows "
        "count; 'shared' has one intercept for all tasks.",
        UserWarning,
        stacklevel=5,
    )
