"""The profile (restricted) likelihood of the covariance of the tasks' coefficients."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from .kernels import schur_complements
from .statistics import Statistics

STARTS = 10.0 ** np.arange(-3, 4)  # standard deviations, in units of the noise
VANISHING = 0.02  # of these units: whether it is zero is asked of the likelihood
EXACT = 1e4  # times the least noise: rounding is all that is left


@dataclass
class Structure:
    """How parameters make the root L of the covariance L L', relative to the noise.

    Parameters
    ----------
    groups : ndarray of shape (n_random,) or None
        Number of the parameter that is the standard deviation of each random column;
        -1 is a given one. None is a full lower triangle.
    unit : ndarray of shape (n_random,)
        Multiplies the standard deviations.
    given : ndarray of shape (n_random,) or float, default=0.0
        The standard deviations that are given, relative to the noise.
    """

    groups: np.ndarray | None
    unit: np.ndarray
    given: np.ndarray | float = 0.0

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        q = len(self.unit)
        if self.groups is None:
            return q * (q + 1) // 2
        return int(self.groups.max(initial=-1)) + 1

    def start(self) -> np.ndarray:
        """Return the parameters at which the standard deviations are the unit."""
        if self.groups is None:
            return np.eye(len(self.unit))[self._triangle]
        return np.ones(self.n_parameters)

    @property
    def _triangle(self):
        return np.tril_indices(len(self.unit))

    def root(self, theta: np.ndarray) -> np.ndarray:
        """Return L."""
        if self.groups is None:
            L = np.zeros((len(self.unit), len(self.unit)))
            L[self._triangle] = theta
            return L * self.unit[:, None]
        sd = np.append(theta, 0.0)[self.groups] * self.unit
        return np.diag(np.where(self.groups < 0, self.given, sd))

    def pull(self, gradient: np.ndarray) -> np.ndarray:
        """Return the derivatives in the parameters of those in the entries of L."""
        if self.groups is None:
            return (gradient * self.unit[:, None])[self._triangle]
        own = np.diag(gradient) * self.unit
        free = self.groups >= 0
        return np.bincount(
            self.groups[free], own[free], minlength=self.n_parameters
        ).astype(float)


@dataclass
class State:
    """The model at one covariance.

    Parameters
    ----------
    value : float
        Minus twice the log-likelihood.
    gradient : ndarray
        Its derivatives in the parameters.
    root : ndarray of shape (n_common, n_random)
        The random columns times L, in terms of the common ones.
    L : ndarray of shape (n_random, n_random)
        The root of the covariance relative to the noise.
    S : ndarray of shape (n_tasks, n_common, n_common)
        Information of each task about the common coefficients, times sigma2.
    factor : ndarray of shape (n_common, n_common)
        Lower Cholesky factor of their sum.
    gamma : ndarray of shape (n_common,)
        The common coefficients.
    score : ndarray of shape (n_tasks, n_common)
        What the tasks' residuals from the common model say, weighted.
    noise : float
        Variance of the errors.
    """

    value: float
    gradient: np.ndarray
    root: np.ndarray
    L: np.ndarray
    S: np.ndarray
    factor: np.ndarray
    gamma: np.ndarray
    score: np.ndarray
    noise: float


class Likelihood:
    """Minus twice the profile log-likelihood, its gradient and its minimum.

    Parameters
    ----------
    statistics : Statistics
        The triangular roots of the tasks.
    structure : Structure
        The form of the covariance.
    method : {"reml", "ml"}
        Whether the common coefficients are integrated out, or maximised over.
    noise : ndarray of shape (n_tasks,) or None, default=None
        Variances of the tasks' errors, relative to each other.
    """

    def __init__(
        self,
        statistics: Statistics,
        structure: Structure,
        method: str,
        noise: np.ndarray | None = None,
    ):
        self.statistics, self.structure = statistics, structure
        self.restricted = method == "reml"
        self.degrees = statistics.degrees(method)
        self.rows, counts = statistics.rows, statistics.counts
        self.noise = np.ones(statistics.n_tasks) if noise is None else noise
        self.constant = -statistics.log_precision
        if noise is not None:
            sizes = np.diff(statistics.starts)
            self.rows = self.rows / np.sqrt(np.repeat(noise, sizes))[:, None]
            self.constant += float(counts @ np.log(noise))
        if self.restricted:
            self.constant += statistics.log_free + statistics.log_basis
            if noise is not None:  # of the free columns
                self.constant -= float(statistics.free_rank @ np.log(noise))
        r = statistics.n_common
        self.S = np.empty((statistics.n_tasks, r + 1, r + 1))
        self.evaluations = 0

    def state(self, theta: np.ndarray, inverses: np.ndarray | None = None) -> State:
        """Return the model at parameters theta."""
        self.evaluations += 1
        r, nu, S = self.statistics.n_common, self.degrees, self.S
        L = self.structure.root(theta)
        root = self.statistics.random @ L
        none = np.empty((0, 0, 0)) if inverses is None else inverses
        P = np.ascontiguousarray(self.rows[:, :r] @ root)
        value = schur_complements(self.rows, P, self.statistics.starts, S, none)
        total = S.sum(axis=0)
        factor = cholesky(total[:r, :r], lower=True)
        half = solve_triangular(factor, total[:r, r], lower=True)
        gamma = solve_triangular(factor, half, lower=True, trans=1)
        rss = max(float(total[r, r] - half @ half), 0.0)
        noise = max(rss / nu, self.statistics.floor)
        value += nu * np.log(2 * np.pi * noise) + rss / noise + self.constant
        score = S[:, :r, r] - S[:, :r, :r] @ gamma
        curvature = total[:r, :r] - score.T @ score / noise
        if self.restricted:
            value += 2 * np.log(np.diag(factor)).sum()
            own = S[:, :r, :r].reshape(len(S) * r, r)
            own = solve_triangular(factor, own.T, lower=True, overwrite_b=True)
            own = own.reshape(r, len(S), r)
            curvature -= np.einsum("atj,atk->jk", own, own, optimize=True)
        gradient = 2 * self.statistics.random.T @ curvature @ root
        pulled = self.structure.pull(gradient)
        return State(
            float(value), pulled, root, L, S[:, :r, :r], factor, gamma, score, noise
        )

    def minimise(self, theta: np.ndarray | None = None) -> tuple[np.ndarray, bool]:
        """Return the parameters at which the likelihood is the largest.

        Parameters
        ----------
        theta : ndarray or None, default=None
            Where to start.

        Returns
        -------
        theta : ndarray
            The parameters.
        converged : bool
            Whether the gradient vanished.
        """
        if not self.structure.n_parameters:
            return np.zeros(0), True
        start = self.structure.start()
        scale = 1.0
        if theta is None:
            values = [self.state(c * start).value for c in STARTS]
            scale = float(STARTS[int(np.nanargmin(values))])
            theta = scale * start
        theta, converged = self._descend(theta, scale)
        return self._at_boundary(theta), converged

    def _descend(self, theta, scale):
        """Return where BFGS in the entries of L ends; it restarts where it stalls."""
        tol, n_tasks = 1e-7, self.statistics.n_tasks  # a task bends it by about one
        value = np.inf

        def objective(v):
            state = self.state(scale * v)
            return state.value / n_tasks, scale * state.gradient / n_tasks

        for _ in range(5):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                result = minimize(
                    objective,
                    theta / scale,
                    jac=True,
                    method="BFGS",
                    options={"gtol": tol, "maxiter": 2000},
                )
            theta = scale * result.x
            if result.success or n_tasks * (value - result.fun) <= 1e-10 * self.degrees:
                break
            value = result.fun
        small = np.abs(result.jac).max() <= 1e4 * tol
        exact = self.state(theta).noise <= EXACT * self.statistics.floor
        return theta, bool(result.success or small or exact)

    def _at_boundary(self, theta):
        """Set standard deviations to zero that the likelihood does not miss."""
        if self.structure.groups is None:
            return theta
        best = self.state(theta).value
        theta = np.abs(theta)
        for j in np.flatnonzero(theta < VANISHING):
            other = theta.copy()
            other[j] = 0.0
            value = self.state(other).value
            if value <= best + 1e-9 * self.degrees:
                theta, best = other, min(value, best)
        return theta
