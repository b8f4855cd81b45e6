"""Compiled loop of the lasso's path from knot to knot; see `solvers/homotopy.py`."""

import numpy as np

from ._kernels import _add, _dot, njit

DEPENDENT = 1e-10  # of its square: what is left of a column that the others make up
TINY = 1e-12


@njit
def lasso_path(X, b, ridge, w, sign, order, L, state, target, most):
    """Follow the path of one task down to a strength; return knots and free count.

    X (n_features, n_rows) holds the columns, one after the other, and w, changed in
    place, is the solution of ``½ ||X'w - b||² + ½ Σ ridge_j w_j² + lam ||w||_1`` at
    ``lam = state[0]``, infinite at the start. The first ``state[1]`` entries of `order`
    are the features in use, with the Cholesky factor L of their products and `sign` of
    their coefficients (0 for the others, 2 for those that depend on the ones in use).
    """
    d, n = X.shape
    lam, k = state[0], int(state[1])
    r = b.copy()
    for i in range(k):
        _add(-w[order[i]], X[order[i]], r)
    c = np.empty(d)
    for j in range(d):
        c[j] = _dot(X[j], r) - ridge[j] * w[j]
    if k == 0:
        top = -1
        for j in range(d):
            if top < 0 or abs(c[j]) > abs(c[top]):
                top = j
        lam = abs(c[top])
        if lam > target:
            k = _enter(X, ridge, sign, order, L, k, top, c[top])
    g, u, a = np.empty(L.shape[0]), np.empty(n), np.empty(d)
    knots, left = 0, -1
    while lam > target and knots < most:
        for i in range(k):
            g[i] = sign[order[i]]
        _solve(L, g, k)
        u[:] = 0.0
        for i in range(k):
            _add(g[i], X[order[i]], u)
        for j in range(d):
            a[j] = _dot(X[j], u)
        way, event, at = lam - target, 0, -1
        for i in range(k):
            j = order[i]
            if w[j] * g[i] < 0 and -w[j] / g[i] < way:
                way, event, at = -w[j] / g[i], 1, i
            elif w[j] == 0 and g[i] * sign[j] < 0:
                way, event, at = 0.0, 1, i
        for j in range(d):
            if sign[j] != 0:
                continue
            for side in (-1.0, 1.0):
                rate = 1.0 - side * a[j]
                if rate <= TINY or (j == left and side * c[j] > 0):
                    continue
                ahead = max(lam - side * c[j], 0.0) / rate
                if ahead < way:
                    way, event, at = ahead, 2, j
        for i in range(k):
            w[order[i]] += way * g[i]
        for j in range(d):
            c[j] -= way * a[j]
        lam -= way
        for i in range(k):
            j = order[i]
            c[j] = sign[j] * lam
        knots, left = knots + 1, -1
        if event == 1:
            left = order[at]
            k = _leave(sign, order, L, k, at)
            w[left] = 0.0
        elif event == 2:
            k = _enter(X, ridge, sign, order, L, k, at, c[at])
    # one step of refinement takes off what has added up
    for i in range(n):
        r[i] = b[i]
    for i in range(k):
        _add(-w[order[i]], X[order[i]], r)
    for i in range(k):
        j = order[i]
        g[i] = _dot(X[j], r) - ridge[j] * w[j] - sign[j] * lam
    _solve(L, g, k)
    for i in range(k):
        j = order[i]
        if (w[j] + g[i]) * sign[j] >= 0:
            w[j] += g[i]
    state[0], state[1] = lam, k
    return knots


@njit
def _enter(X, ridge, sign, order, L, k, j, slope):
    """Add a feature to those in use, unless they make it up; return their number."""
    square = _dot(X[j], X[j]) + ridge[j]
    if k == L.shape[0]:
        sign[j] = 2
        return k
    row = L[k]
    left = square
    for i in range(k):
        row[i] = _dot(X[j], X[order[i]]) - _dot(row[:i], L[i, :i])
        row[i] /= L[i, i]
        left -= row[i] ** 2
    if left <= DEPENDENT * square:
        sign[j] = 2
        return k
    row[k] = np.sqrt(left)
    order[k] = j
    sign[j] = 1 if slope > 0 else -1
    return k + 1


@njit
def _leave(sign, order, L, k, at):
    """Take a feature out of those in use; return their number."""
    sign[order[at]] = 0
    for j in range(sign.shape[0]):
        if sign[j] == 2:  # what depended on it may be free now
            sign[j] = 0
    for i in range(at, k - 1):
        order[i] = order[i + 1]
        for m in range(i + 2):
            L[i, m] = L[i + 1, m]
    for i in range(at, k - 1):  # rotate what is right of the diagonal away
        p, q = L[i, i], L[i, i + 1]
        size = np.hypot(p, q)
        p, q = p / size, q / size
        for m in range(i, k - 1):
            v = L[m, i]
            L[m, i] = p * v + q * L[m, i + 1]
            L[m, i + 1] = p * L[m, i + 1] - q * v
        L[i, i + 1] = 0.0
    return k - 1


@njit
def _solve(L, g, k):
    """Solve L L' x = g in place."""
    for i in range(k):
        g[i] = (g[i] - _dot(L[i, :i], g[:i])) / L[i, i]
    for i in range(k - 1, -1, -1):
        g[i] /= L[i, i]
        _add(-g[i], L[i, :i], g[:i])
