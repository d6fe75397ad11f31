"""What the next answer of a session is to say first, once."""

from __future__ import annotations

from collections.abc import Callable


class News:
    """Sentences that wait to be told, each for as long as it holds."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], str | None]] = []

    def add(self, news: Callable[[], str | None]) -> None:
        """Have something told: `news` gives the sentence, or None once it holds no more."""
        self._waiting.append(news)

    def heard(self) -> list[str]:
        """Return what holds now, without taking it."""
        return [text for text in (news() for news in self._waiting) if text]

    def take(self) -> list[str]:
        """Return what holds now, and forget it."""
        told, self._waiting = self.heard(), []
        return told
