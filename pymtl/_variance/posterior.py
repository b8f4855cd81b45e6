"""What is known of the coefficients, given the variances."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from .likelihood import State
from .statistics import Statistics


class Posterior:
    r"""Normal distribution of each task's coefficients, features before the intercept.

    With D the covariance of the random effects b relative to the noise, :math:`K_t = L
    (I + L'G_tL)^{-1} L'` and :math:`J_t = I - K_t G_t` the covariance is

    .. math:: \sigma^2 (K_t + J_t A^{-1} J_t')

    in which the second term is what is not known of the common coefficients.

    Parameters
    ----------
    statistics : Statistics
        The triangular roots of the tasks.
    state : State
        The model at the covariance.
    inverses : ndarray of shape (n_tasks, n_random, n_random)
        Inverse Cholesky factors of I + L'G_tL.
    noise : ndarray of shape (n_tasks,)
        Variance of the errors of each task.
    """

    def __init__(
        self,
        statistics: Statistics,
        state: State,
        inverses: np.ndarray,
        noise: np.ndarray,
    ):
        self.columns, self.free = statistics.columns, statistics.free
        self.basis, self.effects = statistics.basis, statistics.effects
        self.random, self.L = statistics.random, state.L
        self.S, self.inverses, self.noise = state.S.copy(), inverses, noise
        self.sigma = np.sqrt(state.noise)
        r = len(state.gamma)
        self.common_root = solve_triangular(state.factor, np.eye(r), lower=True).T
        self.common = statistics.basis @ state.gamma + statistics.origin
        D = state.L @ state.L.T
        b = state.score @ self.random @ D
        self.tasks = self.common + b @ self.effects.T
        self.y_mean, self.means = statistics.y_mean, statistics.means

    @property
    def prior_covariance(self) -> np.ndarray:
        """Covariance of the random effects, features before the intercept."""
        size = len(self.means)
        full = np.zeros((size, size))
        random = self.columns.random
        full[np.ix_(random, random)] = self.sigma**2 * self.L @ self.L.T
        return np.roll(full, -1, axis=(0, 1))

    def coefficients(self) -> np.ndarray:
        """Return (n_tasks, n_features + 1) coefficients, the intercept last."""
        inverse, ratio = self._free(slice(None))
        y = np.einsum("tjk,tk->tj", inverse, self.free[:, :, -1])
        own = y - np.einsum("tjk,tk->tj", ratio, self.tasks)
        return self._raw(self.tasks, own)

    def mean(self) -> np.ndarray:
        """Return (n_features + 1,) common coefficients; zero for what is free."""
        own = np.zeros(len(self.columns.free))
        return self._raw(self.common[None], own[None])[0]

    def roots(self, tasks: np.ndarray) -> np.ndarray:
        """Return R (n, n_features + 1, m), the covariance of a task being R R'."""
        L, Z = self.L, self.effects
        own = np.einsum("jk,tlk->tjl", Z @ L, self.inverses[tasks])
        D = L @ L.T
        taken = Z @ D @ self.random.T
        left = self.basis - np.einsum("jk,tkl->tjl", taken, self.S[tasks])
        root = self.sigma * np.concatenate([own, left @ self.common_root], axis=2)
        inverse, ratio = self._free(tasks)
        free = -ratio @ root
        own = np.sqrt(self.noise[tasks])[:, None, None] * inverse
        zero = np.zeros((*root.shape[:2], own.shape[2]))
        root = np.concatenate([root, zero], axis=2)
        return self._raw_root(root, np.concatenate([free, own], axis=2))

    def mean_root(self) -> np.ndarray:
        """Return a root of the covariance of the common coefficients."""
        root = self.sigma * self.basis @ self.common_root
        return self._raw_root(root[None], self._nothing(root))[0]

    def new_root(self) -> np.ndarray:
        """Return a root of the covariance of the coefficients of a new task."""
        own, common = self.effects @ self.L, self.basis @ self.common_root
        root = self.sigma * np.concatenate([own, common], axis=1)
        return self._raw_root(root[None], self._nothing(root))[0]

    def _nothing(self, root):
        return np.zeros((1, len(self.columns.free), root.shape[1]))

    def _free(self, tasks):
        """Return the inverse of the root of free columns, and its product."""
        n = len(self.columns.free)
        free = self.free[tasks]
        own = free[:, :, :n].copy()
        pivots = np.einsum("tjj->tj", own)
        gone = pivots == 0
        pivots[gone] = 1.0
        inverse = np.linalg.inv(own) if n else own
        inverse[gone] = 0.0
        return inverse, inverse @ free[:, :, n:-1]

    def _raw(self, common, free):
        values = np.zeros((len(common), len(self.means)))
        values[:, self.columns.common] = common
        values[:, self.columns.free] = free
        if self.columns.intercept:
            values[:, 0] += self.y_mean - values @ self.means
        return np.roll(values, -1, axis=1)

    def _raw_root(self, common, free):
        root = np.zeros((len(common), len(self.means), common.shape[2]))
        root[:, self.columns.common] = common
        root[:, self.columns.free] = free
        if self.columns.intercept:
            root[:, 0] -= np.einsum("j,tjk->tk", self.means, root)
        return np.roll(root, -1, axis=1)
