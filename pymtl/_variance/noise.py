"""Noise levels of the tasks, by expectation and maximisation."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from .kernels import schur_complements
from .likelihood import EXACT, Likelihood, State
from .statistics import Statistics

LEAST = 1e-4  # of the mean variance: a task of few rows may seem to have no noise


def estimate_noise(
    statistics: Statistics,
    structure: object,
    method: str,
    moderated: bool,
    tol: float,
    max_iter: int,
) -> tuple[Likelihood, np.ndarray, np.ndarray, int, bool]:
    """Return the likelihood and its parameters with a noise level for each task.

    Parameters
    ----------
    statistics : Statistics
        The triangular roots of the tasks.
    structure : Structure
        The form of the covariance.
    method : {"reml", "ml"}
        The likelihood.
    moderated : bool
        Whether the levels are drawn to a common one (Smyth, 2004).
    tol : float
        Largest relative change of a level at which it ends.
    max_iter : int
        Largest number of rounds.

    Returns
    -------
    likelihood : Likelihood
        With the levels found.
    theta : ndarray
        Its best parameters.
    noise : ndarray of shape (n_tasks,)
        The levels, relative to each other.
    n_iter : int
        Number of rounds.
    converged : bool
        Whether the levels and the parameters came to rest.
    """
    squares = _squares(statistics)
    noise, theta = np.ones(statistics.n_tasks), None
    df = statistics.counts - (statistics.free_rank if method == "reml" else 0.0)
    for n_iter in range(1, max_iter + 1):
        likelihood = Likelihood(statistics, structure, method, noise)
        theta, converged = likelihood.minimise(theta)
        inverses = np.zeros((statistics.n_tasks, *[len(structure.unit)] * 2))
        state = likelihood.state(theta, inverses)
        if n_iter == 1 and state.noise <= EXACT * statistics.floor:
            return likelihood, theta, noise, n_iter, converged
        rss, taken = _expected_squares(statistics, state, squares, inverses)
        taken *= state.noise
        new = (rss + taken) / np.maximum(df, 1e-8)
        if moderated:
            level = noise * state.noise
            new = _moderated(rss, taken, level, np.maximum(df, 1e-8))
        new = np.maximum(new, LEAST * new.mean()) / new.mean()
        change = np.abs(new / noise - 1).max()
        if change <= tol:
            return likelihood, theta, noise, n_iter, converged
        noise = new
    return likelihood, theta, likelihood.noise, max_iter, False


def _squares(statistics):
    """Return the products R'R of each task's rows."""
    m = statistics.rows.shape[1]
    S = np.empty((statistics.n_tasks, m, m))
    empty = np.zeros((len(statistics.rows), 0))
    schur_complements(statistics.rows, empty, statistics.starts, S, np.empty((0, 0, 0)))
    return S


def _expected_squares(statistics, state: State, squares, inverses):
    """Return residual sums of squares, and what is added for unsure coefficients."""
    r, L = statistics.n_common, state.L
    D = L @ L.T
    coef = state.gamma + state.score @ statistics.random @ D @ statistics.random.T
    v = np.column_stack([-coef, np.ones(len(coef))])
    rss = np.einsum("tj,tjk,tk->t", v, squares, v)
    own = np.einsum("jk,tlk->tjl", statistics.random @ L, inverses)
    J = np.eye(r) - statistics.random @ D @ statistics.random.T @ state.S
    half = np.linalg.inv(state.factor).T
    root = np.concatenate([own, J @ half], axis=2)
    taken = np.einsum("tjk,tjl,tlk->t", root, squares[:, :r, :r], root, optimize=True)
    return rss, taken


def _moderated(rss, taken, level, df):
    """Return variances drawn to a common one; what coefficients take is no evidence."""
    own = df - taken / level
    sure = own > 0.5
    if sure.sum() < 2:
        return np.full(len(rss), (rss + taken).sum() / df.sum())
    prior_df, prior = _prior(rss[sure] / own[sure], own[sure])
    if not np.isfinite(prior_df):
        return np.full(len(rss), (rss + taken).sum() / df.sum())
    return (rss + taken + prior_df * prior) / (df + prior_df)


def _prior(variance, df):
    """Return degrees of freedom and mean of the prior of variances, by log moments."""
    z = np.log(np.maximum(variance, 1e-300))
    z = z - digamma(df / 2) + np.log(df / 2)
    share = df / df.sum()
    mean = float(share @ z)
    n = max(len(z), 2)
    spread = float(share @ (z - mean) ** 2) * n / (n - 1)
    spread -= float(share @ polygamma(1, df / 2))
    if spread <= polygamma(1, 1e4):
        return np.inf, np.exp(mean)
    half = brentq(lambda v: polygamma(1, np.exp(v)) - spread, -20.0, np.log(2e4))
    half = np.exp(half)
    return 2 * half, float(np.exp(mean + digamma(half) - np.log(half)))
