"""Scripted faults: how they are given, shown, counted and taken away."""

import http.client
import json
import socket
import subprocess
import tempfile
import unittest

from sandbox_process import BIN, SandboxTest

CHANNEL = -1001234567890
RESTART = {"side": "telegram", "status": 500, "description": "Internal Server Error: restart"}


class FaultsTest(SandboxTest):
    options = ("--no-limits",)

    def put(self, rules):
        status, _, body = self.request("PUT", "/sandbox/faults", json.dumps(rules))
        self.assertEqual((status, body), (204, b""))

    def post(self):
        return self.call("sendDocument", {"document": ("a.bin", b"x")}, chat_id=CHANNEL)


class FromAFile(FaultsTest):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(json.dumps([{**RESTART, "times": 1}]))
            file.flush()
            cls.options = ("--no-limits", "--faults", file.name)
            super().setUpClass()

    def test_they_are_played_from_the_start(self):
        status, _, answer = self.post()
        self.assertEqual((status, answer["description"]), (500, RESTART["description"]))
        self.assertEqual(self.post()[0], 200)


class Faults(FaultsTest):
    def test_are_counted_and_shown_and_taken_away(self):
        rules = [{**RESTART, "name": "restart", "times": 1}]
        self.put(rules)
        self.post()
        self.post()
        count = {"rule": 1, "matched": 2, "played": 1, "name": "restart"}
        self.assertEqual(self.stats()["faults"], [count])
        shown = self.get_json_lines("/sandbox/faults")[0]
        self.assertEqual(shown, rules)
        self.put(shown)
        self.assertEqual(self.stats()["faults"][0]["played"], 0)
        self.assertEqual(self.request("DELETE", "/sandbox/faults")[0], 204)
        self.assertEqual(self.get_json_lines("/sandbox/faults")[0], [])
        self.assertEqual(self.stats()["faults"], [])

    def test_wrong_rules_are_refused_and_change_nothing(self):
        self.put([RESTART])
        wrong = [RESTART, {"side": "telegram", "status": "500"}]
        status, _, body = self.request("PUT", "/sandbox/faults", json.dumps(wrong))
        self.assertEqual(status, 400)
        error = json.loads(body)["error"]
        self.assertEqual(error["code"], "INVALID_FAULTS")
        self.assertIn('rule 2: "status" must be a whole number', error["message"])
        self.assertEqual(self.get_json_lines("/sandbox/faults")[0], [RESTART])
        self.assertEqual(self.request("POST", "/sandbox/faults")[0], 405)

    def test_a_wrong_file_is_wrong_usage(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('[{"side": "r2", "cut": -1}]')
            file.flush()
            done = subprocess.run(
                [BIN / "prewarm-sandbox", "--listen", "127.0.0.1:0", "--faults", file.name],
                capture_output=True,
                timeout=60,
            )
        self.assertEqual(done.returncode, 2)
        self.assertIn(b'rule 1: "cut" must be a whole number from 0', done.stderr)

    def test_a_page_takes_the_place_of_json(self):
        page = "<html>502 Bad Gateway</html>"
        self.put([{"side": "telegram", "status": 502, "body": page, "content_type": "text/html"}])
        status, headers, body = self.request("POST", "/bot1:a/getMe")
        self.assertEqual((status, headers["Content-Type"], body), (502, "text/html", page.encode()))

    def test_an_answer_gets_lost_after_the_message_was_posted(self):
        for rule, error in (
            ({"lose_answer": True}, http.client.RemoteDisconnected),
            ({"reset": "after"}, ConnectionResetError),
        ):
            with self.subTest(rule):
                before = len(self.received())
                self.put([{"side": "telegram", "method": "sendDocument", **rule}])
                with self.assertRaises(error) as raised:
                    self.post()
                self.assertIs(type(raised.exception), error)
                self.assertEqual(len(self.received()), before + 1)

    def test_an_upload_is_reset_before_its_end(self):
        for when in ("before", "middle"):
            with self.subTest(when):
                self.put([{"side": "telegram", "reset": when}])
                before = len(self.received())
                with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                    self.call(
                        "sendDocument", {"document": ("a.bin", bytes(20_000_000))}, chat_id=CHANNEL
                    )
                self.assertEqual(len(self.received()), before)

    def test_an_answer_drips(self):
        self.put([{"side": "telegram", "drip_ms": 1}])
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(f"GET /bot123456789:{'A' * 35}/getMe HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            pieces = []
            while not b"".join(pieces).endswith(b"}}"):
                pieces.append(connection.recv(65536))
        self.assertGreater(len(pieces), 20)


if __name__ == "__main__":
    unittest.main()
