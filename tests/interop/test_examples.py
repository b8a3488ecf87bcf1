"""The examples do what their comments say, against OpenSSH and against each other."""

import pytest

import clients
from harness import HOST, Daemon, KeyFile, find_built, find_program, known_hosts_line, run
from terminal import Terminal


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


@pytest.fixture
def authorized_keys(identity, tmp_path):
    path = tmp_path / "authorized_keys"
    path.write_text(identity.public_line + "\n")
    return path


class Ssh:
    """OpenSSH's client of one of these servers: with no terminal, or on one."""

    def __init__(self, face, folder):
        client = clients.OpenSSH(folder)
        self.program, self.options = client.path, client.options(face)

    def argv(self, *more):
        return [*self.program, *self.options, *more, HOST]

    def run(self, *more, **how):
        return run(self.argv("-T", *more), **how)

    def on_terminal(self, *more, **how):
        return Terminal(self.argv(*more), **how)


@pytest.fixture
def serving(listening, authorized_keys, identity, tmp_path):
    """Starts such an example; gives OpenSSH's client of it."""
    def start(name):
        _, port, known_hosts = listening(name, authorized_keys)
        return Ssh(Face(port, known_hosts, identity), tmp_path)

    return start


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


@pytest.mark.parametrize("name", ["callback_client2", "callback_client3"])
def test_callback_clients_pass_output_on(openssh_server, name):
    result = run([example(name), *client_arguments(openssh_server)]).check()
    told, untold = (result.out, result.err) if name == "callback_client2" else (result.err, result.out)
    assert b"abc" in told and untold == b"", result


def gather(server, key, *hosts):
    return run([example("gather_results"), server.port, server.user, key, server.known_hosts, *hosts])


def test_gather_results_prints_all_of_them(openssh_server):
    result = gather(openssh_server, openssh_server.identity.path, *[HOST] * 7).check()
    told = result.out.decode()
    assert [f"Task {i + 1} to host {HOST} exited with status 2:\n" in told for i in range(7)] == [True] * 7, result
    assert told.count("abc") == 7


def test_gather_results_tells_why_there_is_none(openssh_server, tmp_path):
    result = gather(openssh_server, KeyFile(tmp_path, "stranger").path, HOST, HOST)
    assert result.status == 1 and result.out.count(b"failed: Permission denied") == 2, result


def test_math_client_gets_answers(openssh_server):
    find_program("bc")
    result = run([example("math_client"), *client_arguments(openssh_server)]).check()
    assert result.out == b"2+2 = 4\n1*2*3*4 = 24\n2^32 = 4294967296\n", result


def test_redirect_input_fills_a_file(openssh_server, tmp_path):
    target = tmp_path / "target"
    result = run([example("redirect_input"), *client_arguments(openssh_server), target]).check()
    assert result.out == b"" and target.read_bytes() == b"3\n2\n1\n"


def test_set_environment_is_heard(openssh_server):
    result = run([example("set_environment"), *client_arguments(openssh_server)]).check()
    assert {b"LANG=en_GB", b"LC_COLLATE=C"} <= set(result.out.split(b"\n")), result


def test_set_terminal_has_type_and_size(openssh_server):
    result = run([example("set_terminal"), *client_arguments(openssh_server)]).check()
    assert result.out == b"xterm-color\r\n24 80\r\n", result


def test_echo_server_sends_lines_back(listening, authorized_keys, identity, client):
    _, port, known_hosts = listening("echo_server", authorized_keys)
    face = Face(port, known_hosts, identity)
    result = client.run(face, "anything", input=b"one\ntwo\n")
    assert (result.status, result.out) == (0, b"Welcome, guest!\none\ntwo\n"), result


@pytest.fixture(params=[clients.OpenSSH, clients.Sshio], ids=["openssh", "sshio"])
def either(request, tmp_path):
    return request.param(tmp_path)


def test_simple_server_lets_guest_in(listening, identity, either):
    daemon, port, known_hosts = listening("simple_server")
    result = either.run(Face(port, known_hosts, identity), "anything").check()
    assert result.out == b"Welcome to my SSH server, guest!\n"
    daemon.wait_for_line(r"^SSH connection received from 127\.0\.0\.1\.$")
    daemon.wait_for_line(r"^SSH connection closed\.$")


@pytest.mark.parametrize("password, accepted", [("secretpw", True), ("wrong", False)])
def test_simple_server_checks_passwords(listening, identity, either, password, accepted):
    _, port, known_hosts = listening("simple_server")
    face = Face(port, known_hosts, identity)
    face.user = "user123"
    result = either.login_with_password(face, password)
    assert (result.status == 0) == accepted, result
    assert (result.out == b"Welcome to my SSH server, user123!\n") == accepted, result


MATH_SERVERS = pytest.mark.parametrize("name", ["math_server", "callback_math_server"])
GREETING = b"Enter numbers one per line, or EOF when done:\n"


@MATH_SERVERS
def test_math_servers_add(serving, name):
    result = serving(name).run(input=b"12\n30\nthree\n\n-2").check()
    assert result.out == GREETING + (b"Total = 40\n" if name == "math_server" else b"Total = 42\n"), result
    assert result.err == b"Invalid number: three\nInvalid number: \n", result


@MATH_SERVERS
def test_math_servers_end_at_a_break(serving, name):
    person = serving(name).on_terminal("-tt", "-o", "EscapeChar=~")
    person.expect(rb"when done:")
    person.type(b"5\n6\nseven\n")
    person.expect(rb"Invalid number: seven")    # ssh sends a break at once, before what was typed with it
    person.type(b"~B")
    person.expect(rb"Total = 11")
    assert person.status() == 0


def test_chat_server_passes_on_what_others_say(serving):
    ssh = serving("chat_server")
    alice, bob = ssh.on_terminal("-T"), ssh.on_terminal("-T")
    alice.expect(rb"Enter your name: ")
    alice.type(b"Alice\n")
    alice.expect(rb"0 other users")
    bob.expect(rb"Enter your name: ")
    bob.type(b"Bob\n")
    bob.expect(rb"1 other users")
    alice.expect(rb"\*\*\* Bob has entered chat \*\*\*")
    alice.type(b"good morning\n")
    bob.expect(rb"Alice: good morning\r\n")
    bob.type(b"\x04")
    alice.expect(rb"\*\*\* Bob has left chat \*\*\*")
    assert bob.status() == 0
    alice.type(b"\x04")
    assert alice.status() == 0


def test_redirect_server_is_a_calculator(serving):
    find_program("bc")
    result = serving("redirect_server").run(input=b"2+3\n10/0\n6*7\n").check()
    assert result.out == b"5\n42\n" and b"zero" in result.err.lower(), result


def test_show_environment_tells_what_was_set(serving):
    result = serving("show_environment").run("-o", "SetEnv=LANG=en_GB LC_COLLATE=C").check()
    assert result.out == b"Environment:\n  LANG=en_GB\n  LC_COLLATE=C\n", result


def test_show_terminal_follows_the_window(serving):
    person = serving("show_terminal").on_terminal("-tt", rows=24, columns=80, term="vt220")
    person.expect(rb"Terminal type: vt220\r\nWindow size: 80x24 \(3x4 pixels\)\r\n")
    person.expect(rb"Try resizing")
    person.resize(50, 120)
    person.expect(rb"New window size: 120x50 \(3x4 pixels\)\r\n")
    person.type(b"\x03")
    assert person.status() == 0


@pytest.mark.parametrize("user, welcome", [("guest", True), ("stranger", False), ("nobody", False), ("../keys/guest", False)])
def test_simple_keyed_server_looks_keys_up(listening, identity, tmp_path, user, welcome):
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "guest").write_text(identity.public_line + "\n")
    (folder / "stranger").write_text(KeyFile(tmp_path, "another").public_line + "\n")
    _, port, known_hosts = listening("simple_keyed_server", folder)
    face = Face(port, known_hosts, identity)
    face.user = user
    result = Ssh(face, tmp_path).run()
    assert (result.status == 0) == welcome, result
    assert result.out == (b"Welcome to my SSH server, guest!\n" if welcome else b""), result
    assert welcome or b"Permission denied" in result.err, result


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


def test_scp_client_copies_from_and_to_simple_scp_server(listening, identity, tmp_path):
    authorized = tmp_path / "authorized"
    authorized.write_text(identity.public_line + "\n")
    _, port, known_hosts = listening("simple_scp_server", authorized)
    there = f"scp://guest@{HOST}:{port}/{tmp_path}/there"
    run([find_built("examples/scp_client"), authorized, there, identity.path, known_hosts]).check()
    run([find_built("examples/scp_client"), there, tmp_path / "back", identity.path, known_hosts]).check()
    assert (tmp_path / "back").read_bytes() == authorized.read_bytes()
