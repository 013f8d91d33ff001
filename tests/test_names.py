"""What keeps names and docstrings readable: the rules of CONTRIBUTING.md, held by a test each."""

import ast
import re

import pytest

from tests.source_files import find_violations

# Reading all files costs more than the tests: one worker does it.
pytestmark = pytest.mark.xdist_group("names")

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
MOST_CODE_LINES = 11_000
# How no docstring of a function begins: with what is described, in place of what the function does.
NOUNS_FIRST = {
    "A", "All", "An", "Any", "Each", "Every", "Everything", "How", "In", "It", "Its", "None", "Nothing", "Of", "On",
    "One", "Only", "Our", "Some", "Somebody", "Something", "That", "The", "There", "These", "They", "This", "Those",
    "What", "When", "Where", "Whether", "Who", "Whom"
}


def list_short_lived(source_file):
    """Return the nodes of names that live no longer than a comprehension or a lambda."""
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    targets = [part.target for node in source_file.nodes if isinstance(node, comprehensions)
               for part in node.generators]
    arguments = [node.args for node in source_file.nodes if isinstance(node, ast.Lambda)]
    return {id(name) for part in [*targets, *arguments] for name in ast.walk(part)}


def is_property(function):
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"property", "cached_property", "setter"})


def list_pronouns(source_file):
    stored = [(node.id, node) for node in source_file.nodes
              if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    arguments = [(node.arg, node) for node in source_file.nodes if isinstance(node, ast.arg)]
    short_lived = list_short_lived(source_file)
    return {name for name, node in [*stored, *arguments] if name in PRONOUNS and id(node) not in short_lived}


def test_no_variable_is_a_pronoun(source_files):
    assert find_violations(source_files, list_pronouns) == {}


def list_unknown_words(source_file):
    names = {function.name for function in source_file.functions
             if not function.name.startswith("_") and "_" not in function.name and not is_property(function)}
    # Fields of a row, and what a library calls back by its own name.
    return names - ONE_WORD - {"deserialize", "serialize"}


def test_a_public_function_says_what_it_does_to_what(source_files):
    assert find_violations(source_files, list_unknown_words) == {}


def test_nothing_is_called_like_a_function_but_functions(our_files):
    assert find_violations(our_files, lambda source_file: [
        function.lineno for function in source_file.functions if function.name == "__call__"]) == {}


def find_nouns_first(source_file):
    documented = {function.name: ast.get_docstring(function) for function in source_file.functions
                  if ast.get_docstring(function) and not is_property(function)}
    openings = {name: re.match(r"\W*(\w*)", text)[1] for name, text in documented.items()}
    return {name: word for name, word in openings.items() if word in NOUNS_FIRST}


def test_a_docstring_says_first_what_the_function_does(source_files):
    assert find_violations(source_files, find_nouns_first) == {}


def list_sentences_for_keys(source_file):
    keys = [key.value for node in source_file.nodes if isinstance(node, ast.Dict) for key in node.keys
            if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return [key for key in keys if re.search("[ ,]", key)]


def test_no_key_is_a_sentence(our_files):
    assert find_violations(our_files, list_sentences_for_keys) == {}


def test_few_functions_have_names_of_one_word(our_files):
    names = [function.name.strip("_") for source_file in our_files for function in source_file.functions]
    assert sum("_" not in name for name in names) <= MOST_ONE_WORD * len(names)


def test_no_folder_is_a_warehouse(source_files):
    folders = [source_file.path.rpartition("/")[0] for source_file in source_files
               if not source_file.path.endswith("/__init__.py")]
    assert {folder for folder in folders if folders.count(folder) > MOST_FILES_IN_A_FOLDER} == set()


def count_code_lines(source_file):
    """Return how many lines there are without blank ones, comments and docstrings."""
    documented = [node for node in source_file.nodes
                  if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)]
    docstrings = {line for node in documented for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") and number not in docstrings
               for number, line in enumerate(source_file.text.splitlines(), 1))


def test_there_is_less_code_than_before(our_files):
    lines = sum(map(count_code_lines, our_files))
    print(f"\njpi has {lines} lines of code")
    assert lines < MOST_CODE_LINES
