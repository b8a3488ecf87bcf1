"""Whole trees to our SFTP server and back, by every client that people use, and what the libraries among them can do besides; whole trees
to every server and back, by our client."""

import os
import shutil

import pytest

import servers
import tree_clients
from sftp_talk import open_place
from tree_clients import make_full_tree


@pytest.fixture
def files(park):
    return park.get(servers.SshioSftp)


MARKS = {tree_clients.Sshfs: pytest.mark.fuse, **dict.fromkeys(tree_clients.BETWEEN, pytest.mark.matrix)}
CARRIERS = [pytest.param(kind, marks=MARKS.get(kind, ()), id=kind.name) for kind in tree_clients.ALL]


@pytest.fixture(params=CARRIERS)
def carrier(request, files, tmp_path):
    return request.param(files, tmp_path)


@pytest.fixture
def place(workshop):
    folder = open_place(workshop, "trees")
    yield folder
    shutil.rmtree(folder)


def differences(one, other):
    """What a picture has and the other has not, in a form that can be read."""
    return sorted((name[:80], shown[2:] if shown[0] == "file" else shown) for name, shown in one.items() if other.get(name) != shown)


def make_large_tree(top):
    for folder in range(100):
        (top / f"{folder:02}").mkdir(parents=True)
        for number in range(100):
            (top / f"{folder:02}" / f"{number:02}").write_bytes(os.urandom(number * folder))
    return top


def carry(carrier, tree):
    """Up and down again, to what it was."""
    wanted, there, back = carrier.prepare(tree), tree.parent / "there", tree.parent / "back"
    carrier.put(tree, there)
    assert differences(wanted, carrier.picture(there)) == []
    carrier.get(there, back)
    assert carrier.picture(back) == carrier.picture(there) == wanted


def test_tree_goes_there_and_back(carrier, place):
    carry(carrier, make_full_tree(place / "tree"))


@pytest.mark.deep
def test_ten_thousand_files_go_there_and_back(carrier, place):
    carry(carrier, make_large_tree(place / "tree"))


LIBRARIES = [kind for kind in tree_clients.ALL if issubclass(kind, tree_clients.Program)]


@pytest.mark.parametrize("kind", LIBRARIES, ids=lambda kind: kind.name)
def test_what_a_library_can_do(kind, files, place, tmp_path):
    """Requests that are under way at once, positions, links, attributes; see the programs of peers/."""
    kind(files, tmp_path).check(place)


# ---- our client ----

LACKING = {    # what test_sftp_client.py has no tree for, and what it loses
    (servers.Rclone, 3): ("links", "modes", "folder times", "raw", "control"),
    (servers.ErlangSftp, 3): ("links", "raw"), (servers.ErlangSftp5, 5): ("links", "raw", "modes", "times"),
    (servers.ErlangSftp6, 6): ("links", "raw", "modes", "times"),
}
VERSIONS = {servers.OpenSSH: [3], servers.Paramiko: [3], servers.Go: [3], servers.LibsshSftp: [3],
            servers.AsyncSSHSftp: [3, 4, 5, 6], servers.Gesftp: [3, 4, 5, 6], servers.Proftpd: [3, 4, 5, 6],
            servers.SshioSftp: [3, 4, 5, 6]}
WHOLE_SECONDS = (servers.Gesftp, servers.Proftpd)
LARGE = {**LACKING, **{(kind, version): ("nanoseconds",) if kind in WHOLE_SECONDS else ()
                       for kind, versions in VERSIONS.items() for version in versions}}


def ours(park, tmp_path, table, pair):
    return tree_clients.Ours(park.get(pair[0]), tmp_path, pair[1], table[pair])


def pairs(table, rare=()):
    return [pytest.param(pair, marks=pytest.mark.matrix if pair[0] in rare else (), id=f"{pair[0].name}-v{pair[1]}") for pair in table]


@pytest.mark.parametrize("pair", pairs(LACKING, rare=(servers.ErlangSftp5, servers.ErlangSftp6)))
def test_tree_goes_to_a_server_and_back(park, place, tmp_path, pair):
    """Erlang's gives two files one handle when three are open, so that only one is; rclone's says that it sets a size, and does not."""
    carry(ours(park, tmp_path, LACKING, pair), make_full_tree(place / "tree"))


@pytest.mark.parametrize("pair", pairs(pair for pair, loses in LARGE.items() if pair[1] >= 4 and not loses))
def test_times_are_kept_to_the_nanosecond(park, place, tmp_path, pair):
    (place / "tree" / "folder").mkdir(parents=True)
    (place / "tree" / "folder" / "file").touch()
    carry(ours(park, tmp_path, LARGE, pair), place / "tree")
    assert (place / "back" / "folder" / "file").stat().st_mtime_ns % 10**9 != 0


@pytest.mark.deep
@pytest.mark.parametrize("pair", pairs(LARGE))
def test_ten_thousand_files_go_to_a_server_and_back(park, place, tmp_path, pair):
    carry(ours(park, tmp_path, LARGE, pair), make_large_tree(place / "tree"))
