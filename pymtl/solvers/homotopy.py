"""The lasso's path from knot to knot, exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._kernels_lasso import lasso_path
from ._problem import Problem
from ._result import Result
from .bcd import has_bcd, is_uniform

SMALL, LARGE = 1e5, 1e6  # numbers of a task, up to which one fit, or a path, is for it
TALL = 2  # samples for each feature, above which Gram matrices are cheaper
BYTES = 2**28


def has_homotopy(problem: Problem) -> bool:
    """Return whether :func:`homotopy` solves a problem."""
    if not has_bcd(problem) or not problem.design.apart or problem.is_sparse:
        return False
    if not is_uniform(problem) or problem.proximal.positive:
        return False
    return not problem.proximal.row_norms[1]


def is_small(problem: Problem) -> bool:
    """Return whether it is fast: each knot costs a product with all rows of a task."""
    n_rows, (d, m) = problem.design.bounds[-1], problem.design.shape
    most = LARGE if problem.is_reused else SMALL
    return n_rows * d <= min(most * m, BYTES / 8) and n_rows <= TALL * d * m


def homotopy(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a squared loss with :math:`\lambda \|W\|_1`, each task by itself.

    Between two knots, where a feature enters or leaves, the solution of a task is a
    line in :math:`\lambda`:

    .. math:: X_A' X_A\, \tfrac{d w_A}{d \lambda} = -s_A, \qquad
              |x_j'(y - X w)| \le \lambda, \qquad
              x_A'(y - X w) = \lambda s_A

    for the features A in use and their signs s. So the path is followed from the null
    model down to the strength, with updates of one Cholesky factor, and the solution
    is exact but for rounding. The next problem of the same data with a smaller strength
    goes on from there. Features that those in use make up are left out while they do.
    A ridge adds to the diagonal. What ties and rounding may spoil the gap tells.

    Parameters
    ----------
    problem : Problem
        A problem that :func:`has_homotopy`.
    W : ndarray of shape (n_features, n_columns)
        Not used: the start is the null model, or the last solution on the path.
    tol : float
        Not used: the solution is exact.
    max_iter : int
        Largest number of knots of a task.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The solution, or where `max_iter` knots have led to.

    References
    ----------
    M. R. Osborne, B. Presnell and B. A. Turlach (2000). A new approach to variable
    selection in least squares problems. IMA Journal of Numerical Analysis.

    B. Efron, T. Hastie, I. Johnstone and R. Tibshirani (2004). Least angle regression.
    The Annals of Statistics.
    """
    strength = problem.proximal.row_norms[0]
    path = problem.lasso_path
    if path is None or not path.leads_to(problem, strength):
        path = problem.lasso_path = LassoPath(problem)
    n_iter = path.follow(strength, max_iter)
    point = problem.point(path.W.T.copy())
    objective = problem.objective(point)
    result = Result(point.W, n_iter, [objective] * n_iter, solver="homotopy")
    result.objective = objective
    result.certificate = problem.gap(point, objective) / null_objective
    if callback is not None:
        callback(n_iter, objective, result.certificate)
    return result


class LassoPath:
    """Where the paths of all tasks are.

    Parameters
    ----------
    problem : Problem
        The problem.
    """

    def __init__(self, problem):
        design, (d, m) = problem.design, problem.design.shape
        self.ridge = np.array(np.broadcast_to(np.ravel(problem.matrix.ridge), d), float)
        self.W = np.zeros((m, d))
        scale = design.alike(problem.weight)
        own = scale is None or np.any(scale != scale[0])  # else one copy of the rows
        self.tasks = []
        for t in range(m):
            if own or t == 0:
                X = np.ascontiguousarray(design.block(t, problem.weight).T, float)
                size = d if self.ridge.any() else min(X.shape)
            rows = slice(design.bounds[t], design.bounds[t + 1])
            root, y = np.sqrt(problem.weight[rows]), problem.y[rows]
            used = np.zeros(d, np.int8), np.zeros(size, int), np.zeros((size, size))
            data = X, (root * y)[root > 0], self.ridge, self.W[t]
            self.tasks.append((*data, *used, np.array([np.inf, 0.0])))

    def leads_to(self, problem, strength):
        """Return whether the strength is ahead, with the same ridge."""
        last = max(state[0] for *_, state in self.tasks)
        return last >= strength and np.all(self.ridge == np.ravel(problem.matrix.ridge))

    def follow(self, strength, most):
        """Follow the paths down to a strength; return the largest number of knots."""
        return max(1, *(lasso_path(*task, strength, most) for task in self.tasks))
