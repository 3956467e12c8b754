"""A prewarm-sandbox of a test's own, on a port that the system picks."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import unittest
import urllib.parse
import urllib.request

BIN = pathlib.Path(os.environ["PREWARM_BIN"])
SAMPLES = pathlib.Path(__file__).parents[2] / "samples"

ACCESS_KEY_ID = "test-access-key"
SECRET_ACCESS_KEY = "test-secret-key"
BUCKET = "media-production"


def token_of(bot):
    return f"{bot}:" + "A" * 35


TOKEN = token_of(123456789)


class SandboxTest(unittest.TestCase):
    """Starts the sandbox with `options` before all tests of a class."""

    options = ()

    @classmethod
    def setUpClass(cls):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("R2_", "LOG_"))
        }
        cls.process = subprocess.Popen(
            [
                BIN / "prewarm-sandbox",
                *("--listen", "127.0.0.1:0"),
                *("--access-key-id", ACCESS_KEY_ID),
                *("--secret-access-key", SECRET_ACCESS_KEY),
                *cls.options,
            ],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.url = cls.process.stdout.readline().split()[-1]

    @classmethod
    def tearDownClass(cls):
        cls.process.send_signal(signal.SIGTERM)
        status = cls.process.wait(timeout=20)
        cls.process.stdout.close()
        if status != 0:
            raise AssertionError(f"prewarm-sandbox ended with {status}")

    def get_json_lines(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def received(self):
        return self.get_json_lines("/sandbox/received")

    def stats(self):
        return self.get_json_lines("/sandbox/stats")[0]

    def request(self, method, path, body=None, headers=()):
        """Status, headers and body, whatever the status."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method, files=None, token=TOKEN, **fields):
        """Status, headers and answer of a Bot API method; `files` are {field: (name, content)}."""
        parts = [
            f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for field, (name, content) in (files or {}).items():
            head = f'--X\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
            parts.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
        status, headers, body = self.request(
            "POST",
            f"/bot{token}/{method}",
            b"".join(parts) + b"--X--\r\n",
            {"Content-Type": "multipart/form-data; boundary=X"},
        )
        return status, headers, json.loads(body)

    def peak_memory(self):
        """Bytes, since the process began."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
