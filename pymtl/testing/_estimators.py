"""Conformance of estimators."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ._behaviour import BEHAVIOUR_CHECKS
from ._doors import DOOR_CHECKS
from ._invariance import INVARIANCE_CHECKS

MULTITASK_CHECKS = [*DOOR_CHECKS, *INVARIANCE_CHECKS, *BEHAVIOUR_CHECKS]


def check_multitask_estimator(estimator: Any, *, skip: Collection[str] = ()) -> None:
    """Check a multi-task estimator where scikit-learn's `check_estimator` cannot.

    Lists of tasks, a shared design and a shuffled long table give the same fit, in
    arrays, in sparse matrices, and in frames of pandas and polars (as far as they are
    installed). Permuting
    tasks, rows or features permutes the answer; an integer sample weight is a
    repetition; automatic strengths follow the units. An estimator for which the order
    of the tasks counts says so by refusing labels that are text without `task_order`.
    Degenerate data are fitted, bad data refused with the name of the task. The
    solution minimises the stated objective, its certificate is reached and bounds the
    distance to the optimum, also when the solver is stopped early, which warns.
    Cloning, pickling, warm starts, pipelines and grid searches work. New tasks are
    fitted or refused with a reason. Inputs are never modified.

    Parameters
    ----------
    estimator : estimator
        A regressor or classifier of this package, for example
        ``MultiTaskRegressor(penalty)`` with a penalty of yours, or an estimator with
        the same parameters and attributes; classifiers get two classes. It is not
        modified. Options that belong to data, such as `task_column`, are set by
        the checks.
    skip : collection of str, default=()
        Names of checks to leave out, for properties that the estimator does not
        claim.

    Raises
    ------
    AssertionError
        If a check fails; the message names the estimator and the property.
    ValueError
        If `skip` names a check that does not exist.

    See Also
    --------
    check_penalty : The mathematics of a penalty.
    check_loss : The mathematics of a loss.

    Notes
    -----
    The single checks are in the list ``pymtl.testing.MULTITASK_CHECKS``; each is
    called with the estimator, so that pytest can parametrise over them.

    Examples
    --------
    >>> from pymtl import MultiTaskMeanRegressor
    >>> from pymtl.testing import check_multitask_estimator
    >>> check_multitask_estimator(MultiTaskMeanRegressor())
    """
    unknown = set(skip) - {check.__name__ for check in MULTITASK_CHECKS}
    if unknown:
        msg = f"There are no checks with the names {sorted(unknown)} to skip."
        raise ValueError(msg)
    for check in MULTITASK_CHECKS:
        if check.__name__ not in skip:
            check(estimator)
