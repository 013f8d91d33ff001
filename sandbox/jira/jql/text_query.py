"""The text queries inside JQL (`summary ~ "..."`): Lucene's syntax, as far as words and phrases go."""

import re

SPECIAL_CHARACTERS = frozenset("(){}[]^~?*:/")


def split_words(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, case folded."""
    return re.findall(r"[^\W_]+", text.casefold())


class TextQuery:
    """Words that must all occur, and phrases whose words must follow each other. ValueError where malformed."""

    def __init__(self, text: str) -> None:
        self.phrases: list[list[str]] = []
        self.prefixes: list[str] = []
        for chunk, quoted, prefix in _split_chunks(text):
            found = split_words(chunk)
            if prefix and found:
                self.prefixes.append(found.pop())
            self.phrases += [found] if quoted else [[word] for word in found]
        self.phrases = [phrase for phrase in self.phrases if phrase]

    def matches(self, text: str) -> bool:
        """Whether the text holds it all; nothing asked for is found nowhere."""
        have = split_words(text)
        asked = bool(self.phrases or self.prefixes)
        return asked and all(_contains_phrase(have, phrase) for phrase in self.phrases) and all(
            any(word.startswith(prefix) for word in have) for prefix in self.prefixes)


def _contains_phrase(have: list[str], phrase: list[str]) -> bool:
    return any(have[at : at + len(phrase)] == phrase for at in range(len(have) - len(phrase) + 1))


def _split_chunks(text: str) -> list[tuple[str, bool, bool]]:
    """Words and quoted phrases: (text, whether quoted, whether it ends in `*`)."""
    found = []
    for part in re.finditer(r'"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+)|\S', text, re.DOTALL):
        phrase, word = part[1], part[2]
        if phrase is not None:
            found.append((_unescape(phrase), True, False))
        elif word is None:
            raise ValueError(text)
        elif word not in ("AND", "OR", "NOT"):
            found.append(_parse_word(word))
    return found


def _parse_word(word: str) -> tuple[str, bool, bool]:
    prefix = word.endswith("*") and len(word) > 1 and not word.endswith(r"\*")
    bare = re.sub(r"\\.", "", word[:-1] if prefix else word, flags=re.DOTALL)
    if SPECIAL_CHARACTERS & set(bare) or bare[:1] in ("-", "!") or "&&" in bare or "||" in bare:
        raise ValueError(word)
    return _unescape(word[:-1] if prefix else word), False, prefix


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
