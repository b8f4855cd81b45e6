"""Sums of a shared and a specific part, each with a strength."""

from __future__ import annotations

from ._components import Components


class TwoParts(Components):
    """Base class of the penalties of W = shared + specific with two strengths.

    A subclass gives :meth:`terms`, the shared part first, and :meth:`useful_ratios`;
    `names` are those of lambda1's and lambda2's parts in messages, `place` is where in
    the useful range, from 0 to 1 on a logarithmic scale, "auto" stands.
    """

    strengths = ("lambda1", "lambda2")
    names = ("shared part", "specific part")
    place = 0.5

    def __init__(self, lambda1: float | str = "auto", lambda2: float | str = "auto"):
        self.lambda1 = lambda1
        self.lambda2 = lambda2

    def useful_ratios(self, n_features: int, n_tasks: int) -> tuple[float, float]:
        """Return the open interval of lambda1 / lambda2 where both parts are used.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Returns
        -------
        low, high : float
            From `low` down lambda2's part is zero, from `high` up lambda1's.
        """
        raise NotImplementedError

    def unit(self, n_features, n_tasks):
        low, high = self.useful_ratios(n_features, n_tasks)
        ratio = low ** (1 - self.place) * high**self.place
        return {"lambda1": 1.0, "lambda2": 1.0 / ratio}

    def range_warning(self, n_features, n_tasks):
        low, high = self.useful_ratios(n_features, n_tasks)
        low, high = low * self.lambda2, high * self.lambda2
        if low < self.lambda1 < high or self.lambda1 == self.lambda2 == 0:
            return None
        unused = self.names[0] if self.lambda1 >= high else self.names[1]
        return (
            f"with lambda1={self.lambda1:.4g} and lambda2={self.lambda2:.4g} the "
            f"{unused} is zero. Beside this lambda2 both parts are used where "
            f"{low:.4g} < lambda1 < {high:.4g}."
        )

    @classmethod
    def examples(cls, n_features, n_tasks):
        lambda2 = 0.7 * cls().unit(n_features, n_tasks)["lambda2"]
        yield cls(0.7, lambda2)
