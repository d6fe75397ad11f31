"""The text of a notebook's file, and the notebook that it is."""

from __future__ import annotations

from ..errors import NotebookInvalid
from .document import Document, NotANotebook


def parse(text: str, path: str) -> Document:
    """Parse a notebook's text.

    Raises:
        NotebookInvalid: it is none; the message names the file.
    """
    try:
        return Document.parse(text)
    except NotANotebook as error:
        raise NotebookInvalid(f"{path} is not a notebook that can be used: {error}") from error


def read_text(path: str) -> str:
    """Read a file as UTF-8.

    Raises:
        NotebookInvalid: it cannot be read, or is no UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise NotebookInvalid(f"{path} is not a notebook that can be used: it is no UTF-8 text") from error
    except OSError as error:
        raise NotebookInvalid(f"{path} cannot be read: {error.strerror}") from error
