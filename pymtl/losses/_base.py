"""The contract of a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .._sklearn import Parameters

if TYPE_CHECKING:
    from ._smoothed import Smoothed

SLACK = 1e-12
FAR = 1000.0
SEPARATED = 1e-9


class Loss(Parameters):
    r"""Base class of the losses.

    A loss is a sum over the rows of all tasks, stacked task after task,

    .. math:: f(z) = \sum_i \rho_i\, \ell(y_i, z_i),

    where the weights :math:`\rho` hold sample weights, the mean within a task and the
    task weights. Every method sees the whole stack and the task boundaries, so that
    a loss may also be a function of a task's rows together.

    Attributes
    ----------
    smooth : bool
        Whether the loss is differentiable in z. If not, it has
        :meth:`dual_prox`.
    curvature : float or None
        Bound of the second derivative of :math:`\ell` in z; None asks for a line
        search.
    quadratic : bool
        Whether the gradient is linear in z.
    n_classes : int or None
        Number of linear predictions a sample; None is one.
    centring : bool
        Whether free intercepts are minimised out by centring rows and targets.
    targets : {"regression", "classification"}
        What the targets are.
    domain : str
        The targets that :meth:`admissible` accepts, in words.
    positive : bool
        Whether targets have to be at least zero.
    probabilities : bool
        Whether predictions are the log-odds of classes.
    rescales : bool
        Whether targets have units, see :meth:`rescaled`.
    flat : float
        Share of the curvature that models of second order give a row which has less.
        Where the loss is a line, as far out, a little makes good models.
    cost : int
        What an evaluation costs in terms of a plain one. First-order methods get so
        many times fewer iterations.
    """

    smooth = True
    curvature: float | None = None
    flat = 1e-4
    quadratic = False
    n_classes: int | None = None
    centring = False
    targets = "regression"
    domain = "numbers"
    positive = False
    probabilities = False
    rescales = True
    cost = 1

    def admissible(self, y: np.ndarray) -> np.ndarray:
        """Return which targets the loss is made for.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Finite targets.

        Returns
        -------
        admissible : ndarray of bool of shape (n_rows,)
            Whether each is in the domain.
        """
        return np.full(len(y), True)

    def value(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> float:
        """Return the weighted sum of the losses, at least zero.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        z : ndarray of shape (n_rows,)
            Linear predictions.
        weight : ndarray of shape (n_rows,)
            Positive weight of each row.
        bounds : ndarray of shape (n_tasks + 1,)
            Rows ``bounds[t]:bounds[t + 1]`` belong to task t.

        Returns
        -------
        value : float
            The weighted sum.
        """
        raise NotImplementedError

    def gradient(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the gradient of :meth:`value` with respect to z.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        gradient : ndarray of shape (n_rows,)
            Weighted derivatives.
        """
        raise NotImplementedError

    def hessian(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return a diagonal majorant of the second derivative of :meth:`value`.

        By default the bound `curvature`. Losses whose rows enter one by one give the
        second derivative itself, on one side of a jump. A loss with kinks has none: it
        gives the curvature of a parabola of like size, which sets the scale of
        strengths that are "auto".

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        hessian : ndarray of shape (n_rows,)
            Weighted second derivatives.
        """
        if self.curvature is None:
            raise NotImplementedError
        return self.curvature * weight

    def dual_prox(
        self,
        y: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        step: float | np.ndarray,
    ) -> np.ndarray:
        r"""Return the prox of the conjugate of a loss with kinks.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        x : ndarray of shape (n_rows,)
            Point to map.
        weight, bounds : ndarray
            As in :meth:`value`.
        step : float or ndarray of shape (n_rows,)
            Positive step h; the same for the rows of a task.

        Returns
        -------
        u : ndarray of shape (n_rows,)
            Maximiser of :math:`u'x - f^*(u) - \sum_i h_i u_i^2 / (2 \rho_i)`, 0 where
            the weight is 0.
        """
        raise NotImplementedError

    def dual_prox_slope(
        self,
        y: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        step: float | np.ndarray,
    ) -> np.ndarray:
        """Return a diagonal majorant of the derivative of :meth:`dual_prox` in x.

        Parameters
        ----------
        y, x, weight, bounds : ndarray
            As in :meth:`dual_prox`.
        step : float or ndarray of shape (n_rows,)
            Positive step h; the same for the rows of a task.

        Returns
        -------
        slope : ndarray of shape (n_rows,)
            By default the bound, weight / h. Losses whose rows enter one by one give
            the derivative itself.
        """
        return weight / step

    def prox(
        self,
        y: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        step: float | np.ndarray,
    ) -> np.ndarray:
        r"""Return the prox of a loss with kinks, by Moreau's identity.

        Parameters
        ----------
        y, x, weight, bounds : ndarray
            As in :meth:`dual_prox`.
        step : float or ndarray of shape (n_rows,)
            Positive step h; the same for the rows of a task.

        Returns
        -------
        v : ndarray of shape (n_rows,)
            Minimiser of :math:`f(v) + \sum_i \rho_i (v_i - x_i)^2 / (2 h_i)`.
        """
        return x - step * slope(self.dual_prox(y, x, weight, bounds, step), weight)

    def smoothed(
        self, step: float | np.ndarray = 1.0, dual: float | np.ndarray = 0.0
    ) -> Smoothed:
        """Return the smooth loss below this one that touches it where `dual` does.

        Parameters
        ----------
        step : float or ndarray of shape (n_rows,), default=1.0
            Positive step h, the inverse of the curvature.
        dual : float or ndarray of shape (n_rows,), default=0.0
            Centre, a subgradient of this loss.

        Returns
        -------
        loss : Smoothed
            See there.
        """
        from ._smoothed import Smoothed

        return Smoothed(self, step, dual)

    def conjugate(
        self, y: np.ndarray, u: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> float:
        """Return the Fenchel conjugate of :meth:`value` at u.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        u : ndarray of shape (n_rows,)
            Dual point; the gradient of :meth:`value` is one.
        weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        value : float
            ``sup_z u'z - value(z)``, infinite outside the domain, but for rounding.
        """
        raise NotImplementedError

    def sides(
        self,
        y: np.ndarray,
        z: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        room: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest subgradient of each row about z.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.
        room : ndarray of shape (n_rows,)
            How near a kink counts as on it.

        Returns
        -------
        low, high : ndarray of shape (n_rows,)
            Twice the gradient where there is no kink.
        """
        u = self.gradient(y, z, weight, bounds)
        return u, u

    def balanced(
        self, y: np.ndarray, u: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return a dual point near u whose rows add up to zero in each task.

        By default the larger of the positive and the negative side of a task shrinks,
        which stays in the domain of any conjugate that takes rows one by one.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        u : ndarray of shape (n_rows,)
            Dual point in the domain of :meth:`conjugate`.
        weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        u : ndarray of shape (n_rows,)
            Dual point in the domain, but for rounding.
        """
        starts, sizes = bounds[:-1], np.diff(bounds)
        up = np.add.reduceat(np.maximum(u, 0.0), starts)
        down = np.add.reduceat(np.maximum(-u, 0.0), starts)
        least = np.minimum(up, down)
        rise = np.divide(least, up, out=np.ones_like(up), where=up > 0)
        fall = np.divide(least, down, out=np.ones_like(up), where=down > 0)
        return u * np.where(u > 0, np.repeat(rise, sizes), np.repeat(fall, sizes))

    def feasible(
        self, y: np.ndarray, u: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return u, or a dual point near it for which :meth:`conjugate` is finite.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        u : ndarray of shape (n_rows,)
            Dual point.
        weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        u : ndarray of shape (n_rows,)
            By default itself; with intercepts its rows add up to zero.
        """
        return u

    def room(
        self,
        y: np.ndarray,
        z: np.ndarray,
        u: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return a symmetric linear map to moves of u that its domain has room for.

        Parameters
        ----------
        y, z : ndarray of shape (n_rows,)
            As in :meth:`value`.
        u : ndarray of shape (n_rows,)
            Dual point, the gradient at z where the loss is smooth.
        weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        move : callable
            ``move(v)`` goes to zero with the distance to the end of the domain; by
            default it is v times the second derivative.
        """
        rows = self.hessian(y, z, weight, bounds)
        return lambda v: rows * v

    def pull(self, u: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the sums of u that have to be zero, one for each free intercept.

        Parameters
        ----------
        u : ndarray of shape (n_rows,)
            Dual point.
        bounds : ndarray of shape (n_tasks + 1,)
            As in :meth:`value`.

        Returns
        -------
        sums : ndarray of shape (n_intercepts,)
            None by default.
        """
        return np.zeros(0)

    def push(self, c: np.ndarray, bounds: np.ndarray) -> np.ndarray | float:
        """Return what free intercepts add to the rows, the adjoint of :meth:`pull`.

        Parameters
        ----------
        c : ndarray of shape (n_intercepts,)
            Free intercepts.
        bounds : ndarray of shape (n_tasks + 1,)
            As in :meth:`value`.

        Returns
        -------
        shift : ndarray of shape (n_rows,) or float
            0 where there are none.
        """
        return 0.0

    def learned(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> dict[str, Any]:
        """Return what the loss has learned, as fitted attributes.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        attributes : dict of {str: object}
            For example the noise levels of the tasks.
        """
        return {}

    def far(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the loss of each task far out, at a large multiple of z.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`task_values`.

        Returns
        -------
        values : ndarray of shape (n_tasks,)
            Where they are zero z separates the labels.
        """
        return self.task_values(y, FAR * z, weight, bounds)

    def separated(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> bool:
        """Return whether what the loss minimises out of itself separates labels.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        separated : bool
            Never by default: there is no optimum then.
        """
        return False

    def rounding(self, y_scale: float, eps: float) -> float:
        """Return the largest value that may be the rounding of zero.

        Parameters
        ----------
        y_scale : float
            Weighted sum of the squared targets.
        eps : float
            Machine precision of the data.

        Returns
        -------
        value : float
            A null model below it fits exactly.
        """
        return (8 * eps) ** 2 * y_scale

    def task_values(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the part of each task in :meth:`value`.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        values : ndarray of shape (n_tasks,)
            They add up to the value.
        """
        cuts = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
        return np.array(
            [
                self.value(y[t], z[t], weight[t], np.array([0, t.stop - t.start]))
                for t in cuts
            ]
        )

    def deviance(self, means: np.ndarray, sizes: np.ndarray) -> float:
        """Return minus twice the log-likelihood of a fit, but for a constant.

        Parameters
        ----------
        means : ndarray of shape (n_tasks,)
            Mean loss of the samples of each task.
        sizes : ndarray of shape (n_tasks,)
            Number of samples of each task, or their total weight.

        Returns
        -------
        deviance : float
            A scale that the loss does not know, such as the variance of the noise, has
            its most likely value.

        Raises
        ------
        ValueError
            If the loss is not that of a likelihood.
        """
        msg = (
            f"{type(self).__name__} is no likelihood: information criteria do not know "
            "it, choose by folds."
        )
        raise ValueError(msg)

    def shift_hessian(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the second derivatives in a shift of each task's predictions.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        hessian : ndarray of shape (n_tasks, n_classes, n_classes)
            One number a task where there are no classes.
        """
        rows = self.hessian(y, z, weight, bounds)
        return np.add.reduceat(rows, bounds[:-1])[:, None, None]

    def best_shift(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray | None:
        """Return the intercepts that are best at predictions z, where it is simple.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        shift : ndarray of shape (n_tasks,) or None
            What to add to the predictions of each task; None, the default, leaves the
            search to others.
        """
        return None

    def shrunk_shift(
        self,
        y: np.ndarray,
        z: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        strength: float,
    ) -> np.ndarray | None:
        """Return the best intercepts that are shrunk to their mean, where it is simple.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.
        strength : float
            What their squared distances from their mean are multiplied by.

        Returns
        -------
        shift : ndarray of shape (n_tasks,) or None
            What to add to the predictions of each task; None, the default, leaves the
            search to others.
        """
        return None

    def smooth_shift(
        self,
        y: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        step: float | np.ndarray,
    ) -> np.ndarray | None:
        """Return the shifts at which :meth:`dual_prox` adds up to zero in each task.

        Parameters
        ----------
        y, x, weight, bounds : ndarray
            As in :meth:`dual_prox`.
        step : float or ndarray of shape (n_rows,)
            Positive step h.

        Returns
        -------
        shift : ndarray of shape (n_tasks,) or None
            What to add to x; None, the default, leaves the search to others.
        """
        return None

    def rescaled(self, scale: float) -> Loss:
        """Return the loss in other units: of targets and predictions over `scale`.

        Parameters
        ----------
        scale : float
            The new unit in terms of the old one.

        Returns
        -------
        loss : Loss
            Equal to this one at the same data, but for a factor; itself by default.
        """
        return self

    def mean(self, z: np.ndarray) -> np.ndarray:
        """Return the prediction of y that belongs to linear predictions.

        Parameters
        ----------
        z : ndarray
            Linear predictions.

        Returns
        -------
        y : ndarray
            By default z itself.
        """
        return z

    @classmethod
    def examples(cls) -> Iterator[Loss]:
        """Yield instances for the conformance tests.

        Yields
        ------
        loss : Loss
            An instance with representative options.
        """
        yield cls()


def scaled_deviance(means: np.ndarray, sizes: np.ndarray, power: int) -> float:
    """Return the deviance of the density ``exp(-loss / scale^power) / scale``.

    The scale has its most likely value.
    """
    n = sizes.sum()
    return float(2 / power * n * np.log(np.dot(sizes, means) / n))


def slope(u: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return u / weight, the derivative of the loss of each row, 0 at weight 0."""
    return np.divide(u, weight, out=np.zeros(len(u)), where=weight > 0)


def separated(
    loss: Loss,
    y: np.ndarray,
    z: np.ndarray,
    weight: np.ndarray,
    bounds: np.ndarray,
    together: bool = False,
) -> np.ndarray:
    """Return whether z separates the labels of each task, or of all `together`.

    At a large multiple of it the loss is zero there.
    """
    least = loss.far(y, z, weight, bounds)
    most = loss.task_values(y, np.zeros(len(z)), weight, bounds)
    if together:
        least, most = least.sum(), most.sum()
    return np.asarray(least < SEPARATED * most)


def within(u: np.ndarray, low: Any, high: Any, size: Any = 1.0) -> bool:
    """Return whether low <= u <= high, but for rounding in units of `size`."""
    room = SLACK * size
    return bool(np.all(u >= low - room) and np.all(u <= high + room))


def weighted_quantile(
    x: np.ndarray, weight: np.ndarray, share: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """Return for each task the smallest x at which the weights reach its share."""
    order = np.lexsort((x, np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))))
    total = np.append(0.0, np.cumsum(weight[order]))[bounds[:-1]] + share
    reached = np.searchsorted(np.cumsum(weight[order]), total)
    return x[order[np.clip(reached, bounds[:-1], bounds[1:] - 1)]]
