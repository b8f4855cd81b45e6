"""Tasks that share features, with strengths that fall with the rank of a feature."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from .._sklearn import Interval, StrOptions
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import OrderedRows, Ridge


class OrderedRowsStructure(SelectsFeatures):
    r"""Features that all tasks use, or none, at a level of false ones.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the largest row; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    weights : {"bh", "oscar"} or array-like
        How the strengths fall with the rank: as the quantiles of Benjamini and
        Hochberg's procedure, along a line from 1 to 1/2, or as an array says.
    q : float
        Level of "bh", between 0 and 1. The smaller, the more the weights are alike.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    M. Bogdan, E. van den Berg, C. Sabatti, W. Su and E. J. Candes (2015). SLOPE -
    adaptive variable selection via convex optimization. Annals of Applied Statistics.

    D. Brzyski, A. Gossmann, W. Su and M. Bogdan (2019). Group SLOPE - adaptive
    selection of groups of predictors. Journal of the American Statistical Association.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "weights": [StrOptions({"bh", "oscar"}), "array-like"],
        "q": [Interval(Real, 0, 1, closed="neither")],
    }

    def _penalty(self):
        return OrderedRows(self.lambda1, self.weights, self.q) + Ridge(self.lambda2)


@document
class MultiTaskOrderedRowsRegressor(OrderedRowsStructure, MultiTaskRegressorBase):
    r"""SLOPE on the norms of rows: features are chosen for all tasks together.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_k a_k \|w\|_{(k)} + \lambda_2 \|W\|_F^2

    where :math:`\|w\|_{(1)} \ge \|w\|_{(2)} \ge \dots` are the sorted norms of the rows
    of W and the weights :math:`1 = a_1 \ge a_2 \ge \dots` fall: the more features are
    in use, the less it takes to come in, as in a test that controls the rate of false
    discoveries. Rows of about the same norm get the same, so that correlated features
    stay together. With equal weights it is `MultiTaskL21Regressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : One strength for all features.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskOrderedRowsRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=20, structure="shared_rows", random_state=0
    ... )
    >>> model = MultiTaskOrderedRowsRegressor().fit(data.Xs, data.ys)
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
        weights: str | Sequence[float] = "bh",
        q: float = 0.1,
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
class MultiTaskOrderedRowsClassifier(OrderedRowsStructure, MultiTaskClassifierBase):
    r"""SLOPE on the norms of rows: features are chosen for all tasks together.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_k a_k \|w\|_{(k)} + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    W has one column for each class of each task.

    where :math:`\|w\|_{(1)} \ge \|w\|_{(2)} \ge \dots` are the sorted norms of the rows
    of W and the weights :math:`1 = a_1 \ge a_2 \ge \dots` fall: the more features are
    in use, the less it takes to come in, as in a test that controls the rate of false
    discoveries. Rows of about the same norm get the same, so that correlated features
    stay together. With equal weights it is `MultiTaskL21Classifier`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskOrderedRowsRegressor : The same for numbers.
    MultiTaskL21Classifier : One strength for all features.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskOrderedRowsClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskOrderedRowsClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        weights: str | Sequence[float] = "bh",
        q: float = 0.1,
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
