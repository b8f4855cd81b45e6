"""Coefficients that are kept sparse once they are fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _is_matrix(estimator):
    """Return True if `coef_` is a matrix, or say why it cannot be kept sparse."""
    check_is_fitted(estimator)
    coef = estimator.coef_
    if isinstance(coef, list) or coef.ndim != 2:
        form = (
            "a list of one array a task"
            if isinstance(coef, list)
            else f"of shape {coef.shape} = (n_tasks, n_classes, n_features)"
        )
        msg = (
            f"{type(estimator).__name__}: sparsify is for coef_ of shape (n_tasks, "
            f"n_features), and that of more than two classes is {form}. Keep "
            "scipy.sparse.csr_array(coef_[t]) of each task t instead."
        )
        raise ValueError(msg)
    return True


class SparseCoef:
    """Conversions of `coef_`, as scikit-learn's linear models have them."""

    coef_: Any

    @available_if(_is_matrix)
    def sparsify(self):
        """Make `coef_` a scipy sparse array, which is small if most of it is zero.

        Everything else works and agrees as before: predictions and scores make the
        coefficients dense for as long as they need them. A new fit is dense again.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        AttributeError
            If there is no fit, or `coef_` has more than two dimensions, as that of a
            classifier with more than two classes, (n_tasks, n_classes, n_features),
            or is a list; its cause says which.

        Examples
        --------
        >>> import numpy as np
        >>> from pymtl import MultiTaskL21Regressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(50, 10))
        >>> Y = X[:, :2] @ [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]
        >>> model = MultiTaskL21Regressor(0.1).fit(X, Y).sparsify()
        >>> model.coef_.shape, model.coef_.nnz
        ((3, 10), 6)
        >>> round(model.score(X, Y), 2), type(model.densify().coef_).__name__
        (1.0, 'ndarray')
        """
        self.coef_ = sp.csr_array(self.coef_)
        return self

    def densify(self):
        """Make `coef_` an array again, as it is after a fit.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = dense(self.coef_)
        return self


def dense(coef: Any) -> np.ndarray | list:
    """Return coefficients that may be sparse as they were fitted.

    Parameters
    ----------
    coef : ndarray, list of ndarray or sparse array
        The `coef_` of an estimator.

    Returns
    -------
    coef : ndarray or list of ndarray
        The same, dense.
    """
    return coef.toarray() if sp.issparse(coef) else coef
