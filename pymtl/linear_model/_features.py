"""Tasks that share features."""

from collections.abc import Sequence

from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import L21, Ridge


@document
class MultiTaskL21Regressor(MultiTaskRegressorBase):
    r"""Joint feature selection: each feature is used by all tasks or by none.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \|W\|_F^2

    With one X for all tasks it is scikit-learn's `MultiTaskLasso` with
    ``alpha=lambda1``, and with lambda2 its `MultiTaskElasticNet`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the row norms; "auto" is a tenth of `lambda_max`.
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
    MultiTaskMeanRegressor : Tasks near their mean.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    G. Obozinski, B. Taskar and M. I. Jordan (2010). Joint covariate selection and
    joint subspace selection for multiple classification problems. Statistics and
    Computing.

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
        return L21(self.lambda1) + Ridge(self.lambda2)
