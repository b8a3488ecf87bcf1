"""sshio as the server of every client."""

import pytest

import clients
import servers
from harness import MEBI, KeyFile, sha256_of
from test_client import SESSIONS, Imposter, get_bulk, put_bulk


def test_server_runs_command(client, sshio_server):
    result = client.run(sshio_server, "echo hello")
    assert (result.status, result.out) == (0, b"hello\n"), (result, sshio_server.log()[-2000:])


@pytest.mark.parametrize("status", [0, 7])
def test_server_sends_exit_status(client, sshio_server, status):
    assert client.run(sshio_server, f"exit {status}").status == status


def test_server_keeps_stderr_apart(client, sshio_server):
    result = client.run(sshio_server, sshio_server.command("both")).check()
    assert result.out == b"to-out\n"
    assert b"to-err\n" in result.err


def test_server_sends_100_mebibytes(client, sshio_server, bulk, tmp_path):
    get_bulk(client, sshio_server, bulk, tmp_path)


def test_server_takes_100_mebibytes(client, sshio_server, bulk):
    put_bulk(client, sshio_server, bulk)


def test_server_rekeys_every_mebibyte_while_sending(client, park, bulk, tmp_path):
    get_bulk(client, park.get(servers.SshioRekeying), bulk, tmp_path)


def test_server_rekeys_every_mebibyte_while_taking(client, park, bulk):
    put_bulk(client, park.get(servers.SshioRekeying), bulk)


@pytest.mark.needs("has_rekey_limit")
def test_server_follows_client_that_rekeys_every_mebibyte(client, sshio_server, bulk, tmp_path):
    get_bulk(client, sshio_server, bulk, tmp_path, rekey=MEBI)
    put_bulk(client, sshio_server, bulk, rekey=MEBI)


@pytest.mark.needs("has_many_sessions")
def test_server_takes_50_sessions_at_once(client, sshio_server):
    client.run_sessions(sshio_server, SESSIONS)


def test_server_refuses_unknown_key(client, sshio_server, tmp_path):
    face = Imposter(sshio_server, sshio_server.known_hosts)
    face.identity = KeyFile(tmp_path, "stranger")
    result = client.run(face, "echo hello")
    assert result.status != 0 and result.out == b"", result


def test_server_refuses_other_user(client, sshio_server):
    face = Imposter(sshio_server, sshio_server.known_hosts)
    face.user = "nobody"
    result = client.run(face, "echo hello")
    assert result.status != 0 and result.out == b"", result


@pytest.mark.parametrize("kind", [clients.OpenSSH, clients.AsyncSSH, clients.Sshio], ids=lambda kind: kind.name)
def test_server_accepts_password_and_refuses_wrong_one(kind, park, tmp_path):
    server = park.get(servers.SshioAuth)
    client = kind(tmp_path)
    assert client.login_with_password(server, server.password).check().out == f"welcome {server.user}\n".encode()
    refused = client.login_with_password(server, "wrong")
    assert refused.status != 0 and refused.out == b"", refused
