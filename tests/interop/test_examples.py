"""The examples do what their comments say, against OpenSSH and against each other."""

import pytest

from harness import HOST, Daemon, KeyFile, find_built, find_program, known_hosts_line, run


def example(name):
    return find_built(f"examples/{name}")


def client_arguments(server):
    return [HOST, server.port, server.user, server.identity.path, server.known_hosts]


@pytest.fixture
def listening(tmp_path):
    """Starts an example that is a server on a free port of its choice; gives the daemon, its port and its known_hosts."""
    daemons = []

    def start(name, *more):
        key = KeyFile(tmp_path, "host_key")
        daemon = Daemon([example(name), HOST, 0, key.path, *more], tmp_path / "log")
        daemons.append(daemon)
        port = int(daemon.wait_for_line(r"^listening (\d+)$").group(1))
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(known_hosts_line(port, key.public_line))
        return daemon, port, known_hosts

    yield start
    for daemon in daemons:
        daemon.stop()


@pytest.fixture
def data_folder(workshop):
    """With a file in it that every account can read."""
    (workshop / "fetched").write_bytes(bytes(100000))
    return workshop


def test_run_command_prints_output(openssh_server):
    assert run([example("run_command"), *client_arguments(openssh_server)]).check().out == b"Hello!\n"


def test_run_command_refuses_unknown_host(openssh_server, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("")
    arguments = [*client_arguments(openssh_server)[:4], empty]
    result = run([example("run_command"), *arguments])
    assert result.status == 1 and result.out == b"" and b"not trusted" in result.err, result


def test_many_hosts_answer_each(openssh_server):
    server = openssh_server
    result = run([example("many_hosts"), server.port, server.user, server.identity.path, server.known_hosts,
                  *[HOST] * 10]).check()
    lines = [line for line in result.out.decode().split("\n") if line]
    assert [line.split(": ")[0] for line in lines] == [f"{i + 1} {HOST}" for i in range(10)], result


def test_many_hosts_tells_of_failures(openssh_server, tmp_path):
    server = openssh_server
    stranger = KeyFile(tmp_path, "stranger")
    result = run([example("many_hosts"), server.port, server.user, stranger.path, server.known_hosts, HOST, HOST])
    assert result.status == 1 and result.out.count(b"Permission denied") == 2, result


def test_follow_log_passes_both_streams_on(openssh_server):
    result = run([example("follow_log"), *client_arguments(openssh_server), "echo out; echo err >&2; exit 3"]).check()
    assert result.out == b"out\n"
    assert result.err == b"err\n8 bytes, exit status 3\n"


def test_simple_client_tells_failed_command(openssh_server):
    result = run([example("simple_client"), *client_arguments(openssh_server)])
    assert result.status == 1 and b"abc" in result.out, result
    assert b"Process exited with status 2" in result.err, result


def test_check_exit_status_shows_it(openssh_server):
    result = run([example("check_exit_status"), *client_arguments(openssh_server)]).check()
    assert result.out == b"" and b"Program exited with status 2" in result.err, result


def test_callback_client_is_told_of_everything(openssh_server):
    result = run([example("callback_client"), *client_arguments(openssh_server)]).check()
    assert result.out.startswith(f"Connection made to {HOST}.\nAuthentication successful.\n".encode()), result
    assert b"abc" in result.out


def test_echo_server_sends_lines_back(listening, identity, tmp_path, client):
    authorized_keys = tmp_path / "authorized_keys"
    authorized_keys.write_text(identity.public_line + "\n")
    _, port, known_hosts = listening("echo_server", authorized_keys)
    face = Face(port, known_hosts, identity)
    result = client.run(face, "anything", input=b"one\ntwo\n")
    assert (result.status, result.out) == (0, b"Welcome, guest!\none\ntwo\n"), result


def test_simple_server_lets_guest_in(listening, identity, sshio):
    daemon, port, known_hosts = listening("simple_server")
    result = sshio.run(Face(port, known_hosts, identity), "anything").check()
    assert result.out == b"Welcome to my SSH server, guest!\n"
    daemon.wait_for_line(r"^SSH connection received from 127\.0\.0\.1\.$")
    daemon.wait_for_line(r"^SSH connection closed\.$")


@pytest.mark.parametrize("password, accepted", [("secretpw", True), ("wrong", False)])
def test_simple_server_checks_passwords(listening, sshio, password, accepted):
    _, port, known_hosts = listening("simple_server")
    face = Face(port, known_hosts, None)
    face.user = "user123"
    result = sshio.login_with_password(face, password)
    assert (result.status == 0) == accepted, result
    assert (result.out == b"Welcome to my SSH server, user123!\n") == accepted, result


class Face:
    """What a client needs to know of a server that a test started by itself."""

    user = "guest"

    def __init__(self, port, known_hosts, identity):
        self.port, self.known_hosts, self.identity = port, known_hosts, identity


def test_sftp_client_fetches_a_file_into_the_working_directory(openssh_server, data_folder, tmp_path):
    result = run([example("sftp_client"), data_folder / "fetched", *client_arguments(openssh_server)], cwd=tmp_path).check()
    assert (tmp_path / "fetched").read_bytes() == (data_folder / "fetched").read_bytes()
    assert f"{data_folder}/fetched: 100000 of 100000 bytes".encode() in result.err
    missing = run([example("sftp_client"), "/no/such/file", *client_arguments(openssh_server)], cwd=tmp_path)
    assert missing.status == 1 and b"SFTP operation failed: /no/such/file: No such file" in missing.err, missing


def sftp(port, known_hosts, identity, user, batch):
    options = ["-F", "none", "-o", f"UserKnownHostsFile={known_hosts}", "-o", "BatchMode=yes", "-i", identity.path, "-P", str(port)]
    return run([find_program("sftp"), "-b", "-", *options, f"{user}@{HOST}"], input=batch.encode())


def test_simple_sftp_server_serves_files(listening, identity, tmp_path):
    authorized = tmp_path / "authorized"
    authorized.write_text(identity.public_line + "\n")
    _, port, known_hosts = listening("simple_sftp_server", authorized)
    sftp(port, known_hosts, identity, "guest", f"put {authorized} {tmp_path}/there\nget {tmp_path}/there {tmp_path}/back\n").check()
    assert (tmp_path / "back").read_bytes() == authorized.read_bytes()


def test_chroot_sftp_server_keeps_users_apart(listening, identity, tmp_path):
    authorized, homes = tmp_path / "authorized", tmp_path / "homes"
    authorized.write_text(identity.public_line + "\n")
    homes.mkdir()
    _, port, known_hosts = listening("chroot_sftp_server", authorized, homes)
    for user in ("ann", "bob"):
        result = sftp(port, known_hosts, identity, user, f"put {authorized} /mine\npwd\ncd /..\npwd\n-get /../bob/mine {tmp_path}/stolen\n").check()
        assert result.out.count(b"Remote working directory: /\n") == 2, result
    assert sorted(str(path.relative_to(homes)) for path in homes.rglob("*")) == ["ann", "ann/mine", "bob", "bob/mine"]
    assert not (tmp_path / "stolen").exists()
    assert sftp(port, known_hosts, identity, "../outside", "pwd\n").status == 255 and not (tmp_path / "outside").exists()
