"""Compiled kernels of the mixed model: one pass over the tasks each."""

import math

import numpy as np

from .._kernels import njit, njit_sums

DEPENDENT = 1e-10  # what is left of a column that depends on those before it


@njit
def _rotate(R, x, start):
    """Take a row into a triangular root by Givens rotations; x is overwritten."""
    m = x.shape[0]
    for j in range(start, m):
        if x[j] == 0.0:
            continue
        size = math.hypot(R[j, j], x[j])
        c, s = R[j, j] / size, x[j] / size
        R[j, j] = size
        for k in range(j + 1, m):
            above = R[j, k]
            R[j, k] = c * above + s * x[k]
            x[k] = c * x[k] - s * above


@njit
def triangular_roots(U, y, weight, bounds, first, n_free, starts, out, free):
    """Triangular root of each task's rows [U, y], the free columns projected out.

    The rows of task t begin at ``first[t]`` in U. `out` gets what is left of the other
    columns from row ``starts[t]`` on, `free` the first n_free rows of the root, zero
    where a free column depends on those before it.
    """
    m = U.shape[1] + 1
    R, x = np.empty((m, m)), np.empty(m)
    for t in range(bounds.shape[0] - 1):
        R[:] = 0.0
        for i in range(bounds[t], bounds[t + 1]):
            if weight[i] == 0.0:
                continue
            root = math.sqrt(weight[i])
            row = first[t] + i - bounds[t]
            for j in range(m - 1):
                x[j] = root * U[row, j]
            x[m - 1] = root * y[i]
            _rotate(R, x, 0)
        for j in range(n_free):
            size = 0.0
            for k in range(j + 1):
                size += R[k, j] * R[k, j]
            if abs(R[j, j]) > DEPENDENT * math.sqrt(size):
                continue
            for k in range(m):
                x[k] = R[j, k] if k > j else 0.0
                R[j, k] = 0.0
            _rotate(R, x, j + 1)
        for j in range(n_free):
            for k in range(m):
                free[t, j, k] = R[j, k]
        row = starts[t]
        for j in range(n_free, m):
            filled = False
            for k in range(j, m):
                filled = filled or R[j, k] != 0.0
            if filled and row < starts[t + 1]:
                for k in range(n_free, m):
                    out[row, k - n_free] = R[j, k]
                row += 1


@njit_sums
def schur_complements(rows, P, starts, S, inverses):
    """Products of each task's rows under the inverse of I + P P', and log|I + P'P|.

    ``S[t] = R'(I + P P')^-1 R``, with V = (I + P'P)^-1 P'R the sum of the squares
    (R - P V)'(R - P V) + V'V, which loses no digits where P is large. `inverses`
    gets the inverse Cholesky factors of I + P'P, unless it is empty.
    """
    q, m = P.shape[1], rows.shape[1]
    L, V = np.empty((q, q)), np.empty((q, m))
    most = 1
    for t in range(starts.shape[0] - 1):
        most = max(most, starts[t + 1] - starts[t])
    E = np.empty((most, m))
    log_det = 0.0
    for t in range(starts.shape[0] - 1):
        a, b = starts[t], starts[t + 1]
        for j in range(q):
            for k in range(j + 1):
                L[j, k] = 1.0 if j == k else 0.0
            for k in range(m):
                V[j, k] = 0.0
        for i in range(a, b):
            for j in range(q):
                size = P[i, j]
                for k in range(j + 1):
                    L[j, k] += size * P[i, k]
                for k in range(m):
                    V[j, k] += size * rows[i, k]
        for j in range(q):
            for i in range(j):
                size = L[j, i]
                for k in range(i):
                    size -= L[j, k] * L[i, k]
                L[j, i] = size / L[i, i]
            size = L[j, j]
            for k in range(j):
                size -= L[j, k] * L[j, k]
            L[j, j] = math.sqrt(size)
            log_det += 2.0 * math.log(L[j, j])
        for j in range(q):
            for i in range(j):
                size = L[j, i]
                for k in range(m):
                    V[j, k] -= size * V[i, k]
            for k in range(m):
                V[j, k] /= L[j, j]
        for j in range(q - 1, -1, -1):
            for i in range(j + 1, q):
                size = L[i, j]
                for k in range(m):
                    V[j, k] -= size * V[i, k]
            for k in range(m):
                V[j, k] /= L[j, j]
        for i in range(a, b):
            e = E[i - a]
            for k in range(m):
                e[k] = rows[i, k]
            for j in range(q):
                size = P[i, j]
                for k in range(m):
                    e[k] -= size * V[j, k]
        for j in range(m):
            s = S[t, j]
            for k in range(j + 1):
                s[k] = 0.0
            for i in range(b - a):
                size = E[i, j]
                for k in range(j + 1):
                    s[k] += size * E[i, k]
            for i in range(q):
                size = V[i, j]
                for k in range(j + 1):
                    s[k] += size * V[i, k]
            for k in range(j):
                S[t, k, j] = s[k]
        if inverses.shape[0]:
            for k in range(q):
                for j in range(q):
                    size = 1.0 if j == k else 0.0
                    for i in range(k, j):
                        size -= L[j, i] * inverses[t, i, k]
                    inverses[t, j, k] = size / L[j, j] if j >= k else 0.0
    return log_det
