"""What a solver returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Result:
    """A solution and its certificate.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_columns)
        Coefficients.
    n_iter : int
        Iterations.
    history : list of float
        Objective after each iteration.
    solver : str
        The solver that ran.
    objective : float
        Objective at `W`.
    gap : float
        Bound of the distance to the optimum in units of the objective.
    certificate : float
        What `tol` bounds: the relative gap, or the residual.
    majorant_gap : float or None
        Relative gap of the convex problem that touches one that is not convex at `W`.
    kind : str
        What the certificate is.
    unit : float
        What the gap is divided by.
    rounding : float
        What rounding the solution has added to the objective.
    converged : bool
        Whether the certificate is within `tol`.
    unbounded : bool
        Whether there is no finite optimum.
    polar : callable or None
        A bound of the polar gauge that the solver knows, for the gap.
    dual : ndarray of shape (n_rows,) or None
        The dual point of the gap; by default the gradient of the loss at `W`.
    """

    W: np.ndarray
    n_iter: int = 1
    history: list[float] = field(default_factory=list)
    solver: str = "apg"
    objective: float = np.nan
    gap: float = np.nan
    certificate: float = np.inf
    majorant_gap: float | None = None
    kind: str = "duality gap"
    unit: float = np.nan
    rounding: float = 0.0
    converged: bool = False
    unbounded: bool = False
    polar: Callable[[np.ndarray], float] | None = None
    dual: np.ndarray | None = None

    def add(self, rounding: float, tol: float) -> None:
        """Count what rounding the solution adds to the objective.

        Parameters
        ----------
        rounding : float
            The addition, in units of the objective.
        tol : float
            Tolerance of the certificate.
        """
        self.objective += rounding
        self.rounding += max(rounding, 0.0)
        self.certificate += max(rounding, 0.0) / self.unit
        self.gap += max(rounding, 0.0)
        self.converged = self.converged and self.certificate <= tol
