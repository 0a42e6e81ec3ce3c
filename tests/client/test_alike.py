"""Inputs that an embedder takes for nearly equal, and must not share a result."""

from __future__ import annotations

import pytest

from reprise_client import same_details

DIFFER = [
    ("convert euros to dollars", "convert dollars to euros"),
    ("send money from alice to bob", "send money from bob to alice"),
    ("turn left at the corner", "turn right at the corner"),
    ("is it safe to run this command", "is it unsafe to run this command"),
    ("he is coming", "he is not coming"),
    ("you are here", "are you here"),
    ("it is good", "it was good"),
    ("ls -a", "ls -A"),
    ("rm -rf ./build", "rm -rf ./built"),
    ("chmod u+x run.sh", "chmod u-x run.sh"),
    ("git push", "git push --force"),
    ("cat notes", "cat Notes"),
    ("copy a to b", "copy b to a"),
    ("wait 10 seconds", "wait 100 seconds"),
    ("wait 1 5 seconds", "wait 15 seconds"),
    ("version 1.2", "version 1.20"),
    ("echo hello; reboot", "echo hello reboot"),
    ('echo "a b"', "echo a b"),
    ("rm 'my file'", "rm my file"),
    ("delete user_id", "delete userid"),
    ("open readme.md", "open readme md"),
    ("call Alice", "call Bob"),
    ("ask US officials", "ask us officials"),
    ("first line\nsecond line", "first line second line"),
    ("grep the notes.txt", "grep notes.txt"),
    ("x = a", "x == a"),
    ("run tests!", "run !tests"),
    ("don't stop", "do stop"),
    ("das Haus", "das Heim"),
    ("поверни налево", "поверни направо"),
    ("左へ", "右へ"),
    ("ls", ""),
]
ALIKE = [
    ("What files are there?", "what files are there"),
    ("please list the files", "list files"),
    ("yes, list them all.", "yes list them all"),
    ("build  the image", "Build the image!"),
    ("wait 10 seconds", "Wait 10 seconds."),
    ("don't stop", "Don't stop!"),
    ("wie spät ist es", "Wie spät ist es?"),
]


@pytest.mark.parametrize(("one", "other"), DIFFER)
def test_what_may_mean_something_else_is_not_alike(one, other):
    assert not same_details(one, other)
    assert not same_details(other, one)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_differs_in_trifles_is_alike(one, other):
    assert same_details(one, other)
    assert same_details(other, one)


@pytest.mark.parametrize("text", ["", " ", "ls -l", "…", "'", "a"])
def test_every_text_is_alike_to_itself(text):
    assert same_details(text, text)
