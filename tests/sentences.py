"""Every sentence that the code can print to a user, as one list for reviewers.

python tests/sentences.py > tests/sentences.txt

Collected from the source: cautions, errors, verdicts, sentences of paths and reports, and the help
of the command line. Values that are filled in appear as `{name}`, or `{…}` for an expression.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "mineral"
# Modules made of sentences, and keywords whose values are printed.
WORDS = ("decision.py", "report/words.py", "audit/pages/words.py", "cli/demo.py", "cli/shaping.py")
KEYWORDS = ("help", "path", "how", "title", "sentences")
FEWEST = 2  # words of a sentence: single ones are names and keys


def template(node: ast.AST) -> str | None:
    """A string, or an f-string with the names of its values; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else value(part) for part in node.values
        )
    return None


def value(part: ast.AST) -> str:
    """`{name}` of a variable or an attribute, and `{…}` of any other expression."""
    expression = part.value
    simple = isinstance(expression, ast.Name) or (
        isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name)
    )
    return "{" + (ast.unparse(expression) if simple else "…") + "}"


def texts(node: ast.AST) -> Iterator[str]:
    """The outermost strings below a node, without docstrings."""
    text = template(node)
    if text is not None:
        yield text
        return
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not is_docstring:
            yield from texts(child)


def called(node: ast.Call) -> str:
    """The name of what is called, without its module."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def errors() -> set[str]:
    """The names of Mineral's errors."""
    tree = ast.parse((SOURCE / "errors.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def assigned(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """Every value that a module assigns to each name."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def is_command(node: ast.AST) -> bool:
    """Whether a function is a command, whose docstring is its help."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(each, ast.Call) and called(each) in ("command", "callback")
        for each in node.decorator_list
    )


def spoken(tree: ast.Module, names: set[str]) -> Iterator[ast.AST]:
    """The arguments that hold what is printed: of cautions, errors, help, paths and reports."""
    values = assigned(tree)
    for node in ast.walk(tree):
        if is_command(node):
            yield ast.Constant(ast.get_docstring(node) or "")
        if not isinstance(node, ast.Call):
            continue
        arguments = [each.value for each in node.keywords if each.arg in KEYWORDS]
        if called(node) in names:
            arguments += node.args
        for argument in arguments:
            yield argument
            for inner in ast.walk(argument):
                if isinstance(inner, ast.Name):
                    yield from values.get(inner.id, [])


@cache
def codes() -> set[str]:
    """The code of every caution in the source. One read from a file again has keywords only."""
    return {
        str(template(node.args[0]))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and called(node) == "Caution" and node.args
    }


def sentences() -> str:
    """All sentences, by module."""
    names, blocks = errors() | {"Caution"}, []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = [tree] if place in WORDS else spoken(tree, names)
        found = {" ".join(text.split()) for node in nodes for text in texts(node)}
        kept = sorted(text for text in found if len(text.split()) >= FEWEST)
        if kept:
            blocks.append("\n".join([f"## {place}", *kept]))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    sys.stdout.write(sentences())
