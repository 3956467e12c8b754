"""An independently written client of S3, which signs in its own way, takes the sandbox for R2."""

import datetime
import hashlib
import tempfile
import unittest
import unittest.mock
import urllib.error
import urllib.request

import botocore.auth
import botocore.session
from botocore.client import Config
from botocore.exceptions import ClientError
from sandbox_process import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, SandboxTest

AWKWARD_KEYS = (
    "plain.jpg",
    "with space.jpg",
    "plus+equals=percent%.jpg",
    "percent%20encoded%2F",
    "a//b///c",
    "trailing/",
    "dot/./dot",
    "up/../../../../etc/passwd",
    "..",
    "!'()*$,;:@&=~[]{}|\\^`\"<>#?",
    "Übergröße/日本語/🙂.mp4",
    "k" * 1024,
    "ü" * 512,
    "sandbox/received",
    "bot123456789:" + "A" * 35 + "/getMe",
)


class BotocoreTest(SandboxTest):
    def client(self, secret=SECRET_ACCESS_KEY, **config):
        client = botocore.session.Session().create_client(
            "s3",
            region_name="auto",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=secret,
            config=Config(
                s3={"addressing_style": "path", **config},
                signature_version="s3v4",
                retries={"max_attempts": 0},
                proxies={},
            ),
        )
        self.addCleanup(client.close)
        return client


class Botocore(BotocoreTest):
    def assert_refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as refused:
            call(Bucket=BUCKET, **arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)

    def test_puts_and_gets_under_any_key(self):
        s3 = self.client()
        for key in AWKWARD_KEYS:
            with self.subTest(key):
                body = key.encode() * 3
                put = s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="x/y")
                self.assertEqual(put["ETag"], f'"{hashlib.md5(body).hexdigest()}"')
                got = s3.get_object(Bucket=BUCKET, Key=key)
                self.assertEqual(got["Body"].read(), body)
                self.assertEqual(got["ETag"], put["ETag"])
                self.assertEqual(got["ContentType"], "x/y")
                head = s3.head_object(Bucket=BUCKET, Key=key)
                self.assertEqual(head["ContentLength"], len(body))
                s3.delete_object(Bucket=BUCKET, Key=key)
                self.assert_refused("NoSuchKey", s3.get_object, Key=key)

    def test_reads_presigned_urls_of_any_key(self):
        s3 = self.client()
        for key in AWKWARD_KEYS:
            with self.subTest(key):
                s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
                url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key}, 60)
                with urllib.request.urlopen(url) as answer:
                    self.assertEqual(answer.read(), key.encode())

    def test_refuses_presigned_urls_that_were_changed_or_have_expired(self):
        s3 = self.client()
        s3.put_object(Bucket=BUCKET, Key="a", Body=b"a")
        good = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "a"}, 60)
        for changed, status in (
            (good.replace("/a?", "/b?"), 403),
            (good.replace("Expires=60", "Expires=600"), 403),
            (good.replace("127.0.0.1", "localhost"), 403),
            (good.replace("Expires=60", "Expires=604801"), 400),
        ):
            with self.subTest(changed), self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(changed)
            self.assertEqual(refused.exception.code, status)
            refused.exception.close()

    def test_signs_the_content_or_not(self):
        for signed in (True, False):
            s3 = self.client(payload_signing_enabled=signed)
            s3.put_object(Bucket=BUCKET, Key="signed", Body=b"content")

    def test_reads_ranges(self):
        s3 = self.client()
        s3.put_object(Bucket=BUCKET, Key="r", Body=b"0123456789")
        for wanted, content in (("bytes=0-3", b"0123"), ("bytes=7-", b"789"), ("bytes=-2", b"89")):
            got = s3.get_object(Bucket=BUCKET, Key="r", Range=wanted)
            self.assertEqual(got["Body"].read(), content)
            self.assertEqual(got["ResponseMetadata"]["HTTPStatusCode"], 206)
        self.assert_refused("InvalidRange", s3.get_object, Key="r", Range="bytes=10-")

    def test_reads_the_version_it_knows_only(self):
        s3 = self.client()
        etag = s3.put_object(Bucket=BUCKET, Key="v", Body=b"old")["ETag"]
        s3.get_object(Bucket=BUCKET, Key="v", IfMatch=etag)
        s3.put_object(Bucket=BUCKET, Key="v", Body=b"new")
        self.assert_refused("PreconditionFailed", s3.get_object, Key="v", IfMatch=etag)

    def test_keeps_metadata(self):
        s3 = self.client()
        s3.put_object(Bucket=BUCKET, Key="m", Body=b"", Metadata={"colour": "red"})
        self.assertEqual(s3.head_object(Bucket=BUCKET, Key="m")["Metadata"], {"colour": "red"})

    def test_refuses_a_wrong_secret(self):
        self.assert_refused("SignatureDoesNotMatch", self.client("wrong").get_object, Key="a")

    def test_refuses_another_bucket(self):
        with self.assertRaises(ClientError) as refused:
            self.client().get_object(Bucket="other", Key="a")
        self.assertEqual(refused.exception.response["Error"]["Code"], "NoSuchBucket")

    def test_refuses_a_clock_that_is_off(self):
        late = datetime.datetime.utcnow() + datetime.timedelta(minutes=16)
        with unittest.mock.patch.object(botocore.auth.datetime, "datetime", wraps=datetime.datetime) as clock:
            clock.utcnow.return_value = late
            self.assert_refused("RequestTimeTooSkewed", self.client().get_object, Key="a")


class KeptObjects(BotocoreTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.options = ("--data", cls.folder.name)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.folder.cleanup()

    def test_are_there_after_a_restart(self):
        self.client().put_object(Bucket=BUCKET, Key="kept", Body=b"content")
        super().tearDownClass()
        super().setUpClass()
        got = self.client().get_object(Bucket=BUCKET, Key="kept")
        self.assertEqual(got["Body"].read(), b"content")


if __name__ == "__main__":
    unittest.main()
