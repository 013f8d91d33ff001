"""What keeps names and docstrings readable: the rules of CONTRIBUTING.md, held by a test each."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {str(file.relative_to(ROOT)): ast.parse(file.read_text())
         for package in ("jpi", "sandbox") for file in sorted((ROOT / package).rglob("*.py"))}
OURS = {path: tree for path, tree in TREES.items() if path.startswith("jpi/")}

# Names that say nothing of what they hold.
PRONOUNS = {"there", "one", "found", "said", "told", "shown", "known", "here"}
# One word says enough where the class or the module says the rest.
ONE_WORD = {
    "add", "advance", "apply", "build", "claim", "close", "copy", "count", "create", "decide", "delete", "disable",
    "drain", "edit", "emit", "enable", "enrich", "error", "execute", "fixture", "forget", "get", "handler", "info",
    "items", "link", "list", "load", "main", "move", "now", "on", "parse", "ping", "poll", "read", "register",
    "release", "remove", "render", "report", "request", "reset", "run", "save", "send", "serve", "settle", "sign",
    "start", "stop", "take", "transition", "unlink", "update", "verify", "wait", "warning", "write",
}
MOST_ONE_WORD = 0.45
MOST_FILES_IN_A_FOLDER = 22
MOST_CODE_LINES = 9_620
# How no docstring of a function begins: with what is described, in place of what the function does.
NOUNS_FIRST = {
    "A", "All", "An", "Any", "Each", "Every", "Everything", "How", "In", "It", "Its", "None", "Nothing", "Of", "On",
    "One", "Only", "Our", "Some", "Somebody", "Something", "That", "The", "There", "These", "They", "This", "Those",
    "What", "When", "Where", "Whether", "Who", "Whom"
}


def list_functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def list_short_lived(tree):
    """Return the nodes of names that live no longer than a comprehension or a lambda."""
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    targets = [part.target for node in ast.walk(tree) if isinstance(node, comprehensions) for part in node.generators]
    arguments = [node.args for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    return {id(name) for part in [*targets, *arguments] for name in ast.walk(part)}


def is_property(function):
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"property", "cached_property", "setter"})


@pytest.mark.parametrize("path", TREES)
def test_no_variable_is_a_pronoun(path):
    short_lived = list_short_lived(TREES[path])
    stored = [node.id for node in ast.walk(TREES[path])
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in short_lived]
    arguments = [node.arg for node in ast.walk(TREES[path])
                 if isinstance(node, ast.arg) and id(node) not in short_lived]
    assert PRONOUNS & {*stored, *arguments} == set()


@pytest.mark.parametrize("path", TREES)
def test_a_public_function_says_what_it_does_to_what(path):
    names = {function.name for function in list_functions(TREES[path])
             if not function.name.startswith("_") and "_" not in function.name and not is_property(function)}
    # Fields of a row, and what a library calls back by its own name.
    assert names - ONE_WORD - {"deserialize", "serialize"} == set()


@pytest.mark.parametrize("path", OURS)
def test_nothing_is_called_like_a_function_but_functions(path):
    assert [function.lineno for function in list_functions(OURS[path]) if function.name == "__call__"] == []


@pytest.mark.parametrize("path", TREES)
def test_a_docstring_says_first_what_the_function_does(path):
    documented = {function.name: ast.get_docstring(function) for function in list_functions(TREES[path])
                  if ast.get_docstring(function) and not is_property(function)}
    openings = {name: re.match(r"\W*(\w*)", text)[1] for name, text in documented.items()}
    assert {name: word for name, word in openings.items() if word in NOUNS_FIRST} == {}


@pytest.mark.parametrize("path", OURS)
def test_no_key_is_a_sentence(path):
    keys = [key.value for node in ast.walk(OURS[path]) if isinstance(node, ast.Dict) for key in node.keys
            if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    assert [key for key in keys if re.search("[ ,]", key)] == []


def test_few_functions_have_names_of_one_word():
    names = [function.name.strip("_") for tree in OURS.values() for function in list_functions(tree)]
    assert sum("_" not in name for name in names) <= MOST_ONE_WORD * len(names)


def test_no_folder_is_a_warehouse():
    folders = [path.rpartition("/")[0] for path in TREES if not path.endswith("/__init__.py")]
    assert {folder for folder in folders if folders.count(folder) > MOST_FILES_IN_A_FOLDER} == set()


def count_code_lines(tree, text):
    """Return how many lines there are without blank ones, comments and docstrings."""
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                  and ast.get_docstring(node)]
    docstrings = {line for node in documented for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") and number not in docstrings
               for number, line in enumerate(text.splitlines(), 1))


def test_there_is_less_code_than_before():
    lines = sum(count_code_lines(tree, (ROOT / path).read_text()) for path, tree in OURS.items())
    print(f"\njpi has {lines} lines of code")
    assert lines < MOST_CODE_LINES
