"""Tasks in the order of time."""

from collections.abc import Sequence
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import FusedSparseGroup, Ridge, TemporalGroup


class TemporalGroupStructure(SelectsFeatures):
    r"""Features in common, smooth in time.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    lambda2 : float or "auto"
        Strength of the steps; "auto" is half the mean curvature of the loss, times the
        mean time between tasks.
    lambda3 : float or "auto"
        Strength of the row norms; "auto" is a tenth of the strength from which on all
        coefficients are zero.
    times : array-like of shape (n_tasks,), dict or None
        Times of the tasks, in the order of `tasks_` or by task label; then they are
        linked in the order of time. None is one unit of time from each task to the
        next; text labels in a task column then need `task_order` or categories.

    Attributes
    ----------
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    References
    ----------
    J. Zhou, L. Yuan, J. Liu and J. Ye (2011). A multi-task learning formulation for
    predicting disease progression. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "times": "no_validation",
    }

    def _penalty(self):
        return TemporalGroup(self.lambda1, self.lambda2, self.lambda3, self.times)


@document
class MultiTaskTemporalGroupRegressor(TemporalGroupStructure, MultiTaskRegressorBase):
    r"""Temporal group lasso: shared features with coefficients smooth in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_F^2
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_2^2}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

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
    {references}

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
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


@document
class MultiTaskTemporalGroupClassifier(TemporalGroupStructure, MultiTaskClassifierBase):
    r"""Temporal group lasso: shared features with coefficients smooth in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|W\|_F^2
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_2^2}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    a column of W holds the coefficients of all classes of its task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskTemporalGroupRegressor : The same for numbers.
    MultiTaskFusedSparseGroupClassifier : Coefficients that change rarely.
    MultiTaskGraphClassifier : Tasks near their neighbours.

    Notes
    -----
    `lambda_max` is the smallest lambda3 with all coefficients zero, or, for a lambda1
    that is a number above zero, the smallest lambda1 if all strengths move together.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskTemporalGroupClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, n_features=8, structure="ordered", random_state=0
    ... )
    >>> model = MultiTaskTemporalGroupClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = 0.0,
        lambda2: float | str = "auto",
        lambda3: float | str = "auto",
        times: Any = None,
        *,
        loss: str | Loss = "logistic",
        class_weight: dict | str | None = None,
        single_class: str = "error",
        missing: Any = float("nan"),
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        task_weight: str | Sequence[float] | dict | None = None,
        feature_weight: Sequence[float] | None = None,
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


class FusedSparseGroupStructure(SelectsFeatures):
    r"""Few features, and few steps in time.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the entries.
    lambda2 : float or "auto"
        Strength of the steps.
    lambda3 : float or "auto"
        Strength of the row norms. Strengths that are "auto" equal the first that is
        not, or are a tenth of `lambda_max`; lambda2 times the mean time between tasks.
    times : array-like of shape (n_tasks,), dict or None
        Times of the tasks, in the order of `tasks_` or by task label; then they are
        linked in the order of time. None is one unit of time from each task to the
        next; text labels in a task column then need `task_order` or categories.
    ridge : float or "auto"
        Strength of :math:`\|W\|_F^2`, added to the objective.

    Attributes
    ----------
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    References
    ----------
    J. Zhou, J. Liu, V. A. Narayan and J. Ye (2012). Modeling disease progression via
    fused sparse group lasso. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "times": "no_validation",
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + FusedSparseGroup(
            self.lambda1, self.lambda2, self.lambda3, self.times
        )


@document
class MultiTaskFusedSparseGroupRegressor(
    FusedSparseGroupStructure, MultiTaskRegressorBase
):
    r"""Fused sparse group lasso: sparse coefficients that change rarely in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_1
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_1}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskSparseGroupRegressor : The same without an order of the tasks.
    MultiTaskTemporalGroupRegressor : Coefficients that change smoothly.

    References
    ----------
    {references}

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
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


@document
class MultiTaskFusedSparseGroupClassifier(
    FusedSparseGroupStructure, MultiTaskClassifierBase
):
    r"""Fused sparse group lasso: sparse coefficients that change rarely in time.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|W\|_1
              + \lambda_2 \sum_{t<T} \frac{\|w_t - w_{t+1}\|_1}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    a column of W holds the coefficients of all classes of its task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskFusedSparseGroupRegressor : The same for numbers.
    MultiTaskSparseGroupClassifier : The same without an order of the tasks.
    MultiTaskTemporalGroupClassifier : Coefficients that change smoothly.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskFusedSparseGroupClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, n_features=8, structure="ordered", random_state=0
    ... )
    >>> model = MultiTaskFusedSparseGroupClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        lambda3: float | str = "auto",
        times: Any = None,
        ridge: float | str = 0.0,
        *,
        loss: str | Loss = "logistic",
        class_weight: dict | str | None = None,
        single_class: str = "error",
        missing: Any = float("nan"),
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        task_weight: str | Sequence[float] | dict | None = None,
        feature_weight: Sequence[float] | None = None,
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())
