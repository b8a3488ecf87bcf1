"""The harness itself: every peer, with another peer at the other end. When these fail, no other test here means anything."""

import pytest

import clients


def test_harness_server_runs_command_for_ssh(server, tmp_path):
    result = clients.OpenSSH(tmp_path).run(server, server.command("hello"))
    assert (result.status, result.out) == (0, b"hello\n"), (result, server.log()[-2000:])


def test_harness_server_passes_exit_status_and_input(server, tmp_path):
    ssh = clients.OpenSSH(tmp_path)
    assert ssh.run(server, server.command("exit", status=7)).status == 7
    assert ssh.run(server, server.command("cat"), input=b"there and back\n").check().out == b"there and back\n"


def test_harness_server_keeps_stderr_apart(server, tmp_path):
    result = clients.OpenSSH(tmp_path).run(server, server.command("both")).check()
    assert result.out == b"to-out\n"
    assert b"to-err\n" in result.err


def test_harness_client_runs_command_on_sshd(client, openssh_server):
    result = client.run(openssh_server, "cat; echo to-err >&2; exit 7", input=b"there and back\n")
    assert (result.status, result.out) == (7, b"there and back\n"), result
    assert b"to-err" in result.err


@pytest.mark.needs("has_many_sessions")
def test_harness_client_opens_many_sessions_on_sshd(client, openssh_server):
    client.run_sessions(openssh_server, 50)


@pytest.mark.needs("has_many_sessions")
def test_harness_server_takes_many_sessions(server, tmp_path):
    clients.Go(tmp_path).run_sessions(server, 50)
