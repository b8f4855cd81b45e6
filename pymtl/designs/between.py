"""Task means that are known up to a common constant."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .._sparse import stack_rows
from ._base import Design
from .gram import Gram, Tied

SAME = 1e-15  # of the largest mean: rows of tasks that share their design


class Between(Design):
    """A design and one row a task that is known up to a common constant.

    Intercepts that are shared or shrunk to each other leave, once minimised out, the
    centred tasks and the quadratic form ``k' (diag(a) - a a' / sum a) k`` of the
    residuals k of the task means. This design appends the square root of that form
    as one more row a task.

    Parameters
    ----------
    design : design
        The tasks, each centred.
    means : ndarray of shape (n_tasks, n_features)
        Mean row of each task.
    strength : ndarray of shape (n_tasks,)
        The vector a.
    """

    apart = False

    def __init__(self, design, means, strength):
        self.design = design
        self.means = means
        self.root = np.sqrt(strength)
        self.direction = self.root / np.linalg.norm(self.root)
        self.shape = design.shape
        n_rows = design.bounds[-1]
        self.bounds = np.append(design.bounds, n_rows + np.arange(1, len(means) + 1))

    def project(self, k):
        """Return the scaled residuals of the task means, less their common part."""
        k = self.root * k
        return k - self.direction * (self.direction @ k)

    def forward(self, W):
        return np.concatenate([self.design.forward(W), self._forward(W)])

    def adjoint(self, r):
        n_rows = self.design.bounds[-1]
        return self.design.adjoint(r[:n_rows]) + self._adjoint(r[n_rows:])

    def _forward(self, W):
        return self.project(np.einsum("tj,jt->t", self.means, W))

    def _adjoint(self, k):
        k = k - self.direction * (self.direction @ k)
        return self.means.T * (self.root * k)

    def gram(self, weight):
        product = self.design.gram(weight[: self.design.bounds[-1]])
        if not isinstance(product, Gram):
            return None
        rows = (self.root / np.sqrt(product.scale))[:, None] * self.means
        apart = np.ptp(rows, axis=0).max()
        if len(product.H) == 1 and apart <= SAME * np.abs(rows).max():
            rows = rows[:1]
        H = product.H + rows[:, :, None] * rows[:, None, :]
        return Tied(H, product.scale, self.tie)

    def take(self, features):
        means = np.ascontiguousarray(self.means[:, features])
        return Between(self.design.take(features), means, self.root**2)

    @cached_property
    def tie(self):
        return self.means.T * (self.root * self.direction)

    @property
    def has_lines(self):
        return self.design.has_lines

    def lines(self, features, weight):
        own = self.design.lines(features, weight[: self.design.bounds[-1]])
        return np.hstack([own, self.root * self.means[:, features].T])

    def block(self, t, weight):
        row = self.root[t] * self.means[t]
        n_rows = self.design.bounds[-1]
        return stack_rows([self.design.block(t, weight[:n_rows]), row])
