"""A mail server on a real socket, which takes everything and delivers nothing."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Mail:
    """`text` is the whole message, decoded, with its headers."""

    sender: str
    recipients: list[str]
    text: str


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 here")
        sender, recipients = "", []
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
            elif verb == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(sender, recipients)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            self._say("250 fine")

    def _keep(self, sender: str, recipients: list[str]) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        headers = "\n".join(f"{name}: {value}" for name, value in message.items())
        text = f"{headers}\n\n{message.get_content()}"
        self.server.mails.append(Mail(sender, recipients, text))  # type: ignore[attr-defined]

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def receiving_mail(settings: Any) -> Iterator[list[Mail]]:
    """Let Django send its mail to a server that lives as long as the block; what it took."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        mails: list[Mail] = []
        server.mails = mails  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        env = replace(
            settings.ENV, email_url=f"smtp://127.0.0.1:{port}", email_from="routerctl@example.com"
        )
        settings.ENV, settings.DEFAULT_FROM_EMAIL = env, env.email_from
        for name, value in env.email.items():
            setattr(settings, name, value)
        yield mails
        server.shutdown()
