"""The only place that knows private scikit-learn names."""

from functools import cache

from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import Interval, StrOptions

__all__ = ["Interval", "Parameters", "StrOptions", "fit_context", "safe_indexing"]


class Parameters(BaseEstimator):
    """scikit-learn's base class, which reads the signature of a class only once."""

    @classmethod
    @cache
    def _get_param_names(cls):
        return super()._get_param_names()
