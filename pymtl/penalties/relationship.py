"""Relations between tasks, learned."""

import numpy as np

from ._squared_trace_norm import SquaredTraceNorm, square_root


class Relationship(SquaredTraceNorm):
    r"""Multi-task relationship learning: a task covariance is learned with W.

    .. math:: \Omega(W) = \tfrac{\lambda_1}{2} \|W\|_F^2 + \tfrac{\lambda_2}{2}
              \min_{\Sigma \succeq 0,\; \operatorname{tr} \Sigma = 1}
              \operatorname{tr}(W \Sigma^{-1} W^\top)
              = \tfrac{\lambda_1}{2} \|W\|_F^2 + \tfrac{\lambda_2}{2} \|W\|_*^2

    The covariance is minimised out, :math:`\Sigma = (W^\top W)^{1/2} /
    \operatorname{tr} (W^\top W)^{1/2}`. (To alternate between W and :math:`\Sigma`
    stalls before the optimum.) Its correlations say which tasks are alike, which are
    opposed, and which have nothing in common.

    The prox moves singular values :math:`s_i / (1 + \gamma \lambda_1)`, with
    :math:`\gamma` the step and :math:`\ell = \gamma \lambda_2 / (1 + \gamma
    \lambda_1)`, towards zero by :math:`\ell \sum_{i \le r} s_i / (1 + \ell r)`, r the
    number that stay positive. The conjugate is :math:`\sum_i (s_i - \tau)_+^2 / (2
    \lambda_1) + \tau^2 / (2 \lambda_2)` at the singular values of the dual point, with
    :math:`\tau = \lambda_2 \sum_{i \le r} s_i / (\lambda_1 + \lambda_2 r)`.

    A task that was not in training is :math:`w = W a` with the prior of the learned
    covariance, :math:`\tfrac{\lambda_2}{2} \|W\|_*^2\, a^\top \Sigma a`, which is
    what the best covariances with the other tasks leave of the penalty.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the ridge; "auto" is half the mean curvature of the loss over
        min(d, T).
    lambda2 : float or "auto", default="auto"
        Strength of the learned relations; "auto" is equal to lambda1. The squared
        trace norm adds up min(d, T) singular values before it squares, and both
        strengths are divided by their number.

    References
    ----------
    Y. Zhang and D.-Y. Yeung (2010). A convex formulation for learning task
    relationships in multi-task learning. UAI.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Relationship
    >>> Relationship(1.0, 1.0).value(np.array([[3.0, 0.0], [0.0, 4.0]]))
    37.0
    """

    by_task = True

    strengths = ("lambda1", "lambda2")

    def __init__(self, lambda1: float | str = "auto", lambda2: float | str = "auto"):
        self.lambda1 = lambda1
        self.lambda2 = lambda2

    def weights(self):
        return self.lambda1, self.lambda2

    def learned(self, W, parts, tasks):
        covariance = square_root(W)
        std = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        scale = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
        correlation = np.clip(covariance * scale * scale[:, None], -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return {"task_covariance_": covariance, "task_correlation_": correlation}
