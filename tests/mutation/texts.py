"""Which mutants change nothing but the wording of an error or of a log line."""

from __future__ import annotations

import ast
import copy
import functools


def changes_only_text(original: ast.AST, mutant: ast.AST) -> bool:
    """Tell whether two versions of a function differ only in what their errors and log lines say.

    :param original: the function.
    :param mutant: a version of it.
    """
    texts, without = _original(original)
    return without == _without_texts(mutant, texts)


@functools.cache
def _original(function: ast.AST) -> tuple[frozenset[str], list[str]]:
    texts = _only_in_texts(function)
    return texts, _without_texts(function, texts)


def _without_texts(function: ast.AST, texts: frozenset[str]) -> list[str]:
    body = function.body if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else [function]
    return [ast.dump(_Blanked(texts).visit(_copied(node))) for node in body]


def _copied(node: ast.AST) -> ast.AST:
    return copy.deepcopy(node)


def _only_in_texts(function: ast.AST) -> frozenset[str]:
    """The local names that are read in the texts of errors and log lines and nowhere else."""
    texts: frozenset[str] = frozenset()
    stored = _names(function, ast.Store)
    while True:
        outside = _names(_Blanked(texts).visit(_copied(function)), ast.Load)
        if stored - outside == texts:
            return texts
        texts = frozenset(stored - outside)


def _names(tree: ast.AST, use: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, use)}


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


class _Blanked(ast.NodeTransformer):
    """Takes out what errors and log lines are told, but not which error it is nor what it carries by name."""

    def __init__(self, texts: frozenset[str]) -> None:
        self.texts = texts

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args = []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _name(node.func).endswith(("Error", "Exception")):
            node.args = []
        elif isinstance(node.func, ast.Attribute) and _name(node.func.value) in ("log", "logger"):
            node.args, node.keywords = [], []
        node.keywords = [one for one in node.keywords if one.arg != "reason"]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if all(isinstance(target, ast.Name) and target.id in self.texts for target in node.targets):
            node.value = ast.Constant(None)
        return self.generic_visit(node)
