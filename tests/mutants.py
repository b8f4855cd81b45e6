"""Mutation testing: ``python -m tests.mutants --sample 200 --seed 0``.

The mutants are those of cosmic-ray's operators, drawn at random from the numerical
core. Which are drawn depends on the seed and on each mutant alone, so that a change of
one module leaves the sample of the others as it is. Each runs in a process of its own,
forked after the large imports, in which the loader reads the mutated text in place of
the file's: nothing on the disk changes. It meets the tests of its module only, see
:data:`TESTS`, and stops at the first that fails. A mutant that takes three times as
long as the unchanged module counts as killed.

Left out is what no fit depends on: annotations, the words of messages (f-strings and
what is raised), the methods `examples`, which choose what the tests look at, and the
step to the next number of constants of a module that are whole and at least ten: of
limits, sizes and periods the number next to it is as right.

Neither cosmic-ray's own driver nor mutmut fits here: the first runs the same tests for
every mutant, the second every test that touches the mutated function, which for a
penalty's `value` or a loss's `gradient` is most of the suite, and it passes over
functions with decorators. Compiled kernels are not mutated.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import hashlib
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ["penalties", "losses", "solvers", "designs", "_intercept.py"]
OPERATORS = [
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
    *(
        f"ReplaceBinaryOperator_{pair}"
        for pair in ["Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul"]
        + ["FloorDiv_Mul", "Mod_Mul", "BitAnd_BitOr", "BitOr_BitAnd"]
    ),
    *(
        f"ReplaceComparisonOperator_{pair}"
        for pair in ["Lt_Gt", "LtE_GtE", "Gt_Lt", "GtE_LtE", "Eq_NotEq", "NotEq_Eq"]
        + ["Is_IsNot", "IsNot_Is", "Lt_LtE", "Gt_GtE"]
    ),
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceUnaryOperator_Delete_Not",
]
# Tests of a module: files, and what `-k` selects of them beside those that are DIRECT,
# {} being the names below.
DIRECT = "direct or problem or effort or precondition or profiled or test_designs"
COMPONENTS = (
    "problem penalties components new_task_structures",
    "DataShared or components or beside or mixed or shrunk",
)
SPECTRAL = "penalties low_rank", "TraceNorm or Clustered or spectral or singular"
SOLVERS = "problem effort direct optimum", "equals_cvxpy"
TESTS = {
    "penalties/_adjacency": (
        "problem graphs direct",
        "label or refused or aligned or sparse",
    ),
    "penalties/_base": (
        "problem penalties direct",
        "sum or L21 or Mean or Ridge or auto",
    ),
    "penalties/_box_norm": ("penalties low_rank", "Clustered or ASO"),
    "penalties/_components": COMPONENTS,
    "penalties/_order": ("graphs direct", "order or time or temporal"),
    "penalties/_prior": ("new_task_structures", "prox or fixed or place or distances"),
    "penalties/_sign": ("positive direct", "prox or signs"),
    "penalties/_spectral": SPECTRAL,
    "penalties/_squared_trace_norm": ("penalties low_rank", "Relationship or relation"),
    "penalties/_task_matrix": ("precondition direct graphs", "matri"),
    "penalties/_two_parts": COMPONENTS,
    "penalties/_weak_prior": ("new_task_structures new_task", "place or quadratic"),
    "penalties/aso": ("penalties low_rank", "ASO or aso"),
    "penalties/network_lasso": ("problem network_lasso", "prox or groups"),
    "penalties/trace_ball": ("penalties low_rank", "budget or TraceBall or ball"),
    "penalties/_weighted_rows": ("problem ordered_rows mcp", ""),
    "penalties/ordered_rows": ("problem ordered_rows", ""),
    "penalties/mcp": ("mcp", ""),
    "penalties": ("problem penalties new_task_structures", "{}"),
    "losses/_base": ("profiled losses", "Huber or values or broken"),
    "losses/_kinked": (
        "profiled losses intercept_search",
        "Hinge or Quantile or kinks",
    ),
    "losses/_per_task": ("losses mixed", ""),
    "losses/_profiled": ("profiled direct intercepts", "shrunk or shared"),
    "losses/_shifts": (
        "profiled intercept_search",
        "slope or roots or kinks",
    ),
    "losses/_smoothed": ("losses smoothing", "check_smoothed or cvxpy or one_task"),
    "losses": ("profiled problem losses", "shares or {}"),
    "solvers/_dual": ("effort certificates", "balanced or quantile"),
    "solvers/_precondition": ("precondition direct", ""),
    "solvers/_result": ("effort bcd", "converged or warm"),
    "solvers/admm": ("effort admm", ""),
    "solvers/alm": (
        "problem effort network_lasso",
        "optimum or random or groups",
    ),
    "solvers/bcd": ("effort bcd working_set", ""),
    "solvers/closed": ("precondition direct optimum", "closed"),
    "solvers/direct": ("precondition effort direct", ""),
    "solvers/homotopy": (
        "effort homotopy",
        "proximal or each_task or ties or knots or stay",
    ),
    "solvers/newton": ("effort direct losses_and_penalties", "logistic"),
    "solvers/semismooth": ("effort semismooth", ""),
    "solvers/smoothing": (
        "effort smoothing",
        "cvxpy or exactly or one_task or units",
    ),
    "solvers/support": ("problem effort bcd working_set", ""),
    "solvers/working_set": ("effort bcd working_set", ""),
    "solvers/multistage": ("mcp nonconvex", ""),
    "solvers": SOLVERS,
    "designs": ("designs direct", ""),
    "_intercept": ("intercepts sparse intercept_search", ""),
}
NAMES = {
    "linf": "LInf or linf",
    "l1": "L1",
    "mcp": "MCP",
    "data_shared": "DataShared or data",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str
    operator: str
    occurrence: int
    line: int
    text: str = ""

    def draw(self, seed):
        """Return its place in the sample of a seed."""
        known = f"{seed} {self.path} {self.operator} {self.text}"
        return hashlib.sha256(known.encode()).digest()

    @property
    def place(self):
        """The entry of PLACES that it belongs to."""
        return self.path.split("/")[1]

    @property
    def module(self):
        """The name of the mutated module."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def all_mutants():
    """Return every mutant whose code differs from the original's."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    found = []
    for place in PLACES:
        top = ROOT / "pymtl" / place
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            text = path.read_text()
            lines = text.splitlines()
            nodes = list(ast_nodes(get_ast(text)))
            idle = _idle_lines(text)
            for name in OPERATORS:
                operator = get_operator(f"core/{name}")()
                places = [p for n in nodes for p in operator.mutation_positions(n)]
                known = Counter()
                for i, ((line, _), _) in enumerate(places):
                    if line in idle:
                        continue
                    known[lines[line - 1]] += 1
                    text = f"{lines[line - 1].strip()} {known[lines[line - 1]]}"
                    where = str(path.relative_to(ROOT))
                    found.append(Mutant(where, name, i, line, text))
    return found


def _idle_lines(text):
    """Return the lines of messages, of examples for tests, and of large constants."""
    lines = set()
    tree = ast.parse(text)
    for node in tree.body:
        numbers = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
        large = all(isinstance(n, int) and n >= 10 for n in numbers)
        if isinstance(node, ast.Assign) and numbers and large:
            lines.add(node.lineno)
    for node in ast.walk(tree):
        named = isinstance(node, ast.FunctionDef) and node.name == "examples"
        if named or isinstance(node, ast.JoinedStr | ast.Raise):
            lines.update(range(node.lineno, node.end_lineno + 1))
    return lines


def mutated(mutant):
    """Return the text of the mutated module, or None if its code is the same."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    text = (ROOT / mutant.path).read_text()
    operator = get_operator(f"core/{mutant.operator}")()
    changed = mutate_code(text, operator, mutant.occurrence)
    if changed is None or _code(changed) == _code(text):
        return None
    return changed


def _code(text):
    """Return the syntax tree without annotations, which nothing evaluates."""

    class Plain(ast.NodeTransformer):
        def visit_arg(self, node):
            node.annotation = None
            return node

        def visit_FunctionDef(self, node):
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node):
            node.annotation = ast.Constant(0)
            return self.generic_visit(node)

    try:
        return ast.dump(Plain().visit(ast.parse(text)))
    except SyntaxError:
        return ""


class Loader(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Loads one module from a text."""

    def __init__(self, name, path, text):
        super().__init__(name, path)
        self.text = text

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name:
            return None
        places = None
        if self.path.endswith("__init__.py"):
            places = [os.path.dirname(self.path)]
        return importlib.machinery.ModuleSpec(
            fullname, self, origin=self.path, is_package=places is not None
        )

    def get_code(self, fullname):
        return compile(self.text, self.path, "exec")


def tests_of(mutant):
    """Return what pytest is to run for a mutant."""
    stem = mutant.path.removeprefix("pymtl/").removesuffix(".py")
    files, chosen = TESTS.get(stem) or TESTS[stem.split("/")[0]]
    name = stem.split("/")[-1]
    camel = "".join(part.title() for part in name.split("_"))
    paths = [f"tests/test_{file}.py" for file in files.split()]
    chosen = chosen.format(NAMES.get(name, f"{camel} or {name}"))
    return [*paths, *(["-k", f"{DIRECT} or {chosen}"] if chosen else [])]


def run(*tests):
    """Run tests and return pytest's status."""
    import pytest

    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-n0"]
    return int(pytest.main([*options, *tests]))


def outcome(mutant, text, limit):
    """Return "killed", "survived" or "timeout", and the processor time it took."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        status = 1
        try:
            if text is not None:
                path = str(ROOT / mutant.path)
                sys.meta_path.insert(0, Loader(mutant.module, path, text))
            seconds = int(limit) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            status = run(*tests_of(mutant))
        finally:
            os._exit(min(status, 2))
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    state = {0: "survived", -signal.SIGXCPU: "timeout", -signal.SIGKILL: "timeout"}
    return state.get(code, "killed"), usage.ru_utime + usage.ru_stime


def preload():
    """Import what is large, and of the package only the compiled kernels."""
    import cvxpy  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import sklearn.utils.estimator_checks  # noqa: F401

    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        run("tests/test_direct.py", "tests/test_penalties.py", "-k", "direct or wide")
    for name in list(sys.modules):
        if name.split(".")[0] in ("pymtl", "tests") and "_kernels" not in name:
            del sys.modules[name]
    gc.freeze()


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="leave out the first ones")
    parser.add_argument("--place", help="mutants of this directory or file only")
    parser.add_argument("--only", type=int, nargs="*", help="these of the sample only")
    given = parser.parse_args(arguments)
    preload()
    pool = [m for m in all_mutants() if given.place in (None, m.place)]
    pool.sort(key=lambda mutant: mutant.draw(given.seed))
    print(f"{len(pool)} mutants, {given.sample} drawn", flush=True)
    limits, counts, survivors, number = {}, Counter(), [], -1
    for mutant in pool:
        text = mutated(mutant)
        if text is None:
            continue
        number += 1
        if number >= given.first + given.sample:
            break
        if number < given.first or (given.only and number not in given.only):
            continue
        tests = " ".join(tests_of(mutant))
        if tests not in limits:
            state, seconds = outcome(mutant, None, 1e6)
            print(f"{tests}: {seconds:.0f} s without a mutant", flush=True)
            limits[tests] = 3 * seconds + 5 if state == "survived" else 0
        if not limits[tests]:
            counts[mutant.place, "untested"] += 1
            print(f"{number} {mutant.path}: its tests fail without a mutant")
            continue
        state, seconds = outcome(mutant, text, limits[tests])
        counts[mutant.place, state] += 1
        line = f"{number} {state} {seconds:.0f} s {mutant.path}:{mutant.line} "
        print(line + mutant.operator, flush=True)
        if state == "survived":
            survivors.append((number, mutant, text))
    print()
    for place in [*PLACES, None]:
        states = Counter()
        for (where, state), count in counts.items():
            if place in (None, where):
                states[state] += count
        total = sum(states.values()) - states.pop("untested", 0)
        if total:
            dead = total - states["survived"]
            print(f"{place or 'all'}: {dead} of {total} killed ({dead / total:.0%})")
    for number, mutant, text in survivors:
        old = (ROOT / mutant.path).read_text().splitlines()
        new = text.splitlines()
        changed = next(i for i, (a, b) in enumerate(zip(old, new)) if a != b)  # noqa: B905
        print(f"\n{number} {mutant.path}:{changed + 1} {mutant.operator}")
        print(f"- {old[changed].strip()}\n+ {new[changed].strip()}")
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
