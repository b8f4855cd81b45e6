"""scikit-learn's own tests of MultiTaskLasso and MultiTaskElasticNet, with ours."""

from peer_tests import check_listed, to_run

INEXACT = "compares two fits that stop early to seven digits"
JOINT = "a search whose ridge moves with the lasso has no path here: minutes"
MESSAGE = "asks for the words, or the time, of a warning of scikit-learn"
PRIVATE = "is of attributes or methods that only scikit-learn has"
REASONS = {
    "test_enet_path": JOINT,
    "test_multi_task_lasso_and_enet": MESSAGE,
    "test_multitask_enet_and_lasso_cv": JOINT,
    "test_1d_multioutput_enet_and_multitask_enet_cv": INEXACT,
    "test_1d_multioutput_lasso_and_multitask_lasso_cv": INEXACT,
    "test_sparse_input_convergence_warning": MESSAGE,
    "test_enet_cv_sample_weight_correctness": JOINT,
    "test_enet_cv_grid_search": JOINT,
    "test_enet_cv_sample_weight_consistency": JOINT,
    "test_cv_estimators_reject_params_with_no_routing_enabled": PRIVATE,
    "test_sparse_input_dtype_enet_and_lassocv": JOINT,
}

globals().update(to_run("test_coordinate_descent", REASONS))


def test_reasons_are_of_tests():
    check_listed("test_coordinate_descent", REASONS)
