"""Memory stays flat, whatever the size; what breaks off leaves nothing."""

import hashlib
import http.client
import json
import socket
import time
import unittest
import urllib.parse

from sandbox_process import SandboxTest

TOKEN = "123456789:" + "A" * 35
MEGABYTE = 1024 * 1024

HEAD = (
    b'--X\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n5\r\n'
    b'--X\r\nContent-Disposition: form-data; name="document"; filename="a.bin"\r\n\r\n'
)
TAIL = b"\r\n--X--\r\n"


def pieces_of(size):
    """Bytes in which no piece is like another."""
    for number in range(size // MEGABYTE):
        yield number.to_bytes(4, "big") * (MEGABYTE // 4)


class UploadTest(SandboxTest):
    def connect(self):
        address = urllib.parse.urlsplit(self.url)
        return socket.create_connection((address.hostname, address.port), timeout=60)

    def begin_upload(self, connection, size):
        connection.sendall(
            f"POST /bot{TOKEN}/sendDocument HTTP/1.1\r\nHost: x\r\n"
            "Content-Type: multipart/form-data; boundary=X\r\n"
            f"Content-Length: {len(HEAD) + size + len(TAIL)}\r\n\r\n".encode()
            + HEAD
        )

class Streaming(UploadTest):
    options = ("--telegram-local",)

    def test_takes_an_upload_of_200_megabytes_with_flat_memory(self):
        size = 200 * MEGABYTE
        digest = hashlib.sha256()
        with self.connect() as connection:
            self.begin_upload(connection, size)
            before = self.peak_memory()
            for piece in pieces_of(size):
                digest.update(piece)
                connection.sendall(piece)
            connection.sendall(TAIL)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            message = json.load(answer)["result"]
        self.assertEqual(message["document"]["file_size"], size)
        self.assertEqual(self.received()[-1]["sha256"], digest.hexdigest())
        self.assertLess(self.peak_memory() - before, 16 * MEGABYTE)

    def test_takes_a_chunked_upload(self):
        with self.connect() as connection:
            connection.sendall(
                f"POST /bot{TOKEN}/sendDocument HTTP/1.1\r\nHost: x\r\n"
                "Content-Type: multipart/form-data; boundary=X\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            for piece in (HEAD, b"content", TAIL):
                connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            self.assertEqual(json.load(answer)["result"]["document"]["file_size"], 7)

    def test_posts_nothing_of_an_upload_that_breaks_off(self):
        before = len(self.received())
        aborted = self.stats()["telegram"]["aborted_uploads"]
        with self.connect() as connection:
            self.begin_upload(connection, MEGABYTE)
            connection.sendall(b"x" * 1000)
        while self.stats()["telegram"]["aborted_uploads"] == aborted:
            time.sleep(0.01)
        self.assertEqual(len(self.received()), before)
        self.assertEqual(self.stats()["telegram"]["at_once"]["now"], 0)


class CloudLimits(UploadTest):
    def test_refuses_more_than_50_megabytes_before_they_are_sent(self):
        with self.connect() as connection:
            self.begin_upload(connection, 50 * MEGABYTE)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            self.assertEqual(answer.status, 413)
            self.assertEqual(answer.headers["Connection"], "close")
            self.assertEqual(json.load(answer)["description"], "Request Entity Too Large")


class ServiceTime(SandboxTest):
    options = (
        *("--telegram-latency-ms", "200"),
        *("--r2-latency-ms", "200"),
        *("--telegram-bytes-per-second", "100000"),
    )

    def seconds_of(self, request, *arguments, **options):
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        began = time.monotonic()
        connection.request(request, *arguments, **options)
        connection.getresponse().read()
        connection.close()
        return time.monotonic() - began

    def test_is_at_least_what_was_asked_for(self):
        self.assertGreaterEqual(self.seconds_of("GET", "/media-production/a"), 0.2)
        upload = self.seconds_of(
            "POST",
            f"/bot{TOKEN}/sendDocument",
            body=HEAD + b"x" * 50_000 + TAIL,
            headers={"Content-Type": "multipart/form-data; boundary=X"},
        )
        self.assertGreaterEqual(upload, 0.7)


if __name__ == "__main__":
    unittest.main()
