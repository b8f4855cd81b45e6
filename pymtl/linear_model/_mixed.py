"""Tasks that share some features and not others."""

from collections.abc import Sequence
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._selection import SelectsFeatures
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import DataShared, Ridge, Tree


class DataSharedStructure(SelectsFeatures):
    r"""A common vector, and deviations.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the common part.
    lambda2 : float or "auto"
        Strength of the deviations. If both are "auto", :math:`\lambda_1 =
        \sqrt{T} \lambda_2` and a tenth of `lambda_max`; one "auto" follows the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_ : ndarray of the shape of `coef_`
        The common part, the same in each row.
    specific_coef_ : ndarray of the shape of `coef_`
        The deviations; the two parts add up to `coef_`.

    References
    ----------
    S. M. Gross and R. Tibshirani (2016). Data shared lasso: a novel tool to discover
    uplift. Computational Statistics and Data Analysis.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + DataShared(self.lambda1, self.lambda2)


@document
class MultiTaskDataSharedRegressor(DataSharedStructure, MultiTaskRegressorBase):
    r"""Data-shared lasso: a common sparse vector and a sparse deviation of each task.

    .. math:: \min_{u, V, c} \sum_t \frac{\omega_t}{2 n_t}
              \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|u\|_1 + \lambda_2 \sum_t \|v_t\|_1 + \rho \|W\|_F^2,
              \qquad w_t = u + v_t

    It is the lasso with every feature once for all tasks and once for each. Most
    coefficients are the same in all tasks, and the exceptions are named. With
    :math:`\lambda_1 \ge T \lambda_2` the common part is zero, which is the lasso for
    each task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskL1Regressor : No common part.
    MultiTaskMeanRegressor : Deviations that are small, not sparse.

    References
    ----------
    {references}

    Examples
    --------
    Five tasks agree but for one coefficient of one of them:

    >>> import numpy as np
    >>> from pymtl import MultiTaskDataSharedRegressor
    >>> rng = np.random.default_rng(0)
    >>> W = np.tile([1.0, -1.0, 0.0, 0.0], (5, 1))
    >>> W[4, 3] = 2.0
    >>> X = rng.normal(size=(80, 4))
    >>> Y = X @ W.T + 0.5 * rng.normal(size=(80, 5))
    >>> model = MultiTaskDataSharedRegressor().fit(X, Y)
    >>> model.shared_coef_[0].round(1)
    array([ 0.8, -0.8,  0. ,  0. ])
    >>> np.argwhere(np.abs(model.specific_coef_) > 0.2)
    array([[4, 3]])
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
class MultiTaskDataSharedClassifier(DataSharedStructure, MultiTaskClassifierBase):
    r"""Data-shared lasso: a common sparse vector and a sparse deviation of each task.

    .. math:: \min_{u, V, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|u\|_1 + \lambda_2 \sum_t \|v_t\|_1 + \rho \|W\|_F^2,
              \qquad w_t = u + v_t

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
    MultiTaskDataSharedRegressor : The same for numbers.
    MultiTaskL1Classifier : No common part.
    MultiTaskMeanClassifier : Deviations that are small, not sparse.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskDataSharedClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskDataSharedClassifier().fit(data.Xs, data.ys)
    >>> bool((model.shared_coef_ == model.shared_coef_[0]).all())
    True
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


class TreeStructure(SelectsFeatures):
    r"""Features in common along a tree of the tasks.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the groups; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    tree : ndarray, list or None
        The tree over the tasks 0, ..., T - 1, in the order of `tasks_`: a linkage
        matrix (T - 1, 4) of `scipy.cluster.hierarchy`, whose heights become weights; or
        nested lists such as ``[[0, 1, 2], [3, 4]]``, where a tuple ``(node, weight)``
        gives a node another weight than 1. None is all tasks together and each alone.
        `pymtl.penalties.Tree` has the details.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    S. Kim and E. P. Xing (2012). Tree-guided group lasso for multi-response regression
    with structured sparsity. Annals of Applied Statistics.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "tree": ["array-like", None],
    }

    def _penalty(self):
        return Tree(self.lambda1, self.tree) + Ridge(self.lambda2)


@document
class MultiTaskTreeRegressor(TreeStructure, MultiTaskRegressorBase):
    r"""Tree-guided group lasso: tasks that are close in a tree use the same features.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_j \sum_v a_v \big\|(w_{jt})_{t \in v}\big\|_2
              + \lambda_2 \|W\|_F^2

    The nodes v of the tree are groups of tasks, from single tasks at the leaves to all
    of them at the root. A feature is chosen or dropped for whole branches.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskSparseGroupRegressor : No groups between all tasks and one.
    MultiTaskL21Regressor : All tasks together.

    References
    ----------
    {references}

    Examples
    --------
    Two families of tasks, each with features of its own:

    >>> import numpy as np
    >>> from pymtl import MultiTaskTreeRegressor
    >>> rng = np.random.default_rng(0)
    >>> W = np.zeros((5, 10))
    >>> W[:3, :2] = 1.0
    >>> W[3:, 2:4] = 1.0
    >>> X = rng.normal(size=(60, 10))
    >>> Y = X @ W.T + rng.normal(size=(60, 5))
    >>> model = MultiTaskTreeRegressor(0.3, tree=[[0, 1, 2], [3, 4]]).fit(X, Y)
    >>> model.coef_.astype(bool).astype(int)[:, :6]
    array([[1, 1, 0, 0, 0, 0],
           [1, 1, 0, 0, 0, 0],
           [1, 1, 0, 0, 0, 0],
           [0, 0, 1, 1, 0, 0],
           [0, 0, 1, 1, 0, 0]])
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        tree: Any = None,
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
class MultiTaskTreeClassifier(TreeStructure, MultiTaskClassifierBase):
    r"""Tree-guided group lasso: tasks that are close in a tree use the same features.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_j \sum_v a_v \big\|(w_{jt})_{t \in v}\big\|_2
              + \lambda_2 \|W\|_F^2

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
    MultiTaskTreeRegressor : The same for numbers.
    MultiTaskSparseGroupClassifier : No groups between all tasks and one.
    MultiTaskL21Classifier : All tasks together.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskTreeClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = MultiTaskTreeClassifier(tree=[[0, 1], [2, 3]])
    >>> model.fit(data.Xs, data.ys).certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        *,
        tree: Any = None,
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
