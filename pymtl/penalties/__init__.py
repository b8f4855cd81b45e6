"""Penalties: one file each, registered in :data:`PENALTIES`."""

from ._base import Penalty, Quadratic, Sum
from ._components import Components
from ._prior import Prior
from ._task_matrix import TaskMatrix
from .aso import ASO
from .chain import Chain
from .clustered import Clustered
from .column_l2 import ColumnL2
from .data_shared import DataShared
from .dirty import Dirty
from .feature_covariance import FeatureCovariance
from .fused_sparse_group import FusedSparseGroup
from .graph import Graph
from .k_support import KSupport
from .l1 import L1
from .l21 import L21
from .linf import LInf
from .mcp import MCP
from .mean import Mean
from .network_lasso import NetworkLasso
from .ordered_rows import OrderedRows
from .relationship import Relationship
from .ridge import Ridge
from .robust_feature import RobustFeature
from .robust_low_rank import RobustLowRank
from .sparse_group import SparseGroup
from .sparse_low_rank import SparseLowRank, SparseRankBudget
from .temporal_group import TemporalGroup
from .trace_ball import TraceBall
from .trace_norm import TraceNorm
from .tree import Tree

PENALTIES = {
    "aso": ASO,
    "chain": Chain,
    "clustered": Clustered,
    "column_l2": ColumnL2,
    "data_shared": DataShared,
    "dirty": Dirty,
    "feature_covariance": FeatureCovariance,
    "fused_sparse_group": FusedSparseGroup,
    "graph": Graph,
    "k_support": KSupport,
    "l1": L1,
    "l21": L21,
    "linf": LInf,
    "mcp": MCP,
    "mean": Mean,
    "network_lasso": NetworkLasso,
    "ordered_rows": OrderedRows,
    "relationship": Relationship,
    "ridge": Ridge,
    "robust_feature": RobustFeature,
    "robust_low_rank": RobustLowRank,
    "sparse_group": SparseGroup,
    "sparse_low_rank": SparseLowRank,
    "temporal_group": TemporalGroup,
    "trace_norm": TraceNorm,
    "tree": Tree,
}

__all__ = [
    "PENALTIES",
    "ASO",
    "L1",
    "L21",
    "MCP",
    "Chain",
    "Clustered",
    "ColumnL2",
    "Components",
    "DataShared",
    "Dirty",
    "FeatureCovariance",
    "FusedSparseGroup",
    "Graph",
    "KSupport",
    "LInf",
    "Mean",
    "NetworkLasso",
    "OrderedRows",
    "Penalty",
    "Prior",
    "Quadratic",
    "Relationship",
    "Ridge",
    "RobustFeature",
    "RobustLowRank",
    "SparseGroup",
    "SparseLowRank",
    "SparseRankBudget",
    "Sum",
    "TaskMatrix",
    "TemporalGroup",
    "TraceBall",
    "TraceNorm",
    "Tree",
]
