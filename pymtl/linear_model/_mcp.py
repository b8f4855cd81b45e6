"""Tasks that share features, with penalties that do not shrink large coefficients."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from .._sklearn import Interval, StrOptions
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import MCP, Ridge


class MCPStructure(SelectsFeatures):
    r"""Features that all tasks use, or none, not shrunk where they are large.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength, the slope at zero; "auto" is a tenth of `lambda_max`, from which on
        zero is stationary.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    gamma : float or "auto"
        How soon the slope falls: features with a norm above gamma lambda1 are not
        shrunk. Above 0; "auto" is 3 over the mean curvature of the loss, so
        3.0 for features of unit variance.
    n_init : int
        Number of starts, 1 to 5: the solutions of `MultiTaskL21Regressor` with the
        strength and smaller ones. The best of the stationary points counts.

    Attributes
    ----------
    lambda1_, lambda2_, gamma_ : float
        The numbers that were used.
    majorant_gap_ : float
        Duality gap, relative as the certificate is, of the convex problem that touches
        this one at the coefficients: to the best ones whose unshrunk features have at
        most twice the largest norm.

    References
    ----------
    C.-H. Zhang (2010). Nearly unbiased variable selection under minimax concave
    penalty. Annals of Statistics.

    P. Breheny and J. Huang (2015). Group descent algorithms for nonconvex penalized
    linear and logistic regression models with grouped predictors. Statistics and
    Computing.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "gamma": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "n_init": [Interval(Integral, 1, 5, closed="both")],
    }

    def _penalty(self):
        return MCP(self.lambda1, self.gamma, self.n_init) + Ridge(self.lambda2)


@document
class MultiTaskMCPRegressor(MCPStructure, MultiTaskRegressorBase):
    r"""Joint feature selection by the minimax concave penalty of the rows.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \sum_j \phi(\|w_{j\cdot}\|_2) + \lambda_2 \|W\|_F^2

    where phi has the slope :math:`\phi'(r) = (\lambda_1 - r / \gamma)_+`: at zero that
    of `MultiTaskL21Regressor`, and none for large coefficients, which are not shrunk.
    Fewer features are selected than by L2,1 for the same fit.

    The objective is not convex. A fit goes down from several convex ones, in convex
    stages, to where no small step goes down (``certificate_kind_ == "stationarity"``);
    another start may end elsewhere, and better.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : The convex one.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskMCPRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=20, structure="shared_rows", random_state=0
    ... )
    >>> model = MultiTaskMCPRegressor().fit(data.Xs, data.ys)
    >>> model.certificate_kind_, model.converged_
    ('stationarity', True)
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        gamma: float | str = "auto",
        n_init: int = 5,
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
class MultiTaskMCPClassifier(MCPStructure, MultiTaskClassifierBase):
    r"""Joint feature selection by the minimax concave penalty of the rows.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \sum_j \phi(\|w_{j\cdot}\|_2) + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    W has one column for each class of each task.

    where phi has the slope :math:`\phi'(r) = (\lambda_1 - r / \gamma)_+`: at zero that
    of `MultiTaskL21Classifier`, and none for large coefficients, which are not shrunk.
    Fewer features are selected than by L2,1 for the same fit.

    The objective is not convex. A fit goes down from several convex ones, in convex
    stages, to where no small step goes down (``certificate_kind_ == "stationarity"``);
    another start may end elsewhere, and better.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskMCPRegressor : The same for numbers.
    MultiTaskL21Classifier : The convex one.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskMCPClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskMCPClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_kind_, model.converged_
    ('stationarity', True)
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        gamma: float | str = "auto",
        n_init: int = 5,
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
