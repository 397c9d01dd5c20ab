"""Every public name has a docstring; of arrays, the annotation or the docstring has the shape."""

import inspect
import re

from cases import check_all
from public import MODULES, public_names

WITH_SHAPE = re.compile(r"jaxtyping\.\w+\[[^\]]*\]")  # Float[Tensor, "n d"]
ARRAY = re.compile(r"\b(?:Tensor|ndarray)\b")
SAMPLES = {"x", "y", "p", "q", "z", "given"}  # any container: annotated as Any
SHAPE = re.compile(r"[Ss]hape|\([a-z]\w*,[^)]*\)|[Ss]calar|as `x`")

DOCUMENTED = {  # by identity: each once, under the first module that exports it
    id(each): (f"{module}.{name}", each)
    for module in reversed(MODULES)
    for name, each in public_names(module).items()
    if inspect.isclass(each) or inspect.isfunction(each)
}
DOCUMENTED = dict(DOCUMENTED.values())


def functions():
    """Public functions, and public methods of public classes."""
    for name, each in DOCUMENTED.items():
        if inspect.isfunction(each):
            yield name, each
            continue
        for method, found in vars(each).items():
            function = found.fget if isinstance(found, property) else found
            function = getattr(function, "__func__", function)
            if not method.startswith("_") and inspect.isfunction(function):
                yield f"{name}.{method}", getattr(each, method)


FUNCTIONS = dict(functions())


def without_a_shape(function, around=""):
    """Arrays among the arguments whose shape is neither in the annotation nor in a docstring.

    `around` is the docstring of the class of a method.
    """
    written = f"{around} {inspect.getdoc(function)}"
    found = []
    for name, annotation in getattr(function, "__annotations__", {}).items():
        text = WITH_SHAPE.sub("", str(annotation))
        is_array = ARRAY.search(text) or (name in SAMPLES and text == "typing.Any")
        if is_array and name != "return" and not SHAPE.search(written):
            found.append(name)
    return found


def test_every_public_name_has_a_docstring():
    def check(each):
        written = vars(each).get("__doc__") if inspect.isclass(each) else each.__doc__
        assert written and written.strip()
        generated = f"{each.__name__}("  # by `dataclass`
        assert not written.startswith(generated)

    check_all(check, DOCUMENTED)


def test_public_methods_have_a_docstring_and_arrays_a_shape():
    def check(name):
        assert inspect.getdoc(FUNCTIONS[name])
        around = DOCUMENTED.get(name.rpartition(".")[0])
        assert without_a_shape(FUNCTIONS[name], inspect.getdoc(around) or "") == []

    check_all(check, [*FUNCTIONS])


def test_the_test_above_sees_missing_shapes():
    from typing import Any

    import torch

    def bad(x: Any, scores: torch.Tensor) -> torch.Tensor:
        """A sum."""

    def good(x: Any, scores: torch.Tensor) -> torch.Tensor:
        """A sum of scores, of shape (n, m)."""

    assert without_a_shape(bad) == ["x", "scores"]
    assert without_a_shape(good) == []
