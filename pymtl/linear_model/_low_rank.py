"""Tasks whose coefficients have a low rank, alone or beside a sparse part."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._sklearn import Interval
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import (
    Ridge,
    RobustLowRank,
    SparseLowRank,
    SparseRankBudget,
    TraceNorm,
)


class TraceNormStructure:
    r"""A space of few dimensions.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the trace norm; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    S. Ji and J. Ye (2009). An accelerated gradient method for trace norm minimization.
    ICML.

    T. K. Pong, P. Tseng, S. Ji and J. Ye (2010). Trace norm regularization:
    reformulations, algorithms, and multi-task learning. SIAM Journal on Optimization.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return TraceNorm(self.lambda1) + Ridge(self.lambda2)


@document
class MultiTaskTraceNormRegressor(TraceNormStructure, MultiTaskRegressorBase):
    r"""Low-rank multi-task learning: the tasks lie in a space of few dimensions.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_* + \lambda_2 \|W\|_F^2

    The trace norm :math:`\|W\|_*` is the sum of the singular values of W. As lambda1
    grows they become zero one after the other, so that all tasks are combinations of a
    few common coefficient vectors. With one task it is the Euclidean norm.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskFeatureCovarianceRegressor : The square of the trace norm.
    MultiTaskRobustLowRankRegressor : With outlier tasks.
    MultiTaskSparseLowRankRegressor : With own entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskTraceNormRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskTraceNormRegressor(lambda1=1.0).fit(data.Xs, data.ys)
    >>> int(np.linalg.matrix_rank(model.coef_))
    2
    """

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
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


@document
class MultiTaskTraceNormClassifier(TraceNormStructure, MultiTaskClassifierBase):
    r"""Low-rank classification: the tasks lie in a space of few dimensions.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|W\|_* + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    W has one column for each class of each task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskTraceNormRegressor : The same for numbers.
    MultiTaskFeatureCovarianceClassifier : The square of the trace norm.
    MultiTaskRobustLowRankClassifier : With outlier tasks.
    MultiTaskSparseLowRankClassifier : With own entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskTraceNormClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskTraceNormClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
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


class SparseLowRankStructure:
    r"""A space of few dimensions, and own entries.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the sparse part.
    lambda2 : float or "auto"
        Strength of the trace norm. If both are "auto" their ratio is the geometric
        middle of the useful range, and they are a tenth of `lambda_max`; one "auto"
        follows the other. To be left alone beside `rank_budget`.
    rank_budget : float or None
        Bound :math:`\tau` on the trace norm of Q; then there is no finite `lambda_max`.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The low-rank part Q and the sparse part P, which add up to `coef_`.

    References
    ----------
    J. Chen, J. Liu and J. Ye (2010). Learning incoherent sparse and low-rank patterns
    from multiple tasks. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "rank_budget": [Interval(Real, 0, None, closed="neither"), None],
        "ridge": STRENGTH,
    }

    def _penalty(self):
        if self.rank_budget is None:
            return Ridge(self.ridge) + SparseLowRank(self.lambda1, self.lambda2)
        if not isinstance(self.lambda2, str):
            msg = (
                f"rank_budget={self.rank_budget} bounds the trace norm, lambda2="
                f"{self.lambda2} weighs it: give one of the two."
            )
            raise ValueError(msg)
        return Ridge(self.ridge) + SparseRankBudget(self.lambda1, self.rank_budget)


@document
class MultiTaskSparseLowRankRegressor(SparseLowRankStructure, MultiTaskRegressorBase):
    r"""Sparse plus low rank: tasks in a space of few dimensions, and own entries.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_{jt} |p_{jt}| + \lambda_2 \|Q\|_* + \rho \|W\|_F^2,
              \qquad W = P + Q

    The trace norm :math:`\|Q\|_*` is the sum of the singular values. `rank_budget`
    bounds it, :math:`\|Q\|_* \le \tau`, in place of a strength.

    Both parts are used where lambda1 < lambda2 < sqrt(n_features * n_tasks) * lambda1;
    outside a warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskTraceNormRegressor : Without own entries.
    MultiTaskRobustLowRankRegressor : With whole tasks that do not fit in.
    MultiTaskDirtyRegressor : Shared features in place of low rank.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskSparseLowRankRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskSparseLowRankRegressor().fit(data.Xs, data.ys)
    >>> np.allclose(model.shared_coef_ + model.specific_coef_, model.coef_)
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        rank_budget: float | None = None,
        ridge: float | str = 0.0,
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
class MultiTaskSparseLowRankClassifier(SparseLowRankStructure, MultiTaskClassifierBase):
    r"""Sparse plus low rank: tasks in a space of few dimensions, and own entries.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_{jt} |p_{jt}| + \lambda_2 \|Q\|_* + \rho \|W\|_F^2,
              \qquad W = P + Q

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    W has one column for each class of each task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskSparseLowRankRegressor : The same for numbers.
    MultiTaskTraceNormClassifier : Without own entries.
    MultiTaskRobustLowRankClassifier : With whole tasks that do not fit in.
    MultiTaskDirtyClassifier : Shared features in place of low rank.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskSparseLowRankClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskSparseLowRankClassifier().fit(data.Xs, data.ys)
    >>> model.shared_coef_.shape, model.specific_coef_.shape
    ((6, 20), (6, 20))
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        rank_budget: float | None = None,
        ridge: float | str = 0.0,
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


class RobustLowRankStructure:
    r"""A space of few dimensions, and outlier tasks.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the trace norm.
    lambda2 : float or "auto"
        Strength of the outlier tasks. If both are "auto", lambda1 is n_tasks ** 0.05
        times lambda2, so that few tasks are outliers, and they are a tenth of
        `lambda_max`; one "auto" follows the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The parts L and S, which add up to `coef_`.
    outlier_tasks_ : ndarray
        Labels of the tasks with specific coefficients.

    References
    ----------
    J. Chen, J. Zhou and J. Ye (2011). Integrating low-rank and group-sparse structures
    for robust multi-task learning. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + RobustLowRank(self.lambda1, self.lambda2)


@document
class MultiTaskRobustLowRankRegressor(RobustLowRankStructure, MultiTaskRegressorBase):
    r"""Robust low rank: tasks in a space of few dimensions, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|L\|_* + \lambda_2 \sum_t \|s_t\|_2 + \rho \|W\|_F^2,
              \qquad W = L + S

    The trace norm :math:`\|L\|_*` is the sum of the singular values. A task that does
    not fit into the common space has coefficients :math:`s_t` of its own, and does not
    disturb the others.

    Both parts are used where lambda2 < lambda1 < sqrt(n_tasks) * lambda2; outside a
    warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskRobustFeatureRegressor : Shared features in place of low rank.
    MultiTaskTraceNormRegressor : Without outlier tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustLowRankRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=20,
    ...     n_samples=100,
    ...     structure="outlier",
    ...     base="low_rank",
    ...     random_state=0,
    ... )
    >>> model = MultiTaskRobustLowRankRegressor(0.5, 0.4).fit(data.Xs, data.ys)
    >>> model.outlier_tasks_, data.outlier_tasks
    (array([1, 6]), array([1, 6]))
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        ridge: float | str = 0.0,
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
class MultiTaskRobustLowRankClassifier(RobustLowRankStructure, MultiTaskClassifierBase):
    r"""Robust low rank: tasks in a space of few dimensions, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|L\|_* + \lambda_2 \sum_t \|s_t\|_2 + \rho \|W\|_F^2,
              \qquad W = L + S

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
    MultiTaskRobustLowRankRegressor : The same for numbers.
    MultiTaskRobustFeatureClassifier : Shared features in place of low rank.
    MultiTaskTraceNormClassifier : Without outlier tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustLowRankClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskRobustLowRankClassifier().fit(data.Xs, data.ys)
    >>> model.shared_coef_.shape, model.specific_coef_.shape
    ((6, 20), (6, 20))
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        ridge: float | str = 0.0,
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
