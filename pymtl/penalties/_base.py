"""The contract of a penalty, and sums of penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from .._sklearn import Parameters
from ._task_matrix import TaskMatrix, as_task_matrix

if TYPE_CHECKING:
    from ._prior import Place

AUTO_FRACTION = 0.1


class Penalty(Parameters):
    """Base class of the penalties: functions of W (n_features, n_tasks), mostly convex.

    A penalty needs :meth:`value` and :meth:`prox`; with `polar` (a norm) or
    `conjugate` its fits end with a duality gap. A norm whose polar costs too much may
    have `polar_bound`, with which `lambda_max` is a bound, too. Its strengths are its
    first constructor parameters; "auto" is resolved by :meth:`resolve` on a copy.

    Attributes
    ----------
    convex : bool
        Whether the penalty is convex. With one that is not, fits end at a stationary
        point, and their certificate says no more.
    positive : bool
        Whether coefficients have to be at least zero, whatever the strengths.
    strengths : tuple of str
        Names of the strength parameters.
    task_metric : bool
        Whether :meth:`prox` takes a step for each task, shape (n_tasks,), and for
        each coefficient, shape (n_features, n_tasks).
    separable : {"entry", "row", "column"} or None
        The blocks over which the penalty is a sum.
    structure : bool
        Whether paths move its strengths: all but the ridge's, which only shrinks, where
        there is something else.
    sharing : bool
        Whether the coefficients of one task depend on those of others.
    solver : {"apg", "alm"}
        The iterative solver of the penalty with the squared loss.
    by_task : bool
        Whether a column of W has to be a whole task. If so, a task with several classes
        has the coefficients of all of them in its column, one below the other; if not,
        each class is a column.
    placed_by : {"neighbours", "time"} or None
        The argument of `fit_new_task` that says where a new task belongs.
    """

    convex = True
    positive = False
    structure = True
    sharing = True
    strengths: tuple[str, ...] = ("lambda1",)
    task_metric = False
    separable: str | None = None
    solver = "apg"
    by_task = False
    placed_by: str | None = None

    @property
    def needs_place(self) -> bool:
        """Whether it says nothing of a new task before that is given."""
        return self.placed_by is not None

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

    @property
    def is_auto(self) -> bool:
        """Whether a strength, its own or of a penalty within, is "auto"."""
        if any(_is_auto(getattr(self, name)) for name in self.strengths):
            return True
        parts = vars(self).values()
        return any(part.is_auto for part in parts if isinstance(part, Penalty))

    @property
    def row_norms(self) -> tuple[float | np.ndarray, float | np.ndarray] | None:
        """Strengths (a, b) of a sum over rows ``a ||w||_1 + b ||w||_2``, else None.

        They may be arrays, with a number a row. A penalty that is such a sum is solved
        by coordinate descent.
        """
        return None

    @property
    def certified(self) -> bool:
        """Whether a duality gap is known."""
        dual = hasattr(self, "polar") or hasattr(self, "conjugate")
        return dual and self.convex

    def metric(self, bound: Callable[[bool], np.ndarray]) -> np.ndarray:
        """Return the smallest majorant of the Hessian that the prox can take.

        Parameters
        ----------
        bound : callable
            ``bound(True)`` is a diagonal majorant with a number a coefficient,
            ``bound(False)`` one with a number a task, both (n_features, n_tasks).

        Returns
        -------
        metric : ndarray
            One number, or (n_features, n_tasks) with `task_metric`.
        """
        return bound(True) if self.task_metric else np.array(bound(False).max())

    def align(self, tasks: np.ndarray, ordered: bool = True) -> Penalty:
        """Return the penalty for the tasks with these labels.

        Parameters
        ----------
        tasks : ndarray of shape (n_tasks,)
            Task labels, in the order of the columns of W.
        ordered : bool, default=True
            Whether that order means something: False if it is the alphabet's.

        Returns
        -------
        penalty : Penalty
            A copy that holds what belongs to tasks (a graph, times) in their order;
            the penalty itself where there is nothing of the kind.
        """
        return self

    def of_rows(self, rows: np.ndarray, shape: tuple[int, int]) -> Penalty:
        """Return the penalty of some rows of W, the others being zero.

        Parameters
        ----------
        rows : ndarray of int
            The rows.
        shape : tuple of int
            Shape (n_features, n_tasks) of W.

        Returns
        -------
        penalty : Penalty
            The penalty itself where it does not depend on the number of rows.
        """
        return self

    def null_space(self, n_tasks: int) -> np.ndarray:
        """Return what tasks may have in common, at no cost, in every row.

        Parameters
        ----------
        n_tasks : int
            Number of tasks T.

        Returns
        -------
        basis : ndarray of shape (n_tasks, k)
            Orthonormal columns N: adding S N' to W does not change the value. By
            default there are none. Quadratic penalties are asked through their task
            matrix.
        """
        return np.zeros((n_tasks, 0))

    def only_signs(self, n_features: int, n_tasks: int) -> np.ndarray:
        """Return which coefficients have no cost, but have to be at least zero.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Returns
        -------
        alone : ndarray of bool of shape (n_features, n_tasks)
            A dual point is feasible where their slope is at least zero. By default
            there are none.
        """
        return np.zeros((n_features, n_tasks), bool)

    def unit(self, n_features: int, n_tasks: int) -> dict[str, float]:
        """Return the proportions of the strengths that "auto" and paths keep.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Returns
        -------
        strengths : dict of {str: float}
            One number a strength; lambda1 is 1 where there is no reason otherwise.
            A square that counts a coefficient r times divides by r.
        """
        return dict.fromkeys(self.strengths, 1.0)

    def resolve(self, gradient: np.ndarray, curvature: float) -> Penalty:
        """Return a copy whose "auto" strengths are numbers.

        A norm takes a tenth of its gauge at the null model, so a tenth of the
        strength from which on the solution is the null model; a quadratic or squared
        norm takes half the mean curvature of the loss, which shrinks an average
        feature half way. Both in the proportions of :meth:`unit`.

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
        auto = [s for s in self.strengths if _is_auto(getattr(self, s))]
        if not auto:
            return copy(self)
        unit = self.unit(*gradient.shape)
        given = [s for s in self.strengths if s not in auto and getattr(self, s) > 0]
        if given:
            scale = getattr(self, given[0]) / unit[given[0]]
        elif hasattr(self, "polar") or not hasattr(self, "conjugate"):
            scale = AUTO_FRACTION * _gauge(self._in_proportion(gradient), gradient)
        else:
            scale = 0.5 * curvature
        return self._with({s: float(scale * unit[s]) for s in auto})

    def _with(self, strengths):
        """Return a copy with other strengths; what is not a number is shared."""
        other = copy(self)
        vars(other).update(strengths)
        return other

    def scaled(self, factor: float) -> Penalty:
        """Return a copy whose structure strengths are multiplied, as on a path.

        Parameters
        ----------
        factor : float
            Number, at least zero; strengths that are "auto" must be resolved before.

        Returns
        -------
        penalty : Penalty
            The scaled copy.
        """
        return self._with({s: factor * getattr(self, s) for s in self.strengths})

    def lambda_max(self, gradient: np.ndarray) -> float:
        """Return the smallest lambda1 for which the null model is the solution.

        Parameters
        ----------
        gradient : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at the null model.

        Returns
        -------
        lambda_max : float
            All strengths move in the proportions of numbers that are given, else of
            :meth:`unit`. Infinite for quadratics and squared norms, which shrink but
            never select.
        """
        if hasattr(self, "conjugate") and not hasattr(self, "polar"):
            return np.inf
        first = self.strengths[0]
        unit = self
        if not getattr(self, first) or any(
            _is_auto(getattr(self, s)) for s in self.strengths
        ):
            unit = self._in_proportion(gradient)
        return float(getattr(unit, first) * _gauge(unit, gradient))

    def _in_proportion(self, gradient):
        """Return the penalty with the strengths of `unit`; zeros after the first stay.

        Unless that makes it vanish: a component at no cost takes everything.
        """
        whole = self._with(self.unit(*gradient.shape))
        off = [s for s in self.strengths[1:] if getattr(self, s) == 0]
        part = whole._with(dict.fromkeys(off, 0.0))
        return whole if part.is_zero else part

    def range_warning(self, n_features: int, n_tasks: int) -> str | None:
        """Return a message if the strengths make a component identically zero.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Returns
        -------
        message : str or None
            The message names the range in which every component can be used.
        """
        return None

    def learned(
        self, W: np.ndarray, parts: list[np.ndarray], tasks: np.ndarray
    ) -> dict[str, Any]:
        """Return what the structure has learned, as fitted attributes.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            The coefficients as the penalty sees them: feature weights are multiplied
            in, and covariates that are not penalised are zero.
        parts : list of ndarray of shape (n_features, n_tasks)
            The components of the coefficients of the features as they were given;
            the coefficients themselves where there is one.
        tasks : ndarray of shape (n_tasks,)
            Task labels.

        Returns
        -------
        attributes : dict of {str: object}
            For example cluster labels or outlier tasks.
        """
        return {}

    def new_task(self, W: np.ndarray, place: Place) -> Penalty:
        """Return the penalty of a new task, the learned structure held fixed.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            The coefficients that the structure was learned with; of components the
            list of theirs.
        place : Place
            Its `weight` (n_tasks,) of the edges to the tasks of training and its
            `time`, as far as they were given.

        Returns
        -------
        penalty : Penalty or list of Penalty
            Penalty of the coefficients (n_features, 1) of the new task: where nothing
            is shared the penalty itself. Of a list the one counts with which the
            objective is the lowest.

        Raises
        ------
        ValueError
            If the structure says nothing of new tasks, or not where this one belongs.
        """
        if not self.sharing:
            return clone(self)
        msg = (
            f"{type(self).__name__} does not say what it is for a new task: it needs a "
            "method new_task(W, place) that returns the penalty of its coefficients."
        )
        raise ValueError(msg)

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
        yield cls(*(0.7 / 2**i for i in range(len(cls.strengths))))


class Quadratic(Penalty):
    """Base class of the quadratic penalties ½ tr(W L W').

    A subclass gives :meth:`quadratic`; the rest follows from the task matrix.
    """

    by_task = True

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

    def new_task(self, W, place):
        from ._prior import Prior

        d, n_tasks = W.shape
        matrix = as_task_matrix(self.quadratic(n_tasks + 1))
        last = matrix.apply(np.eye(1, n_tasks + 1, n_tasks))[0]
        pull, level = -W @ last[:n_tasks], float(last[n_tasks])
        mean = pull / level if level > 0 else np.zeros(d)
        return Prior(mean, None, np.full(d, level))

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

    @property
    def convex(self):
        return self.left.convex and self.right.convex

    @property
    def positive(self):
        return self.left.positive or self.right.positive

    def value(self, W):
        return self.left.value(W) + self.right.value(W)

    def resolve(self, gradient, curvature):
        return Sum(
            self.left.resolve(gradient, curvature),
            self.right.resolve(gradient, curvature),
        )

    @property
    def structure(self):
        return self.left.structure or self.right.structure

    def scaled(self, factor):
        if self.strengths:
            return super().scaled(factor)
        parts = (self.left, self.right)
        move = [p.structure or not self.structure for p in parts]
        parts = [p.scaled(factor) if m else p for p, m in zip(parts, move, strict=True)]
        return Sum(*parts)

    def align(self, tasks, ordered=True):
        return Sum(self.left.align(tasks, ordered), self.right.align(tasks, ordered))

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


def moving(penalty: Penalty) -> list[Penalty]:
    """Return the parts whose own strengths a path moves."""
    if penalty.strengths or not hasattr(penalty, "left"):
        return [penalty]
    parts = [part for part in vars(penalty).values() if isinstance(part, Penalty)]
    kept = [p for p in parts if p.structure or not penalty.structure]
    return [part for p in kept for part in moving(p)]


def leading(penalty: Penalty) -> tuple[str, float]:
    """Return the name and value of the first strength that a path moves."""
    values = {s: getattr(p, s) for p in moving(penalty) for s in p.strengths}
    positive = sorted(name for name, value in values.items() if value > 0)
    if not positive:
        msg = (
            f"{penalty!r} has no positive strength that a path could move. Give its "
            "strengths numbers above zero, or 'auto'."
        )
        raise ValueError(msg)
    return positive[0], float(values[positive[0]])


def degree(penalty: Penalty) -> int:
    """Return 1 if the penalty has a norm among its parts, 2 if all are squares.

    Parts without strength do not count.
    """
    squares = (
        p.is_zero or (hasattr(p, "conjugate") and not hasattr(p, "polar"))
        for p in summands(penalty)
    )
    return 2 if all(squares) else 1


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


def gauge(penalty: Penalty, G: np.ndarray) -> float | None:
    """Return the polar gauge of G or, where it is not known, a bound of it, or None."""
    for name in ("polar", "polar_bound"):
        if hasattr(penalty, name):
            return getattr(penalty, name)(G)
    return None


def _gauge(unit: Penalty, gradient: np.ndarray) -> float:
    known = gauge(unit, gradient)
    if known is None:
        name = type(unit).__name__
        msg = (
            f"{name} has no polar gauge, so its strength cannot be 'auto' and has no "
            f"lambda_max: give {name} a number, or a method polar(G)."
        )
        raise ValueError(msg)
    return known
