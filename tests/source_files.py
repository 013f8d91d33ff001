"""The source files of this repository, as the tests of layout and names read them."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class SourceFile:
    """One file: its `path` in the repository, its text, and what it defines."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self):
        """Return all nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self):
        """Return the definitions of functions."""
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef)]

    @cached_property
    def imports(self):
        """Return the names of what is imported, each with its module."""
        plain = [name.name for node in self.nodes if isinstance(node, ast.Import) for name in node.names]
        return plain + [f"{node.module}.{name.name}" for node in self.nodes if isinstance(node, ast.ImportFrom)
                        for name in node.names]


def read_source_files(*packages):
    """Read and parse each Python file of these packages."""
    paths = sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    return [SourceFile(path, text, ast.parse(text)) for path, text in texts.items()]


def find_violations(source_files, find):
    """Return what `find(source_file)` finds, by path; nothing where all files keep the rule."""
    violations_by_path = {source_file.path: find(source_file) for source_file in source_files}
    return {path: violations for path, violations in violations_by_path.items() if violations}
