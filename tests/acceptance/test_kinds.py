"""What Telegram makes of a kind is what is recorded and announced, drifting or not."""

import pathlib
import tempfile
import unittest

from harness import ROOT, SAMPLES, Deployment, run

# Asked for, file, what comes back. The service asks for documents to be left as they are, and
# names each file as its kind wants it; what drifts all the same does so by its content.
ROWS = [
    ("photo", "photo.jpg", "photo"),
    ("photo", "small.gif", "photo"),
    ("video", "video.mp4", "video"),
    ("video", "animation.mp4", "video"),
    ("video", "video.mkv", "document"),
    ("video", "video.webm", "document"),
    ("video", "stream.ts", "document"),
    ("animation", "animation.mp4", "animation"),
    ("animation", "small.gif", "animation"),
    ("animation", "video.mp4", "video"),
    ("animation", "video.webm", "document"),
    ("audio", "audio.mp3", "audio"),
    ("audio", "audio.flac", "audio"),
    ("audio", "cover.m4a", "audio"),
    ("audio", "voice.ogg", "voice"),
    ("voice", "voice.ogg", "voice"),
    ("voice", "audio.flac", "audio"),
    ("voice", "photo.jpg", "document"),
    ("video_note", "video_note.mp4", "video_note"),
    ("video_note", "video.mp4", "video"),
    ("document", "document.pdf", "document"),
    ("document", "small.gif", "document"),
    ("document", "sticker.webp", "document"),
    ("document", "animation.mp4", "document"),
    ("document", "audio.mp3", "document"),
    ("sticker", "sticker.webp", "sticker"),
    ("sticker", "video.webm", "document"),
    ("sticker", "photo.jpg", "document"),
]


class KindsThatDrift(Deployment):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            run(ROOT / "tests" / "media" / "make", folder)
            names = {name for _, name, _ in ROWS}
            cls.contents = {
                path.name: path.read_bytes()
                for place in (SAMPLES, pathlib.Path(folder))
                for path in place.iterdir()
                if path.name in names
            }

    def test_each_is_recorded_and_announced_as_what_it_is(self):
        self.start_consumer()
        digests = [
            self.publish_upload(self.contents[name], asked, fileName=name)
            for asked, name, _ in ROWS
        ]
        rows = [self.wait_ready(digest, row[0]) for digest, row in zip(digests, ROWS, strict=True)]
        announced = {}
        for heard in self.next_announcements(len(ROWS)):
            text = self.decode("MediaReady", heard["body"])
            lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            announced[lines["file_id"].strip('"')] = (lines["kind"], lines["actual_kind"])
        for (asked, name, actual), row in zip(ROWS, rows, strict=True):
            with self.subTest(asked=asked, file=name):
                self.assertEqual((row["actual_kind"], row["weak"]), (actual, actual != asked))
                self.assertEqual(announced[row["file_id"]], (asked.upper(), actual.upper()))


if __name__ == "__main__":
    unittest.main()
