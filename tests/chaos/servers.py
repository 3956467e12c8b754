"""Servers of a scenario's own, because it kills them."""

import contextlib
import http.client
import os
import pathlib
import random
import secrets
import shlex
import signal
import socket
import subprocess
import tempfile
import unittest.mock

from acceptance import ROOT, Management, run, wait_until


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
        self.send(name, signal.SIGKILL)
        wait_until(lambda: not self._runs(self._pid(name)), f"the end of {name}")

    def send(self, name, number):
        os.kill(self._pid(name), number)

    def _pid(self, name):
        return int((self._folder / f"{name}.pid").read_text())

    def rabbitmqctl(self, *arguments):
        lines = (self._folder / "ports").read_text().splitlines()
        ports = dict(line.split("=") for line in lines)
        home = self._folder / "rabbitmq"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8",
            "ERL_INETRC": str(home / "inetrc"), "ERL_EPMD_PORT": ports["EPMD_PORT"],
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
        }  # fmt: skip
        run("/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", *arguments, env=environment)

    @staticmethod
    def _runs(pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"


def free_ports(count):
    """From below those that the kernel gives to outgoing connections at any moment."""
    ports = []
    for port in random.sample(range(20000, 32000), 2000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError(f"no {count} free ports")


class Cluster:
    """Three RabbitMQ nodes on this machine."""

    names = ("c1", "c2", "c3")

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="prewarm-chaos-cluster-")
        ports = iter(free_ports(1 + 3 * len(self.names)))
        self._epmd_port = next(ports)
        self._ports = {name: (next(ports), next(ports), next(ports)) for name in self.names}
        self._cookie = secrets.token_hex(20)
        self._processes = {}
        try:
            # Before the nodes, each of which would start one that outlives it.
            self._start("epmd", {})
            wait_until(self._epmd_answers, "epmd")
            for name in self.names:
                self._prepare(name)
                self.start(name)
            self.wait_until_running()
        except BaseException:
            self.end()
            raise

    def _epmd_answers(self):
        return run("epmd", "-port", self._epmd_port, "-names", check=False).returncode == 0

    def _prepare(self, name):
        folder = pathlib.Path(self._folder.name) / name
        (folder / "conf.d").mkdir(parents=True)
        cookie = folder / ".erlang.cookie"
        cookie.write_text(self._cookie)
        cookie.chmod(0o400)
        nodes = "".join(
            f"cluster_formation.classic_config.nodes.{number} = {node}@localhost\n"
            for number, node in enumerate(self.names, 1)
        )
        (folder / "conf.d" / "cluster.conf").write_text(
            "cluster_formation.peer_discovery_backend = classic_config\n" + nodes +
            "cluster_partition_handling = ignore\n"
        )  # fmt: skip

    def start(self, name):
        amqp, management, distribution = self._ports[name]
        self._start(name, {
            "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_PORT": str(amqp),
            "RABBITMQ_MANAGEMENT_PORT": str(management),
            "RABBITMQ_DIST_PORT": str(distribution),
        })  # fmt: skip

    def _start(self, name, settings):
        folder = pathlib.Path(self._folder.name) / name
        folder.mkdir(exist_ok=True)
        program = ROOT / "scripts" / "stack.d" / ("epmd" if name == "epmd" else "rabbitmq")
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
            "EPMD_PORT": str(self._epmd_port), **settings,
        }  # fmt: skip
        with open(folder.with_suffix(".log"), "ab") as log:
            self._processes[name] = subprocess.Popen(
                [program], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name):
        """With -9: the recorded process is the node itself."""
        self._processes[name].kill()
        self._processes[name].wait()

    def url(self, name):
        return f"amqp://guest:guest@127.0.0.1:{self._ports[name][0]}/%2F"

    def management_url(self, name):
        return f"http://guest:guest@127.0.0.1:{self._ports[name][1]}"

    def wait_until_running(self):
        def all_run():
            for name in self.names:
                ended = self._processes[name].poll()
                if ended is not None:
                    log = (pathlib.Path(self._folder.name) / f"{name}.log").read_text()
                    raise AssertionError(f"{name} ended with {ended}:\n{log[-2000:]}")
            return all(self._seen_running(name) == set(self.names) for name in self.names)

        wait_until(all_run, "three nodes that see each other", patience_s=180)

    def _seen_running(self, name):
        """The nodes that this one sees running."""
        with unittest.mock.patch.dict(os.environ, RABBITMQ_MANAGEMENT_URL=self.management_url(name)):
            management = Management()
        try:
            nodes = management.call("GET", "/nodes")
        except (OSError, http.client.HTTPException):
            return set()
        return {node["name"].split("@")[0] for node in nodes if node.get("running")}

    def end(self):
        for process in self._processes.values():
            # A node's helpers are in its session, and its process group is its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        run("epmd", "-port", self._epmd_port, "-kill", check=False)
        self._folder.cleanup()
