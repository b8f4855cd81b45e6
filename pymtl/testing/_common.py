"""Assertions that say which object failed, where, and by how much."""

from __future__ import annotations

import inspect
import pickle
import sys
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone


def require(condition: Any, subject: Any, message: str) -> None:
    """Raise an AssertionError that names the subject unless the condition holds."""
    if not condition:
        msg = f"{subject!r}: {message}"
        raise AssertionError(msg)


def require_close(
    actual: Any, expected: Any, subject: Any, message: str, rtol: float = 1e-9
) -> None:
    """Require equality within rtol times the largest expected magnitude."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    require(
        actual.shape == expected.shape,
        subject,
        f"{message}: shape {actual.shape} in place of {expected.shape}",
    )
    error = np.abs(actual - expected).max(initial=0.0)
    scale = np.abs(expected).max(initial=0.0)
    # a plain comparison would let NaN through
    require(
        error <= rtol * scale + 1e-300,
        subject,
        f"{message}: differs by {error:.2e}, {rtol * scale:.2e} allowed",
    )


def require_at_most(
    smaller: float, larger: float, slack: float, subject: Any, message: str
) -> None:
    """Require smaller <= larger, up to a slack for rounding."""
    require(
        smaller <= larger + slack,
        subject,
        f"{message}: {smaller:.10g} > {larger:.10g}",
    )


def frozen(array: Any, dtype: Any = None, order: str = "C") -> np.ndarray:
    """Return a read-only copy, so that whoever writes to it fails."""
    array = np.array(array, dtype=dtype, order=order)
    array.flags.writeable = False
    return array


def check_parameters(obj: Any) -> None:
    """Check clone, deepcopy, pickle, repr and the parameters of an object."""
    copies = {"clone": clone(obj), "deepcopy": deepcopy(obj)}
    if can_be_pickled(type(obj)):
        copies["pickle"] = pickle.loads(pickle.dumps(obj))
    for how, copy in copies.items():
        require(type(copy) is type(obj), obj, f"{how} changes the type")
        require(repr(copy) == repr(obj), obj, f"{how} gives {copy!r}")
    names = list(inspect.signature(type(obj)).parameters)
    params = obj.get_params(deep=False)
    require(
        sorted(params) == sorted(names),
        obj,
        f"get_params gives {sorted(params)}, the constructor takes {sorted(names)}",
    )
    for name in names:
        anything = object()
        message = f"the constructor does not just store {name}"
        try:
            other = type(obj)(**{**params, name: anything})
        except Exception as error:
            msg = f"{obj!r}: {message}"
            raise AssertionError(msg) from error
        require(getattr(other, name) is anything, obj, message)


def can_be_pickled(cls: type) -> bool:
    """Return whether pickle can find the class again: not if defined in a session."""
    module = sys.modules.get(cls.__module__)
    return getattr(module, cls.__qualname__, None) is cls
