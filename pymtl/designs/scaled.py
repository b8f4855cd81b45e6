"""Features times numbers."""

from __future__ import annotations

from functools import cached_property

from ._base import Design
from .gram import Gram


class Scaled(Design):
    """A design whose features are multiplied by numbers.

    Parameters
    ----------
    design : design
        The tasks.
    scale : ndarray of shape (n_features,)
        The numbers.
    """

    def __init__(self, design, scale):
        self.design = design
        self.scale = scale
        self.bounds = design.bounds
        self.shape = design.shape
        self.direction = design.direction

    def forward(self, W):
        return self.design.forward(self.scale[:, None] * W)

    def adjoint(self, r):
        return self.scale[:, None] * self.design.adjoint(r)

    def block(self, t, weight):
        return self.design.block(t, weight) * self.scale

    def gram(self, weight):
        product, s = self.design.gram(weight), self.scale[:, None]
        if isinstance(product, Gram):
            return product.scaled(self.scale)
        return None if product is None else lambda W: s * product(s * W)

    def take(self, features):
        return Scaled(self.design.take(features), self.scale[features])

    def squares(self, weight):
        return self.scale[:, None] ** 2 * self.design.squares(weight)

    @property
    def apart(self):
        return self.design.apart

    @cached_property
    def tie(self):
        tie = self.design.tie
        return None if tie is None else self.scale[:, None] * tie

    @property
    def has_lines(self):
        return self.design.has_lines

    def lines(self, features, weight):
        return self.scale[features, None] * self.design.lines(features, weight)

    def alike(self, weight):
        return self.design.alike(weight)
