"""From a file to cells: its encoding, its separator, its quotes. What the cells mean is in `export`."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from demo.origin import DemoError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Record(NamedTuple):
    """`line` is where it begins, counted from 1: a quoted cell can go over several."""

    line: int
    cells: list[str]


class Text(NamedTuple):
    encoding: str
    content: str


def read_text(file: Path, encoding: str | None = None) -> Text:
    """All of a file: UTF-16 where its first bytes are, else UTF-8, else what `encoding` says. Raises DemoError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DemoError(f"{file} cannot be opened: {error.strerror}.") from None
    if not content.strip():
        raise DemoError(f"{file} is empty, without even headings: download the export again.")
    chosen = encoding or _encoding(content)
    try:
        # Not every encoding takes its own byte order mark away.
        return Text(chosen, content.decode(chosen).removeprefix("\ufeff"))
    except LookupError:
        raise DemoError(f"There is no encoding {chosen}: usual ones are utf-8, utf-16 and cp1252.") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DemoError(
            f"Line {line} of {file} is not {chosen.upper()}: save the export as CSV in UTF-8, or name its encoding, "
            "such as  --encoding cp1252 ."
        ) from None


def _encoding(content: bytes) -> str:
    """
    >>> [_encoding(text.encode(name)) for text, name in (("Date", "utf-16"), ("Date", "utf-16-be"), ("Día", "utf-8"))]
    ['utf-16', 'utf-16-be', 'utf-8']
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Headings begin with a letter of ASCII, whose other half is zero.
    return {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get(
        (content[:1] == b"\0", content[1:2] == b"\0"), "utf-8"
    )


def records(file: Path, content: str, separator: str) -> Iterator[Record]:
    """The records that hold anything, with their cells stripped. Raises DemoError where quotes do not end."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield Record(line, stripped)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DemoError(
            f"Line {line} of {file} begins a row whose quotes cannot be read ({error}): the file may be cut off; "
            "download the export again."
        ) from None
