"""Tasks in clusters, or near a subspace, of which nobody told."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._sklearn import Interval
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import (
    ASO,
    Clustered,
    Ridge,
)


class ClusteredStructure:
    r"""Groups of similar tasks.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the distances within the groups; "auto" is half the mean curvature
        of the loss.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is a tenth of lambda1, and lambda1 ten times a
        lambda2 that is given. At 0 the penalty vanishes.
    n_clusters : int
        Number k of groups.
    center : bool
        Whether M has to keep the mean task.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    cluster_labels_ : ndarray of shape (n_tasks,)
        Groups of the tasks, 0 to at most k - 1: the k-means of their rows in the
        leading eigenvectors of M.
    cluster_matrix_ : ndarray of shape (n_tasks, n_tasks)
        The matrix M.

    References
    ----------
    L. Jacob, F. Bach and J.-P. Vert (2008). Clustered multi-task learning: a convex
    formulation. NIPS.

    J. Zhou, J. Chen and J. Ye (2011). Clustered multi-task learning via alternating
    structure optimization. NIPS.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "center": ["boolean"],
        "ridge": STRENGTH,
    }

    def _penalty(self):
        structure = Clustered(
            self.lambda1,
            self.lambda2,
            n_clusters=self.n_clusters,
            center=self.center,
        )
        return Ridge(self.ridge) + structure


@document
class MultiTaskClusteredRegressor(ClusteredStructure, MultiTaskRegressorBase):
    r"""Convex clustered multi-task learning: groups of similar tasks are learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \eta (1 + \eta) \min_M \operatorname{tr}(W (\eta I + M)^{-1}
              W^\top) + \rho \|W\|_F^2, \qquad \eta = \lambda_2 / \lambda_1

    over :math:`0 \preceq M \preceq I` of trace k. If M is the projection of the tasks
    onto k groups, this is :math:`\lambda_1` times the squared distances of the tasks to
    the mean of their group plus :math:`\lambda_2 \|W\|_F^2`. M is minimised out in
    closed form, so that there is no alternation, and recovered at the solution.

    With ``center=True`` M keeps the mean task, as projections onto groups do, so that
    it pays :math:`\lambda_2 T \|\bar w\|_2^2` alone. This is a tighter relaxation,
    and to prefer where the tasks have a common part.

    With k of at least the number of tasks it is a ridge regression for each task.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskASORegressor : The same penalty seen from the features.
    MultiTaskMeanRegressor : One group.

    References
    ----------
    {references}

    Examples
    --------
    >>> from sklearn.metrics import adjusted_rand_score
    >>> from pymtl import MultiTaskClusteredRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="clustered", n_clusters=3, random_state=0
    ... )
    >>> model = MultiTaskClusteredRegressor(n_clusters=3).fit(data.Xs, data.ys)
    >>> adjusted_rand_score(data.cluster_labels, model.cluster_labels_)
    1.0
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        n_clusters: int = 2,
        center: bool = False,
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
class MultiTaskClusteredClassifier(ClusteredStructure, MultiTaskClassifierBase):
    r"""Convex clustered classification: groups of similar tasks are learned.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \eta (1 + \eta) \min_M \operatorname{tr}(W (\eta I + M)^{-1}
              W^\top) + \rho \|W\|_F^2, \qquad \eta = \lambda_2 / \lambda_1

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
    MultiTaskClusteredRegressor : The same for numbers.
    MultiTaskASOClassifier : The same penalty seen from the features.
    MultiTaskMeanClassifier : One group.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskClusteredClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=8, structure="clustered", n_clusters=2, random_state=0
    ... )
    >>> model = MultiTaskClusteredClassifier(n_clusters=2).fit(data.Xs, data.ys)
    >>> model.cluster_labels_.shape, model.cluster_matrix_.shape
    ((8,), (8, 8))
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        n_clusters: int = 2,
        center: bool = False,
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


class ASOStructure:
    r"""A subspace of the features.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength outside the subspace; "auto" is half the mean curvature of the loss.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is a tenth of lambda1, and lambda1 ten times a
        lambda2 that is given. At 0 the penalty vanishes.
    n_components : int
        Dimension k of the subspace.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    subspace_ : ndarray of shape (n_components, n_features)
        Orthonormal basis of the shared subspace, the leading eigenvectors of M; at most
        min(n_features, n_tasks) rows.

    References
    ----------
    R. K. Ando and T. Zhang (2005). A framework for learning predictive structures from
    multiple tasks and unlabeled data. Journal of Machine Learning Research.

    J. Chen, L. Tang, J. Liu and J. Ye (2009). A convex formulation for learning shared
    structures from multiple tasks. ICML.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "ridge": STRENGTH,
    }

    def _penalty(self):
        structure = ASO(self.lambda1, self.lambda2, n_components=self.n_components)
        return Ridge(self.ridge) + structure


@document
class MultiTaskASORegressor(ASOStructure, MultiTaskRegressorBase):
    r"""Convex alternating structure optimisation: a subspace of the features is shared.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \eta (1 + \eta) \min_M \operatorname{tr}(W^\top (\eta I +
              M)^{-1} W) + \rho \|W\|_F^2, \qquad \eta = \lambda_2 / \lambda_1

    over :math:`0 \preceq M \preceq I` (d x d) of trace k. If M projects onto a subspace
    of k dimensions, coefficients in it pay the ridge :math:`\lambda_2`, coefficients
    outside :math:`\lambda_1 + \lambda_2`. M is minimised out in closed form.

    At the same k it has the solution of `MultiTaskClusteredRegressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskClusteredRegressor : The same penalty seen from the tasks.
    MultiTaskTraceNormRegressor : Low rank without a given dimension.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskASORegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskASORegressor(n_components=2).fit(data.Xs, data.ys)
    >>> model.subspace_.shape
    (2, 20)
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        n_components: int = 2,
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
class MultiTaskASOClassifier(ASOStructure, MultiTaskClassifierBase):
    r"""Convex alternating structure optimisation: a subspace of the features is shared.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \eta (1 + \eta) \min_M \operatorname{tr}(W^\top (\eta I +
              M)^{-1} W) + \rho \|W\|_F^2, \qquad \eta = \lambda_2 / \lambda_1

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
    MultiTaskASORegressor : The same for numbers.
    MultiTaskClusteredClassifier : The same penalty seen from the tasks.
    MultiTaskTraceNormClassifier : Low rank without a given dimension.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskASOClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=8, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskASOClassifier(n_components=2).fit(data.Xs, data.ys)
    >>> model.subspace_.shape
    (2, 20)
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        n_components: int = 2,
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
