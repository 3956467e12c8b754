"""A door between a program and a server, which a test can shut, freeze, slow or slam."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
import urllib.parse

UP, DOWN = "up", "down"  # From the program to the server, and back.
CHUNK_BYTES = 65536
CHUNKS_ON_THE_WAY = 64  # For each direction of a connection: a delayed peer feels it.


class _LoopThread:
    """The one event loop that all gates of this process live on."""

    _loop = None
    _lock = threading.Lock()

    @classmethod
    def run(cls, coroutine):
        with cls._lock:
            if cls._loop is None:
                cls._loop = asyncio.new_event_loop()
                threading.Thread(target=cls._loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, cls._loop).result(timeout=30)


class Gate:
    """Passes TCP connections on to `host`:`port` from a loopback port of its own, which it keeps
    even while nobody can connect. Every call has taken effect when it returns."""

    def __init__(self, host, port):
        self.target = (host, port)
        # Bound and never listening: the port stays ours, and connections to it are refused.
        self._keeper = self._bound(0)
        self.port = self._keeper.getsockname()[1]
        self.connections = 0  # Ever accepted.
        self.passed_bytes = {UP: 0, DOWN: 0}
        self._pairs = set()
        self._server = None
        self._stalled = set()
        self._delay_s = 0.0
        self._resetting = False
        self._bytes_left = {}
        self._tripped = threading.Event()
        _LoopThread.run(self._prepare())
        self.open()

    @classmethod
    def before(cls, url):
        """A gate before the server of this URL."""
        parts = urllib.parse.urlsplit(url)
        return cls(parts.hostname, parts.port)

    def url(self, url):
        """The same URL through this gate."""
        parts = urllib.parse.urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}").geturl()

    # --- What can be asked of it ---------------------------------------------------------

    def open(self):
        """All is well: what was held goes on, new connections are taken."""
        _LoopThread.run(self._open())

    def cut(self):
        """The server is away: connections end now, and new ones are refused."""
        _LoopThread.run(self._cut())

    def reset(self):
        """Like `cut`, but with RST, for new connections too, which are accepted first."""
        _LoopThread.run(self._reset())

    def stall(self, *directions):
        """The server is silent: connections are taken and held, and nothing passes in these
        directions (by default: in both)."""
        _LoopThread.run(self._stall(set(directions or (UP, DOWN))))

    def delay(self, milliseconds):
        """Everything takes this much longer, in each direction."""
        _LoopThread.run(self._set_delay(milliseconds / 1000))

    def cut_after(self, count, direction=DOWN):
        """After so many bytes more in this direction, over all connections, the connection that
        carries the next one ends: once. `wait_for_cut` tells when."""
        _LoopThread.run(self._cut_after(count, direction))

    def wait_for_cut(self, seconds):
        return self._tripped.wait(seconds)

    def retarget(self, url):
        """New connections go to the server of this URL; those that there are end."""
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port)
        _LoopThread.run(self._end_all())

    def close(self):
        self.cut()
        self._keeper.close()

    # --- On the loop's thread ------------------------------------------------------------

    @staticmethod
    def _bound(port):
        it = socket.socket()
        it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        it.bind(("127.0.0.1", port))
        it.setblocking(False)
        return it

    async def _prepare(self):
        self._passable = {UP: asyncio.Event(), DOWN: asyncio.Event()}

    async def _open(self):
        self._stalled.clear()
        self._resetting = False
        self._delay_s = 0.0
        self._bytes_left.clear()
        for event in self._passable.values():
            event.set()
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, sock=self._bound(self.port), backlog=512
            )

    async def _cut(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._end_all()

    async def _reset(self):
        await self._open()
        self._resetting = True
        await self._end_all(with_reset=True)

    async def _stall(self, directions):
        await self._open()
        self._stalled = directions
        for direction in directions:
            self._passable[direction].clear()

    async def _set_delay(self, seconds):
        await self._open()
        self._delay_s = seconds

    async def _cut_after(self, count, direction):
        await self._open()
        self._tripped.clear()
        self._bytes_left[direction] = count

    async def _end_all(self, with_reset=False):
        ending = set(self._pairs)
        for pair in ending:
            pair.end(with_reset)
        while ending & self._pairs:  # New ones may have come.
            await asyncio.sleep(0.001)

    async def _serve(self, reader, writer):
        self.connections += 1
        pair = _Pair(writer)
        self._pairs.add(pair)
        try:
            if self._resetting:
                pair.end(with_reset=True)
                return
            far_reader, pair.far = await asyncio.open_connection(*self.target)
            pair.tasks = [
                asyncio.create_task(self._pass(reader, pair.far, UP)),
                asyncio.create_task(self._pass(far_reader, pair.near, DOWN)),
            ]
            if pair.ended:
                return
            await asyncio.wait(pair.tasks, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # The server is not there: the program sees its connection end.
        finally:
            pair.end()
            self._pairs.discard(pair)

    async def _pass(self, reader, writer, direction):
        """Until one of the two ends. Reading and writing apart, so that a delay holds up each
        chunk and not the next one again."""
        on_the_way = asyncio.Queue(CHUNKS_ON_THE_WAY)

        async def read():
            chunk = b"-"
            while chunk:
                try:
                    chunk = await reader.read(CHUNK_BYTES)
                except OSError:
                    chunk = b""
                await on_the_way.put((time.monotonic() + self._delay_s, chunk))

        async def write():
            while True:
                due, chunk = await on_the_way.get()
                await asyncio.sleep(max(0, due - time.monotonic()))
                await self._passable[direction].wait()
                if not chunk:
                    return
                last = self._is_last(chunk, direction)
                if last is not None:
                    chunk = chunk[:last]
                self.passed_bytes[direction] += len(chunk)
                writer.write(chunk)
                with contextlib.suppress(OSError):
                    await writer.drain()
                if last is not None:
                    self._tripped.set()
                    return

        reading = asyncio.create_task(read())
        try:
            await write()
            with contextlib.suppress(OSError):
                await writer.drain()
        finally:
            reading.cancel()

    def _is_last(self, chunk, direction):
        """How much of the chunk may still pass, if the connection is to be cut in it."""
        left = self._bytes_left.get(direction)
        if left is None:
            return None
        if len(chunk) <= left:
            self._bytes_left[direction] = left - len(chunk)
            return None
        del self._bytes_left[direction]
        return left


class _Pair:
    def __init__(self, near):
        self.near = near
        self.far = None
        self.tasks = []
        self.ended = False

    def end(self, with_reset=False):
        self.ended = True
        for task in self.tasks:
            task.cancel()
        for writer in (self.near, self.far):
            if writer is None:
                continue
            end_of_socket = writer.get_extra_info("socket")
            if with_reset and end_of_socket is not None and end_of_socket.fileno() >= 0:
                no_goodbye = struct.pack("ii", 1, 0)
                end_of_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_goodbye)
                writer.transport.abort()
            else:
                writer.close()
