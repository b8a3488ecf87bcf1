"""A server that relays to another one: OpenSSH's client, our server and client in one program, OpenSSH's server."""

import pytest

import clients
import servers
from harness import HOST, find_program, run
from terminal import SMALL, Terminal, work_in_a_shell


@pytest.fixture
def relay(openssh_server, tmp_path, identity, bulk, account):
    folder = tmp_path / "relay"
    folder.mkdir()
    made = servers.SshioRelay(openssh_server, folder, identity, bulk, account)
    yield made
    made.stop()


@pytest.fixture
def ssh(relay, tmp_path):
    client = clients.OpenSSH(tmp_path)
    return [*client.path, *client.options(relay)]


def test_person_works_in_a_shell_behind_it(ssh):
    person = Terminal([*ssh, "-tt", HOST], **SMALL)
    work_in_a_shell(person)
    assert person.status() == 9


@pytest.mark.parametrize("status", [0, 7, 255])
def test_exit_status_and_both_outputs_come_through(ssh, status):
    result = run([*ssh, HOST, f"cat; echo to-err >&2; exit {status}"], input=b"input")
    assert (result.status, result.out, result.err) == (status, b"input", b"to-err\n"), result


def test_program_that_was_killed_is_told_so(ssh):
    result = run([*ssh, "-v", HOST, "kill -KILL $$"])
    assert result.status == 255 and b"exit-signal" in result.err, result


def test_much_goes_both_ways(ssh, bulk):
    assert run([*ssh, HOST, "sha256sum"], stdin_file=bulk.path, seconds=300).check().out.split()[0].decode() == bulk.sha256
    assert len(run([*ssh, HOST, f"head -c 20000000 {bulk.path}"], seconds=300).check().out) == 20000000


def test_many_sessions_share_the_way(relay, tmp_path):
    clients.OpenSSH(tmp_path).run_sessions(relay, 9)


def test_subsystem_is_that_of_the_server_behind(ssh, relay, account, tmp_path):
    sftp = find_program("sftp")
    batch = tmp_path / "batch"
    batch.write_text("pwd\n")
    result = run([sftp, "-b", batch, "-S", ssh[0], *option_words(relay, tmp_path), f"{relay.user}@{HOST}"])
    assert b"Remote working directory: " in result.check().out, result


def option_words(relay, folder):
    """Those of ssh that sftp takes too."""
    words = clients.OpenSSH(folder).options(relay)
    cut = words.index("-l")
    return [*words[:cut], "-P", str(relay.port)]


def test_connections_are_made_from_there(ssh, openssh_server):
    result = run([*ssh, "-W", f"{HOST}:{openssh_server.port}", HOST], input=b"SSH-2.0-nobody\r\n")
    assert result.out.startswith(b"SSH-2.0-OpenSSH"), result


def test_refusal_is_that_of_the_server_behind(ssh):
    result = run([*ssh, "-W", f"{HOST}:1", HOST])
    assert result.status == 255 and b"open failed: connect failed: Connection refused" in result.err, result
