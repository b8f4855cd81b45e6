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
def weighted_squares(weight, y, z):
    """Sum of ``weight (y - z)²``."""
    total = 0.0
    for i in range(y.shape[0]):
        residual = y[i] - z[i]
        total += weight[i] * residual * residual
    return total


@njit_sums
def _dot(x, r):
    """Product of two vectors."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * r[i]
    return total


@njit
def _add(move, x, r):
    """Add a multiple of x to r."""
    for i in range(x.shape[0]):
        r[i] += move * x[i]


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
def _norm(u):
    """Length of u, also where the squares overflow or vanish."""
    square = _dot(u, u)
    if 1e-200 < square < 1e200:
        return math.sqrt(square)
    top = 0.0
    for t in range(u.shape[0]):
        top = max(top, abs(u[t]))
    if top == 0.0:
        return 0.0
    square = 0.0
    for t in range(u.shape[0]):
        square += (u[t] / top) ** 2
    return top * math.sqrt(square)


@njit_sums
def _secular(u, L, strength, rho):
    """Square of ``||u / (L rho + strength)||``, and minus half its slope in rho."""
    square, slope = 0.0, 0.0
    for t in range(u.shape[0]):
        inverse = 1.0 / (L[t] * rho + strength)
        part = (u[t] * inverse) ** 2
        square += part
        slope += part * L[t] * inverse
    return square, slope


@njit
def _shrink_row(u, L, strength, w):
    """Write the minimiser of ``½ sum_t L_t w_t^2 - u'w + strength ||w||_2`` into w.

    It is zero when ``||u|| <= strength``, else ``w = u rho / (L rho + strength)``
    where rho, the length of w, is the root of ``||u / (L rho + strength)|| = 1``. The
    inverse of the left side is concave in rho: Newton's method for it stays on the left
    of the root, from the first step on, wherever it starts, which is at the length of
    the w that came in.
    """
    m = u.shape[0]
    rho = _norm(w)
    norm = _norm(u)
    if norm <= strength:
        w[:] = 0.0
        return
    low, high = np.inf, 0.0
    for t in range(m):
        low = min(low, L[t])
        high = max(high, L[t])
    if low == high:
        shrunk = 1.0 - strength / norm
        for t in range(m):
            w[t] = u[t] / L[t] * shrunk
        return
    least = (norm - strength) / high
    rho = max(rho, least)
    for _ in range(60):
        square, slope = _secular(u, L, strength, rho)
        move = (math.sqrt(square) - 1.0) * square / slope
        rho = max(rho + move, least)
        if abs(move) <= 1e-9 * rho:
            break
    for t in range(m):
        w[t] = u[t] * rho / (L[t] * rho + strength)


@njit
def shrink_rows(V, step, strength):
    """Row-wise prox of ``strength_j ||w_j||_2`` in the metric ``1 / step``."""
    d, m = V.shape
    W = np.empty_like(V)
    u = np.empty(m, np.float64)
    L = np.empty(m, np.float64)
    for j in range(d):
        for t in range(m):
            L[t] = 1.0 / step[j, t]
            u[t] = V[j, t] / step[j, t]
            W[j, t] = 0.0
        _shrink_row(u, L, strength[j], W[j])
    return W


@njit
def shrink_sorted(v):
    """Replace v by the decreasing numbers at least zero that are next to it.

    Neighbours that are out of order become their mean (pool adjacent violators), and
    what is below zero then becomes zero.
    """
    n = v.shape[0]
    total = np.empty(n, np.float64)
    size = np.empty(n, np.int64)
    last = -1
    for i in range(n):
        last += 1
        total[last], size[last] = v[i], 1
        while last > 0 and total[last - 1] * size[last] <= total[last] * size[last - 1]:
            total[last - 1] += total[last]
            size[last - 1] += size[last]
            last -= 1
    i = 0
    for block in range(last + 1):
        mean = max(total[block] / size[block], 0.0)
        for _ in range(size[block]):
            v[i] = mean
            i += 1


@njit
def clip_rows(V, step, strength):
    """Row-wise prox of ``strength max_t |w_t|`` in the metric ``1 / step``.

    A row is clipped to [-level, level] with ``sum_t (|v_t| - level)_+ / step_t``
    equal to the strength; Newton's method finds the level from the left, exactly.
    """
    d, m = V.shape
    W = np.zeros_like(V)
    for j in range(d):
        total = 0.0
        for t in range(m):
            total += abs(V[j, t]) / step[j, t]
        if total <= strength:
            continue
        level, higher = -1.0, 0.0
        while higher > level:
            level = higher
            above = -strength
            slope = 0.0
            for t in range(m):
                if abs(V[j, t]) > level:
                    above += abs(V[j, t]) / step[j, t]
                    slope += 1.0 / step[j, t]
            if slope > 0.0:
                higher = above / slope
        for t in range(m):
            W[j, t] = min(max(V[j, t], -level), level)
    return W


@njit
def _minimise_row(u, L, entry, row, positive, w):
    """Put the minimiser of ``½ sum L w² - u'w + entry ||w||_1 + row ||w||_2`` into w.

    The w that comes in is a guess. With `positive` w is to be at least zero.
    """
    m = u.shape[0]
    if entry > 0.0:
        for t in range(m):
            u[t] -= min(max(u[t], -entry), entry)
    if positive:
        for t in range(m):
            u[t] = max(u[t], 0.0)
    if row > 0.0:
        _shrink_row(u, L, row, w)
    else:
        for t in range(m):
            w[t] = u[t] / L[t] if L[t] > 0.0 else 0.0


@njit
def bcd_epoch(H, scale, ridge, tie, W, G, entry, row, positive, after):
    """Minimise over each row of the coefficients in turn, W and G being updated.

    The objective is a quadratic with the Hessian ``scale_t H_t + diag(ridge)`` in
    task t and the gradient G, plus ``entry_j ||w_j||_1 + row_j ||w_j||_2`` for row j.
    Here W and G are (n_tasks, d), and H is (n_tasks, d, d), or (1, d, d) when the
    tasks share it. With `after` the gradient is kept up for the rows to come alone.
    A `tie` B (n_tasks, d), or one without rows, takes vec(B) vec(B)' off the Hessian;
    a row is then moved by a majorant, the Hessian without it.
    """
    m, d = W.shape
    own = H.shape[0] > 1
    tied = tie.shape[0] > 0
    u = np.empty(m, np.float64)
    L = np.empty(m, np.float64)
    w = np.empty(m, np.float64)
    for j in range(d):
        first = j if after else 0
        for t in range(m):
            w[t] = W[t, j]
            L[t] = scale[t] * H[t if own else 0, j, j] + ridge[j]
            u[t] = L[t] * w[t] - G[t, j]
        _minimise_row(u, L, entry[j], row[j], positive, w)
        common = 0.0
        for t in range(m):
            move = w[t] - W[t, j]
            if move != 0.0:
                W[t, j] = w[t]
                G[t, j] += ridge[j] * move
                _add(scale[t] * move, H[t if own else 0, j, first:], G[t, first:])
                if tied:
                    common += tie[t, j] * move
        if common != 0.0:
            for t in range(m):
                _add(-common, tie[t, first:], G[t, first:])


@njit
def bcd_epoch_shared(H, scale, ridge, tie, W, G, entry, row, positive, after):
    """As :func:`bcd_epoch`, for tasks that share H; W, G and tie are (d, n_tasks)."""
    d, m = W.shape
    tied = tie.shape[0] > 0
    u = np.empty(m, np.float64)
    L = np.empty(m, np.float64)
    w = np.empty(m, np.float64)
    for j in range(d):
        for t in range(m):
            w[t] = W[j, t]
            L[t] = scale[t] * H[0, j, j] + ridge[j]
            u[t] = L[t] * w[t] - G[j, t]
        _minimise_row(u, L, entry[j], row[j], positive, w)
        moves, common = False, 0.0
        for t in range(m):
            move = w[t] - W[j, t]
            if tied:
                common += tie[j, t] * move
            moves |= move != 0.0
            W[j, t] = w[t]
            G[j, t] += ridge[j] * move
            u[t] = scale[t] * move
        if moves:
            for i in range(j if after else 0, d):
                _add(H[0, j, i], u, G[i])
                if common != 0.0:
                    _add(-common, tie[i], G[i])


@njit
def bcd_rows(X, picked, bounds, squares, ridge, direction, W, r, entry, row, positive):
    """Minimise over each row of the coefficients in turn, by the residuals of the rows.

    X (n_features, n_rows) holds the samples of all tasks in its columns, `squares`
    (n_features, n_tasks) their squared lengths. Row p of W, the ridge and the strengths
    belongs to the feature ``picked[p]``; r = X'W - y follows W. With a `direction`
    (n_tasks,) of length one the last columns hold one row more of each task, whose part
    along it is not there: a row is then moved by a majorant.
    """
    m = W.shape[1]
    tied, last = direction.shape[0] > 0, bounds[m]
    u = np.empty(m, np.float64)
    L = np.empty(m, np.float64)
    w = np.empty(m, np.float64)
    for p in range(picked.shape[0]):
        j = picked[p]
        x = X[j]
        for t in range(m):
            w[t] = W[p, t]
            L[t] = squares[j, t] + ridge[p]
            u[t] = squares[j, t] * w[t] - _dot(
                x[bounds[t] : bounds[t + 1]], r[bounds[t] : bounds[t + 1]]
            )
            if tied:
                u[t] -= x[last + t] * r[last + t]
        _minimise_row(u, L, entry[p], row[p], positive, w)
        common = 0.0
        for t in range(m):
            move = w[t] - W[p, t]
            if move != 0.0:
                W[p, t] = w[t]
                _add(move, x[bounds[t] : bounds[t + 1]], r[bounds[t] : bounds[t + 1]])
                if tied:
                    r[last + t] += move * x[last + t]
                    common += move * x[last + t] * direction[t]
        if common != 0.0:
            _add(-common, direction, r[last : last + m])


@njit
def rows_adjoint(X, picked, bounds, m, r):
    """Products (n_picked, m) of features of each task with its residuals.

    Beyond the rows of the tasks there may be one row more of each.
    """
    G = np.empty((picked.shape[0], m), np.float64)
    last = bounds[m]
    for p in range(picked.shape[0]):
        for t in range(G.shape[1]):
            G[p, t] = _dot(
                X[picked[p], bounds[t] : bounds[t + 1]], r[bounds[t] : bounds[t + 1]]
            )
            if r.shape[0] > last:
                G[p, t] += X[picked[p], last + t] * r[last + t]
    return G


@njit
def bcd_by_task(H, scale, ridge, W, G, entry, positive, passes, least):
    """As :func:`bcd_epoch` without a norm of rows: each task by itself.

    H is (n_tasks, d, d), or (1, d, d) when the tasks share it. A task is passed over
    until that lowers its objective by no more than `least`, `passes` times at most.
    """
    m, d = W.shape
    for t in range(m):
        Ht = H[t if H.shape[0] > 1 else 0]
        for _ in range(passes):
            fall = 0.0
            for j in range(d):
                L = scale[t] * Ht[j, j] + ridge[j]
                u = L * W[t, j] - G[t, j]
                u -= min(max(u, -entry[j]), entry[j])
                if positive:
                    u = max(u, 0.0)
                move = (u / L if L > 0.0 else 0.0) - W[t, j]
                if move != 0.0:
                    fall += 0.5 * L * move * move
                    W[t, j] += move
                    G[t, j] += ridge[j] * move
                    _add(scale[t] * move, Ht[j], G[t])
            if fall <= least:
                break


@njit
def box_shares(s, low, gain, budget):
    """Clip ``(s z - low) / gain`` to [0, 1], z such that the sum is the budget.

    The numbers s descend and are positive. As z rises they begin to have a share in
    their order, and are full in their order; in between the sum is linear.
    """
    n = s.shape[0]
    begun, full, rising, z = 0, 0, 0.0, 0.0
    while full < n:
        start = low / s[begun] if begun < n else np.inf
        stop = (low + gain) / s[full]
        z = min(start, stop)
        if full + (rising * z - low * (begun - full)) / gain >= budget:
            break
        if start <= stop:
            rising += s[begun]
            begun += 1
        else:
            rising -= s[full]
            full += 1
    if begun > full:
        rising = 0.0
        for i in range(full, begun):
            rising += s[i]
        z = ((budget - full) * gain + (begun - full) * low) / rising
    shares = np.empty(n, np.float64)
    for i in range(n):
        shares[i] = min(max((s[i] * z - low) / gain, 0.0), 1.0)
    return shares


@njit
def _shrink_groups(w, start, stop, weight, scale, first, last):
    """Shrink the nested groups first, ..., last - 1 of a vector, in this order."""
    for i in range(first, last):
        square = 0.0
        for k in range(start[i], stop[i]):
            square += w[k] * w[k]
        norm = math.sqrt(square)
        threshold = scale * weight[i]
        kept = 1.0 - threshold / norm if norm > threshold else 0.0
        for k in range(start[i], stop[i]):
            w[k] *= kept


@njit
def _sum_groups(w, start, stop, weight, first, last):
    """Weighted sum of the norms of the groups first, ..., last - 1 of a vector."""
    total = 0.0
    for i in range(first, last):
        square = 0.0
        for k in range(start[i], stop[i]):
            square += w[k] * w[k]
        total += weight[i] * math.sqrt(square)
    return total


@njit
def tree_value(W, order, start, stop, weight):
    """Sum over rows and groups of ``weight ||w_group||_2``.

    Group i holds the columns ``order[start[i]:stop[i]]``. Groups are nested, and
    follow the groups that they contain (post-order).
    """
    d, m = W.shape
    w = np.empty(m, np.float64)
    total = 0.0
    for j in range(d):
        for k in range(m):
            w[k] = W[j, order[k]]
        total += _sum_groups(w, start, stop, weight, 0, len(weight))
    return total


@njit
def tree_prox(V, order, start, stop, weight, scale):
    """Row-wise prox of ``scale_j`` times :func:`tree_value`, from the leaves up."""
    d, m = V.shape
    W = np.empty_like(V)
    w = np.empty(m, np.float64)
    for j in range(d):
        for k in range(m):
            w[k] = V[j, order[k]]
        _shrink_groups(w, start, stop, weight, scale[j], 0, len(weight))
        for k in range(m):
            W[j, order[k]] = w[k]
    return W


@njit
def tree_gauge(G, order, start, stop, weight):
    """Largest polar gauge over the rows of :func:`tree_value`.

    The gauge c of a row below a root of weight a solves ``||p(c)|| = a c`` with p(c)
    the prox of c times all other groups of the root. The left side is convex and
    falls with slope ``-sum_i weight_i ||p_i|| / ||p||``, so Newton's method from the
    left, that is from the largest gauge so far, never passes the solution.
    """
    d, m = G.shape
    p = np.empty(m, np.float64)
    gauge = 0.0
    for j in range(d):
        root = len(weight) - 1
        while root >= 0:
            first = root
            while first > 0 and start[first - 1] >= start[root]:
                first -= 1
            for _ in range(100):
                for k in range(start[root], stop[root]):
                    p[k] = G[j, order[k]]
                _shrink_groups(p, start, stop, weight, gauge, first, root)
                square = 0.0
                for k in range(start[root], stop[root]):
                    square += p[k] * p[k]
                norm = math.sqrt(square)
                excess = norm - gauge * weight[root]
                if excess <= 0.0:
                    break
                slope = _sum_groups(p, start, stop, weight, first, root) / norm
                move = excess / (slope + weight[root])
                gauge += move
                if move <= 1e-15 * gauge:
                    break
            root = first - 1
    return gauge


@njit
def _smooth_path(v, weight, scale, w, low, high, knot, slope, level):
    """Write the prox of ``scale sum_t weight_t |w_t - w_t+1|`` at v into w.

    Dynamic programming over t: the derivative of the least cost of w_1, ..., w_t is
    an increasing, piecewise linear function of w_t, whose knots, with the changes of
    slope and level there, are in a deque. Passing an edge cuts it off at plus and
    minus the weight. Then w follows from the last entry to the first, and each run of
    equal entries gets its mean anew, free of what rounding has piled up. The other
    arguments are work arrays: two of the length of v, three of twice that.
    """
    n = v.shape[0]
    left, right = n, n - 1
    first, last = -v[0], -v[0]
    for t in range(n - 1):
        edge = scale * weight[t]
        a, b = 1.0, first
        while left <= right and a * knot[left] + b < -edge:
            a += slope[left]
            b += level[left]
            left += 1
        low[t] = -(edge + b) / a
        c, e = 1.0, last
        while left <= right and c * knot[right] + e > edge:
            c -= slope[right]
            e -= level[right]
            right -= 1
        high[t] = max((edge - e) / c, low[t])
        left -= 1
        knot[left], slope[left], level[left] = low[t], a, b + edge
        right += 1
        knot[right], slope[right], level[right] = high[t], -c, edge - e
        first, last = -edge - v[t + 1], edge - v[t + 1]
    a, b = 1.0, first
    while left <= right and a * knot[left] + b < 0.0:
        a += slope[left]
        b += level[left]
        left += 1
    w[n - 1] = -b / a
    for t in range(n - 2, -1, -1):
        w[t] = min(max(w[t + 1], low[t]), high[t])
    start, push = 0, 0.0
    while start < n:
        stop = start + 1
        rest = 0.0
        while stop < n and w[stop] == w[start]:
            rest += v[stop] - v[start]
            stop += 1
        pull = 0.0
        if stop < n:
            pull = scale * weight[stop - 1]
            if w[stop] < w[start]:
                pull = -pull
        value = v[start] + (rest + push + pull) / (stop - start)
        push = -pull
        for t in range(start, stop):
            w[t] = value
        start = stop


@njit
def smooth_paths(V, weight, step):
    """Row-wise prox of ``step_j sum_t weight_t |w_t - w_t+1|``."""
    d, m = V.shape
    W = np.empty((d, m), np.float64)
    low, high = np.empty(m, np.float64), np.empty(m, np.float64)
    knot, slope = np.empty(2 * m, np.float64), np.empty(2 * m, np.float64)
    level = np.empty(2 * m, np.float64)
    for j in range(d):
        _smooth_path(V[j], weight, step[j], W[j], low, high, knot, slope, level)
    return W


@njit
def fused_gauge(G, weight, entry, row):
    """Largest polar gauge over the rows of the fused sparse group norm.

    The gauge c of a row solves ``||p(c)|| = row c`` with p(c) the prox of c times
    ``g(w) = entry ||w||_1 + sum_t weight_t |w_t - w_t+1|``. The left side is convex and
    falls with slope ``-g(p) / ||p||``, so Newton's method from the left, that is from
    the largest gauge so far, never passes the solution.
    """
    d, m = G.shape
    p = np.empty(m, np.float64)
    low, high = np.empty(m, np.float64), np.empty(m, np.float64)
    knot, slope = np.empty(2 * m, np.float64), np.empty(2 * m, np.float64)
    level = np.empty(2 * m, np.float64)
    gauge = 0.0
    for j in range(d):
        rounding = 0.0
        for t in range(m):
            rounding += 1e-14 * abs(G[j, t])
        for _ in range(200):
            _smooth_path(G[j], weight, gauge, p, low, high, knot, slope, level)
            square, value = 0.0, 0.0
            for t in range(m):
                size = max(abs(p[t]) - gauge * entry, 0.0)
                p[t] = size if p[t] > 0 else -size
                square += size * size
                value += entry * size
                if t > 0:
                    value += weight[t - 1] * abs(p[t] - p[t - 1])
            norm = math.sqrt(square)
            excess = norm - gauge * row
            if excess <= rounding:
                break
            fall = value / norm + row
            if excess > 1e300 * fall:
                return np.inf
            gauge += excess / fall
            if excess <= 1e-15 * gauge * fall:
                break
    return gauge


@njit
def edge_divergence(U, a, b, n_tasks):
    """Sum over edges of their row of U, at a and, negative, at b."""
    d = U.shape[1]
    out = np.zeros((n_tasks, d), np.float64)
    for e in range(a.shape[0]):
        i, j = a[e], b[e]
        for k in range(d):
            out[i, k] += U[e, k]
            out[j, k] -= U[e, k]
    return out


@njit
def edge_curvature(V, a, b, weight, Z):
    """Sum over edges of ``weight (I - z z') (v_a - v_b)``, at a and, negative, at b.

    V holds one row a task, Z one row an edge.
    """
    n, d = V.shape
    out = np.zeros((n, d), np.float64)
    for e in range(a.shape[0]):
        i, j = a[e], b[e]
        along = 0.0
        for k in range(d):
            along += Z[e, k] * (V[i, k] - V[j, k])
        for k in range(d):
            part = weight[e] * (V[i, k] - V[j, k] - along * Z[e, k])
            out[i, k] += part
            out[j, k] -= part
    return out
