"""scikit-learn's own tests of Ridge, with ours."""

from peer_tests import check_listed, to_run

ARRAYS = "is of the array API"
LEAST = "of many solutions pymtl returns the least in features of one length"
MESSAGE = "asks for the words, or the time, of a warning of scikit-learn"
SEARCH = "is of RidgeCV or RidgeClassifierCV; Ridge is only asked beside"
SOLVERS = "is of solvers, or options, that pymtl does not have"
STRENGTHS = "one strength for each target; pymtl has one for all tasks"
REASONS = {
    "test_ridge_regression_unpenalized": LEAST,
    "test_ridge_regression_unpenalized_hstacked_X": LEAST,
    "test_ridge_regression_unpenalized_vstacked_X": LEAST,
    "test_ridge_individual_penalties": STRENGTHS,
    "test_ridge_cv_individual_penalties": STRENGTHS,
    "test_dtype_match_cholesky": STRENGTHS,
    "test_ridge_per_target_alpha_array_api": ARRAYS,
    "test_regularization_limits_ridge": LEAST,
    "test_regularization_limits_ridge_classifier_gcv": SEARCH,
    "test_ridge_gcv_sample_weights": SEARCH,
    "test_ridgecv_sample_weight": SEARCH,
    "test_ridge_cv_results_predictions": SEARCH,
    "test_ridge_cv_multioutput_sample_weight": SEARCH,
    "test_ridge_cv_custom_multioutput_scorer": SEARCH,
    "test_ridgeclassifier_multilabel": SEARCH,
    "test_ridge_array_api_compliance": ARRAYS,
    "test_array_api_error_and_warnings_for_solver_parameter": ARRAYS,
    "test_array_api_numpy_namespace_no_warning": ARRAYS,
    "test_raises_value_error_if_sample_weights_greater_than_1d": MESSAGE,
    "test_sparse_cg_max_iter": SOLVERS,
    "test_n_iter": SOLVERS,
    "test_ridge_fit_intercept_sparse_error": SOLVERS,
    "test_ridge_fit_intercept_sparse_sag": SOLVERS,
    "test_ridge_regression_check_arguments_validity": SOLVERS,
    "test_ridge_positive_error_test": SOLVERS,
    "test_lbfgs_solver_error": SOLVERS,
}

globals().update(to_run("test_ridge", REASONS))


def test_reasons_are_of_tests():
    check_listed("test_ridge", REASONS)
