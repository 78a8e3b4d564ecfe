"""What the console says, in Chinese and in English: one catalogue a language, the same keys in both.

In: `words/LANGUAGE.toml`; what core says of mistakes, in Chinese, in `words/messages_zh.toml`. Out: `Words`, which look a sentence up by
its key and put values into it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from smallpool_core.errors import Problem

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
FOLDER: Final = Path(__file__).parent / "words"


class Words:
    """The sentences of one language, by key such as `pools.title`."""

    def __init__(self, language: Language, sentences: Mapping[str, str], messages: Mapping[str, str]) -> None:
        self.language = language
        self._sentences = sentences
        self._messages = messages

    def __call__(self, key: str, **values: object) -> str:
        """The sentence with the values put in; a key that nobody translated shows as itself."""
        return self._sentences.get(key, key).format(**values)

    def either(self, key: str, otherwise: str) -> str:
        """The sentence, or a text that comes from elsewhere where there is none."""
        return self._sentences.get(key, otherwise)

    def said(self, problem: Problem) -> str:
        """What is allowed where a mistake is, in this language; as core says it in English, or where nobody translated it."""
        sentence = self._messages.get(problem.code)
        return problem.message if sentence is None else sentence.format(**problem.values)

    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._sentences)


def load_words() -> dict[Language, Words]:
    """Every catalogue."""
    return {language: Words(language, _read(f"{language}.toml"), load_messages(language)) for language in LANGUAGES}


def load_messages(language: Language) -> dict[str, str]:
    """What core says of mistakes by code, in another language than its own."""
    return _read("messages_zh.toml") if language == "zh" else {}


def _read(name: str) -> dict[str, str]:
    return dict(_flat(tomllib.loads((FOLDER / name).read_text("utf-8"))))


def wanted_language(chosen: str | None, accepted: str) -> Language:
    """The language that was chosen, else the first of an `Accept-Language` that there is; Chinese where nobody says."""
    for tag in (chosen or "", *(part.partition(";")[0] for part in accepted.split(","))):
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language:
                return language
    return "zh"


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)
