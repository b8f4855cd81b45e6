"""Tasks that are near each other."""

from collections.abc import Sequence
from typing import Any

from .._docs import document
from ..base import STRENGTH, MultiTaskRegressorBase, store
from ..losses import Loss
from ..penalties import L1, Graph, Mean, NetworkLasso, Ridge
from ..penalties._base import summands


@document
class MultiTaskMeanRegressor(MultiTaskRegressorBase):
    r"""Regularised multi-task learning: tasks are shrunk to their mean.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_t \|w_t - \tfrac1T \sum_s w_s\|_2^2
              + \lambda_2 \|W\|_F^2

    At ``lambda1=0`` every task is a ridge regression of its own; as lambda1 grows the
    tasks become `PooledRegressor` (with an intercept each). The solution is one linear
    system, no iteration.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the shrinkage to the mean; "auto" is half the mean curvature of the
        loss, which moves an average coefficient half way.
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
    PooledRegressor : One model for all tasks.
    SingleTaskRegressor : One model a task.

    References
    ----------
    T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. KDD.

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
        return Mean(self.lambda1) + Ridge(self.lambda2)


@document
class MultiTaskGraphRegressor(MultiTaskRegressorBase):
    r"""Graph-regularised multi-task learning: tasks are near their neighbours.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \|W G\|_F^2 + \lambda_2 \|W\|_F^2 + \lambda_3 \|W\|_1

    With an adjacency A of the tasks :math:`\|W G\|_F^2 = \sum_{s<t} A_{st} \|w_s -
    w_t\|_2^2`. Without lambda3 the solution is one linear system. As lambda1 grows the
    tasks of each component of the graph become one.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the graph; "auto" is half the mean curvature of the loss, for a
        given graph divided by the mean degree of its tasks.
    lambda2 : float or "auto", default=0.0
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    lambda3 : float or "auto", default=0.0
        Strength of the entries; "auto" is a tenth of `lambda_max`, which with lambda3
        is that of lambda3.
    graph : str or object, default="mean"
        The graph: "mean" is the distance of each task to the mean of all, "order" links
        each task to the next. Else an adjacency.
        A symmetric (n_tasks, n_tasks) array, dense or sparse, with weights at least 0
        is in the order of `tasks_`. A data frame, a networkx graph, or a list of tuples
        (a, b) or (a, b, weight) has task labels for nodes; it may have more nodes than
        there are tasks, so it also fits a fold that misses a task.
    incidence : array or None, default=None
        The matrix G, (n_tasks, n_edges), in place of a graph. As a data frame its rows
        have task labels.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_, lambda3_ : float
        The strengths that were used.

    See Also
    --------
    MultiTaskMeanRegressor : All tasks near their mean.
    MultiTaskNetworkLassoRegressor : Neighbours that become equal.

    References
    ----------
    T. Evgeniou, C. A. Micchelli and M. Pontil (2005). Learning multiple tasks with
    kernel methods. Journal of Machine Learning Research.

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

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "lambda3": STRENGTH,
        "graph": "no_validation",
        "incidence": "no_validation",
    }

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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

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
class MultiTaskNetworkLassoRegressor(MultiTaskRegressorBase):
    r"""Network lasso: neighbours in a graph fuse into groups with one model each.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{2 n_t} \|y_t - X_t w_t - c_t\|_2^2
              + \lambda_1 \sum_{s<t} A_{st} \|w_s - w_t\|_2 + \lambda_2 \|W\|_F^2

    At ``lambda1=0`` every task is on its own. As lambda1 grows neighbours become equal,
    until at `lambda_max` each component of the graph has one model.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the distances; "auto" is a tenth of `lambda_max`.
    lambda2 : float or "auto", default=0.0
        Strength of the ridge; "auto" is half the mean curvature of the loss.
    graph : str or object, default="mean"
        The graph: "mean" links all tasks with the weight 1 / n_tasks, "order" each to
        the next with weight 1. Else an adjacency.
        A symmetric (n_tasks, n_tasks) array, dense or sparse, with weights at least 0
        is in the order of `tasks_`. A data frame, a networkx graph, or a list of tuples
        (a, b) or (a, b, weight) has task labels for nodes; it may have more nodes than
        there are tasks, so it also fits a fold that misses a task.
    {parameters}

    Attributes
    ----------
    {attributes}
    lambda1_, lambda2_ : float
        The strengths that were used.
    task_groups_ : ndarray of shape (n_tasks,)
        Number of the group of each task: tasks that are connected by equal neighbours.

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
    D. Hallac, J. Leskovec and S. Boyd (2015). Network lasso: clustering and
    optimization in large graphs. KDD.

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

    _parameter_constraints: dict = {
        "lambda1": STRENGTH,
        "lambda2": STRENGTH,
        "graph": "no_validation",
    }

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
        unseen_task: str = "error",
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

    def _penalty(self):
        return Ridge(self.lambda2) + NetworkLasso(self.lambda1, self.graph)
