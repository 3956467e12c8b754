"""Telegram's limits: they hold, they say what was too much, and each can be switched off."""

import concurrent.futures
import unittest

from sandbox_process import SandboxTest, token_of

CHANNEL = -1001234567890
PERSON = 77


class LimitsTest(SandboxTest):
    def post(self, chat, bytes_=1, **options):
        document = {"document": ("a.bin", b"x" * bytes_)}
        return self.call("sendDocument", document, chat_id=chat, **options)

    def assert_flood(self, answered, limit):
        status, headers, answer = answered
        self.assertEqual(status, 429)
        wait = answer["parameters"]["retry_after"]
        self.assertGreaterEqual(wait, 1)
        self.assertEqual(answer["description"], f"Too Many Requests: retry after {wait}")
        self.assertEqual(headers["Retry-After"], str(wait))
        self.assertGreater(self.stats()["violations"][limit], 0)
        return wait


class Group(LimitsTest):
    def test_a_channel_takes_twenty_messages_a_minute_and_asks_for_more_time_when_ignored(self):
        for _ in range(20):
            self.assertEqual(self.post(CHANNEL)[0], 200)
        wait = self.assert_flood(self.post(CHANNEL), "group")
        self.assertLessEqual(wait, 60)
        self.assertEqual(self.assert_flood(self.post(CHANNEL), "group"), 2 * wait)
        self.assertEqual(self.stats()["violations"], {"group": 2})
        self.assertEqual(self.post(CHANNEL - 1)[0], 200)
        self.assertEqual(len(self.received()), 21)


class Chat(LimitsTest):
    options = ("--limit-chat", "0.01")

    def test_a_person_takes_a_burst_of_five(self):
        for _ in range(5):
            self.assertEqual(self.post(PERSON)[0], 200)
        self.assert_flood(self.post(PERSON), "chat")


class Bot(LimitsTest):
    options = ("--limit-bot", "2")

    def test_a_bot_sends_so_many_messages_a_second_to_all_chats_together(self):
        answers = [self.post(chat) for chat in range(100, 140)]
        self.assert_flood(next(one for one in answers if one[0] == 429), "bot")


class UploadBytes(LimitsTest):
    options = ("--limit-upload-bytes", "1000")

    def test_a_bot_uploads_so_many_bytes_at_once(self):
        self.assertEqual(self.post(PERSON)[0], 200)
        self.assertEqual(self.assert_flood(self.post(PERSON, 2000), "bytes"), 60)


class AtOnce(LimitsTest):
    def assert_one_of_two_is_too_much(self, limit):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            taken, refused = sorted(pool.map(self.post, (PERSON, PERSON)), key=lambda one: one[0])
        self.assertEqual(taken[0], 200)
        self.assertEqual(self.assert_flood(refused, limit), 60)


class Requests(AtOnce):
    options = ("--limit-requests", "1", "--telegram-latency-ms", "1000")

    def test_a_bot_asks_so_much_at_once(self):
        self.assert_one_of_two_is_too_much("requests")


class Unsent(AtOnce):
    options = ("--limit-unsent", "1", "--telegram-latency-ms", "1000")

    def test_so_much_is_on_its_way_to_a_chat(self):
        self.assert_one_of_two_is_too_much("unsent")


class Sessions(LimitsTest):
    options = ("--limit-sessions", "2")

    def test_so_many_tokens_are_new_in_a_minute(self):
        for bot in (1, 2, 1):
            self.assertEqual(self.post(PERSON, token=token_of(bot))[0], 200)
        self.assertLessEqual(self.assert_flood(self.post(PERSON, token=token_of(3)), "sessions"), 60)


class SwitchedOff(LimitsTest):
    options = (
        *("--limit-bot", "0"),
        *("--limit-chat", "0"),
        *("--limit-group", "0"),
        *("--limit-uploads", "0"),
        *("--limit-upload-bytes", "0"),
        *("--limit-requests", "0"),
        *("--limit-unsent", "0"),
        *("--limit-sessions", "0"),
        "--no-same-size",
    )

    def test_each_limit_can_be_switched_off(self):
        for _ in range(60):
            self.assertEqual(self.post(CHANNEL)[0], 200)
            self.assertEqual(self.post(PERSON, 200_000)[0], 200)
        self.assertEqual(self.stats()["violations"], {})


if __name__ == "__main__":
    unittest.main()
