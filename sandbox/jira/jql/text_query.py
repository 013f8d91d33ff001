"""The text queries inside JQL (`summary ~ "..."`): Lucene's syntax for words and phrases."""

import re

SPECIAL_CHARACTERS = frozenset("(){}[]^~?*:/")


def split_words(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits, case folded."""
    return re.findall(r"[^\W_]+", text.casefold())


class TextQuery:
    """Words that must all occur, and phrases whose words must follow each other. Malformed text: ValueError."""

    def __init__(self, text: str) -> None:
        self.phrases: list[list[str]] = []
        self.prefixes: list[str] = []
        for chunk, quoted, prefix in _split_chunks(text):
            words = split_words(chunk)
            if prefix and words:
                self.prefixes.append(words.pop())
            self.phrases += [words] if quoted else [[word] for word in words]
        self.phrases = [phrase for phrase in self.phrases if phrase]

    def is_met_by(self, text: str) -> bool:
        """True if the text holds every word and phrase; an empty query matches nothing."""
        words = split_words(text)
        has_terms = bool(self.phrases or self.prefixes)
        return has_terms and all(_contains_phrase(words, phrase) for phrase in self.phrases) and all(
            any(word.startswith(prefix) for word in words) for prefix in self.prefixes)


def _contains_phrase(words: list[str], phrase: list[str]) -> bool:
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words) - len(phrase) + 1))


def _split_chunks(text: str) -> list[tuple[str, bool, bool]]:
    """Split into words and quoted phrases: (text, whether quoted, whether it ends in `*`)."""
    chunks = []
    for part in re.finditer(r'"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+)|\S', text, re.DOTALL):
        phrase, word = part[1], part[2]
        if phrase is not None:
            chunks.append((_unescape(phrase), True, False))
        elif word is None:
            raise ValueError(text)
        elif word not in ("AND", "OR", "NOT"):
            chunks.append(_parse_word(word))
    return chunks


def _parse_word(word: str) -> tuple[str, bool, bool]:
    prefix = word.endswith("*") and len(word) > 1 and not word.endswith(r"\*")
    bare = re.sub(r"\\.", "", word[:-1] if prefix else word, flags=re.DOTALL)
    if SPECIAL_CHARACTERS & set(bare) or bare[:1] in ("-", "!") or "&&" in bare or "||" in bare:
        raise ValueError(word)
    return _unescape(word[:-1] if prefix else word), False, prefix


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
