"""One design matrix for all tasks."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._sparse import gram, weighted
from ._base import Design, weights_alike
from .gram import Gram


class Shared(Design):
    """One design matrix for all tasks; it is never copied for each task.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
        The design matrix.
    n_tasks : int
        Number of tasks.
    """

    def __init__(self, X, n_tasks):
        self.X = X
        self.bounds = X.shape[0] * np.arange(n_tasks + 1)
        self.shape = (X.shape[1], n_tasks)

    def forward(self, W):
        return (W.T @ self.X.T).ravel()

    def adjoint(self, r):
        return (r.reshape(self.shape[1], -1) @ self.X).T

    def block(self, t, weight):
        return weighted(self.X, weight[self.bounds[t] : self.bounds[t + 1]])

    def gram(self, weight):
        scale = self.alike(weight)
        if scale is None:
            return super().gram(weight)
        weight = weight[: self.bounds[1]]
        top = weight.max()  # rows of weight 1 are not copied
        return Gram(gram(self.block(0, weight / top))[None], top * scale)

    def take(self, features):
        return Shared(_take(self.X, features), self.shape[1])

    def of_classes(self, n):
        return Shared(self.X, n * self.shape[1])

    def alike(self, weight):
        return weights_alike(weight, self.shape[1])


def _take(X, features):
    return X[:, features] if sp.issparse(X) else np.take(X, features, axis=1)
