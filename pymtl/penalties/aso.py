"""A predictive subspace of the features, shared by the tasks."""

import numpy as np

from ._box_norm import BoxNorm


class ASO(BoxNorm):
    r"""Convex alternating structure optimisation: a subspace of the features is shared.

    .. math:: \Omega(W) = \lambda_1 \eta (1 + \eta) \min_{0 \preceq M \preceq I,\;
              \operatorname{tr} M = k} \operatorname{tr}(W^\top (\eta I + M)^{-1} W),
              \qquad \eta = \lambda_2 / \lambda_1

    Inside the subspace of the features that M projects to, of k dimensions, the
    coefficients pay the ridge :math:`\lambda_2`, outside :math:`\lambda_1 + \lambda_2`.

    The d x d matrix M is minimised out, which leaves a function of the singular values
    alone, the same as for :class:`Clustered`; see there for the prox and the conjugate.
    With k of at least min(d, T) it is the ridge :math:`\lambda_2 \|W\|_F^2`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength outside the subspace; "auto" is half the mean curvature of the loss.
    lambda2 : float or "auto", default="auto"
        Strength of the ridge; "auto" is a tenth of lambda1, and lambda1 ten times a
        lambda2 that is given. At 0 the penalty vanishes.
    n_components : int, default=2
        Dimension k of the subspace.

    References
    ----------
    R. K. Ando and T. Zhang (2005). A framework for learning predictive structures from
    multiple tasks and unlabeled data. Journal of Machine Learning Research.

    J. Chen, L. Tang, J. Liu and J. Ye (2009). A convex formulation for learning shared
    structures from multiple tasks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import ASO
    >>> ASO(1.0, 1.0, n_components=1).value(np.array([[3.0, 0.0], [0.0, 0.0]]))
    9.0
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        n_components: int = 2,
    ):
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.n_components = n_components

    @property
    def budget(self):
        return self.n_components

    def range_warning(self, n_features, n_tasks):
        most = min(n_features, n_tasks)
        if self.n_components > most > 1:
            return (
                f"n_components={self.n_components} dimensions hold all coefficients of "
                f"{n_features} features and {n_tasks} tasks: this is the ridge lambda2 "
                f"||W||^2. A subspace is learned where n_components < {most}."
            )
        return None

    def learned(self, W, parts, tasks):
        U = np.linalg.svd(W, full_matrices=False)[0][:, : self.n_components]
        largest = U[np.argmax(np.abs(U), axis=0), np.arange(U.shape[1])]
        return {"subspace_": (U * np.sign(largest)).T}

    @classmethod
    def examples(cls, n_features, n_tasks):
        yield cls(2.0, 0.01)
