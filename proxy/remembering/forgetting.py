"""Puts together what forgets in one server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from memory.forgetting import Forgetting
from memory.forgetting_flows import ForgettingFlows
from proxy.entries.purging import Purging
from proxy.maintenance import clear
from proxy.remembering.forget import Around, Forget, Index
from proxy.remembering.forgotten_backups import ForgottenBackups
from proxy.remembering.forgotten_sources import ForgottenSources
from store.backups.folder import Backups

if TYPE_CHECKING:
    from proxy.services import Services


def build_forget(services: Services, backups: Backups) -> Forget:
    """What forgets, over the parts of a server. Opens nothing and starts nothing."""

    def reset() -> None:
        services.negatives.clear()
        services.reactions.forget()
        services.labelling.forget()
        services.remembering.contexts.forget()
        services.remembering.last_packs.forget()
        services.remembering.flows.forget()
        services.remembering.guidance.forget()

    def settle() -> None:
        services.reactions.wait()
        services.labelling.written()

    def namespace(name: str) -> None:
        services.epochs.forget(name)
        services.live.forget(name)
        services.learning.forget(name)

    def cleared() -> bool:
        clear(services, time.time())
        return services.semantic.is_open

    return Forget(
        services.database,
        services.directory,
        services.entries,
        Purging(services.database, services.entries, services.labels),
        Forgetting(services.database, services.remembering.memories.touched, services.remembering.state.touched),
        ForgettingFlows(services.database, services.remembering.flows.touch),
        services.remembering.trail,
        services.forgotten,
        Around(reset, settle, namespace),
        Index(cleared, services.semantic.renew),
        ForgottenBackups(backups),
        ForgottenSources(services.remembering.library, services.remembering.projects),
    )
