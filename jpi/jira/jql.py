"""Builds JQL queries, quoted so that a name cannot change the query."""

import re
from collections.abc import Sequence

# The characters with a meaning inside `summary ~ "..."`: https://support.atlassian.com/jira-software-cloud/docs/search-syntax-for-text-fields/
LUCENE_SPECIAL = re.compile(r'([+\-&|!(){}\[\]^~*?\\/:"])')
DAY_MINUTES = 24 * 60


def quote_text(text: str) -> str:
    """Quote a text as a JQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_phrase(text: str) -> str:
    """Quote a text as a JQL string that matches it as a phrase."""
    return quote_text('"' + LUCENE_SPECIAL.sub(r"\\\1", text) + '"')


def match_summaries(project: str, names: list[str]) -> str:
    """Match issues of `project` whose summary holds one of `names`; the caller compares exactly."""
    phrases = " OR ".join(f"summary ~ {quote_phrase(' '.join(name.split()))}" for name in names)
    return f"project = {quote_text(project)} AND ({phrases}) ORDER BY created ASC"


def match_mark(project: str, label: str, incident_id: str, is_searchable: bool = True) -> str:
    """Match issues of `project` with this label, or with the incident's id in their description, oldest first.

    Where neither can be on the issue, match those of the last day.
    """
    mark = f"description ~ {quote_phrase(incident_id)}" if is_searchable else f"created >= -{DAY_MINUTES}m"
    return f"project = {quote_text(project)} AND (labels = {quote_text(label)} OR {mark}) ORDER BY created ASC"


def match_recently_created(projects: Sequence[str], minutes: int) -> str:
    """Match issues created within so many minutes, in these projects, or in any if none are given."""
    where = f"project in ({', '.join(map(quote_text, projects))}) AND " if projects else ""
    return f"{where}created >= -{minutes}m ORDER BY created ASC"


def match_recently_changed(label: str, projects: Sequence[str], minutes: int) -> str:
    """Match issues with this label, and all of these projects, that changed within so many minutes."""
    is_listed = f" OR project in ({', '.join(map(quote_text, projects))})" if projects else ""
    where = f"(labels = {quote_text(label)}{is_listed})" if is_listed else f"labels = {quote_text(label)}"
    return f"{where} AND updated >= -{minutes}m ORDER BY updated DESC"
