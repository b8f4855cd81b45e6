"""The only place that knows private scikit-learn names."""

import inspect
import sys
from functools import cache

from joblib import Parallel
from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
)

from ._names import parameter_hint, value_hint

VALIDATION = "sklearn.model_selection._validation"

__all__ = [
    "Interval",
    "Parameters",
    "StrOptions",
    "cross_validated",
    "cross_validation",
    "fit_context",
    "safe_indexing",
]


def cross_validated():
    """Return the X that scikit-learn cross-validates a fit on, None outside of that.

    It is on the stack only: a fit is not told that its data are a part, and what a
    score raises becomes NaN.
    """
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if frame.f_code.co_name == "_fit_and_score" and module == VALIDATION:
            return frame.f_locals.get("X")
        frame = frame.f_back
    return None


def cross_validation():
    """Return what stands for the cross-validation that goes on, None outside of one.

    It is the object that runs the folds: one for each search or `cross_val_score`, the
    outermost of nested ones. In the processes of several jobs it is not known.
    """
    frame, found = sys._getframe(1), None
    while frame is not None:
        if frame.f_code is Parallel.__call__.__code__:
            found = frame.f_locals.get("self")
        frame = frame.f_back
    return found


class Parameters(BaseEstimator):
    """scikit-learn's base class, which names the parameter that may have been meant.

    It reads the signature of a class only once.
    """

    def __new__(cls, *args, **parameters):
        unknown = _unknown(cls, parameters) if parameters else None
        if unknown is not None:
            hint = parameter_hint(unknown, cls._get_param_names())
            msg = (
                f"{cls.__name__}.__init__() got an unexpected keyword argument "
                f"{unknown!r}. {hint}"
            )
            raise TypeError(msg.strip())
        return super().__new__(cls)

    @classmethod
    @cache
    def _get_param_names(cls):
        return super()._get_param_names()

    def set_params(self, **params):
        """Set the parameters of this estimator, or of one that it holds.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``<component>__<parameter>`` is one of a component.

        Returns
        -------
        self : object
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter; the message says what may have been meant.
        """
        known = self._get_param_names()
        for name in params:
            own = name.partition("__")[0]
            if own not in known:
                msg = (
                    f"Invalid parameter {own!r} for estimator {self}. Valid parameters "
                    f"are: {known!r}. {parameter_hint(own, known)}"
                )
                raise ValueError(msg.strip())
        return super().set_params(**params)

    def _validate_params(self):
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            msg = f"{error} {self._hint_of_value()}"
            raise InvalidParameterError(msg.strip()) from None

    def _hint_of_value(self):
        """Return what a text that is no option of its parameter may have meant."""
        for name, value in self.get_params(deep=False).items():
            texts = [
                constraint.options
                for constraint in self._parameter_constraints.get(name, ())
                if isinstance(constraint, StrOptions)
            ]
            known = set().union(*texts)
            if isinstance(value, str) and value not in known and known:
                return value_hint(name, value, sorted(known))
        return ""


# What inspect.signature says of a class without a constructor of its own.
Parameters.__new__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [inspect.Parameter("cls", inspect.Parameter.POSITIONAL_ONLY)]
)


@cache
def _keywords(cls):
    """Return the keywords of a constructor, None if it takes any."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    if any(p.kind == p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def _unknown(cls, parameters):
    """Return a keyword that the constructor does not take, None if there is none."""
    known = _keywords(cls)
    return known and next((name for name in parameters if name not in known), None)
