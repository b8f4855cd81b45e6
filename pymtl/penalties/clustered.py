"""Clusters of tasks, learned."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._box_norm import BoxNorm
from .mean import Mean

ROUNDING = 1e-12


class Clustered(BoxNorm):
    r"""Convex clustered multi-task learning: tasks form groups that are learned.

    .. math:: \Omega(W) = \lambda_1 \eta (1 + \eta) \min_{0 \preceq M \preceq I,\;
              \operatorname{tr} M = k} \operatorname{tr}(W (\eta I + M)^{-1} W^\top),
              \qquad \eta = \lambda_2 / \lambda_1

    If M is the projection onto k groups of tasks (the mean of its group in place of
    each task) this is :math:`\lambda_1` times the squared distances of the tasks to the
    mean of their group, plus :math:`\lambda_2 \|W\|_F^2`. All M with eigenvalues
    between 0 and 1 of sum k make it convex.

    M is minimised out, which leaves a function of the singular values :math:`s_i` of W,

    .. math:: \Omega(W) = \min_{0 \le m_i \le 1,\; \sum m_i = k} \sum_i
              \frac{\lambda_2 (\lambda_1 + \lambda_2)}{\lambda_2 + \lambda_1 m_i} s_i^2,

    the squared box norm. Its prox with step :math:`\gamma` keeps the share
    :math:`(\lambda_2 + \lambda_1 m_i) / (\lambda_2 + \lambda_1 m_i + c)` of a singular
    value, with :math:`c = 2 \gamma \lambda_2 (\lambda_1 + \lambda_2)` and :math:`m_i` =
    :math:`(z s_i - \lambda_2 - c) / \lambda_1` clipped to [0, 1], z such that they
    sum to k. Its conjugate is :math:`\left(\|G\|_F^2 + \tfrac{\lambda_1}{\lambda_2}
    \sum_{i \le k} s_i(G)^2\right) / (4 (\lambda_1 + \lambda_2))`. With k of at least
    min(d, T) it is the ridge :math:`\lambda_2 \|W\|_F^2`.

    A projection onto groups leaves the vector of ones as it is, M need not.
    ``center=True`` asks it of M, as Jacob, Bach and Vert do: the mean task pays
    :math:`\lambda_2 \|\bar w\|_2^2` T times, and the deviations from it the squared box
    norm with k - 1. With k = 1 this is :class:`Mean` plus :class:`Ridge`.

    A task that was not in training joins the group, as k-means finds them in M, with
    which its objective is the lowest: of m tasks with the mean :math:`\bar w` it pays
    :math:`\lambda_1 \tfrac{m}{m + 1} \|w - \bar w\|_2^2 + \lambda_2 \|w\|_2^2`. Where
    there are groups this takes fewer samples than the subspace of the tasks, which
    would be the quadratic that touches the penalty; a task of no group is not served.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the distances within the groups; "auto" is half the mean curvature
        of the loss.
    lambda2 : float or "auto", default="auto"
        Strength of the ridge; "auto" is a tenth of lambda1, and lambda1 ten times a
        lambda2 that is given. At 0 the penalty vanishes.
    n_clusters : int, default=2
        Number k of groups.
    center : bool, default=False
        Whether M has to keep the mean task.

    References
    ----------
    L. Jacob, F. Bach and J.-P. Vert (2008). Clustered multi-task learning: a convex
    formulation. NIPS.

    J. Zhou, J. Chen and J. Ye (2011). Clustered multi-task learning via alternating
    structure optimization. NIPS.

    A. M. McDonald, M. Pontil and D. Stamos (2016). New perspectives on k-support and
    cluster norms. Journal of Machine Learning Research.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Clustered
    >>> W = np.array([[1.0, 1.0, -1.0, -1.0]])
    >>> Clustered(5.0, 1.0, n_clusters=1).value(W)
    4.0
    >>> Clustered(5.0, 1.0, n_clusters=1, center=True).value(W)
    24.0
    """

    by_task = True

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        n_clusters: int = 2,
        center: bool = False,
    ):
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.n_clusters = n_clusters
        self.center = center

    @property
    def budget(self):
        return self.n_clusters - bool(self.center)

    def value(self, W):
        if not self.center:
            return super().value(W)
        mean, rest = _centre(W)
        return self.lambda2 * W.shape[1] * float(np.sum(mean**2)) + super().value(rest)

    def prox(self, V, step):
        if not self.center:
            return super().prox(V, step)
        mean, rest = _centre(V)
        return mean / (1 + 2 * step * self.lambda2) + super().prox(rest, step)

    def conjugate(self, G):
        if not self.center:
            return super().conjugate(G)
        mean, rest = _centre(G)
        square = G.shape[1] * float(np.sum(mean**2))
        return square / (4 * self.lambda2) + super().conjugate(rest)

    def new_task(self, W, place):
        # M is the projection onto the groups: one of them has one task more
        labels = self.learned(W, [W], np.arange(W.shape[1]))["cluster_labels_"]
        groups = [W[:, labels == label] for label in np.unique(labels)]
        own = np.full(len(W), 2 * self.lambda2)
        zero = np.zeros(len(W))
        return [Mean(self.lambda1).new_task(G, place).near(zero, own) for G in groups]

    def range_warning(self, n_features, n_tasks):
        if self.n_clusters > n_tasks:
            return (
                f"n_clusters={self.n_clusters} groups of {n_tasks} tasks are the ridge "
                f"lambda2 ||W||^2. Groups are learned where n_clusters < {n_tasks}."
            )
        return None

    def learned(self, W, parts, tasks):
        n_tasks = W.shape[1]
        rest = _centre(W)[1] if self.center else W
        _, s, Vt = np.linalg.svd(rest, full_matrices=False)
        s[s <= ROUNDING * s[0]] = 0.0
        m = self.shares(s)
        M = (Vt.T * m) @ Vt + (1 / n_tasks if self.center else 0.0)
        points = (Vt.T * m)[:, : self.budget]
        labels = _group(points, min(self.n_clusters, n_tasks))
        return {"cluster_matrix_": M, "cluster_labels_": labels}

    @classmethod
    def examples(cls, n_features, n_tasks):
        yield cls(0.7, 0.35)
        yield cls(0.7, 0.35, center=True)


def _centre(W):
    """Return the mean task (d, 1) and the deviations from it."""
    W = np.asarray(W, dtype=float)
    mean = W.mean(axis=1, keepdims=True)
    return mean, W - mean


def _group(points, n_groups):
    """Return the k-means groups of the rows, numbered in order of appearance."""
    from sklearn.cluster import KMeans  # not at import, for it takes long

    if n_groups == 1 or not points.any():
        return np.zeros(len(points), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points
        means = KMeans(n_groups, n_init=10, random_state=0).fit(points)
    _, first, labels = np.unique(means.labels_, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[labels]
