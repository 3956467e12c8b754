"""A stream of upload events, each of an object of its own, that goes on through any fault."""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import secrets
import threading
import time
import urllib.parse

from acceptance import signed_headers


class ObjectStore:
    """PUT over one connection; a new connection for each would be most of the work."""

    def __init__(self):
        self._host = urllib.parse.urlsplit(os.environ["R2_ENDPOINT"]).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=30)

    def put(self, key, content):
        """Gives the digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = urllib.parse.quote(f"/{os.environ['R2_BUCKET']}/{key}")
        headers = signed_headers("PUT", path, digest)
        for attempt in range(2):
            try:
                self._connection.request("PUT", path, content, headers)
                answer = self._connection.getresponse()
                body = answer.read()
                break
            except (OSError, http.client.HTTPException):
                # The server ends a connection that was idle; the next one is made anew.
                self._connection.close()
                if attempt == 1:
                    raise
        if answer.status != 200:
            raise OSError(f"PUT {path}: {answer.status} {body[:200]!r}")
        return digest

    def close(self):
        self._connection.close()


class ConfirmedPublisher:
    """Through RabbitMQ's HTTP API, which answers when the broker has confirmed."""

    def __init__(self, exchange):
        parts = urllib.parse.urlsplit(os.environ["RABBITMQ_MANAGEMENT_URL"])
        user = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {user}"}
        self._path = f"/api/exchanges/%2F/{urllib.parse.quote(exchange, safe='')}/publish"
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)

    def publish(self, body, content_type="application/json"):
        """OSError when it is not known to have arrived in a queue."""
        message = {
            "routing_key": "prewarm",
            "payload": base64.b64encode(body).decode(),
            "payload_encoding": "base64",
            "properties": {"delivery_mode": 2, "content_type": content_type},
        }
        try:
            self._connection.request("POST", self._path, json.dumps(message), self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise OSError(str(error)) from error
        if answer.status != 200 or not json.loads(text)["routed"]:
            raise OSError(f"not published: {answer.status} {text[:200]!r}")

    def close(self):
        self._connection.close()


class Load:
    """Publishes `rate` events a second from `start` to `stop`, on a thread of its own. What could
    not be confirmed is sent again with the same event_id, as an uploader would."""

    def __init__(self, scenario, rate, bot=None, make_content=None):
        self._scenario = scenario
        self._bot = bot or scenario.bot
        self._make_content = make_content or (lambda: secrets.token_bytes(300))
        self._pause_s = 1 / rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error = None
        self.published = {}  # event_id: digest, once confirmed

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        """What was published, as {event_id: digest}."""
        self._ended.set()
        self._thread.join()
        if self._error:
            raise self._error
        return self.published

    def _run(self):
        try:
            with (
                contextlib.closing(ObjectStore()) as objects,
                contextlib.closing(self._scenario.publisher()) as publisher,
            ):
                due = time.monotonic()
                while not self._ended.wait(max(0, due - time.monotonic())):
                    due = max(due + self._pause_s, time.monotonic() - 1)
                    self._publish_one(objects, publisher)
        except Exception as error:  # Told by stop(), in the test's own thread.
            self._error = error

    def _publish_one(self, objects, publisher):
        key = f"chaos/{secrets.token_hex(8)}"
        digest = objects.put(key, self._make_content())
        event = self._scenario.event(key, digest, botSlug=self._bot)
        self._publish(publisher, event)
        self.published[event["eventId"]] = digest

    @staticmethod
    def _publish(publisher, event):
        patience_ends = time.monotonic() + 120
        while True:
            try:
                return publisher.publish(json.dumps(event).encode())
            except OSError:
                if time.monotonic() > patience_ends:
                    raise
                time.sleep(0.1)
