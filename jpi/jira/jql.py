"""JQL for what we look for, quoted so that any name is only a name."""

import re
from collections.abc import Sequence

# Lucene's own characters inside `summary ~ "..."`: https://support.atlassian.com/jira-software-cloud/docs/search-syntax-for-text-fields/
LUCENE_SPECIAL = re.compile(r'([+\-&|!(){}\[\]^~*?\\/:"])')


def quote_text(text: str) -> str:
    """A JQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_phrase(text: str) -> str:
    """A JQL string that matches this text as a phrase."""
    return quote_text('"' + LUCENE_SPECIAL.sub(r"\\\1", text) + '"')


def match_summaries(project: str, names: list[str]) -> str:
    """The issues of `project` whose summary holds one of `names`; an exact match is left to the reader."""
    wanted = " OR ".join(f"summary ~ {quote_phrase(' '.join(name.split()))}" for name in names)
    return f"project = {quote_text(project)} AND ({wanted}) ORDER BY created ASC"


def match_label(project: str, label: str) -> str:
    """The issues of `project` with this label, oldest first."""
    return f"project = {quote_text(project)} AND labels = {quote_text(label)} ORDER BY created ASC"


def match_recently_created(projects: Sequence[str], minutes: int) -> str:
    """The issues made within so many minutes, in these projects if there are any named."""
    where = f"project in ({', '.join(map(quote_text, projects))}) AND " if projects else ""
    return f"{where}created >= -{minutes}m ORDER BY created ASC"


def match_recently_changed(label: str, minutes: int) -> str:
    """The issues with this label that changed within so many minutes."""
    return f"labels = {quote_text(label)} AND updated >= -{minutes}m ORDER BY updated DESC"
