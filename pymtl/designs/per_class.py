"""Several linear predictions a sample, one a class."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.linalg import block_diag

from .._sparse import SparseRows
from ._base import Design


class PerClass(Design):
    """A design with several linear predictions a sample, one a class.

    The predictions of a task are stacked class after class. The columns of W are the
    classes of the tasks, task after task; or, for penalties of whole tasks, the tasks,
    each with the coefficients of all its classes one below the other.

    Parameters
    ----------
    design : design
        The tasks.
    n_classes : int
        Number of classes.
    by_task : bool
        Whether the columns of W are the tasks.
    """

    def __init__(self, design, n_classes, by_task):
        self.design = design
        self.columns = design.of_classes(n_classes)
        self.n_classes = n_classes
        self.by_task = by_task
        d, m = design.shape
        self.shape = (n_classes * d, m) if by_task else (d, n_classes * m)
        self.bounds = n_classes * design.bounds
        rows = np.arange(design.bounds[-1])
        parts = [
            np.tile(rows[a:b], n_classes)
            for a, b in zip(design.bounds[:-1], design.bounds[1:], strict=True)
        ]
        self.row = np.concatenate(parts)
        sizes = np.diff(design.bounds)
        self.task = np.repeat(np.arange(m), n_classes * sizes)
        self.label = np.repeat(
            np.tile(np.arange(n_classes), m), np.repeat(sizes, n_classes)
        )

    def repeat(self, values):
        """Return values of the samples, once a class."""
        return values[self.row]

    def indicators(self, y, weight, scalar=None):
        """Return targets and weights of labels y = 0, 1, ...

        A class that a task does not have gets no weight there. Tasks that are `scalar`
        have numbers for targets, and use the first class.
        """
        y, weight = y[self.row], weight[self.row]
        Y = (y == self.label).astype(float)
        kept = self.present(Y * weight)[self.task, self.label]
        if scalar is not None:
            number, first = scalar[self.task], self.label == 0
            Y = np.where(number, y * first, Y)
            kept = np.where(number, first, kept)
        return Y, np.where(kept, weight, 0.0)

    def present(self, weight):
        """Return which classes (n_tasks, n_classes) have rows with weight."""
        present = np.zeros((len(self.bounds) - 1, self.n_classes), bool)
        seen = weight > 0
        present[self.task[seen], self.label[seen]] = True
        return present

    def forward(self, W):
        if not self.by_task:
            return self.columns.forward(W)
        d, m = self.design.shape
        parts = W.reshape(self.n_classes, d, m).transpose(1, 2, 0)
        return self.columns.forward(parts.reshape(d, -1))

    def adjoint(self, r):
        G = self.columns.adjoint(r)
        if not self.by_task:
            return G
        d, m = self.design.shape
        parts = G.reshape(d, m, self.n_classes).transpose(2, 0, 1)
        return parts.reshape(self.shape)

    def block(self, t, weight):
        if not self.by_task:
            return self.columns.block(t, weight)
        labels = range(t * self.n_classes, (t + 1) * self.n_classes)
        blocks = [self.columns.block(k, weight) for k in labels]
        if not isinstance(blocks[0], SparseRows):
            return block_diag(*blocks)
        S = sp.csr_array(sp.block_diag([B.S for B in blocks]))
        left, right = [B.U for B in blocks], [B.V for B in blocks]
        return SparseRows(S, block_diag(*left), block_diag(*right))

    def gram(self, weight):
        return None

    def alike(self, weight):
        return None if self.by_task else self.columns.alike(weight)
