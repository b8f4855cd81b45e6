"""Penalties of coefficients that are sums of components."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from scipy.linalg import block_diag

from ._base import Penalty, leading, split_quadratic, summands
from ._prior import About, Beside
from ._task_matrix import TaskMatrix


class Components(Penalty):
    r"""Infimal convolution: W is a sum of components, each with its own penalty.

    .. math:: \Omega(W) = \min_{\sum_c U_c B_c = W} \sum_c \Omega_c(U_c)

    A subclass with strengths of its own gives :meth:`terms`. The components are solved
    for side by side, so :meth:`value` and :meth:`prox` belong to the terms.

    Parameters
    ----------
    left, right : Penalty
        Penalties of the two components of W = P + Q.

    Examples
    --------
    >>> from pymtl.penalties import L21, Components
    >>> Components(L21(1.0), L21(0.5)).strengths
    ()
    """

    strengths: tuple[str, ...] = ()

    def __init__(self, left: Penalty, right: Penalty):
        self.left = left
        self.right = right

    def terms(self, n_tasks: int) -> list[tuple[np.ndarray | None, Penalty]]:
        """Return the components.

        Parameters
        ----------
        n_tasks : int
            Number of tasks T.

        Returns
        -------
        terms : list of (B, penalty)
            B is (n_columns, n_tasks), or None for the identity; the penalty is that of
            the component U (n_features, n_columns), which adds U B to W.
        """
        return [(None, self.left), (None, self.right)]

    def align(self, tasks, ordered=True):
        if self.strengths:
            return self
        return self._mapped(lambda part: part.align(tasks, ordered))

    def scaled(self, factor):
        if self.strengths:
            return super().scaled(factor)
        return self._mapped(lambda part: part.scaled(factor))

    def resolve(self, gradient, curvature):
        if self.strengths:
            return super().resolve(gradient, curvature)
        return self._mapped(lambda part: part.resolve(gradient, curvature))

    def _mapped(self, change):
        """Return a copy, of the same class, with every part changed."""
        parts = {n: p for n, p in vars(self).items() if isinstance(p, Penalty)}
        return self._with({name: change(part) for name, part in parts.items()})

    def lambda_max(self, gradient):
        if self.strengths:
            return super().lambda_max(gradient)
        terms = [summands(p) for _, p in self.terms(gradient.shape[1])]
        if not all(any(hasattr(p, "polar") for p in term) for term in terms):
            return np.inf
        resolved = self.resolve(gradient, 1.0)
        return leading(resolved)[1] * resolved.polar(gradient)

    @property
    def convex(self):
        """Whether all components have a convex penalty."""
        return all(penalty.convex for _, penalty in self.terms(1))

    @property
    def positive(self):
        """Whether all components have to be at least zero, and so their sum."""
        return all(penalty.positive for _, penalty in self.terms(1))

    @property
    def by_task(self):
        """Whether a component has to see whole tasks."""
        return any(penalty.by_task for _, penalty in self.terms(1))

    @property
    def is_zero(self):
        """Whether there is no penalty: a component without one takes everything."""
        return any(B is None and penalty.is_zero for B, penalty in self.terms(1))

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest of the components' gauges.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is dual feasible.
        """
        gauges = [
            penalty.polar(G if B is None else G @ B.T)
            for B, term in self.terms(G.shape[1])
            for penalty in summands(term)
            if hasattr(penalty, "polar")
        ]
        return max(gauges, default=0.0)

    def learned(self, W, parts, tasks):
        if len(parts) == 1:  # there is no penalty
            free = [B is None and p.is_zero for B, p in self.terms(len(tasks))]
            whole, parts = parts[0], [np.zeros_like(W) for _ in free]
            parts[free.index(True)] = whole
        return {"shared_coef_": parts[0].T, "specific_coef_": sum(parts[1:]).T}

    def new_task(self, W, place):
        fixed, columns = np.zeros(len(W[0])), []
        for (B, term), U in zip(self.terms(W[-1].shape[1]), W, strict=True):
            if B is not None:  # the same for all tasks
                fixed += U[:, 0]
            else:
                own = term.new_task(U, place)
                columns.append(own if isinstance(own, list) else [own])
        if fixed.any():
            columns[0] = [About(own, fixed) for own in columns[0]]
        pairs = list(product(*columns))
        return [Components(*pair) if len(pair) > 1 else pair[0] for pair in pairs]

    @property
    def placed_by(self):
        """What says where in the components a new task belongs."""
        names = {penalty.placed_by for _, penalty in self.terms(1)}
        return next(filter(None, names), None)

    @property
    def needs_place(self):
        """Whether a component says nothing of a new task without a place."""
        return any(penalty.needs_place for _, penalty in self.terms(1))


def beside(penalty: Penalty, centre: np.ndarray, precision: float) -> Penalty:
    """Return a penalty of coefficients with intercepts below; of components, once."""
    if not hasattr(penalty, "left"):
        return Beside(penalty, centre, precision)
    if not isinstance(penalty, Components):
        msg = (
            "fit_new_task does not shrink intercepts beside a structure of two parts "
            "with a ridge: use fit_intercept=True, or no ridge."
        )
        raise ValueError(msg)
    none = Beside(penalty.right, np.zeros_like(centre), np.inf)
    return Components(Beside(penalty.left, centre, precision), none)


class Blocks(Penalty):
    """A sum over blocks of columns: what the solver sees of components.

    Parameters
    ----------
    penalties : list of Penalty
        One penalty a block.
    sizes : list of int
        Columns of each block.
    """

    strengths = ()
    task_metric = True

    def __init__(self, penalties: list[Penalty], sizes: list[int]):
        self.penalties = penalties
        self.sizes = sizes
        self.ends = np.cumsum([0, *sizes])

    def split(self, W: np.ndarray) -> list[np.ndarray]:
        """Return the blocks of columns of W."""
        return [W[:, a:b] for a, b in pairwise(self.ends)]

    @property
    def convex(self):
        return all(p.convex for p in self.penalties)

    @property
    def certified(self):
        return all(p.certified for p in self.penalties)

    def value(self, W):
        return sum(
            p.value(U) for p, U in zip(self.penalties, self.split(W), strict=True)
        )

    def null_space(self, n_tasks):
        bases = [
            p.null_space(k) for p, k in zip(self.penalties, self.sizes, strict=True)
        ]
        return block_diag(*bases)

    def only_signs(self, n_features, n_tasks):
        blocks = zip(self.penalties, self.sizes, strict=True)
        return np.hstack([p.only_signs(n_features, k) for p, k in blocks])

    def metric(self, bound):
        kinds = {p.task_metric for p in self.penalties}
        blocks = {entry: self.split(bound(entry)) for entry in kinds}
        parts = [blocks[p.task_metric][i] for i, p in enumerate(self.penalties)]
        metrics = [
            p.metric(lambda entry, U=U: U)
            for p, U in zip(self.penalties, parts, strict=True)
        ]
        return np.hstack(
            [np.broadcast_to(M, U.shape) for M, U in zip(metrics, parts, strict=True)]
        )

    def prox(self, V, step):
        steps = self.split(np.broadcast_to(step, V.shape))
        return np.hstack(
            [
                p.prox(U, s if p.task_metric else float(s[0, 0]))
                for p, U, s in zip(self.penalties, self.split(V), steps, strict=True)
            ]
        )

    def polar(self, G):
        return max(
            (
                p.polar(A)
                for p, A in zip(self.penalties, self.split(G), strict=True)
                if hasattr(p, "polar")
            ),
            default=0.0,
        )

    def conjugate(self, G):
        return sum(
            p.conjugate(A)
            for p, A in zip(self.penalties, self.split(G), strict=True)
            if hasattr(p, "conjugate")
        )


class Free(Penalty):
    """No penalty, of a component that others bound."""

    strengths = ()
    task_metric = True

    def value(self, W):
        return 0.0

    def prox(self, V, step):
        return V.copy()

    def null_space(self, n_tasks):
        return np.eye(n_tasks)

    def polar(self, G):
        return 0.0


def expand(
    penalty: Penalty | None, n_tasks: int
) -> tuple[np.ndarray | None, Penalty | None, TaskMatrix | None]:
    """Return the basis N of W = U N', the penalty of U, and its quadratic part.

    All for components; the last is None where no component has such a part.
    """
    if not hasattr(penalty, "terms"):
        return None, penalty, None
    basis, parts, sizes, matrix = _laid(penalty, n_tasks)
    return basis, Blocks(parts, sizes), None if matrix.is_zero else matrix


def _laid(penalty, n_tasks):
    """Return basis, penalties, sizes and task matrix of the columns of components.

    The components of a component are in its place.
    """
    columns, parts, sizes, squares = [], [], [], []
    for B, term in penalty.terms(n_tasks):
        size = n_tasks if B is None else len(B)
        matrix, own = TaskMatrix(size), term
        if len(summands(term)) > 1:
            matrix, own = split_quadratic(term, size)
            own = own or Free()
        if hasattr(own, "terms"):
            N, inner, widths, within = _laid(own, size)
            matrix = within + matrix.restrict(N)
        else:
            N, inner, widths = np.eye(size), [own], [size]
        columns.append(N if B is None else B.T @ N)
        parts += inner
        sizes += widths
        squares.append(matrix)
    return np.hstack(columns), parts, sizes, _diagonal(squares)


def _diagonal(matrices):
    """Return the task matrix of blocks of columns that do not touch each other."""
    if all(L.is_zero for L in matrices):  # the usual case, which is not to cost k x k
        return TaskMatrix(sum(L.n_tasks for L in matrices))
    L = block_diag(*(L.toarray() for L in matrices))
    return TaskMatrix(len(L), matrix=L)
