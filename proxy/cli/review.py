"""``reprise review``: what waits for a person, card by card, in the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

import typer

from proxy.cli.cards import print_card
from proxy.cli.here import ask
from proxy.cli.options import AsJson, ConfigPath, DataDir, read_settings
from proxy.cli.remote import Refused

KEYS: Final = {
    "a": "approve",
    "e": "edit",
    "r": "reject",
    "d": "dismiss",
    "m": "merge",
    "k": "keep",
    "t": "retire",
    "s": "skip",
    "u": "undo",
    "q": "quit",
}
MODIFY: Final = "modify"
"""What ``edit`` is called where a flow is edited; the same key."""
DONE: Final = {
    "approve": "approved",
    "edit": "edited",
    "modify": "modified",
    "reject": "rejected",
    "dismiss": "dismissed",
    "merge": "merged",
    "keep": "kept",
    "retire": "retired",
    "skip": "skipped",
}

Card = Mapping[str, Any]
Ask = Callable[[str, str, Any], Any]


def review(
    project: Annotated[str | None, typer.Option(help="Only this project's; empty: those of every project.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace's.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="memory, merge, contradiction, unused, contradicted, new_flow or enhancement."),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many cards, up to 500.", min=1)] = 50,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide on candidate memories, on memories in doubt and on proposals of flows: approve, edit, reject, skip, undo.

    Each decision is kept as soon as it is made. Works on a pipe too, with one answer on each line.
    """
    settings = read_settings(config, data_dir)
    query = {"project": project, "namespace": namespace, "kind": kind, "limit": limit}
    found = ask(settings, "GET", "/review", query=query)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found["cards"]:
        typer.echo("Nothing waits for review.")
        return
    sitting = Sitting(found["cards"], lambda method, path, body: ask(settings, method, path, body=body))
    try:
        sitting.run()
    except (KeyboardInterrupt, EOFError):
        typer.echo("")
    finally:
        left = sum(found["waiting"].values()) - sitting.settled
        typer.echo(f"{sitting.summary()} {max(0, left)} still wait.")


class Sitting:
    """A person at the queue.

    Args:
        ask: method, path and body to what the server answers.
        answer: a line from the person, after a question. Raises ``EOFError`` at the end.
    """

    def __init__(self, cards: list[Card], ask: Ask, answer: Callable[[str], str] | None = None) -> None:
        self._cards = cards
        self._ask = ask
        self._answer = answer or _read_line
        self._at = 0
        self._made: list[tuple[int, str, str]] = []
        """Card, action and audit row of each decision that stands."""
        self._skipped: set[int] = set()

    @property
    def settled(self) -> int:
        """How many cards are decided."""
        return len(self._made)

    def run(self) -> None:
        """Go through the cards until the last one or until the person leaves."""
        while self._at < len(self._cards):
            card = self._cards[self._at]
            print_card(card, f"{self._at + 1} of {len(self._cards)}")
            action = self._asked(card)
            if action == "quit":
                return
            if action == "undo":
                self._undo()
            elif action == "skip":
                self._skipped.add(self._at)
                self._at += 1
            elif self._decide(card, action):
                self._at += 1

    def summary(self) -> str:
        """What was done, in a sentence."""
        counted = Counter(action for _, action, _ in self._made)
        counted["skip"] = len(self._skipped - {at for at, _, _ in self._made})
        said = [f"{counted[action]} {done}" for action, done in DONE.items() if counted[action]]
        return f"{', '.join(said)[:1].upper()}{', '.join(said)[1:]}." if said else "Nothing was decided."

    def _asked(self, card: Card) -> str:
        keys = {action: key for key, action in KEYS.items()}
        keys[MODIFY] = keys["edit"]
        actions: list[str] = [*card["actions"], "undo", "quit"]
        offered = {keys[action]: action for action in actions if _offers(card, action)}
        question = "  ".join(f"[{key}] {action}" for key, action in offered.items())
        while True:
            said = self._answer(f"{question}: ").strip().lower()
            if said in offered:
                return offered[said]
            if said in offered.values():
                return said
            typer.echo(f"Answer with one of: {', '.join(offered)}.")

    def _decide(self, card: Card, action: str) -> bool:
        """Carry a decision out; False where the person thinks again."""
        decision = {"id": card["id"], "action": action}
        if action == MODIFY:
            changes = self._changed(card["proposal"]["content"])
            if changes is None:
                return False
            decision["changes"] = changes
        if action == "edit":
            content = self._edited(card["content"])
            if not content or content == card["content"]:
                typer.echo("The text is as it was: nothing is decided.")
                return False
            decision["content"] = content
        if action == "merge":
            kept = self._kept(card)
            if kept is None:
                return False
            decision["keep"] = kept
        with _unbroken():
            result = self._ask("POST", "/review", {"decisions": [decision]})["results"][0]
        if "error" in result:
            typer.echo(f"Not done: {result['error']['message']}")
            # Somebody else has decided meanwhile; anything else may be tried another way.
            return bool(result["error"]["code"] == "not_found")
        if action in ("approve", "edit") and result["memory_id"] not in (card["memory_id"], card["id"]):
            typer.echo(f"{result['memory_id']} says that already: it stands for both now.")
        self._skipped.discard(self._at)
        if result["audit_id"]:
            self._made.append((self._at, action, result["audit_id"]))
        return True

    def _undo(self) -> None:
        at, _, audit_id = self._made[-1] if self._made else (self._at, "", None)
        try:
            with _unbroken():
                undone = self._ask("POST", "/review/undo", {"audit_id": audit_id} if audit_id else {})
        except Refused as refused:
            typer.echo(f"Not undone: {refused}")
            return
        typer.echo(f"Undone: {undone['action']} of {undone['object_id']}.")
        if self._made:
            self._made.pop()
            self._at = at

    def _kept(self, card: Card) -> str | None:
        """Which memory stays, of this card's and the one beside it."""
        if card["kind"] == "memory":
            return str(card["nearest"]["id"])
        typer.echo(f"[1] {card['content']}\n[2] {card['nearest']['content']}")
        said = self._answer("Keep 1 or 2: ").strip()
        return {"1": str(card["memory_id"]), "2": str(card["nearest"]["id"])}.get(said)

    def _changed(self, content: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is to be published in place of what is proposed; None where that is nothing new, or no JSON."""
        if sys.stdin.isatty():
            import click

            said = click.edit(json.dumps(content, indent=2, ensure_ascii=False), extension=".json") or ""
        else:
            said = self._answer("Changes, as JSON: ")
        try:
            changes = json.loads(said)
        except ValueError:
            changes = None
        if not isinstance(changes, dict) or not changes or changes == content:
            typer.echo("That is no JSON object with something new: nothing is decided.")
            return None
        return changes

    def _edited(self, text: str) -> str:
        if not sys.stdin.isatty():
            return self._answer("New text: ").strip()
        if os.environ.get("VISUAL") or os.environ.get("EDITOR"):
            import click

            return " ".join((click.edit(text) or "").split())
        with _prefilled(text):
            return self._answer("New text: ").strip()


def _offers(card: Card, action: str) -> bool:
    return action in (*KEYS.values(), MODIFY) and (action != "merge" or card["nearest"] is not None)


def _read_line(question: str) -> str:
    line = input(question)
    if not sys.stdin.isatty():
        # The echo of a terminal is missing.
        print(line)
    return line


@contextlib.contextmanager
def _prefilled(text: str) -> Iterator[None]:
    """The next line that is asked for begins with this text, where the terminal can do that."""
    try:
        import readline
    except ImportError:
        yield
        return
    readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        yield
    finally:
        readline.set_startup_hook()


@contextlib.contextmanager
def _unbroken() -> Iterator[None]:
    """Ctrl-C waits until the server has answered, so that what was decided is known; a second one does not wait."""
    pressed: list[int] = []

    def note(number: int, _: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt
