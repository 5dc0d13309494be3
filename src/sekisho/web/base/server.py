"""An application on a socket: bounds, TLS, proxies that are believed; ends when it is asked to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError
from sekisho.web.base.peer import NotePeer

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Config, Server

    from sekisho.core.config_serve import ListenAddress
    from sekisho.core.config_web import WebListen

GRACE_S = 5
"""What a request in work has to finish once the end was asked for; the supervisor waits ten seconds."""

KEEP_ALIVE_S = 5
"""An idle connection costs a place among ``connections``."""

HEADER_OCTETS = 16 << 10
"""Request line and headers together."""

BACKLOG = 128


class WebServer:
    """Answers in a thread of its own: signals belong to the process.

    Args:
        app: what is answered.
        where: from the configuration, with an address.

    Attributes:
        failed: what ended it before its time.
    """

    def __init__(self, app: ASGIApp, where: WebListen) -> None:
        self.failed: BaseException | None = None
        self._app, self._where = app, where
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that is answered at."""
        assert self._socket is not None, "start() comes first"
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer.

        Raises:
            InputError: the address cannot be had, or the certificate cannot be read.
        """
        from uvicorn import Server

        assert self._where.listen is not None, "who starts a server asked for an address"
        config = self._config()
        try:
            config.load()
        except OSError as error:
            # ssl.SSLError is one, too: a key that does not fit, a file that holds no certificate.
            raise InputError(self._where.certificate or "certificate", f"cannot be used: {error}") from error
        listen = self._where.listen
        self._socket = _listening(listen)
        self._server = Server(config)
        self._thread.start()

    def close(self) -> None:
        """Finish what is in work and stop."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(GRACE_S + 1)
        if self._socket is not None:
            self._socket.close()

    def _config(self) -> Config:
        from uvicorn import Config
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

        where, app = self._where, self._app
        if where.proxies:
            app = ProxyHeadersMiddleware(app, trusted_hosts=[str(prefix) for prefix in where.proxies])  # type: ignore[arg-type, assignment]
        return Config(
            NotePeer(app),
            ssl_certfile=where.certificate,
            ssl_keyfile=where.key_file,
            proxy_headers=False,
            server_header=False,
            # An access log would hold the addresses of subscribers.
            access_log=False,
            log_config=None,
            lifespan="off",
            ws="none",
            http="h11",
            h11_max_incomplete_event_size=HEADER_OCTETS,
            limit_concurrency=where.connections,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )

    def _run(self) -> None:
        assert self._server is not None
        assert self._socket is not None
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 (the process raises it in its main thread)
            self.failed = error


def _listening(at: ListenAddress) -> socket.socket:
    family = socket.AF_INET6 if at.address.version == 6 else socket.AF_INET
    # With the protocol named: asyncio sends without delay only where the socket says that it is TCP, and a page whose
    # head and body wait for an acknowledgement takes 40 ms longer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((str(at.address), at.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise InputError(str(at), f"cannot be listened at: {error.strerror}") from error
    return listening
