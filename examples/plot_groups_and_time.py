"""
Groups of tasks, graphs and time
================================

Tasks that are near each other: in clusters that nobody told the model, as neighbours in
a graph, or one after the other in time. The data are made for it, so that what a model
finds can be held against what is there.
"""

import networkx as nx
import numpy as np
from matplotlib import pyplot as plt
from sklearn.metrics import adjusted_rand_score

from pymtl import (
    MultiTaskClusteredRegressor,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskNetworkLassoRegressor,
    MultiTaskTemporalGroupRegressor,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_regression


def draw_tasks(rng, coef, n_samples):
    """Draw a regression with noise of variance one for each row of coef."""
    Xs = [rng.standard_normal((n_samples, len(w))) for w in coef]
    noise = rng.standard_normal((len(coef), n_samples))
    return Xs, [X @ w + e for X, w, e in zip(Xs, coef, noise, strict=True)]


def error(model, truth):
    """Return the error of the coefficients, relative to their size."""
    return np.linalg.norm(model.coef_ - truth) / np.linalg.norm(truth)


# %%
# Clusters
# --------
# Twenty-four tasks in three clusters, with twenty samples for fifteen features: too few
# for a model of one's own. ``cluster_matrix_`` is large where two tasks go together,
# and ``cluster_labels_`` are read off it.

data = make_multitask_regression(
    n_tasks=24,
    n_samples=20,
    n_features=15,
    structure="clustered",
    n_clusters=3,
    random_state=0,
)
clustered = MultiTaskClusteredRegressor(n_clusters=3).fit(data.Xs, data.ys)
single = SingleTaskRegressor().fit(data.Xs, data.ys)
cluster_score = adjusted_rand_score(data.cluster_labels, clustered.cluster_labels_)
print(f"adjusted Rand index {cluster_score:.2f}")
errors = {"clusters": (error(clustered, data.coef), error(single, data.coef))}
print("error {:.2f}, alone {:.2f}".format(*errors["clusters"]))

order = np.argsort(data.cluster_labels, kind="stable")
fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for ax, title, matrix in (
    (axes[0], "correlation, single-task", np.corrcoef(single.coef_)),
    (axes[1], "correlation, clustered", np.corrcoef(clustered.coef_)),
    (axes[2], "cluster_matrix_", clustered.cluster_matrix_),
):
    top = np.abs(matrix).max()
    ax.imshow(matrix[np.ix_(order, order)], cmap="RdBu_r", vmin=-top, vmax=top)
    ax.set(title=title, xlabel="task, by planted cluster", xticks=[], yticks=[])

# %%
# Groups on a graph
# -----------------
# The graph says which tasks may be alike, not which are: a few edges join tasks of
# different groups. The network lasso makes most neighbours equal and breaks the other
# edges; ``task_groups_`` are what remains connected.

rng = np.random.default_rng(0)
graph = nx.planted_partition_graph(3, 8, 0.6, 0.03, seed=1)
planted = np.repeat([0, 1, 2], 8)
truth = rng.standard_normal((3, 6))[planted]
Xs, ys = draw_tasks(rng, truth, n_samples=15)
network = MultiTaskNetworkLassoRegressor(graph=graph).fit(Xs, ys)
single = SingleTaskRegressor().fit(Xs, ys)
group_score = adjusted_rand_score(planted, network.task_groups_)
print(f"adjusted Rand index {group_score:.2f}")
errors["groups"] = (error(network, truth), error(single, truth))
print("error {:.2f}, alone {:.2f}".format(*errors["groups"]))

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
places = nx.spring_layout(graph, seed=0)
for ax, title, groups in (
    (axes[0], "planted groups", planted),
    (axes[1], "groups of the network lasso", network.task_groups_),
):
    colours = [f"C{group}" for group in groups]
    nx.draw(graph, places, ax=ax, node_color=colours, edge_color="0.6", node_size=90)
    ax.set_title(title)

# %%
# Slow changes
# ------------
# Twenty tasks at irregular times, three of twelve features matter and change slowly.
# The temporal group lasso takes the times, and spares features.

times = np.sort(rng.choice(40, 20, replace=False)).astype(float)
slow = np.zeros((20, 12))
slow[:, :3] = np.column_stack([np.sin(times / 7), np.cos(times / 10), times / 40])
Xs, ys = draw_tasks(rng, slow, n_samples=25)
temporal = MultiTaskTemporalGroupRegressor(0.0, 1.0, 0.5, times=times).fit(Xs, ys)
alone = {"slow": SingleTaskRegressor().fit(Xs, ys)}

# %%
# Few steps
# ---------
# The same with effects that stay as they are, and then jump. The fused sparse group
# lasso is piecewise constant.

steps = np.zeros((20, 12))
steps[:, 0] = np.where(np.arange(20) < 8, 1.0, -0.5)
steps[14:, 1] = 1.0
steps[:, 2] = 0.7
Xs, ys = draw_tasks(rng, steps, n_samples=25)
fused = MultiTaskFusedSparseGroupRegressor(0.02, 0.4, 0.2).fit(Xs, ys)
alone["steps"] = SingleTaskRegressor().fit(Xs, ys)

errors |= {
    "slow": (error(temporal, slow), error(alone["slow"], slow)),
    "steps": (error(fused, steps), error(alone["steps"], steps)),
}
for name in ("slow", "steps"):
    ours, other = errors[name]
    print(f"{name}: error {ours:.2f}, alone {other:.2f}")

fig, axes = plt.subplots(2, 2, figsize=(9, 6), sharex="row", layout="constrained")
for row, when, truth, model, name in (
    (axes[0], times, slow, temporal, "slow"),
    (axes[1], np.arange(20), steps, fused, "steps"),
):
    for ax, fitted in ((row[0], alone[name]), (row[1], model)):
        ax.plot(when, fitted.coef_[:, 3:], color="0.8", linewidth=0.8)
        for j in range(3):
            ax.plot(when, truth[:, j], f"C{j}--", linewidth=1)
            ax.plot(when, fitted.coef_[:, j], f"C{j}")
        ax.set(title=type(fitted).__name__, xlabel="time", ylim=(-1.6, 1.6))
axes[0, 0].set_ylabel("coefficients (truth dashed)")
plt.show()
