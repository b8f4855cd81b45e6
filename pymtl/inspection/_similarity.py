"""How alike the tasks of a model are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._sparse_coef import dense
from .._wrapped import fitted_of


def task_similarity(estimator: Any, method: str = "auto") -> np.ndarray:
    r"""Return how alike the tasks of a fitted model are.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, a search of one, or a pipeline that ends with one.
    method : {"auto", "learned", "coef"}, default="auto"
        "learned" is what the structure has learned: the task correlations of
        `Relationship`, or the cluster matrix M of `Clustered`, as
        :math:`M_{st} / \sqrt{M_{ss} M_{tt}}`. "coef" is :math:`w_s^\top w_t / (\|w_s\|
        \|w_t\|)`, the correlation of the coefficients about zero. "auto" is "learned"
        where there is such a matrix.

    Returns
    -------
    similarity : ndarray of shape (n_tasks, n_tasks)
        Numbers between -1 and 1, in the order of `tasks_`; 1 on the diagonal. A task
        whose coefficients are zero is like no other, 0.

    Raises
    ------
    ValueError
        If the model has learned no such matrix, or tasks differ in their classes.

    See Also
    --------
    task_affinity : Whether training together helps, which likeness need not.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskMeanRegressor, task_similarity
    >>> X = np.eye(4)
    >>> Y = np.array([[1, 2, -1], [0, 0, 0], [1, 2, -1], [0, 0, 0]])
    >>> model = MultiTaskMeanRegressor(0.0, fit_intercept=False).fit(X, Y)
    >>> task_similarity(model).round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    estimator = fitted_of(estimator)
    if method not in ("auto", "learned", "coef"):
        msg = f"method must be 'auto', 'learned' or 'coef', got {method!r}."
        raise ValueError(msg)
    names = ("task_correlation_", "cluster_matrix_")
    learned = [getattr(estimator, n) for n in names if hasattr(estimator, n)]
    if method == "learned" and not learned:
        msg = (
            f"{type(estimator).__name__} learns no matrix of the tasks: use "
            "method='coef'."
        )
        raise ValueError(msg)
    if learned and method != "coef":
        return _correlation(learned[0])
    coef = dense(estimator.coef_)
    if len({np.shape(w) for w in coef}) > 1:
        msg = "The tasks have different numbers of classes: their coef_ do not compare."
        raise ValueError(msg)
    coef = np.asarray(coef, dtype=float)
    coef = coef.reshape(len(coef), -1)
    return _correlation(coef @ coef.T)


def _correlation(matrix):
    """Return a positive semi-definite matrix scaled to ones on its diagonal."""
    std = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
    scaled = np.clip(matrix * scale * scale[:, None], -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return scaled
