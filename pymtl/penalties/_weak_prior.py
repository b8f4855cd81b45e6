"""The automatic strengths of classifiers: a prior that counts as a few rows."""

from __future__ import annotations

import numpy as np

from ._base import Penalty, Sum, summands
from ._task_matrix import as_task_matrix

# A square takes the curvature of so many rows, spread over the features: the log odds
# x'w of an average row have a priori the standard deviation 1 where labels are even.
# Half and twice as many cost up to 4 % of log loss on tasks that have much of their own
# (digits) or nothing (Contraception): `python -m benchmarks classifier_defaults`.
PRIOR_ROWS = 4.0
# Intercepts that are shrunk differ a priori by the standard deviation 1/2 in log odds.
INTERCEPT_VARIANCE = 0.25


def rows_share(omega: np.ndarray, sizes: np.ndarray) -> float:
    """Return the share of the loss that one row has, typical of the tasks.

    Parameters
    ----------
    omega : ndarray of shape (n_tasks,)
        Weight of each task's mean loss.
    sizes : ndarray of shape (n_tasks,)
        Effective number of rows of each task; those without rows do not count.

    Returns
    -------
    share : float
        The geometric mean of omega / sizes, so that neither one tiny nor one large
        task sets the strengths of all.
    """
    seen = (sizes > 0) & (omega > 0)
    if not seen.any():
        return 0.0
    return float(np.exp(np.mean(np.log(omega[seen] / sizes[seen]))))


def resolve_as_prior(
    penalty: Penalty,
    gradient: np.ndarray,
    curvature: float,
    share: float,
    basis: np.ndarray | None = None,
) -> Penalty:
    r"""Return the penalty whose "auto" strengths vanish as the rows become many.

    With q = :data:`PRIOR_ROWS` times `share`, squares take q times, norms the smaller
    of 1 and the root of q times the strengths of :meth:`Penalty.resolve`: the error of
    a mean loss has the variance 1 / n, the gradient that norms compare with its root.

    A ridge that is there for what a structure leaves free, r directions of T tasks, is
    told by the rows of all T tasks and takes the part r / T of that.

    Parameters
    ----------
    penalty : Penalty
        A penalty or a sum.
    gradient : ndarray of shape (n_features, n_columns)
        Negative gradient of the loss at the null model.
    curvature : float
        Mean diagonal of the Hessian of the loss.
    share : float
        Features over rows, at most one.
    basis : ndarray of shape (n_columns, r) or None, default=None
        The columns of W are W = S N' for this basis N.

    Returns
    -------
    penalty : Penalty
        The resolved copy.
    """
    q = PRIOR_ROWS * share
    gradient, curvature = min(1.0, np.sqrt(q)) * gradient, q * curvature
    n_columns = gradient.shape[1]
    if not penalty.structure:
        r = n_columns if basis is None else basis.shape[1]
        return penalty.resolve(gradient, r / n_columns * curvature)
    free = _common(penalty, gradient, curvature) or n_columns
    return _resolve(penalty, gradient, curvature, free / n_columns)


def _resolve(penalty, gradient, curvature, part):
    """Return the resolved penalty, the ridges at a part of the curvature."""
    if penalty.strengths or not isinstance(penalty, Sum):
        return penalty.resolve(gradient, curvature * (1 if penalty.structure else part))
    left, right = penalty.left, penalty.right
    rest = gradient, curvature, part
    return Sum(_resolve(left, *rest), _resolve(right, *rest))


def _common(penalty, gradient, curvature):
    """Return how many directions of the tasks the structure leaves free."""
    n_columns = gradient.shape[1]
    found = []
    for part in (p for p in summands(penalty) if p.structure):
        resolved = part.resolve(gradient, curvature)
        if resolved.is_zero:
            continue
        matrix = resolved.quadratic(n_columns)
        if matrix is None:
            found.append(resolved.null_space(n_columns).shape[1])
        else:
            found.append(as_task_matrix(matrix).null_space().shape[1])
    return min(found, default=n_columns)
