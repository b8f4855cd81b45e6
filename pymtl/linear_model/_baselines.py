"""The two ends: no sharing, and one model for all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import Ridge


class SingleTaskStructure:
    r"""No sharing.

    Parameters
    ----------
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda2_ : float
        The strength that was used.
    """

    _parameter_constraints: dict = {"lambda2": STRENGTH}

    def _penalty(self):
        return Ridge(self.lambda2)


@document
class SingleTaskRegressor(SingleTaskStructure, MultiTaskRegressorBase):
    r"""One ridge regression a task: the baseline that shares nothing.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_2 \|W\|_F^2

    All tasks have the same strength. At ``lambda2=0`` it is ordinary least squares for
    each task; where that is not unique, the solution of least norm with the features
    of the task scaled to one length.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    PooledRegressor : One model for all tasks.
    MultiTaskMeanRegressor : Between the two.

    Examples
    --------
    >>> from pymtl import SingleTaskRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(n_tasks=3, n_features=4, random_state=0)
    >>> SingleTaskRegressor(lambda2=0.1).fit(data.Xs, data.ys).coef_.shape
    (3, 4)
    """

    def __init__(
        self,
        lambda2: float | str = "auto",
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
class SingleTaskClassifier(SingleTaskStructure, MultiTaskClassifierBase):
    r"""One ridge classifier a task: the baseline that shares nothing.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    W has one column for each class of each task.

    At ``lambda2=0`` it is logistic regression for each task, which has no finite
    optimum where the classes of a task can be separated; that warns.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SingleTaskRegressor : The same for numbers.
    PooledClassifier : One model for all tasks.
    MultiTaskMeanClassifier : Between the two.

    Examples
    --------
    >>> from pymtl import SingleTaskClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=3, n_features=4, random_state=0)
    >>> SingleTaskClassifier(lambda2=0.1).fit(data.Xs, data.ys).coef_.shape
    (3, 4)
    """

    def __init__(
        self,
        lambda2: float | str = "auto",
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


class PooledStructure:
    r"""One model for all tasks.

    Parameters
    ----------
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda2_ : float
        The strength that was used.
    """

    _parameter_constraints: dict = {"lambda2": STRENGTH}

    def _penalty(self):
        return Ridge(self.lambda2)

    def _pool(self, n_tasks):
        return np.ones((n_tasks, 1))

    def _accepts_unseen(self):
        return True


@document
class PooledRegressor(PooledStructure, MultiTaskRegressorBase):
    r"""One ridge regression for all tasks: the baseline that shares everything.

    .. math:: \min_{w, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w - c_t\|_2^2
              + T \lambda_2 \|w\|_2^2

    Every task counts the same, whatever its size; ``task_weight="n_samples"`` makes
    every sample count the same. A task that was not seen in fit is predicted too.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SingleTaskRegressor : One model a task.
    MultiTaskMeanRegressor : Between the two.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import PooledRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(n_tasks=3, n_features=4, random_state=0)
    >>> model = PooledRegressor(lambda2=0.1).fit(data.Xs, data.ys)
    >>> bool(np.all(model.coef_ == model.coef_[0]))
    True
    """

    def __init__(
        self,
        lambda2: float | str = "auto",
        *,
        loss: str | Loss = "squared",
        fit_intercept: bool | str = "shared",
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
class PooledClassifier(PooledStructure, MultiTaskClassifierBase):
    r"""One ridge classifier for all tasks: the baseline that shares everything.

    .. math:: \min_{w, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w + c_t)})
              + T \lambda_2 \|w\|_2^2

    with the labels as -1 and 1; of more than two classes the loss is multinomial.

    Every task counts the same, whatever its size; ``task_weight="n_samples"`` makes
    every sample count the same. A task that was not seen in fit is predicted too.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    PooledRegressor : The same for numbers.
    SingleTaskClassifier : One model a task.
    MultiTaskMeanClassifier : Between the two.

    Examples
    --------
    >>> from pymtl import PooledClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=3, n_features=4, random_state=0)
    >>> model = PooledClassifier(lambda2=0.1).fit(data.Xs, data.ys)
    >>> bool((model.coef_ == model.coef_[0]).all())
    True
    """

    def __init__(
        self,
        lambda2: float | str = "auto",
        *,
        loss: str | Loss = "logistic",
        class_weight: dict | str | None = None,
        single_class: str = "error",
        missing: Any = float("nan"),
        fit_intercept: bool | str = "shared",
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
