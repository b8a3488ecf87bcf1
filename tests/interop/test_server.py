"""sshio as the server of every client."""

import re

import pytest

import clients
import servers
from harness import HOST, MEBI, KeyFile, clean_environment, find_program, run
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


def test_server_serves_erlang(sshio_server, tmp_path):
    """A command, three at once, and a shell on a terminal."""
    client = clients.Erlang(tmp_path)
    result = client.run(sshio_server, "echo to-out; exit 7")
    assert (result.status, result.out) == (7, b"to-out\n"), result
    client.run_sessions(sshio_server, 3)
    shell = client.act(sshio_server, "shell", "tty && stty size && echo $((40 + 2)) && exit 9")
    assert shell.status == 9, shell
    assert re.search(rb"/dev/pts/\d+\r\n24 80\r\n42\r\n", shell.out), shell


def test_server_without_a_common_cipher_says_so(sshio_server, tmp_path):
    """Both lists are in its log, and ssh shows ours. (RFC 4253 section 7.1)"""
    client = clients.OpenSSH(tmp_path)
    result = run([*client.path, "-c", "3des-cbc", *client.options(sshio_server), HOST, "echo hello"])
    assert (result.status, result.out) == (255, b""), result
    assert b"no matching cipher found. Their offer: chacha20-poly1305@openssh.com,aes256-gcm@openssh.com" in result.err, result
    sshio_server.daemon.wait_for_line(
        r"No matching encryption algorithm found, sent chacha20-poly1305@openssh.com,\S+ and received 3des-cbc$")


def sshpass(server, password, tmp_path):
    own = ["BatchMode=no" if word == "BatchMode=yes" else word for word in clients.OpenSSH(tmp_path).options(server)]
    return run([find_program("sshpass"), "-p", password, find_program("ssh"), "-o", "NumberOfPasswordPrompts=1", *own, HOST, "x"])


def test_sshpass_logs_in_with_password(park, tmp_path):
    """When the password is wrong, it is still what can be tried."""
    server = park.get(servers.SshioPassword)
    assert sshpass(server, server.password, tmp_path).check().out == f"welcome {server.user}\n".encode()
    result = sshpass(server, "wrong", tmp_path)
    assert (result.status, result.out) == (255, b"") and b"Permission denied (password)." in result.err, result


@pytest.fixture
def files_by_password(park):
    server = park.get(servers.SshioSftpPassword)
    (server.folder / "file").write_bytes(b"what is in the file\n")
    return server


def test_curl_logs_in_with_password(files_by_password):
    server, curl = files_by_password, [find_program("curl"), "-sS", "--insecure", "-u"]
    where = f"sftp://{HOST}:{server.port}{server.folder}/file"
    assert run([*curl, f"{server.user}:{server.password}", where]).check().out == b"what is in the file\n"
    assert run([*curl, f"{server.user}:wrong", where]).status == 67    # authentication failure


def test_lftp_logs_in_with_password(files_by_password, tmp_path):
    server = files_by_password
    ssh = f"ssh -a -x -F none -o UserKnownHostsFile={server.known_hosts} -o IdentitiesOnly=yes -o PubkeyAuthentication=no"

    def lftp(password):
        script = (f"set net:max-retries 1; set net:timeout 20; set sftp:connect-program '{ssh}'; "
                  f"open -u {server.user},'{password}' -p {server.port} sftp://{HOST}; cat {server.folder}/file")
        return run([find_program("lftp"), "-c", script], env=clean_environment(HOME=str(tmp_path)))

    assert lftp(server.password).check().out == b"what is in the file\n"
    wrong = lftp("wrong")
    assert wrong.status != 0 and b"Login incorrect" in wrong.err, wrong


@pytest.mark.parametrize("kind", [clients.OpenSSH, clients.AsyncSSH, clients.Sshio], ids=lambda kind: kind.name)
def test_server_accepts_password_and_refuses_wrong_one(kind, park, tmp_path):
    server = park.get(servers.SshioAuth)
    client = kind(tmp_path)
    assert client.login_with_password(server, server.password).check().out == f"welcome {server.user}\n".encode()
    refused = client.login_with_password(server, "wrong")
    assert refused.status != 0 and refused.out == b"", refused
