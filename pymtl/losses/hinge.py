"""Hinge loss."""

import numpy as np

from ._kinked import Kinked


class Hinge(Kinked):
    r"""Hinge loss of a support vector machine, for labels -1 and 1.

    .. math:: \ell(y, z) = \max(0, 1 - y z), \qquad
              \ell^*(u) = u y, \quad u y \in [-1, 0].

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Hinge
    >>> y, z = np.array([-1.0, 1.0]), np.array([1.0, 2.0])
    >>> Hinge().value(y, z, np.ones(2), np.array([0, 2]))
    2.0
    """

    targets = "classification"
    domain = "labels -1 and 1"

    def admissible(self, y):
        return np.abs(y) == 1

    def slopes(self, y):
        # with y = 1 it falls up to z = 1, with y = -1 it rises from z = -1 on
        return -1.0 * (y > 0), 1.0 * (y < 0)

    def hessian(self, y, z, weight, bounds):
        return 0.5 * weight  # max(0, m) = (m + |m|) / 2, and |m| <= (m^2 + 1) / 2
