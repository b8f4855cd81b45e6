"""Every compiled kernel: scalar loops over C-contiguous float arrays.

Matrices named ``W``, ``G`` and ``V`` are (n_features, n_tasks). No kernel has a
signature at module level, so importing this module compiles nothing.
"""

import math

import numba
import numpy as np

njit = numba.njit(cache=True, error_model="numpy")
njit_sums = numba.njit(
    cache=True, error_model="numpy", fastmath={"reassoc", "contract"}
)


@njit_sums
def stacked_forward(X, W, bounds):
    """Predictions ``x_i . w_t`` of rows that are sorted by task."""
    n, d = X.shape
    z = np.empty(n, W.dtype)
    w = np.empty(d, W.dtype)
    for t in range(bounds.shape[0] - 1):
        for j in range(d):
            w[j] = W[j, t]
        for i in range(bounds[t], bounds[t + 1]):
            total = w[0] * X[i, 0]
            for j in range(1, d):
                total += w[j] * X[i, j]
            z[i] = total
    return z


@njit
def stacked_adjoint(X, r, bounds):
    """Columns ``X_t' r_t`` of rows that are sorted by task."""
    d = X.shape[1]
    n_tasks = bounds.shape[0] - 1
    G = np.empty((d, n_tasks), r.dtype)
    g = np.empty(d, r.dtype)
    for t in range(n_tasks):
        g[:] = 0
        for i in range(bounds[t], bounds[t + 1]):
            ri = r[i]
            for j in range(d):
                g[j] += ri * X[i, j]
        for j in range(d):
            G[j, t] = g[j]
    return G


@njit
def gram_product(H, W):
    """Columns ``H_t w_t`` for symmetric ``H`` (n_tasks, d, d); zeros are skipped."""
    n_tasks, d = H.shape[0], H.shape[1]
    G = np.empty((d, n_tasks), W.dtype)
    g = np.empty(d, W.dtype)
    for t in range(n_tasks):
        g[:] = 0
        for k in range(d):
            w = W[k, t]
            if w != 0:
                for j in range(d):
                    g[j] += w * H[t, k, j]
        for j in range(d):
            G[j, t] = g[j]
    return G


@njit
def shrink_rows(V, step, strength):
    """Row-wise prox of ``strength_j ||w_j||_2`` in the metric ``1 / step``.

    Row j minimises ``sum_t (w_t - v_t)^2 / (2 step_t) + a ||w||_2``. With
    ``L = 1 / step`` and ``u = L v`` it is zero when ``||u|| <= a``, else
    ``w = u rho / (L rho + a)`` where rho is the root of the secular equation
    ``||u / (L rho + a)|| = 1``, found by Newton's method from the left.
    """
    d, m = V.shape
    W = np.zeros_like(V)
    u = np.empty(m, np.float64)
    L = np.empty(m, np.float64)
    for j in range(d):
        a = strength[j]
        top = 0.0
        low, high = np.inf, 0.0
        for t in range(m):
            L[t] = 1.0 / step[j, t]
            u[t] = L[t] * V[j, t]
            top = max(top, abs(u[t]))
            low = min(low, L[t])
            high = max(high, L[t])
        if top == 0.0:
            continue
        norm = 0.0
        for t in range(m):
            norm += (u[t] / top) ** 2
        norm = top * math.sqrt(norm)
        if norm <= a:
            continue
        if low == high:
            shrunk = 1.0 - a / norm
            for t in range(m):
                W[j, t] = V[j, t] * shrunk
            continue
        rho = (norm - a) / high
        for _ in range(60):
            square = 0.0
            slope = 0.0
            for t in range(m):
                den = L[t] * rho + a
                part = (u[t] / den) ** 2
                square += part
                slope += part * L[t] / den
            size = math.sqrt(square)
            move = (size - 1.0) * square / slope
            rho += move
            if move <= 1e-15 * rho:
                break
        for t in range(m):
            W[j, t] = u[t] * rho / (L[t] * rho + a)
    return W
