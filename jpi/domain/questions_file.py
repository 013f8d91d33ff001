"""Reads the questions file. Pure."""

import json

from jpi.domain.policy import Question
from jpi.errors import SettingsError


def parse_questions(text: str) -> tuple[Question, ...]:
    """Return the questions of the file's text; SettingsError if it is not a list of questions."""
    try:
        return tuple(Question(question["summary"], question.get("description", "")) for question in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError('It must be a JSON list of {"summary": "...", "description": "..."}') from error
