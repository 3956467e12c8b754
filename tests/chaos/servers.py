"""Servers of a scenario's own, because it kills them."""

import os
import pathlib
import shlex
import signal
import tempfile

from acceptance import ROOT, run, wait_until


class PrivateStack:
    """`scripts/stack` in a folder of its own."""

    def __init__(self):
        self._parent = tempfile.TemporaryDirectory(prefix="prewarm-chaos-")
        os.chmod(self._parent.name, 0o711)  # PostgreSQL's user must get through.
        self._folder = pathlib.Path(self._parent.name) / "stack"
        try:
            self.up()
        except BaseException:
            self.down()
            raise

    def _stack(self, command):
        return run(ROOT / "scripts" / "stack", command, "--dir", self._folder).stdout.decode()

    def up(self):
        """Starts what does not run, with the data that it had."""
        self._stack("up")

    def down(self):
        self._stack("down")
        self._parent.cleanup()

    def environment(self):
        """What `scripts/stack env` exports."""
        words = shlex.split(self._stack("env"))
        return dict(word.split("=", 1) for word in words if "=" in word)

    def kill(self, name):
        pid = int((self._folder / f"{name}.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self._runs(pid), f"the end of {name}")

    @staticmethod
    def _runs(pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"
