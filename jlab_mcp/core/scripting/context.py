"""Where in lines of bash a place is: only between words is a quoted value what it says."""

from __future__ import annotations

import re
from typing import Literal

Context = Literal["words", "comment", "quotes", "here-document"]

_HERE_DOCUMENT = re.compile(r"<<(?P<tabs>-?)[ \t]*(?P<word>(?:\\.|'[^'\n]*'|\"[^\"\n]*\"|[A-Za-z0-9_.!-])+)")
_WORD_ENDS = " \t\n;&|()"


def contexts(text: str, places: list[int]) -> list[Context]:
    """Return the context of each place, which are offsets in rising order."""
    reader = _Reader(text)
    return [reader.context_at(place) for place in places]


class _Reader:
    """Goes through lines of bash once; knows quotes, comments, substitutions and here-documents.

    Inside double quotes, backquotes and arithmetic everything counts as quoted, a substitution too.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[str] = []  # what closes what is open, innermost last
        self._here: list[tuple[str, bool, bool]] = []  # here-documents that begin after this line
        self._passed: list[tuple[int, int, Context]] = []  # quotes, comments and here-documents

    def context_at(self, place: int) -> Context:
        while self._at < min(place, len(self._text)):
            self._step()
        for start, end, context in reversed(self._passed):
            if start <= place < end:
                return context
        return "quotes" if {'"', "`", "))"} & set(self._open) else "words"

    def _step(self) -> None:
        char, two = self._text[self._at], self._text[self._at : self._at + 2]
        if char == "\\":
            self._at += 2
        elif self._open[-1:] == ['"']:
            self._in_quotes(char, two)
        elif char == "'" or two == "$'":
            self._skip(self._end_of_single(dollar=two == "$'"), "quotes")
        elif char in ('"', "`"):
            self._toggle(char)
        elif char == "#" and self._begins_word():
            end = self._text.find("\n", self._at)
            self._skip(len(self._text) if end < 0 else end, "comment")
        elif char == "\n" and self._here:
            self._at += 1
            self._here_documents()
        else:
            self._other(char)

    def _other(self, char: str) -> None:
        opened = re.compile(r"\(\(|\(|<<<").match(self._text, self._at)
        document = _HERE_DOCUMENT.match(self._text, self._at)
        if opened:
            if opened[0] != "<<<":
                self._open.append("))" if opened[0] == "((" else ")")
            self._at = opened.end()
        elif document and "))" not in self._open:
            named = re.sub(r"[\\'\"]", "", document["word"])
            self._here.append((named, bool(document["tabs"]), named != document["word"]))
            self._at = document.end()
        elif self._open and self._text.startswith(self._open[-1], self._at):
            self._at += len(self._open.pop())
        else:
            self._at += len(char)

    def _in_quotes(self, char: str, two: str) -> None:
        if two == "$(":
            self._open.append(")")
            self._at += 2
        elif char in ('"', "`"):
            self._toggle(char)
        else:
            self._at += 1

    def _toggle(self, char: str) -> None:
        if self._open[-1:] == [char]:
            self._open.pop()
        else:
            self._open.append(char)
        self._at += 1

    def _end_of_single(self, *, dollar: bool) -> int:
        pattern = r"\$'(?:\\.|[^'\\])*'?" if dollar else r"'[^']*'?"
        match = re.compile(pattern, re.DOTALL).match(self._text, self._at)
        return match.end() if match else self._at + 1

    def _begins_word(self) -> bool:
        return self._at == 0 or self._text[self._at - 1] in _WORD_ENDS

    def _skip(self, end: int, context: Context) -> None:
        self._passed.append((self._at, end, context))
        self._at = end

    def _here_documents(self) -> None:
        for end_word, tabs, quoted in self._here:
            start, joined = self._at, False
            while self._at < len(self._text):
                line, _, _ = self._text[self._at :].partition("\n")
                self._at += len(line) + 1
                if not joined and (line.lstrip("\t") if tabs else line) == end_word:
                    break
                joined = not quoted and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            self._passed.append((start, self._at, "here-document"))
        self._here = []
