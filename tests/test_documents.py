"""What the documents name exists: files, tests and modules by their paths, and the targets of links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "JIRA_CONFIGURATION.md", *(
    path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md") for path in sorted(ROOT.glob(name)))]
PATH_PATTERN = re.compile(r"(?<![\w/.:-])(?:jpi|sandbox|sls|tests)/[\w./*-]*\w")
FILE_PATTERN = re.compile(r"`([\w/]+\.(?:py|js|yml))`")
MODULE_PATTERN = re.compile(r"python -m ((?:jpi|sandbox)[\w.]*)")
LINK_PATTERN = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
FENCED_BLOCK_PATTERN = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

for_each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def list_anchors(document):
    """Return the anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED_BLOCK_PATTERN.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(link, document):
    """True if a relative link's file exists and has its anchor."""
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in list_anchors(target))


def is_module(name):
    """True if a file or a package of the repository is the module of this name."""
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@for_each_document
def test_paths_exist(document):
    paths = set(PATH_PATTERN.findall(document.read_text()))
    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []


@for_each_document
def test_files_exist(document):
    names = set(FILE_PATTERN.findall(document.read_text()))
    paths = [f"/{path.relative_to(ROOT)}" for folder in (".", "jpi", "sandbox", "sls", "tests")
             for path in (ROOT / folder).glob("*" if folder == "." else "**/*")]
    assert [name for name in sorted(names) if not any(path.endswith(f"/{name}") for path in paths)] == []


@for_each_document
def test_modules_exist(document):
    assert [name for name in MODULE_PATTERN.findall(document.read_text()) if not is_module(name)] == []


@for_each_document
def test_links_lead_somewhere(document):
    links = [url or source for url, source in LINK_PATTERN.findall(document.read_text())]
    assert [link for link in links if "://" not in link and not leads_somewhere(link, document)] == []
