"""Tasks that are near each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._classifier import MultiTaskClassifierBase
from .._docs import document
from .._feature_weight import feature_values
from .._sklearn import StrOptions
from .._variance import METHODS, estimate_strengths
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import L1, Graph, Mean, NetworkLasso, Ridge
from ..penalties._base import summands


class MeanStructure:
    r"""Tasks near their mean.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the shrinkage to the mean; "auto" is half the mean curvature of the
        loss, which moves an average coefficient half way.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.

    References
    ----------
    T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. KDD.
    """

    _parameter_constraints: dict = {"lambda1": STRENGTH, "lambda2": STRENGTH}

    def _penalty(self):
        return Mean(self.lambda1) + Ridge(self.lambda2)


@document
class MultiTaskMeanRegressor(MeanStructure, MultiTaskRegressorBase):
    r"""Regularised multi-task learning: tasks are shrunk to their mean.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_t \|w_t - \tfrac1T \sum_s w_s\|_2^2
              + \lambda_2 \|W\|_F^2

    At ``lambda1=0`` every task is a ridge regression of its own; as lambda1 grows the
    tasks become `PooledRegressor` (with an intercept each). The solution is one linear
    system, no iteration.

    Of the squared loss the strengths can be estimated with the coefficients in place of
    being searched: they are ratios of variances, ``lambda1="reml"`` those of the
    largest restricted likelihood. With ``task_weight="n_samples"`` the model is the
    linear mixed model.

    Parameters
    ----------
    lambda1 : float, "auto", "reml" or "ml"
        Strength of the shrinkage to the mean; "auto" is half the mean curvature of the
        loss, which moves an average coefficient half way. "reml" is :math:`\sigma^2 /
        (2 \tau^2)`, the variance of the errors (of a row of weight one in the loss)
        over that of the tasks' coefficients about their mean, by restricted maximum
        likelihood, "ml" by maximum likelihood. Where the variance of the tasks is
        estimated as zero, the strength is so large that the tasks are one.
    lambda0 : float, "auto", "reml" or "ml"
        Strength of "shrink"; "auto" is half the mean task weight, and what lambda1
        says where that is "reml" or "ml".
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskBayesianRegressor : The same with standard errors and intervals.
    PooledRegressor : One model for all tasks.
    SingleTaskRegressor : One model a task.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskMeanRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=5, n_features=8, structure="mean", random_state=0
    ... )
    >>> model = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (5, 8)
    >>> model.solver_
    'direct'
    >>> MultiTaskMeanRegressor("reml").fit(data.Xs, data.ys).converged_
    True
    """

    _parameter_constraints: dict = {
        "lambda1": [*STRENGTH, StrOptions(set(METHODS))],
        "lambda0": [*STRENGTH, StrOptions(set(METHODS))],
    }

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
        unseen_task: str = "structure",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

    def _centre(self, data):
        self._estimated = {}
        if self.lambda1 in METHODS or self._shrinks_by_likelihood():
            self._estimated = self._strengths_of(data)
        return super()._centre(data)

    def _shrinks_by_likelihood(self):
        return self.fit_intercept == "shrink" and self.lambda0 in METHODS

    def _strengths_of(self, data):
        """Return the strengths of the largest likelihood."""
        self._check_targets(data)
        name = type(self).__name__
        if not self._loss().quadratic or self._learns_weights():
            msg = (
                f"{name}: strengths by likelihood ('reml', 'ml') need the squared loss "
                "with given task weights. Use 'auto' or a search (MultiTaskSearchCV); "
                "for noise that differs between tasks MultiTaskBayesianRegressor("
                "noise='task')."
            )
            raise ValueError(msg)
        if self.lambda2 != 0:
            msg = (
                f"{name}: lambda2={self.lambda2!r} does not go with strengths by "
                "likelihood, whose common coefficients have no prior. Use lambda2=0, "
                "or give numbers for all strengths."
            )
            raise ValueError(msg)
        d = data.X.shape[1]
        weight = np.ones(d)
        if self.feature_weight is not None:
            weight = feature_values(self.feature_weight, d)
        strengths = self.lambda1, self.lambda0
        omega = self._task_weights(data)
        return estimate_strengths(data, omega, self.fit_intercept, weight, *strengths)

    def _strength(self, name):
        """Return a strength as a number or, before there are data, as "auto"."""
        value = getattr(self, name)
        value = "auto" if value in METHODS else value
        return getattr(self, "_estimated", {}).get(name, value)

    def _penalty(self):
        return Mean(self._strength("lambda1")) + Ridge(self.lambda2)


@document
class MultiTaskMeanClassifier(MeanStructure, MultiTaskClassifierBase):
    r"""Regularised multi-task learning: tasks are shrunk to their mean.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_t \|w_t - \tfrac1T \sum_s w_s\|_2^2
              + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    a column of W holds the coefficients of all classes of its task.

    Without a ridge there is no finite optimum where one hyperplane separates the
    classes of all tasks.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskMeanRegressor : The same for numbers.
    PooledClassifier : One model for all tasks.
    SingleTaskClassifier : One model a task.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskMeanClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=5, n_features=8, structure="mean", random_state=0
    ... )
    >>> model = MultiTaskMeanClassifier().fit(data.Xs, data.ys)
    >>> model.certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
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


class GraphStructure:
    r"""Neighbours in a graph near each other.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the graph; "auto" is half the mean curvature of the loss, for a
        given graph divided by the mean degree of its tasks.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    lambda3 : float or "auto"
        Strength of the entries; "auto" is a tenth of `lambda_max`, which with lambda3
        is that of lambda3.
    graph : str or object
        The graph: "mean" is the distance of each task to the mean of all, "order" links
        each task to the next. Else an adjacency.
        A symmetric (n_tasks, n_tasks) array, dense or sparse, with weights at least 0
        is in the order of `tasks_`. A data frame, a networkx graph, or a list of tuples
        (a, b) or (a, b, weight) has task labels for nodes; it may have more nodes than
        there are tasks, so it also fits a fold that misses a task.
    incidence : array or None
        The matrix G, (n_tasks, n_edges), in place of a graph. As a data frame its rows
        have task labels.

    Attributes
    ----------
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    References
    ----------
    T. Evgeniou, C. A. Micchelli and M. Pontil (2005). Learning multiple tasks with
    kernel methods. Journal of Machine Learning Research.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "graph": "no_validation",
        "incidence": "no_validation",
    }

    def _penalty(self):
        penalty = Ridge(self.lambda2) + Graph(self.lambda1, self.graph, self.incidence)
        if isinstance(self.lambda3, str) or self.lambda3 > 0:
            penalty = L1(self.lambda3) + penalty
        return penalty

    def _moved(self, penalty):
        entries, *quadratic = summands(penalty)
        lambda3 = {"lambda3": entries.lambda1} if len(quadratic) == 2 else {}
        return super()._moved(penalty) | lambda3

    def _report(self, *args):
        super()._report(*args)
        entries, *quadratic = summands(self.penalty_)
        self.lambda3_ = entries.lambda1 if len(quadratic) == 2 else 0.0


@document
class MultiTaskGraphRegressor(GraphStructure, MultiTaskRegressorBase):
    r"""Graph-regularised multi-task learning: tasks are near their neighbours.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W G\|_F^2 + \lambda_2 \|W\|_F^2 + \lambda_3 \|W\|_1

    With an adjacency A of the tasks :math:`\|W G\|_F^2 = \sum_{s<t} A_{st} \|w_s -
    w_t\|_2^2`. Without lambda3 the solution is one linear system. As lambda1 grows the
    tasks of each component of the graph become one.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskMeanRegressor : All tasks near their mean.
    MultiTaskNetworkLassoRegressor : Neighbours that become equal.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskGraphRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=6, n_features=8, structure="graph", random_state=0
    ... )
    >>> model = MultiTaskGraphRegressor(graph=data.adjacency).fit(data.Xs, data.ys)
    >>> model.coef_.shape
    (6, 8)
    >>> model.solver_
    'direct'
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        lambda3: float | str = 0.0,
        graph: Any = "mean",
        incidence: Any = None,
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
class MultiTaskGraphClassifier(GraphStructure, MultiTaskClassifierBase):
    r"""Graph-regularised multi-task learning: tasks are near their neighbours.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \|W G\|_F^2 + \lambda_2 \|W\|_F^2 + \lambda_3 \|W\|_1

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    a column of W holds the coefficients of all classes of its task.

    With an adjacency A of the tasks :math:`\|W G\|_F^2 = \sum_{s<t} A_{st} \|w_s -
    w_t\|_2^2`. Without a ridge there is no finite optimum where one hyperplane
    separates the classes of all tasks.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskGraphRegressor : The same for numbers.
    MultiTaskMeanClassifier : All tasks near their mean.
    MultiTaskNetworkLassoClassifier : Neighbours that become equal.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskGraphClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, n_features=8, structure="graph", random_state=0
    ... )
    >>> model = MultiTaskGraphClassifier(graph=data.adjacency)
    >>> model.fit(data.Xs, data.ys).certificate_ <= model.tol
    True
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        lambda3: float | str = 0.0,
        graph: Any = "mean",
        incidence: Any = None,
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


class NetworkLassoStructure:
    r"""Neighbours in a graph equal.

    Parameters
    ----------
    lambda1 : float or "auto"
        Strength of the distances; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    graph : str or object
        The graph: "mean" links all tasks with the weight 1 / n_tasks, "order" each to
        the next with weight 1. Else an adjacency.
        A symmetric (n_tasks, n_tasks) array, dense or sparse, with weights at least 0
        is in the order of `tasks_`. A data frame, a networkx graph, or a list of tuples
        (a, b) or (a, b, weight) has task labels for nodes; it may have more nodes than
        there are tasks, so it also fits a fold that misses a task.

    Attributes
    ----------
    lambda1_, lambda2_ : float
        The strengths that were used.
    task_groups_ : ndarray of shape (n_tasks,)
        Number of the group of each task: tasks that are connected by equal neighbours.

    References
    ----------
    D. Hallac, J. Leskovec and S. Boyd (2015). Network lasso: clustering and
    optimization in large graphs. KDD.
    """

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "graph": "no_validation",
    }

    def _penalty(self):
        return Ridge(self.lambda2) + NetworkLasso(self.lambda1, self.graph)


@document
class MultiTaskNetworkLassoRegressor(NetworkLassoStructure, MultiTaskRegressorBase):
    r"""Network lasso: neighbours in a graph fuse into groups with one model each.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_{s<t} A_{st} \|w_s - w_t\|_2 + \lambda_2 \|W\|_F^2

    At ``lambda1=0`` every task is on its own. As lambda1 grows neighbours become equal,
    until at `lambda_max` each component of the graph has one model.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskGraphRegressor : Neighbours that are near each other, but not equal.
    MultiTaskClusteredRegressor : Groups without a graph.

    Notes
    -----
    `lambda_max` is an upper bound of the strength from which on the tasks of each
    component are one group; in a graph without cycles it is exact.

    References
    ----------
    {references}

    Examples
    --------
    Six tasks in a row, two groups of three:

    >>> import numpy as np
    >>> from pymtl import MultiTaskNetworkLassoRegressor
    >>> rng = np.random.default_rng(0)
    >>> Xs = [rng.standard_normal((40, 3)) for _ in range(6)]
    >>> ys = [X @ (np.ones(3) if t < 3 else -np.ones(3)) for t, X in enumerate(Xs)]
    >>> model = MultiTaskNetworkLassoRegressor(0.2, graph="order").fit(Xs, ys)
    >>> model.task_groups_
    array([0, 0, 0, 1, 1, 1])
    >>> model.certificate_kind_
    'duality gap'
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = 0.0,
        graph: Any = "mean",
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
class MultiTaskNetworkLassoClassifier(NetworkLassoStructure, MultiTaskClassifierBase):
    r"""Network lasso: neighbours in a graph fuse into groups with one model each.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \log(1 + e^{-y_{ti} (x_{ti}'w_t + c_t)})
              + \lambda_1 \sum_{s<t} A_{st} \|w_s - w_t\|_2 + \lambda_2 \|W\|_F^2

    with the labels as -1 and 1. Of more than two classes the loss is multinomial, and
    a column of W holds the coefficients of all classes of its task.

    Without a ridge there is no finite optimum where one hyperplane separates the
    classes of all tasks.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    MultiTaskNetworkLassoRegressor : The same for numbers.
    MultiTaskGraphClassifier : Neighbours that are near each other, but not equal.
    MultiTaskClusteredClassifier : Groups without a graph.

    Notes
    -----
    `lambda_max` is an upper bound of the strength from which on the tasks of each
    component are one group; in a graph without cycles it is exact.

    References
    ----------
    {references}

    Examples
    --------
    >>> from pymtl import MultiTaskNetworkLassoClassifier
    >>> from pymtl.datasets import make_multitask_classification
    >>> data = make_multitask_classification(
    ...     n_tasks=6, n_features=8, structure="graph", random_state=0
    ... )
    >>> model = MultiTaskNetworkLassoClassifier(graph=data.adjacency)
    >>> model.fit(data.Xs, data.ys).task_groups_.shape
    (6,)
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        graph: Any = "mean",
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
