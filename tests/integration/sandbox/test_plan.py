"""`prewarm-sandbox plan`: how long many media take, and which limit binds."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from sandbox_process import BIN


class PlanTest(unittest.TestCase):
    def run_plan(self, *arguments):
        return subprocess.run(
            [BIN / "prewarm-sandbox", "plan", *arguments], capture_output=True, text=True
        )

    def plan(self, *arguments):
        done = self.run_plan("--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def sizes_file(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".txt")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return pathlib.Path(file.name)

    def refused(self, *arguments):
        done = self.run_plan(*arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout, "")
        return done.stderr


class Plans(PlanTest):
    def test_few_chats_are_what_binds(self):
        # Twenty to each of them in any minute: the last ones in the thirteenth.
        made = self.plan("--media", "10000", "--chats", "40")
        self.assertEqual(made["binding_limit"], "group")
        self.assertGreater(made["seconds"], 12 * 60)
        self.assertLess(made["seconds"], 12.5 * 60)

    def test_with_enough_chats_the_bots_rate_is_reached(self):
        made = self.plan("--media", "6000", "--chats", "120")
        self.assertAlmostEqual(made["media_per_minute"], 1800, delta=20)

    def test_two_bots_are_twice_as_fast(self):
        one = self.plan("--media", "6000", "--chats", "120")
        two = self.plan("--media", "6000", "--chats", "120", "--bots", "2", "--at-once", "64")
        self.assertAlmostEqual(two["seconds"], one["seconds"] / 2, delta=2)

    def test_objects_of_one_size_wait_for_each_other(self):
        sizes = self.sizes_file("1500000\n" * 200)
        made = self.plan("--sizes", sizes, "--chats", "40")
        self.assertEqual(made["binding_limit"], "same_size")
        self.assertAlmostEqual(made["seconds"], 200 * 0.2, delta=2)
        self.assertLess(self.plan("--sizes", sizes, "--chats", "40", "--local")["seconds"], 20)

    def test_it_tells_people_what_helps(self):
        told = self.run_plan("--media", "100", "--chats", "1").stdout
        self.assertIn("100 media: 4 min", told)
        self.assertIn("more chats help", told)


class Misuse(PlanTest):
    def test_sizes_that_are_none_are_named(self):
        chats = ("--chats", "40")
        for text, said in (
            ("", "is empty"),
            ("1000\n-5\n", "line 2 is no size in bytes, such as 120000: `-5`"),
            ("1000\n60000000\n", "line 2: "),
        ):
            with self.subTest(said):
                self.assertIn(said, self.refused("--sizes", self.sizes_file(text), *chats))
        self.assertIn("No such file", self.refused("--sizes", "/nowhere", *chats))
        self.assertEqual(self.run_plan("--sizes", self.sizes_file("60000000"), "--local").returncode, 0)

    def test_numbers_that_are_none_are_named(self):
        self.assertIn("--media", self.refused("--chats", "40"))
        for option in ("--rate-bot", "--rate-group", "--media", "--chats"):
            with self.subTest(option):
                said = self.refused("--media", "5", option, "30/s")
                self.assertIn(option, said)
                self.assertIn("must be a number from", said)
                self.assertIn("not `30/s`", said)


if __name__ == "__main__":
    unittest.main()
