"""Real receivers of notifications: an HTTP server and a mail server, each on a port of its own, in a thread."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class Hook:
    """What an HTTP server was sent, and what it answers: statuses in order, then 200."""

    answers: list = field(default_factory=list)
    """A status, or a status with headers."""
    bodies: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    hold: threading.Event | None = None
    """No answer before this is set."""
    url: str = ""

    def __enter__(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                hook.paths.append(self.path)
                hook.headers.append({name.lower(): value for name, value in self.headers.items()})
                hook.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                if hook.hold is not None:
                    hook.hold.wait(20)
                answer = hook.answers.pop(0) if hook.answers else 200
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in {"content-length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook-4711"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def json(self):
        """The bodies, read."""
        return [json.loads(body) for body in self.bodies]


class Mailbox:
    """A mail server. ``answers``: what it says to a mail, in order, then that all is well; ``refused``: addresses."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None, sealed: bool = False
    ):
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.to: list[list[str]] = []
        self.answers: list[str] = []
        self.refused: set[str] = set()
        self._login = login
        auth = (
            {"authenticator": self._check, "auth_required": True, "auth_require_tls": tls is not None} if login else {}
        )
        given = {"ssl_context": tls} if sealed else {"tls_context": tls, "require_starttls": tls is not None}

        class AnyPort(Controller):
            def _trigger_server(self):
                # It knocks at the port that it was told, which is none.
                self.port = self.server.sockets[0].getsockname()[1]
                super()._trigger_server()

        if sealed and login:
            auth["auth_require_tls"] = False
        self._controller = AnyPort(self, hostname="127.0.0.1", port=0, decode_data=False, **auth, **given)

    def __enter__(self):
        self._controller.start()
        self.port = self._controller.port
        return self

    def __exit__(self, *_):
        self._controller.stop()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers:
            return self.answers.pop(0)
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.to.append(list(envelope.rcpt_tos))
        return "250 OK"

    def _check(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        right = (data.login.decode(), data.password.decode()) == self._login
        # Else it takes the refusal for said already.
        return AuthResult(success=right, handled=right)
