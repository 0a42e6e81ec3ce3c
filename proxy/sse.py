"""Server-sent events, read as they come (html.spec.whatwg.org, 9.2.6)."""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventReader:
    """Turns bytes, cut anywhere, into the data of whole events. Comments and other fields are passed over."""

    def __init__(self) -> None:
        self._begun = False
        self._rest = b""
        self._data: list[bytes] = []
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that end within this chunk, their lines joined by newlines."""
        if self._after_cr and chunk:
            # A CR ended the last chunk; an LF now is the same line end.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        text = self._rest + chunk
        if b"\r" in text:
            self._after_cr = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = text.split(b"\n")
        if lines and not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        events: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data.clear()
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line == b"data":
                self._data.append(b"")
        return events

    @property
    def between_events(self) -> bool:
        """Has every event that began also ended?"""
        return not self._rest and not self._data


def event(data: bytes) -> bytes:
    """One event of one line of data."""
    return b"data: " + data + b"\n\n"


DONE = event(b"[DONE]")
