"""Terminals, environment, window changes, breaks, signals and flow control, both ways."""

import os
import re

import pytest

import clients
import servers
from harness import HERE, HOST, PYTHON, find_built, find_program, run
from terminal import Terminal


def converse(server, term, command, *script):
    """Our client; the script is pairs of what is waited for and what is done then."""
    return run([find_built("tests/interop/session_client"), server.port, server.user, server.identity.path,
                server.known_hosts, term, command, *script])


def converse_with(server, peer):
    return run([PYTHON, "-W", "ignore", HERE / "peers" / peer, "--port", server.port, "--user", server.user, "--identity",
                server.identity.path, "--known-hosts", server.known_hosts]).check().out.decode().splitlines()


# ---- our client ----

WATCH = """trap 'stty size' WINCH; trap 'echo got USR1; exit 4' USR1
echo term $TERM; stty size; stty -a; echo ready; while :; do sleep 0.05; done"""


def test_client_has_terminal_of_openssh(openssh_server):
    out = converse(openssh_server, "vt100", WATCH, "ready\n", "size 132x43", "43 132\n", "break 500", "43 132\n",
                   "signal USR1").check().out.decode()
    assert "term vt100\n24 80\n" in out and "\r" not in out, out
    assert re.search(r"\s-echo\s", out) and re.search(r"\s-onlcr\s", out), out
    assert "ready\n43 132\n" in out and out.endswith("got USR1\nstatus 4\n"), out    # bash says more in between


def test_client_without_terminal_has_none_at_openssh(openssh_server):
    out = converse(openssh_server, "", "tty; echo ready; cat", "ready\n", "eof").check().out
    assert out == b"not a tty\nready\nstatus 0\n"


def test_client_signals_by_name_and_by_number(openssh_server):
    for signal, name in (("TERM", b"TERM"), ("9", b"KILL")):
        out = converse(openssh_server, "", "echo ready; exec sleep 60", "ready\n", f"signal {signal}").check().out
        assert out.startswith(b"ready\nended by " + name) and out.endswith(b"status -1\n"), out


class SshioEnvironment(servers.Sshio):
    name = "sshio-environment"
    options = ["-o", "AcceptEnv=LC_*"]


OCTETS = b"\xff\x80 caf\xe9 \x01;$(x)'"    # no text in any encoding, and nothing that a shell should see


@pytest.mark.parametrize("client_kind, server_kind", [(clients.Sshio, servers.OpenSSH), (clients.OpenSSH, SshioEnvironment)],
                         ids=["sshio-to-openssh", "openssh-to-sshio"])
def test_environment_is_octets(client_kind, server_kind, park, tmp_path):
    """RFC 4254 6.4 says nothing of an encoding, so that what is set is what arrives."""
    server, client = park.get(server_kind), client_kind(tmp_path)
    setting = "SetEnv=LC_OCTETS=" + os.fsdecode(b'"' + OCTETS + b'"')
    result = run([*client.path, "-o", setting, *client.options(server), HOST, "printenv LC_OCTETS"])
    assert result.check().out == OCTETS + b"\n"


REPORT = ["pty vt100 80 24 0 0", "modes 53=0 72=0", "env LC_SSHIO=there"]


@pytest.mark.parametrize("kind", [servers.AsyncSSH, servers.SshioSession], ids=lambda kind: kind.name)
def test_client_tells_its_terminal_sizes_breaks_and_signals(park, kind):
    out = converse(park.get(kind), "vt100", "report", "ready\n", "size 132x43", "size 132", "break 700", "break 700",
                   "signal TERM").check().out.decode().splitlines()
    assert [line for line in out if line != "xon-xoff 1"] == [
        *REPORT, "ready", "size 132 43 0 0", "break 700", "signal TERM", "ended by TERM 1 as you wish", "status -1"]
    assert out.count("xon-xoff 1") == 1


@pytest.mark.parametrize("kind", [servers.AsyncSSH, servers.SshioSession], ids=lambda kind: kind.name)
def test_client_ends_its_input_and_hears_the_status(park, kind):
    out = converse(park.get(kind), "vt100", "report", "ready\n", "eof").check().out.decode().splitlines()
    assert out[-1] == "status 5"


def test_client_hears_that_no_terminal_or_program_was_granted(park):
    server = park.get(servers.SshioSession)
    assert b"PTY request failed" in converse(server, "none", "report").err
    assert b"Session request failed" in converse(server, "vt100", "refused").err


# ---- our server ----

@pytest.mark.parametrize("kind", [clients.OpenSSH, clients.Sshio], ids=lambda kind: kind.name)
def test_server_is_told_of_the_terminal_of(kind, park, tmp_path):
    server = park.get(servers.SshioSession)
    ssh = kind(tmp_path)
    argv = [*ssh.path, "-tt", *ssh.options(server), "-o", "EscapeChar=~", "-o", "SetEnv=LC_A=1 LC_B=2", HOST,
            "report"]
    terminal = Terminal(argv, rows=31, columns=99, term="xterm-test")
    terminal.wait_for("ready").resize(50, 120)
    terminal.wait_for("size 120 50 3 4")
    terminal.type(b"\r~B")
    terminal.wait_for(r"break \d+")
    terminal.type(b"\x04")
    assert terminal.status() == 5
    assert re.search(r"^pty xterm-test 99 31 3 4\r?\nmodes (\d+=\d+ )+.*\r?\nenv LC_A=1\r?\nenv LC_B=2\r?\nready", terminal.shown,
                     re.M), terminal.shown
    modes = dict(word.split("=") for word in re.search("modes (.*)", terminal.shown).group(1).split())
    assert modes["1"] == "3" and modes["42"] in ("0", "1") and "128" in modes, modes


def test_server_is_told_of_the_terminal_of_asyncssh(park):
    servers.need_python_module("asyncssh")
    out = converse_with(park.get(servers.SshioSession), "asyncssh_session.py")
    assert [line for line in out if line != "xon-xoff 1"] == [
        "pty ansi 100 30 1 2", "modes 53=0 129=38400", "env LC_A=1", "ready", "size 132 43 5 6", "break 700", "signal USR1",
        "signal TERM", "ended by TERM 1 as you wish"]
    assert out.count("xon-xoff 1") == 1


def test_server_is_told_of_the_terminal_of_paramiko(park):
    servers.need_python_module("paramiko")
    out = converse_with(park.get(servers.SshioSession), "paramiko_session.py")
    assert out == ["pty linux 90 33 7 8", "modes", "env LC_A=1", "ready", "size 91 34 0 0", "status 5"]
