"""`sshio scp` beside OpenSSH's scp: the same copies, by SFTP and by the protocol of old, with the same results."""

import os
import re

import pytest

import servers
from copy_tools import OURS, SFTP_SERVER, THEIRS, Tools, make_example, modes, other_ssh, said, times, words_of
from harness import find_built, find_program, free_port, run
from sftp_talk import open_place, picture
from test_sftp_tool import SshioSftp

FAILED, LOST = 1, 255


@pytest.fixture
def openssh(openssh_server, tmp_path):
    return Tools(openssh_server, tmp_path)


@pytest.fixture(params=[servers.OpenSSH, SshioSftp], ids=lambda kind: kind.name)
def tools(request, park, tmp_path):
    return Tools(park.get(request.param), tmp_path)


@pytest.fixture
def place(workshop):
    folder = open_place(workshop, "scp-tool")
    make_example(folder / "example")
    return folder


# "@" is the folder on the server, "+" the one here.
COPIES = {
    "file": ["+/plain", "host:@/copy"], "file into a folder": ["+/plain", "host:@/sub"], "several": ["+/plain", "+/st*r", "host:@/sub"],
    "several into a new folder": ["+/plain", "+/zero", "host:@/made"], "tree": ["-r", "+/sub", "host:@/tree"],
    "tree into a folder": ["-r", "+/sub", "host:@/sub"], "kept": ["-p", "+/plain", "+/zero", "host:@/sub"],
    "back": ["host:@/plain", "+/copy"], "back into a folder": ["host:@/plain", "+/sub"], "back, a name with a blank": ["host:@/with space", "+/copy"],
    "back by a pattern": ["host:@/[pz]*", "+/sub"], "back by a pattern into a new folder": ["host:@/[pz]*", "+/made"],
    "back, two": ["host:@/plain", "host:@/zero", "+/sub"], "back, a tree": ["-r", "host:@/sub", "+/tree"],
    "back, a tree, kept": ["-rp", "host:@/sub", "+/sub"], "back, a quoted name": ["host:@/st\\*r", "+/copy"],
    "between": ["host:@/plain", "host:@/copy"], "between, into a folder": ["-3", "host:@/plain", "host:@/sub"],
    "between, a tree": ["-r", "-3", "host:@/sub", "host:@/tree"], "between, kept": ["-rp", "-3", "host:@/sub", "host:@/tree"],
    "here": ["+/plain", "+/copy"], "here, a tree": ["-r", "+/sub", "+/tree"], "large": ["-C", "+/sub/large", "host:@"],
    "slowly": ["-l", "40000", "+/sub/large", "host:@"], "in small blocks": ["-X", "buffer=1000", "-X", "nrequests=3", "+/sub/large", "host:@"],
}
OLD = ["file", "file into a folder", "several", "tree", "tree into a folder", "kept", "back", "back into a folder", "back by a pattern",
       "back, two", "back, a tree", "back, a tree, kept", "back, a quoted name", "between", "between, into a folder", "between, a tree",
       "large"]


def copy(tools, place, whose, words):
    """What a copy leaves on both sides: contents, permissions, and the times of what was kept."""
    local, remote = make_example(tools.here / f"local-{whose}"), make_example(place / f"remote-{whose}")
    if not tools.server.account.is_own:
        for folder in (remote, remote / "sub"):
            os.chown(folder, tools.server.account.uid, tools.server.account.gid)
    result = tools.run(whose, "scp", *[word.replace("@", str(remote)).replace("+", str(local)) for word in words])
    kept = [{name: at for name, at in times(top).items() if at == 1100000000} for top in (local, remote)]
    return result, (picture(local), picture(remote), modes(local), modes(remote), kept)


def ordinary(left):
    """OpenSSH gives a folder that is made for several files the permissions of the first file, and more."""
    for there in left[2:4]:
        there.pop("made", None)
    return left


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_those_of_openssh(openssh, place, name):
    ours, theirs = (copy(openssh, place, whose, COPIES[name]) for whose in (OURS, THEIRS))
    assert ours[0].check().out == theirs[0].check().out == b"" and said(ours[0].err) == said(theirs[0].err)
    assert ordinary(ours[1]) == ordinary(theirs[1])


@pytest.mark.parametrize("name", OLD)
def test_copies_by_the_protocol_of_old(openssh, place, name):
    """scp(1), -O."""
    ours, theirs = (copy(openssh, place, whose, ["-O", *COPIES[name]]) for whose in (OURS, THEIRS))
    assert ours[0].check().out == theirs[0].check().out == b""
    assert ours[1] == theirs[1]


def test_tree_to_and_from_every_server(tools, place):
    make_example(tools.here / "local")
    tools.scp("-r", "local", f"host:{place}/up").check()
    tools.scp("-r", f"host:{place}/up", "down").check()
    assert picture(tools.here / "local") == picture(place / "up") == picture(tools.here / "down")


def test_from_one_server_to_another(openssh, park, place):
    """OpenSSH's and ours, whose ports the names have: scp://."""
    other = Tools(park.get(SshioSftp), open_place(openssh.here, "other")).server
    with open(openssh.server.known_hosts) as one, open(other.known_hosts) as two:
        (openssh.here / "known").write_text(one.read() + two.read())
    words = ["-o", f"UserKnownHostsFile={openssh.here}/known", "-r", f"scp://{openssh.server.user}@127.0.0.1:{openssh.server.port}/{place}/example",
             f"scp://{other.user}@127.0.0.1:{other.port}/{place}/there"]
    openssh.run(OURS, "scp", "-i", openssh.server.identity.path, *words).check()
    assert picture(place / "example") == picture(place / "there")


def test_links_are_followed(openssh, place):
    """scp(1), -r: it follows links in the tree."""
    (place / "example" / "link").symlink_to("plain")
    (place / "example" / "folder").symlink_to("sub")
    openssh.scp("-r", f"host:{place}/example", "down").check()
    assert (openssh.here / "down" / "link").read_bytes() == (place / "example" / "plain").read_bytes()
    assert (openssh.here / "down" / "folder" / "large").exists() and not (openssh.here / "down" / "folder").is_symlink()


FAILURES = {
    "no source here": ["+/nothing", "host:@"], "no source there": ["host:@/nothing", "+"], "a folder": ["+/sub", "host:@/new"],
    "a folder there": ["host:@/sub", "+/new"], "no folder there": ["+/plain", "host:/nothing/x"], "no folder here": ["host:@/plain", "/nothing/x"],
    "not allowed": ["+/plain", "host:/etc/hostname"], "here": ["+/nothing", "+/copy"], "option": ["-X", "y=1", "+/plain", "host:@"],
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_told_as_openssh_tells_them(openssh, place, name):
    ours, theirs = (copy(openssh, place, whose, FAILURES[name])[0] for whose in (OURS, THEIRS))
    assert ours.status == theirs.status != 0
    assert said(ours.err).replace("-" + OURS, "") == said(theirs.err).replace("-" + THEIRS, "").replace(find_program("scp"), "scp")


def test_one_failure_does_not_stop_the_others(openssh, place):
    result = openssh.scp(f"host:{place}/example/nothing", f"host:{place}/example/plain", ".")
    assert result.status == FAILED and b"nothing: No such file or directory" in result.err and (openssh.here / "plain").exists()
    result = openssh.scp("-O", f"host:{place}/example/nothing", f"host:{place}/example/plain", ".")
    assert result.status == FAILED and result.err.startswith(b"scp: ")


@pytest.mark.parametrize("words, status, message", [
    ([], FAILED, "usage:"), (["a"], FAILED, "usage:"), (["-Z", "a", "b"], FAILED, "unknown option"), (["-l", "x", "a", "host:"], FAILED, "limit"),
    (["-A", "a", "host:"], FAILED, "not supported yet"), (["-O", "-D", "x", "a", "host:"], FAILED, "server of SFTP"),
    (["-D", "/nothing", "config", "host:"], LOST, "exec: /nothing"),
    (["scp://[::1]text/x", "."], FAILED, "behind the brackets"),
    (["scp://host:0/x", "."], FAILED, "the port is no number"), (["-P", str(free_port()), "config", "host:"], LOST, "ssh: cannot connect"),
    (["config", "host:~root/x"], LOST, "other users' homes"), (["host:config", "host:x", "/nothing"], FAILED, "/nothing: No such file"),
])
def test_wrong_command_lines(openssh, words, status, message):
    result = openssh.scp(*words)
    assert result.status == status and message in said(result.err), result


CALLS = [["host:x", "."], ["-P", "2222", "-A", "-C", "-6", "-v", "-q", "-B", "user@host:x", "."], ["-O", "config", "host:x y"],
         ["-O", "host:x*", "."], ["-i", "/key", "-c", "aes128-ctr", "-J", "one", "-o", "Port=3", "scp://me@host:44/x", "."]]


@pytest.mark.parametrize("words", CALLS, ids=str)
def test_other_program_is_called_as_openssh_calls_it(openssh, words):
    """scp(1), -S."""
    ours, theirs = (words_of(openssh, whose, "scp", *words) for whose in (OURS, THEIRS))
    assert ours[0] == theirs[0] and ours[1] != 0 != theirs[1]


OTHERS = ["file", "several", "tree", "kept", "back", "back, a tree", "between", "large"]


@pytest.mark.parametrize("old", [[], ["-O"]], ids=["sftp", "old"])
@pytest.mark.parametrize("whose", [OURS, THEIRS])
@pytest.mark.parametrize("name", OTHERS)
def test_another_program_makes_the_connection(openssh, place, name, whose, old):
    """-S, with OpenSSH's ssh and with ours; with -O too, where a program is started for each source."""
    options = ["-S", other_ssh(openssh, whose), *old]
    ours, theirs = (copy(openssh, place, who, [*options, *COPIES[name]]) for who in (OURS, THEIRS))
    assert ours[0].check().out == theirs[0].check().out == b"" and said(ours[0].err) == said(theirs[0].err)
    assert ordinary(ours[1]) == ordinary(theirs[1])


def test_other_program_that_fails_afterwards(openssh, place):
    """All was copied, but it says that something went wrong."""
    script = openssh.here / "failing"
    script.write_text(f"#!/bin/sh\n{find_program('ssh')} \"$@\"\nexit 3\n")
    script.chmod(0o755)
    for options in ([], ["-O"]):
        for whose in (OURS, THEIRS):
            result = openssh.run(whose, "scp", *options, "-S", script, f"host:{place}/example/plain", f"got-{whose}")
            assert result.status == FAILED and (openssh.here / f"got-{whose}").exists(), result


@pytest.mark.parametrize("server", [SFTP_SERVER, "{sshio} sftp-server -u 022"])
def test_server_that_runs_here(openssh, server):
    """scp(1), -D; with arguments too."""
    make_example(openssh.here / "example")
    server = server.format(sshio=find_built("tools/sshio"))
    openssh.scp("-D", server, "-r", "example", f"host:{openssh.here}/there").check()
    openssh.scp("-D", server, "-r", f"host:{openssh.here}/there", "back").check()
    assert picture(openssh.here / "example") == picture(openssh.here / "there") == picture(openssh.here / "back")


def test_first_host_copies_to_the_second(openssh, place):
    """-R: the other host runs scp, and it is that one which finds no way."""
    result = openssh.scp("-R", f"host:{place}/example/plain", "nowhere.invalid:copy")
    assert result.status == FAILED and b"nowhere.invalid" in result.err


def test_home_is_where_paths_begin(openssh, place):
    home = openssh.server.account.home
    if os.access(home, os.W_OK):
        (openssh.here / "named").write_text("content")
        try:
            openssh.scp("named", "host:").check()
            openssh.scp("host:~/named", "back").check()
            assert (openssh.here / "back").read_text() == "content" == (home / "named").read_text()
        finally:
            (home / "named").unlink(missing_ok=True)


def test_called_by_the_name_of_the_program(openssh, place, tmp_path):
    (tmp_path / "scp").symlink_to(find_built("tools/sshio"))
    run([tmp_path / "scp", "-F", openssh.config, f"host:{place}/example/plain", "got"], env=openssh.env(), cwd=tmp_path).check()
    assert (tmp_path / "got").read_bytes() == (place / "example" / "plain").read_bytes()


LINE = r"large +%s +\d+KB +[\d.]+[KMG]B/s +[\d:-]+ "


@pytest.mark.parametrize("options", [[], ["-O"]], ids=["sftp", "old"])
def test_progress_is_shown_on_a_terminal(openssh, place, options):
    """Name, percentage, amount, rate and the time that is left; -q shows nothing."""
    person = openssh.terminal("scp", *options, "-l", "1600", f"host:{place}/example/sub/large", openssh.here / "got", columns=100)
    person.expect((LINE % r"\d\d?%").encode() + rb"ETA")
    person.expect((LINE % "100%").encode() + rb" *\r\n")
    assert person.status() == 0 and all(len(line) <= 100 for line in re.split(r"[\r\n]+", person.shown))
    person = openssh.terminal("scp", *options, "-q", f"host:{place}/example/sub/large", openssh.here / "got")
    assert person.status() == 0 and person.shown == ""


def test_progress_is_not_shown_elsewhere(openssh, place):
    result = openssh.scp(f"host:{place}/example/sub/large", "got").check()
    assert (result.out, result.err) == (b"", b"")
