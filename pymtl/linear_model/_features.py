"""Tasks that share features."""

from collections.abc import Sequence
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import L1, L21, LInf, Ridge, SparseGroup


class MayBePositive:
    """The coefficients may be held to positive values."""

    _parameter_constraints: dict = {"positive": ["boolean"]}


class L21Structure(SelectsFeatures, MayBePositive):
    r"""Features that all tasks use, or none.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the row norms; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    positive : bool
        Whether to forbid negative coefficients.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    G. Obozinski, B. Taskar and M. I. Jordan (2010). Joint covariate selection and
    joint subspace selection for multiple classification problems. Statistics and
    Computing.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return L21(self.lambda1, self.positive) + Ridge(self.lambda2)


@document
class MultiTaskL21Regressor(L21Structure, MultiTaskRegressorBase):
    r"""Joint feature selection: each feature is used by all tasks or by none.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \|W\|_F^2

    With one X for all tasks it is scikit-learn's `MultiTaskLasso` with
    ``alpha=lambda1``, and with lambda2 its `MultiTaskElasticNet`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskMeanRegressor : Tasks near their mean.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskL21Regressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=20, structure="shared_rows", random_state=0
    ... )
    >>> model = MultiTaskL21Regressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (5, 20)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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
class MultiTaskL21Classifier(L21Structure, MultiTaskClassifierBase):
    r"""Joint feature selection: each feature is used by all tasks or by none.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \|W\|_F^2

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
    MultiTaskL21Regressor : The same for numbers.
    MultiTaskMeanClassifier : Tasks near their mean.
    MultiTaskClassifier : Any penalty.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskL21Classifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskL21Classifier().fit(data.Xs, data.ys)
    >>> used = model.coef_.any(axis=0)
    >>> bool((used == model.coef_.all(axis=0)).all())
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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


class L1Structure(SelectsFeatures, MayBePositive):
    r"""Features of each task's own.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the absolute values; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    positive : bool
        Whether to forbid negative coefficients.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    R. Tibshirani (1996). Regression shrinkage and selection via the lasso. Journal of
    the Royal Statistical Society B.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return L1(self.lambda1, self.positive) + Ridge(self.lambda2)


@document
class MultiTaskL1Regressor(L1Structure, MultiTaskRegressorBase):
    r"""The lasso for each task: each task uses few features, its own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_{jt} |w_{jt}| + \lambda_2 \|W\|_F^2

    The tasks share nothing but the strength. For one task it is scikit-learn's `Lasso`
    with ``alpha=lambda1``; with lambda2 it is the elastic net.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : All tasks use the same features.
    MultiTaskSparseGroupRegressor : Between the two.
    MultiTaskDataSharedRegressor : A common part and own parts.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskL1Regressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=3, n_features=20, structure="dirty", random_state=0
    ... )
    >>> model = MultiTaskL1Regressor().fit(data.Xs, data.ys)
    >>> model.coef_.astype(bool).sum(axis=1) < 20
    array([ True,  True,  True])
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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
class MultiTaskL1Classifier(L1Structure, MultiTaskClassifierBase):
    r"""The logistic lasso for each task: each task uses few features, its own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_{jt} |w_{jt}| + \lambda_2 \|W\|_F^2

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
    MultiTaskL1Regressor : The same for numbers.
    MultiTaskL21Classifier : All tasks use the same features.
    MultiTaskSparseGroupClassifier : Between the two.
    MultiTaskDataSharedClassifier : A common part and own parts.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskL1Classifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskL1Classifier().fit(data.Xs, data.ys)
    >>> bool((model.coef_ == 0).any())
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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


class LInfStructure(SelectsFeatures, MayBePositive):
    r"""Features in common, with coefficients of like size.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the largest entries of the rows; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    positive : bool
        Whether to forbid negative coefficients.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    B. A. Turlach, W. N. Venables and S. J. Wright (2005). Simultaneous variable
    selection. Technometrics.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return LInf(self.lambda1, self.positive) + Ridge(self.lambda2)


@document
class MultiTaskLInfRegressor(LInfStructure, MultiTaskRegressorBase):
    r"""Joint feature selection, with coefficients of like size over the tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \max_t |w_{jt}| + \lambda_2 \|W\|_F^2

    A feature pays for its largest coefficient only: once a task uses it, the others
    may use it up to the same size.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : Coefficients of any size.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskLInfRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=20, structure="shared_rows", random_state=0
    ... )
    >>> model = MultiTaskLInfRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (5, 20)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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
class MultiTaskLInfClassifier(LInfStructure, MultiTaskClassifierBase):
    r"""Joint feature selection, with coefficients of like size over the tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \max_t |w_{jt}| + \lambda_2 \|W\|_F^2

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
    MultiTaskLInfRegressor : The same for numbers.
    MultiTaskL21Classifier : Coefficients of any size.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskLInfClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskLInfClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        positive: bool = False,
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


class SparseGroupStructure(SelectsFeatures, MayBePositive):
    r"""Features chosen for all tasks, and again in each.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the row norms.
    lambda2 : float or "auto"
        Strength of the absolute values. If both are "auto" they are equal, a tenth of
        `lambda_max`; one "auto" is equal to the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.
    positive : bool
        Whether to forbid negative coefficients.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    N. Simon, J. Friedman, T. Hastie and R. Tibshirani (2013). A sparse-group lasso.
    Journal of Computational and Graphical Statistics.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + SparseGroup(
            self.lambda1, self.lambda2, self.positive
        )


@document
class MultiTaskSparseGroupRegressor(SparseGroupStructure, MultiTaskRegressorBase):
    r"""Sparse-group lasso: features chosen for all tasks, and again in each task.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \sum_{jt} |w_{jt}|
              + \rho \|W\|_F^2

    Most features are used by no task, as in joint feature selection, and those that
    are used need not be used by every task. With ``lambda2=0`` it is
    `MultiTaskL21Regressor`, with ``lambda1=0`` it is `MultiTaskL1Regressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : Rows only.
    MultiTaskL1Regressor : Entries only.
    MultiTaskTreeRegressor : Groups of tasks between the rows and the entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskSparseGroupRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=20, structure="dirty", random_state=0
    ... )
    >>> model = MultiTaskSparseGroupRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (5, 20)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        ridge: float | str = 0.0,
        positive: bool = False,
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
class MultiTaskSparseGroupClassifier(SparseGroupStructure, MultiTaskClassifierBase):
    r"""Sparse-group lasso: features chosen for all tasks, and again in each task.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \sum_{jt} |w_{jt}|
              + \rho \|W\|_F^2

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
    MultiTaskSparseGroupRegressor : The same for numbers.
    MultiTaskL21Classifier : Rows only.
    MultiTaskL1Classifier : Entries only.
    MultiTaskTreeClassifier : Groups of tasks between the rows and the entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskSparseGroupClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskSparseGroupClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        ridge: float | str = 0.0,
        positive: bool = False,
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
