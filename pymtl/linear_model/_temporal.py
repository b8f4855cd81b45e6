"""Tasks in the order of time."""

from collections.abc import Sequence
from typing import Any

from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import FusedSparseGroup, Ridge, TemporalGroup


@document
class MultiTaskTemporalGroupRegressor(MultiTaskRegressorBase):
    r"""Temporal group lasso: shared features with coefficients smooth in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_F^2
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_2^2}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    Parameters
    ----------
    lambda1 : float or "auto", default=0.0
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    lambda2 : float or "auto", default="auto"
        Strength of the steps; "auto" is half the mean curvature of the loss, times the
        mean time between tasks.
    lambda3 : float or "auto", default="auto"
        Strength of the row norms; "auto" is a tenth of the strength from which on all
        coefficients are zero.
    times : array-like of shape (n_tasks,), dict or None, default=None
        Times of the tasks, in the order of `tasks_` or by task label; then they are
        linked in the order of time. None is one unit of time from each task to the
        next; text labels in a task column then need `task_order` or categories.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    See Also
    --------
    MultiTaskFusedSparseGroupRegressor : Coefficients that change rarely.
    MultiTaskGraphRegressor : Tasks near their neighbours.

    Notes
    -----
    `lambda_max` is the smallest lambda3 with all coefficients zero, or, for a lambda1
    that is a number above zero, the smallest lambda1 if all strengths move together.

    References
    ----------
    J. Zhou, L. Yuan, J. Liu and J. Ye (2011). A multi-task learning formulation for
    predicting disease progression. KDD.

    Examples
    --------
    >>> from pymtl import MultiTaskTemporalGroupRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=6, n_features=8, structure="ordered", random_state=0
    ... )
    >>> years = [2000, 2001, 2002, 2004, 2007, 2008]
    >>> model = MultiTaskTemporalGroupRegressor(times=years).fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (6, 8)
    >>> model.certificate_ <= model.tol
    True
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "times": "no_validation",
    }

    def __init__(
        self,
        lambda1: float | str = 0.0,
        lambda2: float | str = "auto",
        lambda3: float | str = "auto",
        times: Any = None,
        *,
        loss: str | Loss = "squared",
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        task_weight: str | Sequence[float] | dict | None = None,
        feature_weight: Sequence[float] | None = None,
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

    def _penalty(self):
        return TemporalGroup(self.lambda1, self.lambda2, self.lambda3, self.times)


@document
class MultiTaskFusedSparseGroupRegressor(MultiTaskRegressorBase):
    r"""Fused sparse group lasso: sparse coefficients that change rarely in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_1
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_1}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the entries.
    lambda2 : float or "auto", default="auto"
        Strength of the steps.
    lambda3 : float or "auto", default="auto"
        Strength of the row norms. Strengths that are "auto" equal the first that is
        not, or are a tenth of `lambda_max`; lambda2 times the mean time between tasks.
    times : array-like of shape (n_tasks,), dict or None, default=None
        Times of the tasks, in the order of `tasks_` or by task label; then they are
        linked in the order of time. None is one unit of time from each task to the
        next; text labels in a task column then need `task_order` or categories.
    ridge : float or "auto", default=0.0
        Strength of :math:`\|W\|_F^2`, added to the objective.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    See Also
    --------
    MultiTaskSparseGroupRegressor : The same without an order of the tasks.
    MultiTaskTemporalGroupRegressor : Coefficients that change smoothly.

    References
    ----------
    J. Zhou, J. Liu, V. A. Narayan and J. Ye (2012). Modeling disease progression via
    fused sparse group lasso. KDD.

    Examples
    --------
    >>> from pymtl import MultiTaskFusedSparseGroupRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=6, n_features=8, structure="ordered", random_state=0
    ... )
    >>> model = MultiTaskFusedSparseGroupRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (6, 8)
    >>> model.certificate_ <= model.tol
    True
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "times": "no_validation",
        "ridge": STRENGTH,
    }

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        lambda3: float | str = "auto",
        times: Any = None,
        ridge: float | str = 0.0,
        *,
        loss: str | Loss = "squared",
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        task_weight: str | Sequence[float] | dict | None = None,
        feature_weight: Sequence[float] | None = None,
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

    def _penalty(self):
        return Ridge(self.ridge) + FusedSparseGroup(
            self.lambda1, self.lambda2, self.lambda3, self.times
        )
