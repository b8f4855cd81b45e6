"""What scikit-learn's selectors of features ask of an estimator."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._sparse_coef import dense


class SelectsFeatures:
    """The penalty sets all coefficients of a feature to zero."""

    @property
    def penalty(self) -> str:
        """What scikit-learn calls such a penalty; its selectors keep what is not zero.

        Returns
        -------
        penalty : str
            "l1".
        """
        return "l1"


class FeatureImportances:
    """One number a column of X, the task column included."""

    @property
    def feature_importances_(self) -> np.ndarray:
        r"""The sum of the absolute coefficients of each column of X, over tasks.

        The task column, which every task needs, has the largest of them, or 1 if all
        are zero, so that a selector keeps it: give ``SelectFromModel`` the argument
        ``importance_getter="feature_importances_"``.

        Returns
        -------
        importances : ndarray of shape (n_features,)
            In the order of the columns of X in fit.
        """
        check_is_fitted(self)
        size = sum(np.abs(np.atleast_2d(W)).sum(axis=0) for W in self._rows_of_coef())
        if self._task_position is None:
            return size
        return np.insert(size, self._task_position, size.max(initial=0.0) or 1.0)

    def _rows_of_coef(self):
        coef = dense(self.coef_)
        if isinstance(coef, list):
            return coef
        return [coef.reshape(-1, coef.shape[-1])]
