"""Tasks that share a space of few dimensions, or groups."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._sklearn import Interval
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import (
    ASO,
    Clustered,
    FeatureCovariance,
    Relationship,
    Ridge,
    RobustLowRank,
    SparseLowRank,
    SparseRankBudget,
    TraceNorm,
)


class TraceNormStructure:
    r"""A space of few dimensions.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the trace norm; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    S. Ji and J. Ye (2009). An accelerated gradient method for trace norm minimization.
    ICML.

    T. K. Pong, P. Tseng, S. Ji and J. Ye (2010). Trace norm regularization:
    reformulations, algorithms, and multi-task learning. SIAM Journal on Optimization.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return TraceNorm(self.lambda1) + Ridge(self.lambda2)


@document
class MultiTaskTraceNormRegressor(TraceNormStructure, MultiTaskRegressorBase):
    r"""Low-rank multi-task learning: the tasks lie in a space of few dimensions.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W\|_* + \lambda_2 \|W\|_F^2

    The trace norm :math:`\|W\|_*` is the sum of the singular values of W. As lambda1
    grows they become zero one after the other, so that all tasks are combinations of a
    few common coefficient vectors. With one task it is the Euclidean norm.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskFeatureCovarianceRegressor : The square of the trace norm.
    MultiTaskRobustLowRankRegressor : With outlier tasks.
    MultiTaskSparseLowRankRegressor : With own entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskTraceNormRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskTraceNormRegressor(lambda1=1.0).fit(data.Xs, data.ys)
    >>> int(np.linalg.matrix_rank(model.coef_))
    2
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


@document
class MultiTaskTraceNormClassifier(TraceNormStructure, MultiTaskClassifierBase):
    r"""Low-rank classification: the tasks lie in a space of few dimensions.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|W\|_* + \lambda_2 \|W\|_F^2

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
    MultiTaskTraceNormRegressor : The same for numbers.
    MultiTaskFeatureCovarianceClassifier : The square of the trace norm.
    MultiTaskRobustLowRankClassifier : With outlier tasks.
    MultiTaskSparseLowRankClassifier : With own entries.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskTraceNormClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=12, structure="low_rank", rank=2, random_state=0
    ... )
    >>> model = MultiTaskTraceNormClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


class SparseLowRankStructure:
    r"""A space of few dimensions, and own entries.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the sparse part.
    lambda2 : float or "auto"
        Strength of the trace norm. If both are "auto" their ratio is the geometric
        middle of the useful range, and they are a tenth of `lambda_max`; one "auto"
        follows the other. To be left alone beside `rank_budget`.
    rank_budget : float or None
        Bound :math:`\tau` on the trace norm of Q; then there is no finite `lambda_max`.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The low-rank part Q and the sparse part P, which add up to `coef_`.

    References
    ----------
    J. Chen, J. Liu and J. Ye (2010). Learning incoherent sparse and low-rank patterns
    from multiple tasks. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "rank_budget": [Interval(Real, 0, None, closed="neither"), None],
        "ridge": STRENGTH,
    }

    def _penalty(self):
        if self.rank_budget is None:
            return Ridge(self.ridge) + SparseLowRank(self.lambda1, self.lambda2)
        if not isinstance(self.lambda2, str):
            msg = (
                f"rank_budget={self.rank_budget} bounds the trace norm, lambda2="
                f"{self.lambda2} weighs it: give one of the two."
            )
            raise ValueError(msg)
        return Ridge(self.ridge) + SparseRankBudget(self.lambda1, self.rank_budget)


@document
class MultiTaskSparseLowRankRegressor(SparseLowRankStructure, MultiTaskRegressorBase):
    r"""Sparse plus low rank: tasks in a space of few dimensions, and own entries.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_{jt} |p_{jt}| + \lambda_2 \|Q\|_* + \rho \|W\|_F^2,
              \qquad W = P + Q

    The trace norm :math:`\|Q\|_*` is the sum of the singular values. `rank_budget`
    bounds it, :math:`\|Q\|_* \le \tau`, in place of a strength.

    Both parts are used where lambda1 < lambda2 < sqrt(n_features * n_tasks) * lambda1;
    outside a warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskTraceNormRegressor : Without own entries.
    MultiTaskRobustLowRankRegressor : With whole tasks that do not fit in.
    MultiTaskDirtyRegressor : Shared features in place of low rank.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskSparseLowRankRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=12, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskSparseLowRankRegressor().fit(data.Xs, data.ys)
    >>> np.allclose(model.shared_coef_ + model.specific_coef_, model.coef_)
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        rank_budget: float | None = None,
        ridge: float | str = 0.0,
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


@document
class MultiTaskSparseLowRankClassifier(SparseLowRankStructure, MultiTaskClassifierBase):
    r"""Sparse plus low rank: tasks in a space of few dimensions, and own entries.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_{jt} |p_{jt}| + \lambda_2 \|Q\|_* + \rho \|W\|_F^2,
              \qquad W = P + Q

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
    MultiTaskSparseLowRankRegressor : The same for numbers.
    MultiTaskTraceNormClassifier : Without own entries.
    MultiTaskRobustLowRankClassifier : With whole tasks that do not fit in.
    MultiTaskDirtyClassifier : Shared features in place of low rank.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskSparseLowRankClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskSparseLowRankClassifier().fit(data.Xs, data.ys)
    >>> model.shared_coef_.shape, model.specific_coef_.shape
    ((6, 20), (6, 20))
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        *,
        rank_budget: float | None = None,
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


class RobustLowRankStructure:
    r"""A space of few dimensions, and outlier tasks.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the trace norm.
    lambda2 : float or "auto"
        Strength of the outlier tasks. If both are "auto", lambda1 is n_tasks ** 0.05
        times lambda2, so that few tasks are outliers, and they are a tenth of
        `lambda_max`; one "auto" follows the other.
    ridge : float or "auto"
        Strength :math:`\rho` of the ridge; "auto" is half the mean curvature of the
        loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    shared_coef_, specific_coef_ : ndarray of the shape of `coef_`
        The parts L and S, which add up to `coef_`.
    outlier_tasks_ : ndarray
        Labels of the tasks with specific coefficients.

    References
    ----------
    J. Chen, J. Zhou and J. Ye (2011). Integrating low-rank and group-sparse structures
    for robust multi-task learning. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "ridge": STRENGTH,
    }

    def _penalty(self):
        return Ridge(self.ridge) + RobustLowRank(self.lambda1, self.lambda2)


@document
class MultiTaskRobustLowRankRegressor(RobustLowRankStructure, MultiTaskRegressorBase):
    r"""Robust low rank: tasks in a space of few dimensions, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|L\|_* + \lambda_2 \sum_t \|s_t\|_2 + \rho \|W\|_F^2,
              \qquad W = L + S

    The trace norm :math:`\|L\|_*` is the sum of the singular values. A task that does
    not fit into the common space has coefficients :math:`s_t` of its own, and does not
    disturb the others.

    Both parts are used where lambda2 < lambda1 < sqrt(n_tasks) * lambda2; outside a
    warning says which part is zero.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskRobustFeatureRegressor : Shared features in place of low rank.
    MultiTaskTraceNormRegressor : Without outlier tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustLowRankRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=20,
    ...     n_samples=100,
    ...     structure="outlier",
    ...     base="low_rank",
    ...     random_state=0,
    ... )
    >>> model = MultiTaskRobustLowRankRegressor(0.5, 0.4).fit(data.Xs, data.ys)
    >>> model.outlier_tasks_, data.outlier_tasks
    (array([1, 6]), array([1, 6]))
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())


@document
class MultiTaskRobustLowRankClassifier(RobustLowRankStructure, MultiTaskClassifierBase):
    r"""Robust low rank: tasks in a space of few dimensions, and outlier tasks.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|L\|_* + \lambda_2 \sum_t \|s_t\|_2 + \rho \|W\|_F^2,
              \qquad W = L + S

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
    MultiTaskRobustLowRankRegressor : The same for numbers.
    MultiTaskRobustFeatureClassifier : Shared features in place of low rank.
    MultiTaskTraceNormClassifier : Without outlier tasks.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskRobustLowRankClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, structure="low_rank", random_state=0
    ... )
    >>> model = MultiTaskRobustLowRankClassifier().fit(data.Xs, data.ys)
    >>> model.shared_coef_.shape, model.specific_coef_.shape
    ((6, 20), (6, 20))
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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())
