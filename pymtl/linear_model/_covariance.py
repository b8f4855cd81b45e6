"""Covariances of tasks, or of features, learned with the coefficients."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import (
    FeatureCovariance,
    Relationship,
    Ridge,
)


class RelationshipStructure:
    r"""A covariance of the tasks.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss over
        min(n_features, n_tasks).
    lambda2 : float or "auto"
        Strength of the learned relations. One "auto" is equal to the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The matrix :math:`\Sigma = (W^\top W)^{1/2} / \operatorname{tr} (W^\top
        W)^{1/2}`.
    task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        Its correlations.

    References
    ----------
    Y. Zhang and D.-Y. Yeung (2010). A convex formulation for learning task
    relationships in multi-task learning. UAI.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + Relationship(self.lambda1, self.lambda2)


@document
class MultiTaskRelationshipRegressor(RelationshipStructure, MultiTaskRegressorBase):
    r"""Multi-task relationship learning: a covariance of the tasks is learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \tfrac{\lambda_1}{2} \|W\|_F^2 + \tfrac{\lambda_2}{2} \min_\Sigma
              \operatorname{tr}(W \Sigma^{-1} W^\top) + \rho \|W\|_F^2

    over :math:`\Sigma \succeq 0` of trace 1. :math:`\Sigma` is minimised out, which
    makes the second term :math:`\tfrac{\lambda_2}{2} \|W\|_*^2`, and recovered at the
    solution.

    Tasks may be alike, opposed or unrelated; nobody has to say which. There is no
    strength at which the coefficients become zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskFeatureCovarianceRegressor : A covariance of the features.
    MultiTaskClusteredRegressor : Groups of tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskRelationshipRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 5))
    >>> y = X @ rng.standard_normal(5)
    >>> model = MultiTaskRelationshipRegressor().fit(X, np.column_stack([y, 2 * y, -y]))
    >>> model.task_correlation_.round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
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
class MultiTaskRelationshipClassifier(RelationshipStructure, MultiTaskClassifierBase):
    r"""Multi-task relationship learning: a covariance of the tasks is learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \tfrac{\lambda_1}{2} \|W\|_F^2 + \tfrac{\lambda_2}{2} \min_\Sigma
              \operatorname{tr}(W \Sigma^{-1} W^\top) + \rho \|W\|_F^2

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
    MultiTaskRelationshipRegressor : The same for numbers.
    MultiTaskFeatureCovarianceClassifier : A covariance of the features.
    MultiTaskClusteredClassifier : Groups of tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRelationshipClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskRelationshipClassifier().fit(data.Xs, data.ys)
    >>> model.task_correlation_.shape
    (4, 4)
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


class FeatureCovarianceStructure:
    r"""A covariance of the features.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the squared trace norm; "auto" is half the mean curvature of the
        loss over min(n_features, n_tasks), which shrinks a W whose singular values are
        equal half way.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    feature_covariance_ : ndarray of shape (n_features, n_features)
        The matrix :math:`D = (W W^\top)^{1/2} / \operatorname{tr} (W W^\top)^{1/2}`,
        formed when it is asked for.

    References
    ----------
    A. Argyriou, T. Evgeniou and M. Pontil (2008). Convex multi-task feature learning.
    Machine Learning.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return FeatureCovariance(self.lambda1) + Ridge(self.lambda2)

    @property
    def feature_covariance_(self) -> np.ndarray:
        """The learned covariance of the features, formed when it is asked for."""
        return FeatureCovariance.covariance(self._penalised)


@document
class MultiTaskFeatureCovarianceRegressor(
    FeatureCovarianceStructure, MultiTaskRegressorBase
):
    r"""Convex multi-task feature learning: a covariance of the features is learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \min_D \operatorname{tr}(W^\top D^{-1} W)
              + \lambda_2 \|W\|_F^2

    over :math:`D \succeq 0` (d x d) of trace at most 1. D is minimised out, which makes
    the term :math:`\lambda_1 \|W\|_*^2`, and recovered at the solution.

    Its solutions are those of `MultiTaskTraceNormRegressor` with another strength,
    but no strength makes the coefficients zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskTraceNormRegressor : The trace norm itself.
    MultiTaskRelationshipRegressor : A covariance of the tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskFeatureCovarianceRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskFeatureCovarianceRegressor().fit(data.Xs, data.ys)
    >>> model.feature_covariance_.shape
    (20, 20)
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
class MultiTaskFeatureCovarianceClassifier(
    FeatureCovarianceStructure, MultiTaskClassifierBase
):
    r"""Convex multi-task feature learning: a covariance of the features is learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \min_D \operatorname{tr}(W^\top D^{-1} W)
              + \lambda_2 \|W\|_F^2

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
    MultiTaskFeatureCovarianceRegressor : The same for numbers.
    MultiTaskTraceNormClassifier : The trace norm itself.
    MultiTaskRelationshipClassifier : A covariance of the tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskFeatureCovarianceClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskFeatureCovarianceClassifier().fit(data.Xs, data.ys)
    >>> model.feature_covariance_.shape
    (20, 20)
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
