"""What the acceptance tests share: the real programs against real servers, seen from outside.

The servers are those of `scripts/stack`, found through the environment that `scripts/stack env`
prints; PREWARM_BIN is the folder of the programs. Names in the servers are made for each test.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples"
BIN = pathlib.Path(os.environ.get("PREWARM_BIN", ROOT / "build" / "release" / "bin"))
KINDS = ["photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker"]
ADMIN_TOKEN = "acceptance-admin-token"
PATIENCE_S = 60  # For what must come; nothing is measured with it.


def wait_until(condition, what, patience_s=PATIENCE_S):
    """The first true value of `condition()`; fails when it does not come."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"it did not come about within {patience_s} s: {what}")


def run(*command, env=None, stdin=None, check=True):
    """Output of a program of ours or of the system's; its complaint is part of the failure."""
    done = subprocess.run(
        [str(part) for part in command], env=env, input=stdin, capture_output=True, timeout=300
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stderr.decode()}")
    return done


def signed_headers(method, path, payload_digest):
    """AWS Signature Version 4 for a request to R2_ENDPOINT, as Amazon's documentation has it."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    host = urllib.parse.urlsplit(os.environ["R2_ENDPOINT"]).netloc
    headers = {"host": host, "x-amz-content-sha256": payload_digest, "x-amz-date": now}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{payload_digest}"
    scope = f"{now[:8]}/{os.environ['R2_REGION']}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["R2_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{os.environ['R2_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


class Program:
    """A program of ours that runs until told otherwise; its log is kept for failures."""

    def __init__(self, name, env, *arguments, folder):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}-{secrets.token_hex(3)}.log"
        self.out_path = self.log_path.with_suffix(".out")
        with open(self.log_path, "wb") as log, open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(
                [str(BIN / name), *map(str, arguments)], env=env, stdout=out, stderr=log
            )

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def events(self, name):
        """The log's lines with this event name, as objects."""
        lines = (line for line in self.log().splitlines() if line.startswith("{"))
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def wait_for_event(self, name):
        def found():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended early:\n{self.log()[-3000:]}")
            return self.events(name)

        return wait_until(found, f"{name} in the log of {self.name}:\n{self.log()[-3000:]}")[0]

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Its exit status after this signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)

    def peak_memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise AssertionError("no VmHWM")


class Management:
    """RabbitMQ's HTTP API: a way to look that is not ours."""

    def __init__(self):
        url = urllib.parse.urlsplit(os.environ["RABBITMQ_MANAGEMENT_URL"])
        self._base = f"http://{url.hostname}:{url.port}/api"
        self._auth = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {self._auth}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def take(self, queue, most=1000):
        """Messages taken off a queue, bodies as bytes in `body`."""
        taken = self.call(
            "POST",
            f"/queues/%2F/{urllib.parse.quote(queue, safe='')}/get",
            {"count": most, "ackmode": "ack_requeue_false", "encoding": "base64"},
        )
        for message in taken:
            message["body"] = base64.b64decode(message["payload"])
            message["headers"] = message["properties"].get("headers", {})
        return taken


class Deployment(unittest.TestCase):
    """A bot, a sandbox as its Telegram, and queues of its own; consumers as a test wants them."""

    sandbox_options = ()
    storage_chats = (-1001, -1002, 77)
    # Telegram's limits would make every test a slow one: on both sides, or on neither.
    with_limits = False

    def setUp(self):
        cleanup = contextlib.ExitStack()
        self.addCleanup(cleanup.close)
        self.folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="prewarm-test-"))
        self.management = Management()
        self.prefix = f"t{secrets.token_hex(4)}."
        self.bot = f"bot-{secrets.token_hex(4)}"
        self.programs = []
        self.addCleanup(self._end_programs)

        bots_file = pathlib.Path(self.folder) / "bots.json"
        token = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_hex(18)}"
        self.token = token
        bots_file.write_text(
            json.dumps({self.bot: {"token": token, "storage_chats": self.storage_chats}})
        )
        self.env = {
            **os.environ,
            "RABBITMQ_PREFIX": self.prefix,
            "PREWARM_BOTS_FILE": str(bots_file),
            "ADMIN_LISTEN": "127.0.0.1:0",
            "ADMIN_API_TOKEN": ADMIN_TOKEN,
            "MEDIA_PREWARM_CONCURRENCY": "8",
        }
        options = list(self.sandbox_options)
        if not self.with_limits:
            options.append("--no-limits")
            self.env |= {
                "TELEGRAM_RATE_BOT": "100000/s",
                "TELEGRAM_RATE_CHAT": "100000/s",
                "TELEGRAM_RATE_GROUP": "1000000/min",
            }
        self.sandbox = self.start("prewarm-sandbox", "--listen", "127.0.0.1:0", *options)
        listening = wait_until(
            lambda: "http://" in self.sandbox.out_path.read_text(), "the sandbox's address"
        ) and self.sandbox.out_path.read_text()
        self.sandbox_url = "http://" + listening.split("http://")[1].split()[0].strip('",}/')
        self.env["TELEGRAM_API_URL"] = self.sandbox_url
        run(BIN / "prewarmctl", "migrate", env=self.env)
        run(BIN / "prewarmctl", "topology", env=self.env)
        self.heard = f"{self.prefix}heard"
        quoted = urllib.parse.quote(self.heard, safe="")
        self.management.call("PUT", f"/queues/%2F/{quoted}", {"durable": True})
        self.addCleanup(self._delete_queues)
        media = urllib.parse.quote(f"{self.prefix}media", safe="")
        self.management.call("POST", f"/bindings/%2F/e/{media}/q/{quoted}", {"routing_key": "#"})

    def _end_programs(self):
        failed = not self._outcome.success  # unittest has no public word for it.
        for program in self.programs:
            if program.process.poll() is None:
                program.send(signal.SIGCONT)
                program.process.kill()
                program.process.wait()
            if failed:
                print(f"--- end of the log of {program.name}\n{program.log()[-4000:]}")

    def _delete_queues(self):
        for name in (self.heard, f"{self.prefix}prewarm", f"{self.prefix}prewarm.dlq"):
            with contextlib.suppress(urllib.error.HTTPError):
                self.management.call("DELETE", f"/queues/%2F/{urllib.parse.quote(name, safe='')}")

    def start(self, name, *arguments, **settings):
        program = Program(name, {**self.env, **settings}, *arguments, folder=self.folder)
        self.programs.append(program)
        return program

    def start_consumer(self, **settings):
        consumer = self.start("prewarm-consumer", **settings)
        started = consumer.wait_for_event("service.started")
        consumer.admin = started["admin"]
        return consumer

    # --- objects and events --------------------------------------------------------------

    def put(self, key, content, mime_type="application/octet-stream"):
        """Puts an object into the S3 server, signed without a line of ours. Gives its digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = urllib.parse.quote(f"/{os.environ['R2_BUCKET']}/{key}")
        request = urllib.request.Request(
            os.environ["R2_ENDPOINT"] + path, method="PUT", data=content,
            headers={**signed_headers("PUT", path, digest), "Content-Type": mime_type},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PATIENCE_S):
            return digest

    def event(self, key, digest, kind="document", **more):
        """An upload event in the canonical JSON mapping of protobuf."""
        return {
            "eventId": f"event-{secrets.token_hex(8)}",
            "occurredAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "botSlug": self.bot,
            "sha256": base64.b64encode(bytes.fromhex(digest)).decode(),
            "kind": kind.upper(),
            "r2Key": key,
            **more,
        }

    def publish(self, body, content_type="application/json"):
        """With amqp-publish, a client that is not ours."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        run(
            "amqp-publish", "--url", os.environ["RABBITMQ_URL"], "-p",
            "-e", f"{self.prefix}prewarm", "-r", "prewarm", "-C", content_type, stdin=body,
        )  # fmt: skip

    def publish_upload(self, content, kind="document", **more):
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, content)
        self.publish(self.event(key, digest, kind, **more))
        return digest

    # --- what came of it -----------------------------------------------------------------

    def decode(self, message, body):
        """A protobuf body in protoc's text form."""
        return run(
            "protoc", f"--proto_path={ROOT / 'proto'}", f"--decode=prewarm.v1.{message}",
            "prewarm/v1/events.proto", stdin=body,
        ).stdout.decode()  # fmt: skip

    def next_announcements(self, count):
        heard = []

        def enough():
            heard.extend(self.management.take(self.heard))
            return len(heard) >= count

        wait_until(enough, f"{count} announcements")
        return heard

    def dead_letters(self, count):
        letters = []

        def enough():
            letters.extend(self.management.take(f"{self.prefix}prewarm.dlq"))
            return len(letters) >= count

        wait_until(enough, f"{count} dead letters")
        return letters

    def row(self, digest, kind="document"):
        """Columns of the media's row as text, or None."""
        out = run(
            "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
            "SELECT row_to_json(m) FROM media_cache m WHERE bot_slug = "
            f"'{self.bot}' AND sha256 = '{digest}' AND kind = '{kind}'",
        ).stdout.decode().strip()  # fmt: skip
        return json.loads(out) if out else None

    def wait_ready(self, digest, kind="document"):
        return wait_until(
            lambda: (row := self.row(digest, kind)) and row["status"] == "ready" and row,
            f"{kind} {digest} ready",
        )

    def received(self):
        """What the sandbox says Telegram has received, oldest first."""
        with urllib.request.urlopen(f"{self.sandbox_url}/sandbox/received") as answer:
            return [json.loads(line) for line in answer]

    def sandbox_stats(self):
        with urllib.request.urlopen(f"{self.sandbox_url}/sandbox/stats") as answer:
            return json.load(answer)

    def http(self, consumer, path, method="GET", token=ADMIN_TOKEN):
        """Status, headers and body of a request to a consumer's HTTP server."""
        request = urllib.request.Request(consumer.admin + path, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
