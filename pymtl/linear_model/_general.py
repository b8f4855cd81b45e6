"""Any penalty."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from sklearn.base import clone

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._sklearn import StrOptions
from ..base import MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import PENALTIES, Penalty


class AnyPenalty:
    """The penalty is a parameter."""

    _parameter_constraints: dict = {
        "penalty": [StrOptions(set(PENALTIES)), Penalty],
    }

    def _penalty(self):
        if isinstance(self.penalty, str):
            return PENALTIES[self.penalty]()
        return clone(self.penalty)

    def _moved(self, penalty):
        numbers = {k: v for k, v in penalty.get_params().items() if isinstance(v, Real)}
        return {"penalty": self._penalty().set_params(**numbers)}


@document
class MultiTaskRegressor(AnyPenalty, MultiTaskRegressorBase):
    r"""Multi-task regression with any penalty.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \ell(y_{ti}, x_{ti}'w_t + c_t) + \Omega(W)

    The penalty is a name of the registry or an object: one of `pymtl.penalties`, a sum
    of them such as ``L21(0.1) + Ridge(0.02)``, or your own with the methods `value`
    and `prox`. Its strengths are tuned as ``penalty__lambda1``.

    Parameters
    ----------
    penalty : str or Penalty, default="l21"
        The penalty :math:`\Omega`; a name takes its default strengths.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL21Regressor : Joint feature selection.
    MultiTaskMeanRegressor : Tasks near their mean.

    Examples
    --------
    >>> from pymtl import MultiTaskRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.penalties import L21, Ridge
    >>> data = make_multitask_regression(n_tasks=4, n_features=10, random_state=0)
    >>> model = MultiTaskRegressor(L21("auto") + Ridge(0.01)).fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (4, 10)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        penalty: str | Penalty = "l21",
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
class MultiTaskClassifier(AnyPenalty, MultiTaskClassifierBase):
    r"""Multi-task classification with any penalty.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)}) + \Omega(W)

    with the labels as -1 and 1; of more than two classes the multinomial loss. The
    penalty is a name of the registry or an object: one of `pymtl.penalties`, a sum of
    them such as ``L21(0.1) + Ridge(0.02)``, or your own with the methods `value` and
    `prox`. Its strengths are tuned as ``penalty__lambda1``.

    Parameters
    ----------
    penalty : str or Penalty, default="l21"
        The penalty :math:`\Omega`; a name takes its default strengths.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskRegressor : The same for numbers.

    Examples
    --------
    >>> from pymtl import MultiTaskClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskClassifier("trace_norm").fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        penalty: str | Penalty = "l21",
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
