"""Joint feature selection that does not depend on the noise levels."""

from collections.abc import Sequence

from .._docs import document
from .._selection import SelectsFeatures
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..penalties import L21, Ridge


@document
class MultiTaskCalibratedRegressor(SelectsFeatures, MultiTaskRegressorBase):
    r"""Calibrated joint feature selection: each task has a noise level of its own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{\sqrt{n_t}} \|y_t - X_t w_t - c_t\|_2
              + \lambda_1 \sum_j \|w_{j\cdot}\|_2 + \lambda_2 \|W\|_F^2

    The norms are not squared, so that the gradient of a task does not grow with its
    noise: one strength suits tasks with different noise, and the best strength does
    not depend on it. The noise levels are learned with the coefficients. A task that is
    fitted exactly has noise level zero.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the row norms; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto", default=0.0
        Strength of the ridge; "auto" is half the mean curvature of the loss at zero.
    fit_intercept : bool, default=True
        Whether to fit one free intercept a task.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_ : float
        The strengths that were used.
    noise_ : ndarray of shape (n_tasks,)
        Root mean squared residual of each task, in units of y.

    See Also
    --------
    MultiTaskL21Regressor : The same with squared norms.

    References
    ----------
    H. Liu, L. Wang and T. Zhao (2014). Multivariate regression with calibration. NIPS.

    P. Gong, J. Zhou, W. Fan and J. Ye (2014). Efficient multi-task feature learning
    with calibration. KDD.

    Examples
    --------
    >>> from pymtl import MultiTaskCalibratedRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(n_tasks=5, n_features=20, random_state=0)
    >>> model = MultiTaskCalibratedRegressor().fit(data.Xs, data.ys)
    >>> model.noise_.shape
    (5,)
    >>> model.certificate_ <= model.tol
    True
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        fit_intercept: bool = True,
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

    loss = "square_root"
    lambda0 = "auto"

    def _penalty(self):
        return L21(self.lambda1) + Ridge(self.lambda2)

    def _compare_scales(self, data, centred):
        """Warn of nothing: the gradient of a task does not depend on its units."""
