"""The contract of a penalty, and sums of penalties."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.base import BaseEstimator, clone

from ._task_matrix import TaskMatrix, as_task_matrix

AUTO_FRACTION = 0.1


class Penalty(BaseEstimator):
    """Base class of the penalties: convex functions of W (n_features, n_tasks).

    A penalty needs :meth:`value` and :meth:`prox`; with :meth:`polar` (a norm) or
    :meth:`conjugate` its fits end with a duality gap. Its strengths are its first
    constructor parameters; "auto" is resolved by :meth:`resolve` on a copy.

    Attributes
    ----------
    convex : bool
        Whether the penalty is convex.
    strengths : tuple of str
        Names of the strength parameters.
    task_metric : bool
        Whether :meth:`prox` takes a step for each task, shape (n_tasks,), and for
        each coefficient, shape (n_features, n_tasks).
    separable : {"entry", "row", "column"} or None
        The blocks over which the penalty is a sum.
    """

    convex = True
    strengths: tuple[str, ...] = ("lambda1",)
    task_metric = False
    separable: str | None = None

    def value(self, W: np.ndarray) -> float:
        """Return the penalty at W.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients, one column a task.

        Returns
        -------
        value : float
            The penalty, strengths included.
        """
        raise NotImplementedError

    def prox(self, V: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        """Return the minimiser over W of ``||W - V||^2 / (2 step) + value(W)``.

        Parameters
        ----------
        V : ndarray of shape (n_features, n_tasks)
            Point to map; it is not modified.
        step : float or ndarray
            Positive step; with `task_metric` also one a task, shape (n_tasks,), or
            one a coefficient, shape (n_features, n_tasks).

        Returns
        -------
        W : ndarray of shape (n_features, n_tasks)
            The minimiser.
        """
        raise NotImplementedError

    def quadratic(self, n_tasks: int) -> TaskMatrix | np.ndarray | None:
        """Return the task matrix L if the penalty is ½ tr(W L W'), else None.

        Parameters
        ----------
        n_tasks : int
            Number of tasks T.

        Returns
        -------
        L : TaskMatrix, (n_tasks, n_tasks) array, or None
            Positive semi-definite matrix of a quadratic penalty. Quadratic
            penalties join the loss, so they are never reached through their prox.
        """
        return None

    @property
    def is_zero(self) -> bool:
        """Whether all strengths are zero."""
        return all(getattr(self, name) == 0 for name in self.strengths)

    def resolve(self, gradient: np.ndarray, curvature: float) -> Penalty:
        """Return a copy whose "auto" strengths are numbers.

        A norm takes a tenth of its gauge at the null model, so a tenth of the
        strength from which on the solution is the null model; a quadratic takes half
        the mean curvature of the loss, which shrinks an average feature half way.

        Parameters
        ----------
        gradient : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at the null model.
        curvature : float
            Mean diagonal of the Hessian of the loss.

        Returns
        -------
        penalty : Penalty
            The resolved copy.
        """
        resolved = clone(self)
        auto = [s for s in self.strengths if _is_auto(getattr(self, s))]
        if not auto:
            return resolved
        unit = clone(self).set_params(**dict.fromkeys(auto, 1.0))
        if unit.quadratic(gradient.shape[1]) is not None:
            strength = 0.5 * curvature
        else:
            strength = AUTO_FRACTION * _gauge(unit, gradient)
        return resolved.set_params(**dict.fromkeys(auto, float(strength)))

    def lambda_max(self, gradient: np.ndarray) -> float:
        """Return the smallest lambda1 for which the null model is the solution.

        Parameters
        ----------
        gradient : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at the null model.

        Returns
        -------
        lambda_max : float
            Infinite for quadratic penalties, which shrink but never select.
        """
        unit = clone(self).set_params(**dict.fromkeys(self.strengths, 1.0))
        if unit.quadratic(gradient.shape[1]) is not None:
            return np.inf
        return float(_gauge(unit, gradient))

    def __add__(self, other: Penalty) -> Penalty:
        return Sum(self, other)

    @classmethod
    def examples(cls, n_features: int, n_tasks: int) -> Iterator[Penalty]:
        """Yield instances for the conformance tests.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Yields
        ------
        penalty : Penalty
            An instance with numeric strengths.
        """
        yield cls(0.7)


class Quadratic(Penalty):
    """Base class of the quadratic penalties ½ tr(W L W').

    A subclass gives :meth:`quadratic`; the rest follows from the task matrix.
    """

    def value(self, W):
        return self._matrix(W).value(W)

    def prox(self, V, step):
        return self._matrix(V).prox(V, step)

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate ½ tr(G L^+ G').

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point; its part in the null space of L is ignored.

        Returns
        -------
        value : float
            The conjugate on the range of L.
        """
        return self._matrix(G).conjugate(G)

    def _matrix(self, W):
        return as_task_matrix(self.quadratic(W.shape[1]))


class Sum(Penalty):
    """Sum of penalties: any number of quadratic parts and at most one other.

    Usually written ``L21(0.1) + Ridge(0.02)``.

    Parameters
    ----------
    left, right : Penalty
        The two summands; either may itself be a sum.

    Examples
    --------
    >>> from pymtl.penalties import L21, Ridge
    >>> L21(0.1) + Ridge(0.02)
    Sum(left=L21(lambda1=0.1), right=Ridge(lambda2=0.02))
    """

    strengths = ()

    def __init__(self, left: Penalty, right: Penalty):
        self.left = left
        self.right = right

    def value(self, W):
        return self.left.value(W) + self.right.value(W)

    def resolve(self, gradient, curvature):
        return Sum(
            self.left.resolve(gradient, curvature),
            self.right.resolve(gradient, curvature),
        )

    def lambda_max(self, gradient):
        return min(self.left.lambda_max(gradient), self.right.lambda_max(gradient))

    @property
    def is_zero(self):
        return self.left.is_zero and self.right.is_zero


def summands(penalty: Penalty) -> list[Penalty]:
    """Return the terms of a sum, or the penalty itself."""
    if isinstance(penalty, Sum):
        return summands(penalty.left) + summands(penalty.right)
    return [penalty]


def split_quadratic(
    penalty: Penalty, n_tasks: int
) -> tuple[TaskMatrix, Penalty | None]:
    """Split a resolved penalty into its task matrix and its proximal part.

    Parameters
    ----------
    penalty : Penalty
        A penalty or a sum of penalties.
    n_tasks : int
        Number of tasks.

    Returns
    -------
    matrix : TaskMatrix
        Sum of the quadratic parts.
    proximal : Penalty or None
        The other part, None when there is none or its strengths are zero.
    """
    matrix, proximal = TaskMatrix(n_tasks), []
    for part in summands(penalty):
        L = part.quadratic(n_tasks)
        if L is not None:
            matrix = matrix + as_task_matrix(L)
        elif not part.is_zero:
            proximal.append(part)
    if len(proximal) > 1:
        names = " and ".join(type(p).__name__ for p in proximal)
        msg = (
            f"A sum of penalties holds at most one that is not quadratic, got {names}. "
            "Fit the model with one of them, or write their sum as one penalty with "
            "a joint prox."
        )
        raise ValueError(msg)
    return matrix, proximal[0] if proximal else None


def _is_auto(strength) -> bool:
    return isinstance(strength, str) and strength == "auto"


def _gauge(unit: Penalty, gradient: np.ndarray) -> float:
    if not hasattr(unit, "polar"):
        name = type(unit).__name__
        msg = (
            f"{name} has no polar gauge, so its strength cannot be 'auto' and has no "
            f"lambda_max: give {name} a number, or a method polar(G)."
        )
        raise ValueError(msg)
    return unit.polar(gradient)
