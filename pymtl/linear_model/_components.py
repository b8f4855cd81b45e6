"""Coefficients that are sums of a shared and a specific part."""

from collections.abc import Sequence
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from .._sklearn import StrOptions
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import Dirty, Ridge, RobustFeature


class DirtyStructure(SelectsFeatures):
    r"""Features in common, and entries of a task's own.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the shared part.
    lambda2 : float or "auto"
        Strength of the own parts. If both are "auto" their ratio is the geometric
        middle of the useful range, and they are a tenth of `lambda_max`; one "auto"
        follows the other.
    shared_norm : {"inf", "2"}
        Norm of the rows of P.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The parts P and Q, which add up to `coef_`.

    References
    ----------
    A. Jalali, P. Ravikumar, S. Sanghavi and C. Ruan (2010). A dirty model for
    multi-task learning. NIPS.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "shared_norm": [StrOptions({"inf", "2"})],
        "ridge": STRENGTH,
    }

    def _penalty(self):
        structure = Dirty(self.lambda1, self.lambda2, shared_norm=self.shared_norm)
        return Ridge(self.ridge) + structure


@document
class MultiTaskDirtyRegressor(DirtyStructure, MultiTaskRegressorBase):
    r"""Dirty model: features that all tasks share, and features of a task's own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \max_t |p_{jt}| + \lambda_2 \sum_{jt} |q_{jt}|
              + \rho \|W\|_F^2, \qquad W = P + Q

    With ``shared_norm="2"`` the rows of P count with their Euclidean norms
    :math:`\|p_{j\cdot}\|_2`, so that the tasks need not use a feature to a like size.

    Both parts are used where lambda2 < lambda1 < n_tasks * lambda2 (sqrt(n_tasks) for
    ``shared_norm="2"``); outside a warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : Shared features only.
    MultiTaskRobustFeatureRegressor : Whole tasks that do not fit in.
    MultiTaskSparseLowRankRegressor : Low rank in place of shared features.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskDirtyRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(structure="dirty", random_state=0)
    >>> model = MultiTaskDirtyRegressor().fit(data.Xs, data.ys)
    >>> np.allclose(model.shared_coef_ + model.specific_coef_, model.coef_)
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        shared_norm: str = "inf",
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
class MultiTaskDirtyClassifier(DirtyStructure, MultiTaskClassifierBase):
    r"""Dirty model: features that all tasks share, and features of a task's own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \max_t |p_{jt}| + \lambda_2 \sum_{jt} |q_{jt}|
              + \rho \|W\|_F^2, \qquad W = P + Q

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
    MultiTaskDirtyRegressor : The same for numbers.
    MultiTaskL21Classifier : Shared features only.
    MultiTaskRobustFeatureClassifier : Whole tasks that do not fit in.
    MultiTaskSparseLowRankClassifier : Low rank in place of shared features.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskDirtyClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=4, structure="dirty", random_state=0
    ... )
    >>> model = MultiTaskDirtyClassifier().fit(data.Xs, data.ys)
    >>> parts = model.shared_coef_ + model.specific_coef_
    >>> bool(abs(parts - model.coef_).max() < 1e-12)
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        shared_norm: str = "inf",
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


class RobustFeatureStructure:
    r"""Features in common, and whole tasks that do not fit in.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the shared features.
    lambda2 : float or "auto"
        Strength of the outlier tasks. If both are "auto", lambda1 is n_tasks ** 0.2 /
        n_features ** 0.3 times lambda2, so that few tasks are outliers, and they are a
        tenth of `lambda_max`; one "auto" follows the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The parts P and Q, which add up to `coef_`.
    outlier_tasks_ : ndarray
        Labels of the tasks with specific coefficients.

    References
    ----------
    P. Gong, J. Ye and C. Zhang (2012). Robust multi-task feature learning. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + RobustFeature(self.lambda1, self.lambda2)


@document
class MultiTaskRobustFeatureRegressor(RobustFeatureStructure, MultiTaskRegressorBase):
    r"""Robust feature learning: tasks that share features, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \|p_{j\cdot}\|_2 + \lambda_2 \sum_t \|q_t\|_2
              + \rho \|W\|_F^2, \qquad W = P + Q

    A task that does not fit in has coefficients :math:`q_t` of its own, and does not
    disturb the choice of the features for the others.

    Both parts are used where lambda2 / sqrt(n_features) < lambda1 < sqrt(n_tasks) *
    lambda2; outside a warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : Without outlier tasks.
    MultiTaskRobustLowRankRegressor : Low rank in place of shared features.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustFeatureRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=20, n_samples=100, structure="outlier", random_state=0
    ... )
    >>> model = MultiTaskRobustFeatureRegressor(0.4, 0.5).fit(data.Xs, data.ys)
    >>> model.outlier_tasks_, data.outlier_tasks
    (array([2, 7]), array([2, 7]))
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
class MultiTaskRobustFeatureClassifier(RobustFeatureStructure, MultiTaskClassifierBase):
    r"""Robust feature learning: tasks that share features, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \|p_{j\cdot}\|_2 + \lambda_2 \sum_t \|q_t\|_2
              + \rho \|W\|_F^2, \qquad W = P + Q

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
    MultiTaskRobustFeatureRegressor : The same for numbers.
    MultiTaskL21Classifier : Without outlier tasks.
    MultiTaskRobustLowRankClassifier : Low rank in place of shared features.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustFeatureClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskRobustFeatureClassifier().fit(data.Xs, data.ys)
    >>> model.shared_coef_.shape, model.specific_coef_.shape
    ((4, 20), (4, 20))
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
