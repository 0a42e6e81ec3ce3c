"""The client of Reprise: logs the runs of tools, and serves earlier results instead of running them again."""

from reprise_client.alike import same_details
from reprise_client.async_logger import AsyncInteractionLogger
from reprise_client.default import logged_tool
from reprise_client.errors import Refused, RepriseError, Unavailable
from reprise_client.logger import InteractionLogger
from reprise_client.runs import PastRun, Ran
from reprise_client.trouble import Counts

__version__ = "0.1.0"

__all__ = [
    "AsyncInteractionLogger",
    "Counts",
    "InteractionLogger",
    "PastRun",
    "Ran",
    "Refused",
    "RepriseError",
    "Unavailable",
    "logged_tool",
    "same_details",
]
