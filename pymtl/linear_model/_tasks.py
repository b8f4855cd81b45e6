"""Tasks that are near each other."""

from collections.abc import Sequence

from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import Mean, Ridge


@document
class MultiTaskMeanRegressor(MultiTaskRegressorBase):
    r"""Regularised multi-task learning: tasks are shrunk to their mean.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_t \|w_t - \tfrac1T \sum_s w_s\|_2^2
              + \lambda_2 \|W\|_F^2

    At ``lambda1=0`` every task is a ridge regression of its own; as lambda1 grows the
    tasks become `PooledRegressor` (with an intercept each). The solution is one linear
    system, no iteration.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the shrinkage to the mean; "auto" is half the mean curvature of the
        loss, which moves an average coefficient half way.
    lambda2 : float or "auto", default=0.0
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_ : float
        The strengths that were used.

    See Also
    --------
    PooledRegressor : One model for all tasks.
    SingleTaskRegressor : One model a task.

    References
    ----------
    T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. KDD.

    Examples
    --------
    >>> from pymtl import MultiTaskMeanRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=8, structure="mean", random_state=0
    ... )
    >>> model = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (5, 8)
    >>> model.solver_
    'direct'
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
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
        return Mean(self.lambda1) + Ridge(self.lambda2)
