"""Who may call a route: dependencies for FastAPI."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from proxy.auth import Caller
from proxy.errors import Forbidden
from proxy.services import Services


def services(request: Request) -> Services:
    """The server's parts."""
    found: Services = request.app.state.services
    return found


def any_caller(request: Request) -> Caller:
    """Whoever has a valid key; everyone where no keys are configured."""
    return services(request).authenticator.identify(request.headers)


def admin(request: Request) -> Caller:
    """Whoever has an admin's key."""
    return services(request).authenticator.identify_admin(request.headers)


def require_admin(caller: Caller) -> None:
    """Refuse what only admins may ask of a route that others may call, too. Raises ``Forbidden``."""
    if caller.role != "admin":
        raise Forbidden("This needs a key with the role admin.")


AnyCaller = Annotated[Caller, Depends(any_caller)]
Admin = Annotated[Caller, Depends(admin)]
Parts = Annotated[Services, Depends(services)]
