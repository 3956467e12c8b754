"""The gate itself: each of its faults really happens."""

import contextlib
import errno
import socket
import socketserver
import threading
import time
import unittest

from gate import DOWN, UP, Gate


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while received := self.request.recv(65536):
                self.server.received += received
                self.request.sendall(received)
        self.server.ended.set()


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Echo)
        self.received = b""
        self.ended = threading.Event()


class ThroughAGate(unittest.TestCase):
    def setUp(self):
        self.server = EchoServer()
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)
        self.gate = Gate(*self.server.server_address)
        self.addCleanup(self.gate.close)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.gate.port), timeout=10)
        self.addCleanup(client.close)
        return client

    def connected(self):
        """A connection that is known to reach the server."""
        client = self.connect()
        self.assertEqual(self.ask(client, b"hello"), b"hello")
        return client

    @staticmethod
    def ask(client, text):
        client.sendall(text)
        return client.recv(65536)

    def assert_silent(self, client, seconds=0.3):
        client.settimeout(seconds)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.settimeout(10)

    def test_open_passes_both_ways_and_counts(self):
        self.connected()
        self.assertEqual(self.gate.passed_bytes, {UP: 5, DOWN: 5})
        self.assertEqual(self.gate.connections, 1)

    def test_cut_ends_connections_and_refuses_new_ones_until_open(self):
        client = self.connected()
        self.gate.cut()
        self.assertEqual(client.recv(1), b"")
        self.assertTrue(self.server.ended.wait(10))
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.gate.open()
        self.connected()

    def test_stall_takes_connections_and_passes_nothing_until_open(self):
        client = self.connected()
        self.gate.stall()
        client.sendall(b"held")
        self.assert_silent(client)
        new = self.connect()
        new.sendall(b"held too")
        self.assert_silent(new)
        self.assertEqual(self.server.received, b"hello")
        self.gate.open()
        self.assertEqual(client.recv(100), b"held")
        self.assertEqual(new.recv(100), b"held too")

    def test_stall_of_one_direction_lets_the_request_through(self):
        client = self.connected()
        self.gate.stall(DOWN)
        client.sendall(b"request")
        self.assert_silent(client)
        self.assertEqual(self.server.received, b"hellorequest")

    def test_delay_holds_each_direction_and_does_not_add_up(self):
        client = self.connected()
        self.gate.delay(100)
        began = time.monotonic()
        self.assertEqual(self.ask(client, b"slow"), b"slow")
        self.assertGreaterEqual(time.monotonic() - began, 0.2)
        began = time.monotonic()
        received = b""
        for number in range(10):
            client.sendall(bytes([number]))
            time.sleep(0.01)
        while len(received) < 10:
            received += client.recv(100)
        self.assertLess(time.monotonic() - began, 10 * 0.2)

    def test_reset_is_seen_as_one_by_old_and_new_connections(self):
        client = self.connected()
        self.gate.reset()
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        with self.assertRaises(OSError) as raised:
            new = self.connect()
            new.sendall(b"x")
            new.recv(1)
        self.assertIn(raised.exception.errno, (errno.ECONNRESET, errno.EPIPE))
        self.gate.open()
        self.connected()

    def test_cut_after_counts_bytes_exactly_and_cuts_once(self):
        client = self.connected()
        self.gate.cut_after(3, DOWN)
        client.sendall(b"abcdef")
        received = b""
        while more := client.recv(100):
            received += more
        self.assertEqual(received, b"abc")
        self.assertTrue(self.gate.wait_for_cut(10))
        self.connected()

    def test_cut_after_of_what_is_sent_reaches_the_server_in_part(self):
        client = self.connected()
        self.gate.cut_after(2, UP)
        client.sendall(b"abcdef")
        self.assertTrue(self.server.ended.wait(10))
        self.assertEqual(self.server.received, b"helloab")

    def test_an_absent_server_ends_the_connection(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            gate = Gate(*nobody.getsockname())
            self.addCleanup(gate.close)
            client = socket.create_connection(("127.0.0.1", gate.port), timeout=10)
            self.addCleanup(client.close)
            self.assertEqual(client.recv(1), b"")

    def test_the_url_keeps_everything_but_host_and_port(self):
        self.assertEqual(
            self.gate.url("amqp://user:pass@example.org:5672/%2F?x=1"),
            f"amqp://user:pass@127.0.0.1:{self.gate.port}/%2F?x=1",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
