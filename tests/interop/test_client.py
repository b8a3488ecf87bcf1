"""sshio as the client of every server."""

import os
import signal
import subprocess

import pytest

import clients
import servers
from harness import HOST, KeyFile, clean_environment, known_hosts_line, limit_child, sha256_of, under_limits

SESSIONS = 50


def get_bulk(client, server, bulk, tmp_path, **more):
    """The server's command writes the file; every byte must come, in order."""
    copy = tmp_path / "copy"
    result = client.run(server, server.command("source"), stdout_file=copy, seconds=120, **more)
    assert result.status == 0, (result, server.log()[-2000:])
    assert (copy.stat().st_size, sha256_of(copy)) == (bulk.size, bulk.sha256)
    return result


def put_bulk(client, server, bulk, **more):
    """The server's command computes the checksum of what it reads."""
    result = client.run(server, server.command("sink"), stdin_file=bulk.path, seconds=120, **more)
    assert result.status == 0, (result, server.log()[-2000:])
    assert result.out.split()[0].decode() == bulk.sha256
    return result


def test_client_runs_command(sshio, server):
    result = sshio.run(server, server.command("hello"))
    assert (result.status, result.out) == (0, b"hello\n"), (result, server.log()[-2000:])


@pytest.mark.parametrize("status", [0, 7, 255])
def test_client_exits_with_status_of_command(sshio, server, status):
    assert sshio.run(server, server.command("exit", status=status)).status == status


@pytest.mark.parametrize("kind", [servers.Libssh, servers.Paramiko], ids=lambda kind: kind.name)
def test_client_talks_to_servers_that_are_in_no_matrix(sshio, park, kind):
    server = park.get(kind)
    for status in (0, 7):
        assert sshio.run(server, server.command("exit", status=status)).status == status
    assert sshio.run(server, server.command("cat"), input=b"there and back\n").check().out == b"there and back\n"
    both = sshio.run(server, server.command("both")).check()
    assert both.out == b"to-out\n" and b"to-err\n" in both.err


def test_client_is_told_that_a_server_runs_no_commands(sshio, park, tmp_path):
    """proftpd lets us in, and has files alone; who has another key does not come that far."""
    server = park.get(servers.Proftpd)
    result = sshio.run(server, "echo hello")
    assert (result.status, result.out) == (255, b"") and b"Session request failed" in result.err, result
    face = Imposter(server, server.known_hosts)
    face.identity = KeyFile(tmp_path, "stranger")
    result = sshio.run(face, "echo hello")
    assert result.status == 255 and b"Permission denied (" in result.err, result


def test_client_gives_up_a_server_that_has_stopped(sshio, openssh_server):
    """ServerAliveInterval: what OpenSSH's server has for this connection is stopped, so that nothing is answered."""
    argv = sshio.argv(openssh_server, "echo $PPID; exec cat", None)
    place = argv.index(HOST)
    argv[place:place] = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"]
    with subprocess.Popen(under_limits(argv, 60), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(), preexec_fn=limit_child) as child:
        serving = int(child.stdout.readline())
        os.kill(serving, signal.SIGSTOP)
        try:
            status, err = child.wait(), child.stderr.read()
        finally:
            os.kill(serving, signal.SIGCONT)
    assert status == 255 and b"Server not responding to keepalive" in err, err


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.Dropbear, servers.Go], ids=lambda kind: kind.name)
def test_client_lets_servers_live_that_know_no_keepalive(sshio, park, kind):
    """They answer the request with a failure, which says that they are there. A command that is silent for long lives on."""
    server = park.get(kind)
    result = sshio.log_in(server, "sleep 1; echo alive", f"key={server.identity.path}", "keepalive=0.02")
    assert result.check().out == b"alive\n"


def test_client_keeps_stderr_apart(sshio, server):
    result = sshio.run(server, server.command("both")).check()
    assert result.out == b"to-out\n"
    assert b"to-err\n" in result.err


def test_client_passes_input(sshio, server):
    text = b"there and back\n" * 1000
    assert sshio.run(server, server.command("cat"), input=text).check().out == text


def test_client_gets_100_mebibytes(sshio, server, bulk, tmp_path):
    get_bulk(sshio, server, bulk, tmp_path)


def test_client_puts_100_mebibytes(sshio, server, bulk):
    put_bulk(sshio, server, bulk)


def test_client_rekeys_every_mebibyte_while_getting(sshio, server, bulk, tmp_path):
    get_bulk(sshio, server, bulk, tmp_path, rekey="1M")


def test_client_rekeys_every_mebibyte_while_putting(sshio, server, bulk):
    put_bulk(sshio, server, bulk, rekey="1M")


@pytest.mark.parametrize("kind", servers.REKEYING, ids=lambda kind: kind.name)
def test_client_follows_server_that_rekeys_every_mebibyte(sshio, park, kind, bulk, tmp_path):
    get_bulk(sshio, park.get(kind), bulk, tmp_path)
    put_bulk(sshio, park.get(kind), bulk)


@pytest.mark.needs("has_many_sessions")
def test_client_opens_50_sessions_at_once(sshio, server):
    sshio.run_sessions(server, SESSIONS)


class Imposter:
    """A server's face with other host keys in known_hosts."""

    def __init__(self, server, known_hosts):
        self.__dict__.update(server.__dict__)
        self.known_hosts = known_hosts


def test_client_refuses_unknown_host_key(sshio, server, tmp_path):
    known_hosts = tmp_path / "empty_known_hosts"
    known_hosts.write_text("")
    result = sshio.run(Imposter(server, known_hosts), server.command("hello"))
    assert (result.status, result.out) == (255, b"")
    assert b"Host key verification failed" in result.err, result


def test_client_refuses_changed_host_key(sshio, server, tmp_path):
    other = KeyFile(tmp_path, "other")
    known_hosts = tmp_path / "other_known_hosts"
    known_hosts.write_text(known_hosts_line(server.port, other.public_line))
    result = sshio.run(Imposter(server, known_hosts), server.command("hello"))
    assert (result.status, result.out) == (255, b"")
    assert b"Host key verification failed" in result.err, result


def test_client_refused_key_is_permission_denied(sshio, server, tmp_path):
    face = Imposter(server, server.known_hosts)
    face.identity = KeyFile(tmp_path, "stranger")
    result = sshio.run(face, server.command("hello"))
    assert (result.status, result.out) == (255, b""), result


def test_client_logs_in_with_password(sshio, park):
    server = park.get(servers.AsyncSSH)
    assert sshio.login_with_password(server, server.password).check().out == b"hello\n"


def test_client_wrong_password_is_permission_denied(sshio, park):
    result = sshio.login_with_password(park.get(servers.AsyncSSH), "wrong")
    assert (result.status, result.out) == (1, b"")
    assert b"SSHIO_EPERMISSION_DENIED" in result.err, result
