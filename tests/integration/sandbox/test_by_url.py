"""Files that the sandbox is asked to fetch itself: from its own R2, and from a server beside it."""

import contextlib
import http.server
import threading
import unittest

import botocore.session
from botocore.client import Config
from sandbox_process import ACCESS_KEY_ID, BUCKET, SAMPLES, SECRET_ACCESS_KEY, SandboxTest

CHANNEL = -1001234567890


class Server(http.server.ThreadingHTTPServer):
    """Answers each path with what `pages` has for it, and counts."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = {}
        self.asked = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, mime_type, content = self.server.pages[self.path]
        self.send_response(status)
        self.send_header("Content-Type", mime_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class ByUrl(SandboxTest):
    options = ("--no-limits",)

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)

    def serve(self, path, mime_type, content, status=200):
        self.server.pages[path] = (status, mime_type, content)
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve_sample(self, name, mime_type):
        return self.serve(f"/{name}", mime_type, (SAMPLES / name).read_bytes())

    def post(self, kind, url):
        method = "send" + kind.replace("_", "")
        return self.call(method, chat_id=CHANNEL, **{kind: url})[2]

    def assert_refused(self, kind, url, text):
        self.assertEqual(self.post(kind, url).get("description"), f"Bad Request: {text}")

    def test_presigned_objects_are_fetched(self):
        s3 = botocore.session.Session().create_client(
            "s3",
            region_name="auto",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4", proxies={}),
        )
        self.addCleanup(s3.close)
        content = (SAMPLES / "photo.jpg").read_bytes()
        s3.put_object(Bucket=BUCKET, Key="a b/p.jpg", Body=content, ContentType="image/jpeg")
        named = {"Bucket": BUCKET, "Key": "a b/p.jpg"}
        url = s3.generate_presigned_url("get_object", named, 60)
        self.assertIn("photo", self.post("photo", url)["result"])
        self.assertEqual(self.received()[-1]["bytes"], len(content))
        self.assertEqual(self.received()[-1]["file_name"], "p.jpg")
        self.assert_refused(
            "photo", url.replace("Expires=60", "Expires=61"), "failed to get HTTP URL content"
        )

    def test_the_kind_is_the_servers_affair(self):
        silent = self.serve_sample("animation.mp4", "video/mp4")
        self.assertIn("animation", self.post("video", silent)["result"])
        document = self.serve_sample("document.pdf", "application/pdf")
        self.assertIn("document", self.post("audio", document)["result"])
        unknown = self.serve("/unknown.mp4", "application/octet-stream", b"x")
        self.assert_refused("video", unknown, "wrong type of the web page content")

    def test_a_failure_is_remembered_as_well_as_a_success(self):
        url = self.serve("/later.jpg", "image/jpeg", b"", status=404)
        self.assert_refused("photo", url, "failed to get HTTP URL content")
        self.serve("/later.jpg", "image/jpeg", (SAMPLES / "photo.jpg").read_bytes())
        self.assert_refused("photo", url, "failed to get HTTP URL content")
        self.assertEqual(self.server.asked, ["/later.jpg"])
        self.server.pages["/later.jpg?2"] = self.server.pages["/later.jpg"]
        self.assertIn("photo", self.post("photo", url + "?2")["result"])

    def test_files_are_too_large_from_5_and_20_megabytes_on(self):
        jpeg = (SAMPLES / "photo.jpg").read_bytes()
        large = self.serve("/large.jpg", "image/jpeg", jpeg.ljust(5_000_001, b"\0"))
        self.assert_refused("photo", large, "failed to get HTTP URL content")
        self.assertIn("document", self.post("document", large)["result"])
        pdf = (SAMPLES / "document.pdf").read_bytes()
        larger = self.serve("/large.pdf", "application/pdf", pdf.ljust(20_000_001, b"\0"))
        self.assert_refused("document", larger, "failed to get HTTP URL content")


if __name__ == "__main__":
    unittest.main()
