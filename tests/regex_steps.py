"""Counts the steps of a backtracking matcher, as `re` is one, so that tests can bound them without a clock."""

import re._constants as constants
import re._parser as regex_parser
import sys
from contextlib import contextmanager

CATEGORIES = {"CATEGORY_DIGIT": str.isdecimal, "CATEGORY_SPACE": str.isspace,
              "CATEGORY_WORD": lambda character: character.isalnum() or character == "_"}


@contextmanager
def deep_recursion():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(limit)


class StepCounter:
    """Matches a pattern of the operations that jpi's patterns use; `steps` counts what was tried."""

    def __init__(self, pattern, text):
        self.items = list(regex_parser.parse(pattern))
        self.text = text
        self.steps = 0

    def find_all(self):
        """Return the spans of all matches, as `re.finditer` does."""
        spans, position = [], 0
        with deep_recursion():
            while position <= len(self.text):
                end = self._match(self.items, 0, position, lambda end: end)
                if end is None:
                    position += 1
                else:
                    spans.append((position, end))
                    position = max(end, position + 1)
        return spans

    def _match(self, items, index, position, go_on):
        self.steps += 1
        if index == len(items):
            return go_on(position)
        operation, argument = items[index]
        name = str(operation)

        def go_to_next(end):
            return self._match(items, index + 1, end, go_on)

        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(argument, 0, position, go_to_next)
        if name == "POSSESSIVE_REPEAT":
            end = self._repeat(argument, 0, position, lambda end: end)
            return None if end is None else go_to_next(end)
        if name in ("SUBPATTERN", "BRANCH"):
            branches = argument[1] if name == "BRANCH" else [argument[-1]]
            ends = (self._match(branch, 0, position, go_to_next) for branch in branches)
            return next((end for end in ends if end is not None), None)
        if name == "AT":
            at_place = position == (0 if "BEGINNING" in str(argument) else len(self.text))
            return go_to_next(position) if at_place else None
        is_met = position < len(self.text) and is_character(name, argument, self.text[position])
        return go_to_next(position + 1) if is_met else None

    def _repeat(self, argument, count, position, go_on):
        self.steps += 1
        fewest, most, body = argument
        if most is constants.MAXREPEAT or count < most:
            end = self._match(body, 0, position, lambda end: None if end == position else self._repeat(
                argument, count + 1, end, go_on))
            if end is not None:
                return end
        return go_on(position) if count >= fewest else None


def is_character(name, argument, character):
    if name in ("LITERAL", "NOT_LITERAL"):
        return (character == chr(argument)) == (name == "LITERAL")
    if name == "ANY":
        return True
    if name == "RANGE":
        return argument[0] <= ord(character) <= argument[1]
    if name == "CATEGORY":
        return CATEGORIES[str(argument)](character)
    negated = str(argument[0][0]) == "NEGATE"
    return negated != any(is_character(str(kind), value, character) for kind, value in argument[negated:])
