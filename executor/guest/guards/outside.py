"""Checks that are made outside of the process: the test only tells what it has computed.

What is expected is written out in the test code; here it is taken out of it, and told apart.
"""

import ast
import functools
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from executor.guest.guards.copies import likeness
from executor.guest.guards.independent import Independent
from executor.guest.guards.text.constants import Constants
from executor.guest.guards.text.copying import Change, copied
from executor.guest.guards.text.names import Names
from executor.guest.guards.text.sites import Site, last_name
from executor.guest.reading.statements import SITE

NUMBER = "\1"
"""Stands around the number of a check where the one of a run is to be put."""
LEARNT = "\2"
"""Stands around what only the reference program is run with."""
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "equal",
    ast.NotEq: "unequal",
    ast.Lt: "less",
    ast.LtE: "at_most",
    ast.Gt: "greater",
    ast.GtE: "at_least",
    ast.Is: "is",
    ast.IsNot: "is_not",
    ast.In: "in",
    ast.NotIn: "not_in",
}
_DENIED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
"""What holds of plain data where the one does not."""
_TURNED = {
    **{"less": "greater", "greater": "less", "at_most": "at_least", "at_least": "at_most"},
    **{"in": "contains", "not_in": "lacks"},
}
"""The relation where what is expected stands on the left; the others are the same."""
_CALLS = {
    **dict.fromkeys(("assertEqual", "assertEquals", "assertListEqual", "assertDictEqual"), "equal"),
    **dict.fromkeys(("assertTupleEqual", "assertSetEqual", "assertMultiLineEqual"), "equal"),
    "assertNotEqual": "unequal",
    "assertCountEqual": "items",
    "assertIs": "is",
    "assertIsNot": "is_not",
    "assertIn": "in",
    "assertNotIn": "not_in",
    "assertLess": "less",
    "assertLessEqual": "at_most",
    "assertGreater": "greater",
    "assertGreaterEqual": "at_least",
}
_ONE_SIDED = {"assertTrue": "true", "assertFalse": "false"}
_NONE = {"assertIsNone": "is", "assertIsNotNone": "is_not"}
_ALMOST = {"assertAlmostEqual": ("rounded", "within"), "assertNotAlmostEqual": ("apart", "beyond")}
_PLACES = 7
"""To which `assertAlmostEqual` rounds where a test does not say."""
_BOUNDS = ("rel", "abs")
"""Of what pytest takes for equal."""
_ASKING = {
    *("isinstance", "issubclass", "hasattr", "callable", "all", "any", "bool", "match", "search"),
    *("fullmatch", "startswith", "endswith"),
}
"""Functions of which the answer is what an object of the candidate says of itself."""


class Moved(NamedTuple):
    """A check that can be made outside."""

    relation: str
    computed: ast.expr
    expected: list[ast.expr]
    """One for every time, or one for each time in turn; none where none is compared."""
    tolerance: float
    is_each: bool
    is_learnt: bool
    """Whether it is the reference program's run that tells what is expected."""
    variables: list[ast.expr]
    """What that is computed of, and must be nothing that can be changed."""
    taken: Change
    """What else of the test changes, so that what is expected is nowhere in it."""


class _Near(NamedTuple):
    """What is expected, and how near to it something may be."""

    expected: ast.expr
    bounds: list[ast.expr]

    def with_bounds(self, value: ast.expr) -> ast.expr:
        """Return a value with the bounds, as the comparison `approximate` expects it."""
        return ast.Tuple([value, *self.bounds], ast.Load())


class Outside:
    """Finds the checks of one test that can be made outside."""

    def __init__(
        self,
        names: Names,
        constants: Constants,
        own: Collection[str],
        independent: Callable[[], Independent],
    ) -> None:
        """`own` are functions of the test code, which may do other than their names say.

        `independent` tells what the candidate has no part in; it is only asked for if need be.
        """
        self._names, self._constants, self._own = names, constants, own
        self._independent = functools.cache(independent)

    def moved(self, site: Site) -> Moved | None:
        """Return how a check is made outside, None if that cannot be."""
        parts = None if site.handlers else next(_parts(site.node, self._own), None)
        if parts is None or any(map(_has_examples, ast.walk(site.node))):
            return None
        relation, left, right, tolerance = parts
        if right is None:
            is_data = not _asks(left) and not self._constants.is_one(left)
            found = Moved(relation, left, [], 0.0, False, False, [], {}) if is_data else None
        else:
            found = self._compared(relation, left, right, tolerance, site)
            if found is None:
                found = self._learnt(relation, left, right, tolerance, site)
        return found if found is not None and _is_told(found.computed) else None

    def told(self, found: Moved, number: int) -> dict[str, Any]:
        """Return what whoever makes the check has to know of it."""
        return {
            "number": number,
            "relation": found.relation,
            "expected": []
            if found.is_learnt
            else [self._constants.value(item) for item in found.expected],
            "tolerance": found.tolerance,
            "is_each": found.is_each,
            "is_learnt": found.is_learnt,
        }

    def _compared(
        self, relation: str, left: ast.expr, right: ast.expr, tolerance: float, site: Site
    ) -> Moved | None:
        """Find the side that is expected, which has nothing of the candidate."""
        for computed, expected, turned in ((left, right, False), (right, left, True)):
            taken: Change = {}
            near = self._near(expected) if relation == "equal" else None
            expected = near.expected if near else expected
            values = [expected]
            if isinstance(expected, ast.Name):
                values = self._names.taken(expected, site)
                taken = dict.fromkeys(values, ast.Constant(None))
            if not values or not all(map(self._constants.is_one, values)):
                continue
            if self._constants.is_one(computed) or _shares_name(computed, expected):
                return None
            if any(map(_is_truth, values)) and _asks(computed):
                return None
            if relation in ("is", "is_not") and not all(map(_is_single, values)):
                return None
            how = _TURNED.get(relation, relation) if turned else relation
            if near is not None:
                if any(map(_computes, values)):
                    return None
                how, values = "approximate", [near.with_bounds(value) for value in values]
            is_each = len(values) > 1
            return Moved(how, computed, values, tolerance, is_each, False, [], taken)
        return None

    def _learnt(
        self, relation: str, left: ast.expr, right: ast.expr, tolerance: float, site: Site
    ) -> Moved | None:
        """Find the side that is computed, and the same whatever the candidate."""
        if relation in ("is", "is_not"):
            return None
        independent = self._independent()
        for computed, expected, turned in ((left, right, False), (right, left, True)):
            near = self._near(expected) if relation == "equal" else None
            taken: Change = {}
            # What the candidate is called with stays there.
            is_free = near is None and not _shares_name(computed, expected)
            if is_free and isinstance(expected, ast.Name):
                held = self._names.taken(expected, site)
                if len(held) == 1 and not independent.stored_between(held[0], site):
                    expected, taken = held[0], {held[0]: ast.Constant(None)}
            if not independent.depends(computed) or _asks(computed):
                continue
            variables = independent.variables(near.expected if near else expected, site)
            if variables is None or (near and not all(map(self._constants.is_one, near.bounds))):
                continue
            how = _TURNED.get(relation, relation) if turned else relation
            if near is not None:
                how, expected = "approximate", near.with_bounds(near.expected)
            return Moved(how, computed, [expected], tolerance, False, True, variables, taken)
        return None

    def _near(self, expr: ast.expr) -> "_Near | None":
        """Read a call of pytest's `approx`."""
        if not isinstance(expr, ast.Call) or last_name(expr) != "approx" or "approx" in self._own:
            return None
        given = dict(zip(("expected", *_BOUNDS), expr.args, strict=False))
        given |= {item.arg: item.value for item in expr.keywords if item.arg is not None}
        bounds = [given.get(name, ast.Constant(None)) for name in _BOUNDS]
        is_read = "expected" in given and given.keys() <= {"expected", *_BOUNDS}
        is_read &= len(given) == len(expr.args) + len(expr.keywords)
        return _Near(given["expected"], bounds) if is_read else None


def instead(found: Moved, site: Site, number: int) -> Change:
    """Return what the test has instead: it tells what it has computed, and goes on."""
    tell = ast.Attribute(ast.Name(SITE, ast.Load()), "tell", ast.Load())
    place = ast.Name(f"{NUMBER}{number}{NUMBER}", ast.Load())
    call = ast.Call(tell, [place, found.computed], [])
    if found.is_learnt:
        whole = ast.Tuple([*found.expected, *found.variables], ast.Load())
        text = ast.unparse(ast.fix_missing_locations(copied(whole, {})))
        call.args.append(ast.Name(f"{LEARNT}{text}{LEARNT}", ast.Load()))
    return {**found.taken, site.node: ast.Expr(call) if isinstance(site.node, ast.Assert) else call}


_Parts = tuple[str, ast.expr, ast.expr | None, float]


def _parts(node: ast.AST, own: Collection[str]) -> Iterator[_Parts]:
    """Relation, both sides of it, and a tolerance; the second side is None where one is alone."""
    match node:
        case ast.Assert(test=test):
            yield from _of_truth(test, "true")
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)) if name not in own:
            if all(map(_is_remark, _remarks(node, name))):
                yield from _of_call(name, node)


def _remarks(call: ast.Call, name: str) -> list[ast.expr]:
    """What a call has beside what it compares."""
    count = 1 if name in (*_ONE_SIDED, *_NONE) else 2
    given = [item.value for item in call.keywords if item.arg not in ("places", "delta")]
    return given if name in _ALMOST else [*call.args[count:], *given]


def _is_remark(expr: ast.expr) -> bool:
    """Whether nothing lacks it if it is left out with its check, which never fails inside."""
    return not any(
        isinstance(node, ast.NamedExpr | ast.Await | ast.Yield) for node in ast.walk(expr)
    )


def _of_truth(test: ast.expr, relation: str) -> Iterator[_Parts]:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _of_truth(operand, "false" if relation == "true" else "true")
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(op=ast.Sub()) as apart]),
            ops=[ast.Lt() | ast.LtE() as op],
            comparators=[ast.Constant(value=int() | float() as bound)],
        ) if relation == "true":
            near = "near" if isinstance(op, ast.Lt) else "within"
            yield near, apart.left, apart.right, float(bound)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            kind = type(op) if relation == "true" else _DENIED.get(type(op))
            if kind is not None:
                yield _COMPARED[kind], left, right, 0.0
        case ast.Compare() | ast.BoolOp():
            return
        case _:
            yield relation, test, None, 0.0


def _of_call(name: str, call: ast.Call) -> Iterator[_Parts]:
    match call.args:
        case [test, *_] if name in _ONE_SIDED:
            yield from _of_truth(test, _ONE_SIDED[name])
        case [value, *_] if name in _NONE:
            yield _NONE[name], value, ast.Constant(None), 0.0
        case [one, other] | [one, other, _] if name in _ALMOST:
            rounded, within = _ALMOST[name]
            given = {item.arg: item.value for item in call.keywords}
            bounds = [*call.args[2:], *(given[key] for key in ("places", "delta") if key in given)]
            match bounds:
                case []:
                    yield rounded, one, other, _PLACES
                case [ast.Constant(value=int() | float() as bound)]:
                    yield within if "delta" in given else rounded, one, other, float(bound)
        case [one, other, *_] if name in _CALLS:
            yield _CALLS[name], one, other, 0.0


def _is_single(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and any(expr.value is one for one in (None, True, False))


def _computes(expr: ast.expr) -> bool:
    """Whether something is called for a value, which may be a number of a kind of its own."""
    calls = (node for node in ast.walk(expr) if isinstance(node, ast.Call))
    return any(last_name(call) != "float" for call in calls)


def _is_truth(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and isinstance(expr.value, bool)


def _shares_name(computed: ast.expr, expected: ast.expr) -> bool:
    names = {node.id for node in ast.walk(computed) if isinstance(node, ast.Name)}
    return isinstance(expected, ast.Name) and expected.id in names


def _is_told(computed: ast.expr) -> bool:
    """Whether what is computed can be told where the check stands, and tells enough."""
    unmoved = ast.NamedExpr | ast.Starred | ast.Yield
    if any(isinstance(node, unmoved) for node in ast.walk(computed)):
        return False
    # What an object of the candidate is told apart from would still be inside.
    return not likeness.is_distance(computed)


def _has_examples(node: ast.AST) -> bool:
    """Whether something is a text with examples, in which their output is expected."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and ">>>" in node.value


def _asks(expr: ast.expr) -> bool:
    """Whether an object of the candidate may say of itself that a check holds."""
    match expr:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Call():
            return last_name(expr) in _ASKING or likeness.is_told_by(expr)
    return False
