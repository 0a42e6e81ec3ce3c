"""PostgreSQL for tests: a server of their own, or databases on one that is there.

With REPRISE_TEST_SQL, the address of a server (`postgresql://user@host:port/postgres`), what would open an SQLite file
opens a database there instead, one for each file. `python -m tests.postgres -- COMMAND` starts a server for a command.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from store.database import Database
from store.postgres import PostgreSQL

ASKED = "REPRISE_TEST_SQL"
PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps what is not on the PATH, by version."""


class Server:
    """A PostgreSQL server on loopback, with nothing in it; `stop` and `start` as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.password = "sesame"
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._programs = _programs()

    def make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self._user:
            shutil.chown(self.folder, self._user)
            shutil.chown(secret, self._user)
        self._run(
            "initdb", "-D", self._data, "-U", "reprise", f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
            " -c fsync=off -c full_page_writes=off"
        )
        self._run("pg_ctl", "-D", self._data, "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        """At once, connections or not."""
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://reprise:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, name: str) -> str:
        """A new database; gives its address."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return self.url(name)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if self._user:
            command = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups", *command]
        # Not a pipe: what pg_ctl starts would keep it open.
        with (self.folder / f"{program}.out").open("w") as said:
            done = subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {(self.folder / f'{program}.out').read_text()}")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server that is gone afterwards, in a folder that another user may enter: pytest's are its own user's alone."""
    with tempfile.TemporaryDirectory(prefix="reprise-postgres-") as folder:
        server = Server(Path(folder))
        server.make()
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(RuntimeError):
                server.stop()


class Databases:
    """Databases on a server, each for what would be a file, made from a migrated one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._template = f"reprise_template_{os.getpid()}"
        self._made: dict[str, str] = {}

    def prepare(self) -> None:
        self._run(SQL("CREATE DATABASE {}").format(Identifier(self._template)))
        Database(PostgreSQL(self.url(self._template))).close()

    def of(self, path: Path, *, make: bool = True) -> PostgreSQL:
        """The database in the place of a file."""
        name = f"reprise_{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}"
        if make and name not in self._made:
            self._made[name] = str(path)
            self._run(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(self._template)))
        return PostgreSQL(self.url(name))

    def drop(self) -> None:
        """All of those that nobody has open."""
        if not self._made:
            return
        with psycopg.connect(self._url, autocommit=True) as connection:
            busy = {name for (name,) in connection.execute("SELECT DISTINCT datname FROM pg_stat_activity")}
            for name in [name for name in self._made if name not in busy]:
                connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
                del self._made[name]

    def close(self) -> None:
        self.drop()
        self._run(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self._template)))

    def url(self, name: str) -> str:
        return make_conninfo(**{**conninfo_to_dict(self._url), "dbname": name})

    def _run(self, statement: object) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)


def _programs() -> Path:
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).parent
    raise RuntimeError("PostgreSQL is not installed: its initdb is nowhere")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main(command: list[str]) -> int:
    """Run a command beside a server, whose address it finds in the environment."""
    with running() as server:
        return subprocess.run(command, env={**os.environ, ASKED: server.url()}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:][sys.argv[1:2] == ["--"] :]))
