"""Designs: what the solvers see of the data.

A design maps coefficients W (n_features, n_columns) to the predictions of all rows,
stacked task after task, and back: :class:`Design`. Solvers know no other layout.

=====================  =============================================================
:class:`Stacked`       tasks with their own rows, dense
:class:`StackedSparse` the same, sparse
:class:`Shared`        one matrix for all tasks
:class:`Shifted`       a design less one row a task; `Recentred`: less its means
:class:`Between`       a design, and its task means up to a common constant
:class:`Spanned`       columns in place of tasks: components, what a penalty leaves free
:class:`PerClass`      several predictions a sample, one a class
:class:`Scaled`        features times numbers; `Selected`: some of them
=====================  =============================================================
"""

from ._base import Design, Selected
from .between import Between
from .centred import Recentred, Shifted
from .gram import Gram, Tied
from .per_class import PerClass
from .scaled import Scaled
from .shared import Shared
from .spanned import Spanned
from .sparse import StackedSparse
from .stacked import Stacked

__all__ = [
    "Between",
    "Design",
    "Gram",
    "PerClass",
    "Recentred",
    "Scaled",
    "Selected",
    "Shared",
    "Shifted",
    "Spanned",
    "Stacked",
    "StackedSparse",
    "Tied",
]
