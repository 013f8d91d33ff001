"""What holds the project together: import directions, docstrings, sizes, and names that stand in several places."""

import ast
import re
from dataclasses import fields

import pytest

from jpi.settings import Settings
from tests.source_files import ROOT, find_violations

# Reading all files costs more than the tests: one worker does it.
pytestmark = pytest.mark.xdist_group("layout")

# Which of our own packages each may import, besides itself; the pure ones name no outside library.
MAY_IMPORT = {"errors": set(), "domain": {"errors"}, "json_fields": {"errors", "domain"},
              "signatures": {"errors", "json_fields"},
              "logs": set(), "aws": set(), "secret_references": {"errors", "aws"},
              "env_files": {"errors"}, "settings": {"errors", "secret_references", "env_files"}, "metrics": {"domain"},
              "error_answers": {"errors", "json_fields"}, "identity_check": {"errors"},
              "http_client": {"errors", "error_answers", "json_fields", "identity_check"},
              "event_codec": {"errors", "domain"}, "sync": {"errors", "domain", "metrics"},
              "jira": {"errors", "domain", "sync", "json_fields", "http_client"},
              "pagerduty": {"errors", "domain", "sync", "json_fields", "http_client"},
              "queue": {"errors", "domain", "sync", "aws", "event_codec"},
              "store": {"errors", "domain", "sync", "metrics", "aws"},
              "wiring": {"errors", "domain", "sync", "jira", "pagerduty", "store", "queue", "settings", "logs", "aws",
                         "metrics", "http_client"},
              "app": {"errors", "domain", "sync", "jira", "pagerduty", "json_fields", "signatures", "wiring", "logs",
                      "status_page", "diagnostics", "flask_app"},
              "handlers": {"errors", "domain", "sync", "wiring", "logs", "metrics", "diagnostics", "event_codec",
                           "app"},
              "diagnostics": {"env_files", "errors", "domain", "jira", "pagerduty", "wiring", "settings",
                              "store", "aws", "metrics"},
              "flask_app": {"wiring"},
              "status_page": {"errors", "wiring", "flask_app", "store", "domain", "sync", "metrics", "diagnostics"},
              "tools": {"errors", "wiring", "settings", "env_files", "secret_references", "store", "jira", "pagerduty",
                        "queue", "domain", "sync", "aws", "metrics", "status_page", "diagnostics", "event_codec",
                        "signatures"}}
PURE = ("errors", "domain", "sync", "json_fields", "signatures", "metrics")
IMPURE = {"flask", "boto3", "botocore", "pynamodb", "jira", "pdpyras", "requests", "os", "time", "socket", "random"}
# One file each, so that each can be swapped.
ONLY_IN = {"jira": "jpi/jira/client.py", "pdpyras": "jpi/pagerduty/client.py", "dotenv": "jpi/env_files.py",
           "aws_lambda_powertools.Logger": "jpi/logs.py", "aws_lambda_powertools.utilities": "jpi/handlers/events.py",
           "boto3": "jpi/aws.py", "cattrs": "jpi/event_codec.py", "flask": "jpi/app.py",
           "tenacity": "jpi/http_client.py", "serverless_wsgi": "jpi/handlers/app.py"}


def get_room(source_file):
    return source_file.path.split("/")[1].removesuffix(".py")


def find_forbidden_imports(source_file):
    """Return what this file must not import."""
    room = get_room(source_file)
    if room == "__init__":
        return set()
    rooms = {name.split(".")[1] for name in source_file.imports if name.startswith("jpi.")}
    impure = IMPURE | ({"logging", "threading", "http"} if room == "domain" else set())
    libraries = {name.split(".")[0] for name in source_file.imports} & impure if room in PURE else set()
    return rooms - {room} - MAY_IMPORT[room] | libraries


def test_imports_run_one_way(our_files):
    assert find_violations(our_files, find_forbidden_imports) == {}


@pytest.mark.parametrize(("library", "home"), ONLY_IN.items())
def test_each_library_stands_behind_one_file(our_files, library, home):
    users = {source_file.path for source_file in our_files
             if any(f"{name}.".startswith(f"{library}.") for name in source_file.imports)}
    # Flask has two doors: the services', and people's.
    doors = {"jpi/flask_app.py", "jpi/status_page/routes.py", "jpi/status_page/auth.py"}
    assert users - (doors if library == "flask" else set()) == {home}


def list_undocumented_names(source_file):
    classes = [node for node in source_file.nodes if isinstance(node, ast.ClassDef) and node.name != "Meta"]
    public = [node for node in [*classes, *source_file.functions] if not node.name.startswith("_")]
    names = [node.name for node in public if not ast.get_docstring(node)]
    return names if ast.get_docstring(source_file.tree) else ["the module", *names]


def test_every_public_name_says_what_it_is(our_files):
    assert find_violations(our_files, list_undocumented_names) == {}


def list_long_functions(source_file):
    return [node.name for node in source_file.functions if node.end_lineno - node.lineno >= 50]


def test_files_and_functions_stay_small(source_files):
    assert find_violations(source_files, list_long_functions) == {}
    assert [source_file.path for source_file in source_files if source_file.text.count("\n") > 250] == []


def list_imports_by_module(source_files):
    """Return each module by its name, with the names of ours that it imports."""
    files = {source_file.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): source_file
             for source_file in source_files}
    return {name: {module for imported in source_file.imports for module in _find_module(imported, files)} - {name}
            for name, source_file in files.items()}


def _find_module(imported, names):
    """Return the module that this name is, or is imported from."""
    return [name for name in (imported, imported.rpartition(".")[0]) if name in names][:1]


@pytest.mark.parametrize("package", ["jpi", "sandbox"])
def test_nothing_imports_itself_in_the_end(source_files, package):
    left = list_imports_by_module([source_file for source_file in source_files
                                   if source_file.path.startswith(f"{package}/")])
    # What imports nothing that is left is taken away, until all is gone or a circle stays.
    while free := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


# Who may ask this machine for the time: the clock of `make sandbox`; what is measured in seconds; what jpi starts with.
TIMED = {"sandbox/clock.py", "jpi/wiring.py", "jpi/http_client.py", "jpi/diagnostics/runner.py", "sandbox/demo.py",
         "sandbox/simulate/__main__.py", "sandbox/pairs.py", "sandbox/small_world/__main__.py"}


def list_readings_of_the_time(source_file):
    names = {ast.unparse(node) for node in source_file.nodes if isinstance(node, ast.Attribute)} & {
        "time.time", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow", "date.today"}
    return set() if source_file.path in TIMED or source_file.path.startswith("sandbox/bench/") else names


def test_nobody_asks_this_machine_for_the_time(source_files):
    assert find_violations(source_files, list_readings_of_the_time) == {}


def test_settings_stand_in_the_readme_and_in_the_example():
    names = {one.name.upper() for one in fields(Settings)}
    example = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    table = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert names == example == set(re.findall(r"[A-Z0-9_]+", " ".join(table)))


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    names = re.compile("|".join(["registry" + r"\.npmjs", "pypi" + r"\.org", "python" + "hosted", "/ro" + "ot/"]))
    kept = [file for file in ROOT.rglob("*") if file.is_file() and file.suffix in (
        ".py", ".md", ".json", ".lock", ".toml", ".yml", ".js", "") and not any(
        part.startswith((".venv", ".git", ".mypy", ".hypo", ".pytest", ".ruff", "node_modules", ".serverless"))
        for part in file.relative_to(ROOT).parts[:-1])]
    assert [str(file) for file in kept if names.search(file.read_text(errors="ignore"))] == []


def test_the_deployment_demands_the_settings_that_jpi_does():
    [listed] = re.findall(r"const REQUIRED = \[(.+)\];", (ROOT / "sls/env.js").read_text())
    assert set(re.findall(r"[A-Z_]+", listed)) == {
        one.name.upper() for one in fields(Settings) if one.metadata["default"] is None}


def test_the_costs_add_up():
    said = (ROOT / "docs/operations.md").read_text().partition("## What it costs")[2]
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in said.splitlines() if "0.0000" in line]
    *parts, together = [float(row[2]) for row in rows]
    assert round(sum(parts), 6) == together
    cells = r"^\| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| \*\*about (\d+)\*\* \|"
    months = re.findall(cells, said, re.MULTILINE)
    assert len(months) == 3
    for events, *costs, about in months:
        applied, *fixed = map(float, costs)
        assert abs(applied - int(events.replace(",", "")) * sum(parts)) < 0.006
        assert round(applied + sum(fixed)) == int(about)
