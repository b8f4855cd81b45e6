"""scikit-learn's own tests of LogisticRegression, with ours."""

from peer_tests import check_listed, to_run

ARRAYS = "is of the array API"
HEAVY = "takes too long for what it adds"
MESSAGE = "asks for the words, or the time, of a warning of scikit-learn"
PRIVATE = "is of attributes or methods that only scikit-learn has"
SEARCHES = "is of LogisticRegressionCV; LogisticRegression is only asked beside"
SOLVERS = "is of solvers, or options, that pymtl does not have"
TINY = "asks for more digits near zero than a duality gap promises"
REASONS = {
    "test_logistic_cv": SEARCHES,
    "test_logistic_cv_multinomial_score": SEARCHES,
    "test_multinomial_cv_iris": SEARCHES,
    "test_logistic_cv_folds_with_classes_missing": SEARCHES,
    "test_multinomial_logistic_regression_string_inputs": SEARCHES,
    "test_logistic_regression_cv_refit": SEARCHES,
    "test_LogisticRegressionCV_GridSearchCV_elastic_net": SEARCHES,
    "test_LogisticRegressionCV_on_folds": SEARCHES,
    "test_scores_attribute_layout_elasticnet": SEARCHES,
    "test_consistency_path": SEARCHES,
    "test_logistic_regression_sample_weights": SEARCHES,
    "test_check_solver_option": SOLVERS,
    "test_liblinear_dual_random_state": SOLVERS,
    "test_logreg_intercept_scaling_zero": SOLVERS,
    "test_newton_cholesky_fallback_to_lbfgs": SOLVERS,
    "test_liblinear_multiclass_raises": SOLVERS,
    "test_max_iter": SOLVERS,
    "test_zero_max_iter": SOLVERS,
    "test_n_iter": SOLVERS,
    "test_warm_start_newton_solver": SOLVERS,
    "test_logistic_regression_solvers_multiclass": SOLVERS,
    "test_logistic_regression_solvers_multiclass_unpenalized": SOLVERS,
    "test_sample_and_class_weight_equivalence_liblinear": SOLVERS,
    "test_logisticregression_liblinear_sample_weight": SOLVERS,
    "test_warm_start": SOLVERS,
    "test_elasticnet_l1_ratio_err_helpful": MESSAGE,
    "test_penalty_deprecated": MESSAGE,
    "test_l1_ratio_None_deprecated": MESSAGE,
    "test_logisticregression_warns_with_n_jobs": MESSAGE,
    "test_lr_penalty_l1ratio_incompatible": MESSAGE,
    "test_l1_ratio_non_elasticnet": MESSAGE,
    "test_penalty_none": MESSAGE,
    "test_c_inf_no_warning": MESSAGE,
    "test_logistic_regression_array_api_compliance": ARRAYS,
    "test_logistic_regression_array_api_warm_start": ARRAYS,
    "test_logreg_predict_proba_multinomial": PRIVATE,
    "test_logistic_regression_callback_support": PRIVATE,
    "test_logistic_regression_callback_fitted_estimator": PRIVATE,
    "test_logistic_regression_callback_support_warning": PRIVATE,
    "test_sparsify": PRIVATE,
    "test_logistic_glmnet": TINY,
    "test_multinomial_identifiability_on_iris": TINY,
    "test_liblinear_with_large_values": SOLVERS,
    "test_logistic_regression_class_weights": HEAVY,
    "test_elastic_net_versus_sgd": HEAVY,
    "test_elastic_net_vs_l1_l2": HEAVY,
}

globals().update(to_run("test_logistic", REASONS))


def test_reasons_are_of_tests():
    check_listed("test_logistic", REASONS)
