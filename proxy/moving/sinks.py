"""Where imported answers go: into the store of a data directory, or to the server that holds it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

from memory.projects.registry import Registry
from proxy.auth import Caller
from proxy.backups import finish_restore
from proxy.config import Settings
from proxy.databases import driver_of
from proxy.exchange import Exchange
from proxy.moving.item import Item, Result
from proxy.moving.warmer import Warmer
from proxy.placing import place
from proxy.policy.policies import build_policies
from proxy.prices import load_prices
from proxy.upstreams.router import Router
from proxy.wire import ChatRequest
from store.database import Database
from store.directory import DataDirectory
from store.epochs import Epochs
from store.reader import ReadOnlyDatabase

_ASIDE: Final = ("namespace", "project", "policy", "ttl", "made")


class StoreSink:
    """Stores in this process."""

    def __init__(self, warmer: Warmer, *, force: bool, dry: bool) -> None:
        self._warmer = warmer
        self._force = force
        self._dry = dry

    def store(self, items: Sequence[Item]) -> list[Result]:
        """See ``proxy.moving.importer.Sink``. Raises ``DatabaseError``."""
        return self._warmer.store(items, force=self._force, dry=self._dry)


@contextlib.contextmanager
def open_store(settings: Settings, *, force: bool, dry: bool) -> Iterator[StoreSink]:
    """A sink into the data directory, held meanwhile as a server holds it; a dry run neither makes nor holds it.

    Raises:
        StoreError: the directory cannot be used, or somebody else holds it.
    """
    directory = DataDirectory(settings.server.data_dir)
    if not dry:
        directory.prepare()
        directory.hold({"pid": os.getpid()})
    with contextlib.ExitStack() as stack:
        stack.callback(directory.release)
        database: Database | None = None
        driver = driver_of(settings, directory)
        if not dry:
            finish_restore(directory, driver)
        if not dry or driver.exists():
            # A dry run does not hold the directory: it leaves the tables as they are.
            database = ReadOnlyDatabase(driver) if dry else Database(driver, alone=True)
            stack.callback(database.close)
        yield StoreSink(_warmer(settings, database), force=force, dry=dry)


def _warmer(settings: Settings, database: Database | None) -> Warmer:
    policies, router = build_policies(settings.cache), Router(settings.model_list, settings.server)
    registry = Registry(database) if database is not None else None
    epochs = Epochs(database) if database is not None else None

    def placed(request: ChatRequest, caller: Caller) -> Exchange:
        if registry is None or epochs is None:
            return place(request, caller, router, policies)
        return place(request, caller, router, policies, names=registry.names, epoch=epochs.of(caller.namespace))

    return Warmer(placed, lambda: policies.named, database, load_prices())


def as_json(item: Item) -> dict[str, Any]:
    """An item as ``POST /cache/warm`` takes it."""
    told: dict[str, Any] = {"request": item.request, "response": item.response}
    told |= {name: value for name in _ASIDE if (value := getattr(item, name))}
    if item.tags:
        told["tags"] = sorted(set(item.tags))
    if item.headers:
        told["headers"] = dict(item.headers)
    if item.kept is not None:
        told["exported"] = dataclasses.asdict(item.kept)
    return told
