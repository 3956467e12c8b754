"""An independently written client of the Bot API takes the sandbox for Telegram."""

import hashlib
import json
import tempfile
import unittest
import warnings

import telegram
from sandbox_process import SAMPLES, SandboxTest

CHANNEL = -1001234567890
TOKEN = "123456789:" + "A" * 35
OTHER_TOKEN = "987654321:" + "B" * 35


class PythonTelegramBot(SandboxTest):
    options = ("--no-limits",)

    def setUp(self):
        # Version 13 is of before Python 3.11.
        warnings.simplefilter("ignore")
        self.bot = self.bot_of(TOKEN)

    def bot_of(self, token):
        return telegram.Bot(token, base_url=self.url + "/bot")

    def assert_received(self, sample):
        last = self.received()[-1]
        content = (SAMPLES / sample).read_bytes()
        self.assertEqual(last["bytes"], len(content))
        self.assertEqual(last["sha256"], hashlib.sha256(content).hexdigest())

    def test_finds_out_who_the_bot_is(self):
        self.assertEqual(self.bot.get_me().id, 123456789)

    def test_sends_every_kind_and_sends_it_again_by_its_file_id(self):
        for kind, sample in {
            "photo": "photo.jpg",
            "video": "video.mp4",
            "animation": "animation.mp4",
            "audio": "audio.mp3",
            "voice": "voice.ogg",
            "video_note": "video_note.mp4",
            "document": "document.pdf",
            "sticker": "sticker.webp",
        }.items():
            with self.subTest(kind):
                send = getattr(self.bot, f"send_{kind}")
                message = send(CHANNEL, (SAMPLES / sample).open("rb"))
                media = message.effective_attachment
                media = media[-1] if isinstance(media, list) else media
                self.assert_received(sample)
                self.assertEqual(message.chat.id, CHANNEL)

                again = send(CHANNEL, media.file_id).effective_attachment
                again = again[-1] if isinstance(again, list) else again
                self.assertEqual(again.file_unique_id, media.file_unique_id)

    def test_sends_an_album(self):
        album = [
            telegram.InputMediaPhoto((SAMPLES / "photo.jpg").open("rb"), caption="first"),
            telegram.InputMediaVideo((SAMPLES / "video.mp4").open("rb"), width=64, height=48),
        ]
        photo, video = self.bot.send_media_group(CHANNEL, album)
        self.assertEqual(photo.media_group_id, video.media_group_id)
        self.assertEqual((photo.caption, video.video.width), ("first", 64))
        self.assertEqual([one["kind"] for one in self.received()[-2:]], ["photo", "video"])

    def test_is_told_which_item_of_an_album_is_wrong(self):
        before = len(self.received())
        album = [
            telegram.InputMediaPhoto((SAMPLES / "photo.jpg").open("rb")),
            telegram.InputMediaPhoto((SAMPLES / "document.pdf").open("rb")),
        ]
        with self.assertRaisesRegex(telegram.error.BadRequest, "(?i)#2 .*IMAGE_PROCESS_FAILED"):
            self.bot.send_media_group(CHANNEL, album)
        self.assertEqual(len(self.received()), before)

    def test_gets_another_kind_than_it_asked_for(self):
        animation = self.bot.send_document(CHANNEL, (SAMPLES / "animation.mp4").open("rb"))
        self.assertEqual(animation.animation.file_id, animation.document.file_id)
        sticker = self.bot.send_document(CHANNEL, (SAMPLES / "sticker.webp").open("rb"))
        self.assertEqual((sticker.sticker.width, sticker.document), (512, None))
        voice = self.bot.send_audio(CHANNEL, (SAMPLES / "voice.ogg").open("rb"))
        self.assertIsNone(voice.audio)
        self.assertIsNotNone(voice.voice)
        forced = self.bot.send_document(
            CHANNEL,
            (SAMPLES / "sticker.webp").open("rb"),
            disable_content_type_detection=True,
        )
        self.assertIsNone(forced.sticker)

    def test_declares_what_a_video_is(self):
        message = self.bot.send_video(
            CHANNEL,
            (SAMPLES / "video.mp4").open("rb"),
            width=640,
            height=480,
            duration=3,
            thumb=(SAMPLES / "photo.jpg").open("rb"),
            supports_streaming=True,
        )
        self.assertEqual((message.video.width, message.video.height), (640, 480))
        self.assertEqual(message.video.duration, 3)
        self.assertEqual(message.video.thumb.file_size, (SAMPLES / "photo.jpg").stat().st_size)
        self.assertNotEqual(message.video.thumb.file_id, message.video.file_id)

    def test_is_refused_another_bots_file_id(self):
        sent = self.bot.send_document(CHANNEL, (SAMPLES / "document.pdf").open("rb"))
        with self.assertRaisesRegex(telegram.error.BadRequest, "(?i)wrong file identifier"):
            self.bot_of(OTHER_TOKEN).send_document(CHANNEL, sent.document.file_id)

    def test_forwards_to_get_an_id_of_its_own(self):
        sent = self.bot.send_document(CHANNEL, (SAMPLES / "document.pdf").open("rb"))
        other = self.bot_of(OTHER_TOKEN)
        forwarded = other.forward_message(42, CHANNEL, sent.message_id)
        self.assertEqual(forwarded.document.file_unique_id, sent.document.file_unique_id)
        other.send_document(42, forwarded.document.file_id)

    def test_deletes_and_gets_files(self):
        sent = self.bot.send_document(CHANNEL, (SAMPLES / "document.pdf").open("rb"))
        file = self.bot.get_file(sent.document.file_id)
        self.assertEqual(file.file_size, sent.document.file_size)
        self.assertTrue(self.bot.delete_message(CHANNEL, sent.message_id))
        with self.assertRaisesRegex(telegram.error.BadRequest, "(?i)message to delete not found"):
            self.bot.delete_message(CHANNEL, sent.message_id)

    def test_understands_refusals(self):
        with self.assertRaisesRegex(telegram.error.BadRequest, "(?i)chat not found"):
            self.bot.send_photo("@nobody", (SAMPLES / "photo.jpg").open("rb"))


class ListedBots(SandboxTest):
    @classmethod
    def setUpClass(cls):
        cls.bots = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump({"main": {"token": TOKEN, "storage_chats": [CHANNEL]}}, cls.bots)
        cls.bots.flush()
        cls.options = ("--bots", cls.bots.name)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.bots.close()

    def test_refuses_others(self):
        self.assertEqual(telegram.Bot(TOKEN, base_url=self.url + "/bot").get_me().id, 123456789)
        with self.assertRaises(telegram.error.Unauthorized):
            telegram.Bot(OTHER_TOKEN, base_url=self.url + "/bot").get_me()


if __name__ == "__main__":
    unittest.main()
