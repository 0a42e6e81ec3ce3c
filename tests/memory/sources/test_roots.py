"""Nothing outside the folder is read, found or told of, whatever a name or a link says."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.sources import roots
from memory.sources.roots import NotAFile, Outside, TooLarge, open_inside, read_inside, walk, within


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two documents; beside it one that must not be read."""
    folder = tmp_path / "docs"
    (folder / "guides").mkdir(parents=True)
    (folder / "a.md").write_text("inside a")
    (folder / "guides" / "b.md").write_text("inside b")
    (tmp_path / "docs-private").mkdir()
    (tmp_path / "docs-private" / "secret.md").write_text("secret")
    return folder


def names(root: Path, under: str = "") -> list[str]:
    return [found.path for found in walk(root, under) if not found.problem]


@pytest.mark.parametrize("given", ["a.md", "./a.md", "guides//b.md", "guides/", "", ".", "missing/x.md"])
def test_what_is_inside(root: Path, given: str) -> None:
    assert within(root, given) == root / given, "it is that path"
    assert within(root, str(root / given)) == root / given, "and the same where it is given in full"


@pytest.mark.parametrize(
    "given",
    [
        "..",
        "../docs-private/secret.md",
        "guides/../../docs-private/secret.md",
        "guides/../a.md",
        "..\\docs-private\\secret.md",
        "/etc/passwd",
        "/",
        "//etc/passwd",
        "a.md\0",
        "\0",
        "x" * 300 + "/../../..",
        "\ud800.md",
        "guides/..\\..\\x",
    ],
)
def test_what_is_outside(root: Path, given: str) -> None:
    with pytest.raises(Outside, match="not inside the source"):
        within(root, given)
    with pytest.raises(Outside):
        open_inside(root, given)


def test_a_folder_whose_name_begins_alike_is_outside(root: Path) -> None:
    with pytest.raises(Outside):
        within(root, str(root) + "-private/secret.md")


def test_nothing_is_told_about_what_is_outside(root: Path) -> None:
    (root / "there").symlink_to(root.parent / "docs-private" / "secret.md")
    (root / "not-there").symlink_to(root.parent / "docs-private" / "missing.md")
    told = []
    for asked in ("there", "not-there", "/etc/passwd", "/etc/no-such-file"):
        with pytest.raises(Outside) as caught:
            within(root, asked)
        told.append(str(caught.value))
    assert len(set(told)) == 1, "the answer is the same whether there is something or not"


def test_a_very_long_name_is_no_file(root: Path) -> None:
    for asked in ("x" * 5000, "x/" * 5000 + "a.md"):
        with pytest.raises((Outside, OSError)):
            open_inside(root, asked)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "guides", "a.md", "out", "in", "docs-private", "secret.md", "\\", "~", "/"]),
        max_size=7,
    )
)
def test_no_way_leads_out(root: Path, parts: list[str]) -> None:
    for link, target in (("out", root.parent), ("in", root / "guides")):
        if not (root / link).is_symlink():
            (root / link).symlink_to(target)
    try:
        with open_inside(root, "/".join(parts)) as file:
            data = file.read()
    except (Outside, OSError):
        return
    assert data.startswith(b"inside"), "what can be read is in the folder"


def test_the_folder_itself_may_be_a_link(root: Path) -> None:
    link = root.parent / "linked"
    link.symlink_to(root)
    assert names(link) == ["a.md", "guides/b.md"], "its files are found"
    assert read_inside(link, "a.md", 100) == b"inside a", "and read"
    assert within(link, str(link / "a.md")) == root / "a.md", "also by the link's own name"


def test_links_that_lead_out_are_told_of_and_not_read(root: Path) -> None:
    (root / "file.md").symlink_to(root.parent / "docs-private" / "secret.md")
    (root / "folder").symlink_to(root.parent / "docs-private")
    (root / "gone.md").symlink_to(root / "nothing.md")
    assert names(root) == ["a.md", "guides/b.md"], "they are not found"
    assert [found.path for found in walk(root) if found.problem] == ["file.md", "gone.md"], "a reason is given"
    for asked in ("file.md", "folder/secret.md"):
        with pytest.raises(Outside):
            open_inside(root, asked)


def test_links_inside_are_read_once(root: Path) -> None:
    (root / "again.md").symlink_to("a.md")
    (root / "guides" / "loop").symlink_to(root)
    (root / "self.md").symlink_to("self.md")
    assert names(root) == ["a.md", "guides/b.md"], "what they lead to is found by its own name, and without end"
    assert read_inside(root, "again.md", 100) == b"inside a", "they can be followed"


def test_links_to_what_is_hidden_are_read(root: Path) -> None:
    (root / "..2026").mkdir()
    (root / "..2026" / "c.md").write_text("inside c")
    (root / "..data").symlink_to("..2026")
    (root / "c.md").symlink_to("..data/c.md")
    (root / "d.md").symlink_to("..data/c.md")
    assert names(root) == ["a.md", "c.md", "guides/b.md"] or names(root) == ["a.md", "guides/b.md", "c.md"], "once"
    assert read_inside(root, "c.md", 100) == b"inside c", "as mounted volumes have them"


def test_only_documents_are_found(root: Path) -> None:
    for name in (".hidden.md", "image.png", "noend", "server.log", "C.HTML", "d.txt"):
        (root / name).write_text("x")
    (root / ".git").mkdir()
    (root / ".git" / "e.md").write_text("x")
    assert names(root) == ["C.HTML", "a.md", "d.txt", "guides/b.md"], "by the ends of their names; nothing hidden"
    assert names(root, "guides") == ["guides/b.md"], "a part can be asked for"
    assert names(root, "a.md") == ["a.md"], "or a file"
    assert names(root, "nothing") == [], "where there is nothing, nothing is found"


def test_what_is_no_regular_file_never_blocks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "pipe.md")
    (root / "folder.md").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(root)  # the name of a socket must be short
        listening.bind("socket.md")
    for name in ("pipe.md", "folder.md", "socket.md"):
        with pytest.raises(NotAFile):
            open_inside(root, name)
    problems = {found.path for found in walk(root) if found.problem}
    assert problems == {"pipe.md", "socket.md"}, "they are told of"


def test_a_link_put_there_after_the_check_is_not_followed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = root.parent / "docs-private"
    (outside / "b.md").write_text("secret")
    checked = roots.within

    def swapped(folder: Path, given: str) -> Path:
        path = checked(folder, given)
        if path.name == "b.md":
            (root / "guides").rename(root / "was")
            (root / "guides").symlink_to(outside)
        else:
            (root / "a.md").unlink()
            (root / "a.md").symlink_to(outside / "secret.md")
        return path

    monkeypatch.setattr(roots, "within", swapped)
    for asked in ("guides/b.md", "a.md"):
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
            open_inside(root, asked)


def test_where_folders_cannot_be_opened_the_file_is_compared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "_STEPWISE", False)
    assert read_inside(root, "guides/b.md", 100) == b"inside b", "it is read"
    (root / "file.md").symlink_to(root.parent / "docs-private" / "secret.md")
    with pytest.raises(Outside):
        open_inside(root, "file.md")


def test_a_file_that_is_too_large_is_not_read(root: Path) -> None:
    assert read_inside(root, "a.md", 8) == b"inside a", "as many bytes as are allowed"
    with pytest.raises(TooLarge):
        read_inside(root, "a.md", 7)


def test_a_name_that_is_not_utf_8_is_told_of(root: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.md")).write_text("x")
    except OSError:
        return  # the file system allows no such name
    (found,) = [found for found in walk(root) if found.problem]
    assert (found.path, found.problem) == ("caf\\xe9.md", "its name is not UTF-8"), "with a name that can be shown"


def test_a_folder_without_a_root_is_missing(tmp_path: Path) -> None:
    for use in (lambda: within(tmp_path / "no", "a.md"), lambda: list(walk(tmp_path / "no"))):
        with pytest.raises(FileNotFoundError):
            use()
