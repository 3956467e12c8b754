"""An S3 server for tests that checks every signature: OpenStack Swift with its s3api.

Swift is four servers. Here they are four WSGI applications in one process, each on a
loopback port of its own, over rings that know one device: a folder. Run by `scripts/stack`.

It refuses what R2 refuses: a wrong secret, a tampered path, query or date, an expired
presigned URL, a region other than `auto`.
"""

import argparse
import logging
import logging.handlers
import os
import signal
import sys
import warnings
from time import monotonic

import eventlet

# Swift's servers share this one thread, so every socket has to be eventlet's, and has to
# be so before anything that uses sockets is imported.
eventlet.patcher.monkey_patch(all=False, socket=True, select=True, thread=True)

import eventlet.wsgi


class NoSyslog(logging.handlers.SysLogHandler):
    """Swift and its libraries open syslog as they are imported. A container has none, and they
    would then look up "localhost", which not every machine can."""

    def __init__(self, *args, **kwargs):
        logging.Handler.__init__(self)

    def emit(self, record):
        pass


logging.handlers.SysLogHandler = NoSyslog

from swift.common import utils
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.middleware import copy, slo, tempauth
from swift.common.middleware.s3api import s3api
from swift.common.ring import RingBuilder
from swift.common.swob import Request

HASH_SUFFIX = "prewarm"  # The same at every start, or a restart would lose what it has stored.


class Cache:
    """What Swift asks of memcached, which it wants for not asking twice whether a bucket exists."""

    def __init__(self):
        self._entries = {}

    def get(self, key, raise_on_error=False):
        value, expires = self._entries.get(key, (None, 0))
        return value if expires > monotonic() else None

    def set(self, key, value, serialize=True, time=0, min_compress_len=0, raise_on_error=False):
        self._entries[key] = (value, monotonic() + (time or 86400))

    def delete(self, key, server_key=None):
        self._entries.pop(key, None)


class WithCache:
    """Hands the cache to every request, as Swift's own cache middleware would."""

    def __init__(self, app):
        self._app = app
        self._cache = Cache()

    def __call__(self, environ, start_response):
        environ["swift.cache"] = self._cache
        return self._app(environ, start_response)


def log_to_stderr():
    utils.get_logger.console_handler4logger = {}
    warnings.simplefilter("ignore", DeprecationWarning)


def do_not_sync():
    """What is stored here lives no longer than the process that asked for it."""
    os.fsync = os.fdatasync = lambda descriptor: None


def require_extended_attributes(folder):
    probe = os.path.join(folder, "probe")
    with open(probe, "w"):
        try:
            os.setxattr(probe, "user.swift.probe", b"1")
        except OSError as error:
            sys.exit(
                f"{folder}: no extended attributes on this file system ({error.strerror}), and Swift "
                "keeps its metadata in them. Put the stack elsewhere: scripts/stack up --dir DIR"
            )
        finally:
            os.remove(probe)


def write_ring(swift_dir, name, port):
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    builder.add_dev(
        {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1.0}
    )
    builder.rebalance()
    builder.get_ring().save(os.path.join(swift_dir, f"{name}.ring.gz"))


def serve(listener, app):
    eventlet.wsgi.server(
        listener,
        app,
        log=utils.NullLogger(),
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,  # S3 says "ETag"; eventlet would make it "Etag".
        socket_timeout=60,
        max_size=1024,
    )


def start_storage(folder, conf):
    """Starts the account, container and object servers, and writes the rings that lead to them."""
    # Their modules read swift.conf as they are imported, so it has to be there before.
    from swift.account import server as account
    from swift.container import server as container
    from swift.obj import server as obj

    for name, server in ("account", account), ("container", container), ("object", obj):
        listener = eventlet.listen(("127.0.0.1", 0), backlog=1024)
        write_ring(folder, name, listener.getsockname()[1])
        eventlet.spawn(serve, listener, server.app_factory(conf, log_name=f"{name}-server"))


def create_bucket(proxy, account, bucket):
    """Asks the proxy behind the authentication, so that no signature has to be made here."""
    request = Request.blank(f"/v1/AUTH_{account}/{bucket}", environ={"REQUEST_METHOD": "PUT"})
    response = request.get_response(proxy)
    if not response.is_success:
        sys.exit(f"cannot create the bucket {bucket}: {response.status}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dir", required=True, help="where the objects are kept")
    options.add_argument("--port", required=True, type=int, help="on 127.0.0.1")
    options.add_argument("--bucket", required=True, help="created if it is not there")
    options.add_argument("--access-key", required=True, metavar="ACCOUNT:USER", help="no underscores")
    options.add_argument("--secret-key", required=True)
    options = options.parse_args()
    account, user = options.access_key.split(":")

    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    log_to_stderr()
    do_not_sync()

    folder = os.path.abspath(options.dir)
    os.makedirs(os.path.join(folder, "devices", "disk"), exist_ok=True)
    require_extended_attributes(folder)
    with open(os.path.join(folder, "swift.conf"), "w") as swift_conf:
        swift_conf.write(f"[swift-hash]\nswift_hash_path_suffix = {HASH_SUFFIX}\n")
    utils.set_swift_dir(folder)

    conf = {
        "swift_dir": folder,
        "devices": os.path.join(folder, "devices"),
        "mount_check": "false",
        "log_level": "WARNING",
        # There is no second copy to turn to: on a busy machine, wait rather than give up.
        "conn_timeout": "10",
        "node_timeout": "60",
        "error_suppression_limit": "1000000",
    }
    start_storage(folder, conf)

    from swift.proxy.server import Application as Proxy

    proxy = WithCache(Proxy({**conf, "account_autocreate": "true"}))
    create_bucket(proxy, account, options.bucket)

    app = proxy
    for middleware, settings in (
        (slo, {}),
        (copy, {}),
        (tempauth, {f"user_{account}_{user}": f"{options.secret_key} .admin"}),
        (s3api, {"location": "auto"}),
    ):
        app = middleware.filter_factory(conf, **settings)(app)
    serve(eventlet.listen(("127.0.0.1", options.port), backlog=1024), WithCache(app))


if __name__ == "__main__":
    main()
