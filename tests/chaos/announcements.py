"""What the world hears: every MediaReady and MediaFailed, from a queue that was bound beforehand."""

import contextlib
import dataclasses
import http.client
import json
import threading
import time
import urllib.error

REASONS = [
    "FAILURE_REASON_UNSPECIFIED", "UNDECODABLE", "INVALID_EVENT", "UNKNOWN_BOT", "OBJECT_MISSING",
    "OBJECT_MISMATCH", "TOO_LARGE", "REJECTED_BY_TELEGRAM", "ATTEMPTS_EXHAUSTED", "CRASH_LOOP",
]  # fmt: skip


def fields_of(body):
    """A protobuf message as {field number: [values]}; protoc for each would take too long."""

    def varint(at):
        value = shift = 0
        while True:
            byte = body[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    fields, at = {}, 0
    while at < len(body):
        tag, at = varint(at)
        if tag & 7 == 0:
            value, at = varint(at)
        elif tag & 7 == 2:
            size, at = varint(at)
            value, at = body[at : at + size], at + size
        else:
            raise ValueError(f"wire type {tag & 7} is in no message of prewarm.v1")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


@dataclasses.dataclass
class Announcement:
    heard_at: float  # time.time()
    ready: bool
    bot: str
    sha256: str
    event_ids: list  # Of the upload events it answers.
    file_id: str = ""
    version: int = 0
    already_warm: bool = False
    reason: str = ""


def announcement_of(message, heard_at):
    fields = fields_of(message["body"])

    def first(number, otherwise=b""):
        return fields.get(number, [otherwise])[0]

    ready = message["properties"]["type"] == "prewarm.v1.MediaReady"
    common = dict(heard_at=heard_at, ready=ready, bot=first(3).decode(), sha256=first(4).hex())
    if ready:
        return Announcement(
            **common,
            event_ids=[event_id.decode() for event_id in fields.get(13, [])],
            file_id=first(7).decode(),
            version=first(10, 0),
            already_warm=bool(first(14, 0)),
        )
    return Announcement(**common, event_ids=[first(9).decode()], reason=REASONS[first(6, 0)])


class Announcements:
    """Takes them off the queue `name` all the time, on a thread of its own."""

    def __init__(self, management, name):
        self._management = management
        self._name = name
        self._lock = threading.Lock()
        self._all = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        while not self._ended.wait(0.1):
            with self._lock:
                # Away for the moment, and so is whoever would announce something.
                with contextlib.suppress(
                    OSError, urllib.error.URLError, http.client.HTTPException, json.JSONDecodeError
                ):
                    self._take()

    def _take(self):
        while taken := self._management.take(self._name):
            now = time.time()
            self._all.extend(announcement_of(message, now) for message in taken)

    def all(self):
        """All that was announced by now."""
        with self._lock:
            self._take()
            return list(self._all)

    @contextlib.contextmanager
    def untaken(self):
        """Meanwhile nothing is taken: what a killed broker was just handing out would be lost."""
        with self._lock:
            yield

    def end(self):
        self._ended.set()
        self._thread.join()
