"""What the mixed model knows of each task: a triangular root, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..tasks import SHARED, Pieces, TaskData
from .kernels import triangular_roots

EPS = np.finfo(np.float64).eps


@dataclass
class Columns:
    """Which columns of [1, X] are free in each task, random, or the same in all.

    Parameters
    ----------
    fit_intercept : bool or {"shared", "shrink"}
        Free, absent, the same, or random.
    feature_weight : ndarray of shape (n_features,)
        Multiplies the precision of a random coefficient: 0 is a free one, infinity one
        that is the same in all tasks.
    """

    fit_intercept: bool | str
    feature_weight: np.ndarray

    def __post_init__(self):
        """Number the columns; the intercept is column 0."""
        weight = np.append(1.0, np.asarray(self.feature_weight, dtype=float))
        kind = self.fit_intercept
        weight[0] = {"shrink": 1.0, "shared": np.inf}.get(kind, 0.0)
        present = np.arange(len(weight)) >= (kind is False)
        self.weight = weight
        self.free = np.flatnonzero(present & (weight == 0))
        self.common = np.flatnonzero(present & (weight > 0))
        self.random = np.flatnonzero(present & (weight > 0) & np.isfinite(weight))
        self.intercept = bool(present[0])


class Statistics:
    """Triangular roots of the rows of each task, in orthonormal coordinates.

    The common coefficients are ``basis @ gamma + origin`` with gamma in coordinates in
    which the stacked rows are orthonormal; the targets are the residuals of one model
    for all tasks. Likelihoods of the tasks about any common model do not notice, and
    every sum that follows keeps its digits.

    Parameters
    ----------
    data : TaskData
        The training data.
    precision : ndarray of shape (n_rows,)
        Precision of the rows' errors, up to a common factor.
    columns : Columns
        The parts that the columns play.
    """

    def __init__(self, data: TaskData, precision: np.ndarray, columns: Columns):
        self.columns = columns
        y = data.y.astype(np.float64)
        if data.offset is not None:
            y = y - data.offset
        first = np.zeros(data.n_tasks, dtype=np.int64)
        if data.door != SHARED:
            first = data.bounds[:-1].astype(np.int64)
        U, y = self._centred(data, y, precision, first)
        n_free = len(columns.free)
        sizes = np.minimum(np.diff(data.bounds), U.shape[1] + 1 - n_free)
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        roots = np.zeros((self.starts[-1], U.shape[1] + 1 - n_free))
        self.free = np.zeros((data.n_tasks, n_free, U.shape[1] + 1))
        bounds = data.bounds.astype(np.int64)
        rows = np.ascontiguousarray(precision, dtype=np.float64), bounds, first
        triangular_roots(U, y, *rows, n_free, self.starts, roots, self.free)
        counts = data.task_sum(data.weight)
        self.n_tasks, self.counts = data.n_tasks, counts
        pivots = np.abs(np.einsum("tjj->tj", self.free[:, :, :n_free]))
        seen = pivots > 0
        self.free_rank = seen.sum(axis=1)
        self.log_free = 2 * np.log(pivots, where=seen, out=np.zeros_like(pivots)).sum()
        total = data.task_sum(precision)
        self.log_precision = float(counts @ np.log(total / counts))
        self._orthonormal(roots, total.sum(), float(precision @ y**2))

    def _centred(self, data, y, precision, first):
        """Return [free, common] columns, centred where there are intercepts."""
        columns, X = self.columns, data.X
        if isinstance(X, Pieces):
            X = np.concatenate(X.arrays)
        X = X.toarray() if sp.issparse(X) else np.asarray(X)
        X = X.astype(np.float64)
        rows = np.zeros(X.shape[0])
        for t in range(data.n_tasks):
            a, b = data.bounds[t], data.bounds[t + 1]
            rows[first[t] : first[t] + b - a] += precision[a:b]
        self.means, self.y_mean = np.zeros(X.shape[1] + 1), 0.0
        if columns.intercept:
            share = rows / rows.sum()
            centred = np.ones(X.shape[1], dtype=bool)
            if columns.weight[0] > 0:  # what is free has no intercept to give its mean
                centred[columns.free - 1] = False
            for _ in range(2):  # the second time what rounding left
                means = np.where(centred, share @ X, 0.0)
                X -= means
                self.means[1:] += means
            self.y_mean = float(precision @ y / precision.sum())
            y = y - self.y_mean
        U = np.column_stack([np.ones(len(X)), X])
        return np.ascontiguousarray(U[:, [*columns.free, *columns.common]]), y

    def _orthonormal(self, roots, total, size):
        """Choose the coordinates of the common coefficients."""
        columns, F, y = self.columns, roots[:, :-1], roots[:, -1]
        p = F.shape[1]
        R = np.linalg.qr(F, mode="r") if len(F) else F
        scale = np.sqrt(np.einsum("ij,ij->j", R, R))
        # columns that centring or projecting has left nothing but rounding of
        scale[scale <= 1e-12 * np.sqrt(total) * np.abs(self.means[columns.common])] = 0
        live = scale > 0
        scale = np.where(live, scale, 1.0)
        _, S, Vt = np.linalg.svd(np.where(live, R / scale, 0.0))
        r = int(np.sum(S > 1e-12 * S.max(initial=0.0)))
        self.basis = Vt[:r].T / S[:r] / scale[:, None]
        inverse = S[:r, None] * Vt[:r] * scale
        self.log_basis = float(2 * np.log(S[:r]).sum() + 2 * np.log(scale[live]).sum())
        orthonormal = F @ self.basis
        gamma = orthonormal.T @ y
        y = y - orthonormal @ gamma
        again = orthonormal.T @ y
        y = y - orthonormal @ again
        self.origin = self.basis @ (gamma + again)
        self.rows = np.ascontiguousarray(np.column_stack([orthonormal, y]))
        self.exact = float(y @ y) <= (64 * EPS) ** 2 * size
        self.floor = 1e-14 * float(y @ y) / max(float(self.counts.sum()), 1.0)
        self.floor = max(self.floor, float(np.finfo(np.float64).tiny))
        # the random columns in terms of the common ones: x is centred x plus its mean
        where = np.searchsorted(columns.common, columns.random)
        Z = np.zeros((p, len(where)))
        Z[where, np.arange(len(where))] = 1.0
        if p and columns.common[0] == 0:
            Z[0, columns.random > 0] += self.means[columns.random[columns.random > 0]]
        self.effects, self.random = Z, inverse @ Z
        square = np.einsum("ij,ij->j", self.random, self.random)
        self.scale = np.sqrt(square / total)
        self.scale[square <= EPS**2 * total] = 0.0
        self.total = float(total)

    @property
    def n_common(self) -> int:
        """Number of common coefficients that the data tell apart."""
        return self.basis.shape[1]

    def drop(self, keep: np.ndarray) -> None:
        """Keep some of the random columns; the others have no variance."""
        columns = self.columns
        columns.random = columns.random[keep]
        self.effects, self.random = self.effects[:, keep], self.random[:, keep]
        self.scale = self.scale[keep]

    def degrees(self, method: str) -> float:
        """Return what the residual sum of squares is divided by."""
        n = float(self.counts.sum())
        if method == "reml":
            n -= self.n_common + float(self.free_rank.sum())
        if n <= 1e-9 and not self.exact:
            msg = (
                f"The sample weights add up to {self.counts.sum():.3g}, no more than "
                "there are coefficients to estimate: for variances they count "
                "repetitions. Scale them so that they add up to the number of rows."
            )
            raise ValueError(msg)
        return n if n > 1e-9 else 1.0


def precisions(data: TaskData, task_weight: Any = None) -> np.ndarray:
    """Return the precision of each row: its weight, each task's mean times omega."""
    if task_weight is None:
        return np.asarray(data.weight, dtype=np.float64)
    return data.weight * data.spread(task_weight / data.task_sum(data.weight))
