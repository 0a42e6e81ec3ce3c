"""Backups of a PostgreSQL database by its own programs: ``pg_dump``, and ``pg_restore`` into ``psql``.

A dump is not compressed, so that whoever looks for words finds them there. The password goes by way of the environment,
which only this user and root can read; command lines are for everybody to see.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from store.backups.content import Content, Copied, registry, rows_of
from store.backups.files import new_file
from store.backups.manifest import DATABASES
from store.database import failing, revision
from store.errors import BackupError, DatabaseError
from store.postgres import CLASS, SERVING, PostgreSQL
from store.tables import audit, metadata

HOMES: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, by version; elsewhere they are on the PATH."""
REMEDY: Final = "install PostgreSQL's client programs (Debian and Ubuntu: postgresql-client)"
PATIENCE: Final = 6 * 3600.0
"""Seconds for one program."""

_TABLE: Final = re.compile(r"^\d+; \d+ \d+ TABLE (?!DATA )(\S+) (\S+) ")
_SKIPPED: Final = re.compile(r"^\d+; \d+ \d+ (?:SCHEMA|COMMENT) - ")
"""The schema itself is there already."""


class PostgresSource:
    """See ``store.backups.copying.DatabaseSource``."""

    sql = "postgresql"

    def __init__(self, driver: PostgreSQL) -> None:
        self._driver = driver

    def size(self) -> int:
        with _reading(self._driver) as connection:
            return int(connection.scalar(sa.select(sa.func.pg_database_size(sa.func.current_database()))) or 0)

    @contextlib.contextmanager
    def moment(self) -> Iterator[PostgresMoment]:
        with _reading(self._driver) as connection:
            connection.exec_driver_sql(self._driver.begin_reading)
            snapshot = connection.scalar(sa.select(sa.func.pg_export_snapshot()))
            yield PostgresMoment(self._driver, connection, str(snapshot))


class PostgresMoment:
    """See ``store.backups.copying.Moment``."""

    def __init__(self, driver: PostgreSQL, connection: sa.Connection, snapshot: str) -> None:
        self._driver = driver
        self._connection = connection
        self._snapshot = snapshot

    def copy(self, target: Path) -> Copied:
        schema = _schema(self._connection)
        server: Any = self._connection.connection.driver_connection
        program = _program("pg_dump", at_least=server.info.server_version // 10_000)
        new_file(target).close()
        wanted = ("--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--schema={schema}")
        _run(
            [program, *wanted, f"--snapshot={self._snapshot}", f"--file={target}", _dbname(self._driver)], self._driver
        )
        content = Content((), revision(self._connection) or "", rows_of(self._connection))
        return Copied(content, registry(self._connection))


class PostgresTarget:
    """What a restore puts a dump into; see ``store.backups.target.Target``."""

    sql = "postgresql"

    def __init__(self, driver: PostgreSQL) -> None:
        self._driver = driver

    def exists(self) -> bool:
        with _told():
            return self._driver.exists()

    def forgotten_since(self, created_at: str) -> int:
        counted = sa.select(sa.func.count()).where(audit.c.action == "forget", audit.c.at >= created_at)
        with _reading(self._driver) as connection:
            return int(connection.scalar(counted) or 0) if sa.inspect(connection).has_table(audit.name) else 0

    def quiesce(self) -> None:
        """Nobody serves it; the dump's own schema is the one that is used here."""
        with _told():
            self._driver.hold()

    def stage(self, path: Path) -> Path | None:
        return None

    def put(self, backup: Path, journal: Mapping[str, Any], place: Path) -> None:
        """Replace what is there in one transaction, which counts the rows before it is committed."""
        dump = backup / DATABASES[self.sql]
        with _reading(self._driver) as connection:
            schema = _schema(connection)
        found = listed(dump)
        other = {name for name, _ in found} - {schema}
        if other:
            raise BackupError(f"the backup is of schema {other.pop()}, and {schema} is used here")
        tables = {name for _, name in found} | set(metadata.tables)
        restored, before, after = (place / f"{name}.sql" for name in ("restored", "before", "after"))
        before.write_text(_before(schema, tables))
        after.write_text(_after(schema, journal))
        self._write_out(dump, restored, place / "entries")
        # From here on psql holds the database, even should this process be killed.
        self._driver.close()
        files = [f"--file={path}" for path in (before, restored, after)]
        wanted = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
        _run([_program("psql"), *wanted, *files, _dbname(self._driver)], self._driver)
        restored.unlink()

    def arrived(self, journal: Mapping[str, Any]) -> bool:
        """Was the transaction committed?"""
        self.quiesce()
        with _reading(self._driver) as connection:
            found = connection.exec_driver_sql(
                "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
            ).scalar()
        return found == _mark(journal)

    def finish(self, staged: Path) -> bool:
        """``put`` did it."""
        return False

    def check(self) -> Content | None:
        """The rows were counted before the transaction was committed."""
        return None

    def _write_out(self, dump: Path, target: Path, entries: Path) -> None:
        program = _program("pg_restore")
        listed = _run([program, "--list", str(dump)]).splitlines(keepends=True)
        entries.write_text("".join(line for line in listed if not _SKIPPED.match(line)))
        new_file(target).close()
        _run([program, "--no-owner", "--no-privileges", f"--use-list={entries}", f"--file={target}", str(dump)])


def listed(dump: Path) -> list[tuple[str, str]]:
    """(schema, table) of what a dump holds. Raises ``BackupError``: it cannot be read, or nobody here can read it."""
    lines = _run([_program("pg_restore"), "--list", str(dump)]).splitlines()
    return [(found[1], found[2]) for line in lines if (found := _TABLE.match(line))]


def tables(dump: Path) -> set[str]:
    """As ``listed``, the tables alone."""
    return {name for _, name in listed(dump)}


def _before(schema: str, tables: set[str]) -> str:
    dropped = "\n".join(f"DROP TABLE IF EXISTS {_quoted(schema)}.{_quoted(name)};" for name in sorted(tables))
    return f"""SET client_min_messages = error;
DO $$ BEGIN
    IF NOT pg_try_advisory_xact_lock({CLASS}, {SERVING}) THEN
        RAISE EXCEPTION 'the database is served by another Reprise';
    END IF;
END $$;
{dropped}
DROP FUNCTION IF EXISTS {_quoted(schema)}.reprise_json(text);
"""


def _after(schema: str, journal: Mapping[str, Any]) -> str:
    counted = "\n".join(
        f"    SELECT count(*) INTO found FROM {_quoted(schema)}.{_quoted(name)};\n"
        f"    IF found <> {int(rows)} THEN RAISE EXCEPTION 'table % has % rows, not {int(rows)}', {_said(name)}, found;"
        " END IF;"
        for name, rows in sorted(journal["rows"].items())
    )
    return f"""DO $$ DECLARE found bigint; BEGIN
{counted}
END $$;
COMMENT ON TABLE {_quoted(schema)}.alembic_version IS {_said(_mark(journal))};
"""


def _mark(journal: Mapping[str, Any]) -> str:
    return f"restored from {journal['stamp']}, {journal['nonce']}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _said(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _schema(connection: sa.Connection) -> str:
    return str(connection.scalar(sa.select(sa.func.current_schema())))


@contextlib.contextmanager
def _reading(driver: PostgreSQL) -> Iterator[sa.Connection]:
    engine = driver.engine(reading=True)
    try:
        with _told(), failing(*driver.errors), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise BackupError(str(error)) from error


def _program(name: str, *, at_least: int = 0) -> str:
    """Where a program of PostgreSQL's is: the newest. Raises ``BackupError``: there is none, or it is too old."""
    here = sorted(HOMES.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(here[-1]) if here else shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed here: {REMEDY}")
    version = re.search(r"\d+", _run([found, "--version"]).rpartition(")")[2])
    if version is not None and int(version[0]) < at_least:
        raise BackupError(
            f"{name} is of version {version[0]}, and the server's is {at_least}: {REMEDY} of that version"
        )
    return found


def _run(command: list[str], driver: PostgreSQL | None = None) -> str:
    environment = _environment(driver) if driver is not None else None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=PATIENCE, errors="replace"
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BackupError(f"{Path(command[0]).name} did not run: {type(error).__name__}") from error
    if done.returncode != 0:
        raise BackupError(f"{Path(command[0]).name}: {_last(done.stderr)}")
    return done.stdout


def _environment(driver: PostgreSQL) -> dict[str, str]:
    password = driver.parameters.get("password")
    # Messages are looked at by people and tests; the locale is nobody's business here.
    about = {**os.environ, "LC_MESSAGES": "C"}
    about["PGOPTIONS"] = f"{driver.parameters.get('options') or ''} -c lock_timeout=5s".strip()
    return {**about, "PGPASSWORD": str(password)} if password else about


def _dbname(driver: PostgreSQL) -> str:
    """How to connect, without the password."""
    parameters = {name: value for name, value in driver.parameters.items() if name not in ("password", "options")}
    return f"--dbname={make_conninfo(**parameters)}"


def _last(text: str) -> str:
    """What a program says went wrong: the first line that says so."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "ERROR" in line or "error:" in line or "FATAL" in line]
    return (wrong or lines[-1:] or [""])[0]
