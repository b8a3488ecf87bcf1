"""The command line of `sshio ssh` and `sshio sshd`: options, exit statuses, messages, environment."""

import os
import pwd

import pytest

import clients
from harness import HOST, Daemon, KeyFile, clean_environment, find_built, find_program, free_port, known_hosts_line, run

OWN_FAILURE = 255


def ssh(*words, **more):
    return run([find_built("tools/sshio"), "ssh", *words], **more)


@pytest.fixture
def base(openssh_server):
    """Options that are enough to log in."""
    server = openssh_server
    return ["-F", "none", "-p", server.port, "-l", server.user, "-i", server.identity.path,
            "-o", f"UserKnownHostsFile={server.known_hosts}"]


# ---- ssh: the command line ----

@pytest.mark.parametrize("words, expected", [
    (["HOST", "echo", "a", "b  c"], b"a b c\n"),                            # joined by one space, for the remote shell
    (["HOST", "echo 'b  c'"], b"b  c\n"),
    (["HOST", "-T", "echo", "-v"], b"-v\n"),                                # options after the host end at the first word
    (["HOST", "--", "echo", "--server"], b"--server\n"),
    (["--", "HOST", "-n", "--", "echo", "x"], b"x\n"),
    (["-xaT", "HOST", "echo x"], b"x\n"),
    (["-oLogLevel ERROR", "HOST", "echo x"], b"x\n"),
    (["-o", " LogLevel = \"ERROR\"", "HOST", "echo x"], b"x\n"),
    (["-ologlevel=error", "HOST", "echo x"], b"x\n"),
    (["-n", "HOST", "cat; echo end"], b"end\n"),
])
def test_ssh_words(base, words, expected):
    result = ssh(*base, *[HOST if word == "HOST" else word for word in words], input=b"input\n")
    assert (result.status, result.out, result.err) == (0, expected, b""), result


def test_ssh_first_value_wins(openssh_server, base):
    server = openssh_server
    options = [word for word in base if word not in ("-l", server.user)]
    assert ssh("-l", server.user, *options, "-l", "nobody", f"other@{HOST}", "-p", "1", "echo x").check().out == b"x\n"
    assert ssh(*options, f"{server.user}@{HOST}", "-o", "User=nobody", "echo x").check().out == b"x\n"


@pytest.mark.parametrize("words, message", [
    ([], b"usage: sshio ssh "),
    (["-Z", HOST], b"unknown option -- 'Z'"),
    (["-p"], b"option requires an argument -- 'p'"),
    (["-p", "0", HOST], b"Invalid Port integer value: 0"),
    (["-o", "NoSuchOption=1", HOST], b"Bad configuration option: NoSuchOption"),
    (["-o", "HostKey=x", HOST], b"Bad configuration option: HostKey"),
    (["-o", "User=\"x", HOST], b"No closing quotation"),
    (["-F", "/some/file", HOST], b"/some/file: No such file"),
    (["user@"], b"no host in"),
    (["@host"], b"no host in"),
    (["[::1]text"], b"something stands behind the brackets"),
    (["me@[::1"], b"a bracket is not closed"),
    (["[::1]:22"], b"a port goes with ssh:// or -p"),
    (["ssh://[::1]text:22"], b"something stands behind the brackets"),
    (["ssh://host:70000"], b"the port is no number"),
    (["-F", "none", "-J", "[::1]text", "host"], b'"[::1]text" is no host to connect through: something stands behind'),
    (["-F", "none", "-J", "me@[::1]text:22,other", "host"], b'"[::1]text:22" is no host to connect through'),
])
def test_ssh_usage_errors_are_255(words, message):
    result = ssh(*words)
    assert (result.status, result.out) == (OWN_FAILURE, b"") and message in result.err, result


@pytest.mark.parametrize("words", [["-h"], ["--help"]])
def test_ssh_help_names_every_option(words):
    result = ssh(*words).check()
    for letter in "FTilnopqvx":
        assert f"  -{letter} ".encode() in result.out, letter


def test_ssh_version_is_on_stderr():
    result = ssh("-V").check()
    assert result.out == b"" and result.err.startswith(b"sshio_")


def test_sshio_lists_its_tools():
    result = run([find_built("tools/sshio"), "--help"]).check()
    assert b"  ssh " in result.out and b"  sshd " in result.out
    assert run([find_built("tools/sshio"), "nothing"]).status == OWN_FAILURE


def test_sshio_acts_by_the_name_it_is_called(base, tmp_path):
    name = tmp_path / "ssh"
    name.symlink_to(find_built("tools/sshio"))
    assert run([name, *base, HOST, "echo x"]).check().out == b"x\n"


# ---- ssh: exit statuses and streams ----

@pytest.mark.parametrize("command, status", [("exit 0", 0), ("exit 1", 1), ("exit 255", 255), ("kill -9 $$", OWN_FAILURE)])
def test_ssh_exit_status(base, command, status):
    assert ssh(*base, HOST, command).status == status


def test_ssh_shell_reads_commands_from_stdin(base):
    result = ssh(*base, HOST, input=b"echo one\nexit 5\n")
    assert result.status == 5 and result.out.endswith(b"one\n"), result


def test_ssh_streams_stay_apart(base):
    result = ssh(*base, HOST, "echo out; echo err >&2").check()
    assert (result.out, result.err) == (b"out\n", b"err\n")


def test_ssh_closed_port_is_255():
    result = ssh("-F", "none", "-p", free_port(), HOST, "true")
    assert (result.status, result.out) == (OWN_FAILURE, b"") and b"Connection refused" in result.err, result


def test_ssh_verbose_says_what_happens(base):
    result = ssh(*base, "-vvv", HOST, "echo x").check()
    assert result.out == b"x\n" and b"debug1: " in result.err


# ---- ssh: known hosts ----

def test_ssh_unknown_host_is_refused(openssh_server, base):
    options = [*base[:-2], "-o", "UserKnownHostsFile=/dev/null"]
    result = ssh(*options, HOST, "echo x")
    assert (result.status, result.out) == (OWN_FAILURE, b""), result
    assert b"Host key verification failed." in result.err
    assert openssh_server.host_key.fingerprint().encode() in result.err


def test_ssh_changed_host_key_is_refused_with_its_line(openssh_server, base, tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text("# comment\n" + known_hosts_line(openssh_server.port, KeyFile(tmp_path, "other").public_line))
    result = ssh(*base[:-2], "-o", f"UserKnownHostsFile={file}", HOST, "echo x")
    assert (result.status, result.out) == (OWN_FAILURE, b""), result
    assert b"CHANGED" in result.err and f"{file}:2".encode() in result.err


def test_ssh_revoked_host_key_is_refused(openssh_server, base, tmp_path):
    file = tmp_path / "known_hosts"
    key = " ".join(openssh_server.host_key.public_line.split()[:2])
    file.write_text(known_hosts_line(openssh_server.port, key) + f"@revoked * {key}\n")
    result = ssh(*base[:-2], "-o", f"UserKnownHostsFile={file}", HOST, "echo x")
    assert (result.status, result.out) == (OWN_FAILURE, b"") and b"revoked" in result.err, result


def test_ssh_hashed_host_is_known(openssh_server, base, tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(openssh_server.known_hosts.read_text())
    run([find_program("ssh-keygen"), "-q", "-H", "-f", file]).check()
    assert file.read_text().startswith("|1|")
    assert ssh(*base[:-2], "-o", f"UserKnownHostsFile={file}", HOST, "echo x").check().out == b"x\n"


def test_ssh_global_known_hosts_are_known(openssh_server, base):
    options = [*base[:-2], "-o", "UserKnownHostsFile=none", "-o", f"GlobalKnownHostsFile={openssh_server.known_hosts}"]
    assert ssh(*options, HOST, "echo x").check().out == b"x\n"


def test_ssh_checking_can_be_switched_off(base):
    options = [*base[:-2], "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no"]
    assert ssh(*options, HOST, "echo x").check().out == b"x\n"


def test_ssh_defaults_come_from_home(openssh_server, tmp_path):
    server = openssh_server
    folder = tmp_path / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "known_hosts").write_text(server.known_hosts.read_text())
    (folder / "id_ed25519").write_text(server.identity.path.read_text())
    (folder / "id_ed25519").chmod(0o600)
    result = ssh("-F", "none", "-p", server.port, f"{server.user}@{HOST}", "echo x", env=clean_environment(HOME=str(tmp_path)))
    assert result.check().out == b"x\n"


def test_ssh_missing_identity_is_a_warning(base):
    result = ssh("-i", "/no/such/key", *base, HOST, "echo x").check()
    assert result.out == b"x\n" and b"Warning: Identity file /no/such/key not accessible" in result.err


# ---- sshd ----

def sshd(*words, **more):
    return run([find_built("tools/sshio"), "sshd", *words], **more)


@pytest.mark.parametrize("words, message", [
    (["-D", "-e"], b"no hostkeys available"),
    (["-D", "-e", "-h", "/no/such/key"], b"/no/such/key"),
    (["-D", "-e", "-Z"], b"unknown option"),
    (["-D", "-e", "-o", "IdentityFile=x"], b"Bad configuration option"),
    (["-D", "-e", "word"], b"Extra argument word"),
])
def test_sshd_usage_errors(words, message):
    result = sshd(*words)
    assert result.status == 1 and message in result.err, result


def test_sshd_environment_is_ours_alone(sshio_server, tmp_path):
    face = clients.OpenSSH(tmp_path)
    options = ["-o", "SetEnv=SSHIO_TEST=1 LD_PRELOAD=/x"]
    result = run([*face.path, *face.options(sshio_server), *options, HOST, "env"]).check()
    env = dict(line.split("=", 1) for line in result.out.decode().splitlines() if "=" in line)
    entry = pwd.getpwnam(sshio_server.user)
    assert env["USER"] == env["LOGNAME"] == sshio_server.user
    assert env["HOME"] == entry.pw_dir
    assert "SSHIO_TEST" not in env and "LD_PRELOAD" not in env
    connection = env["SSH_CONNECTION"].split()
    assert connection[0] == connection[2] == HOST and connection[3] == str(sshio_server.port)
    assert env["SSH_CLIENT"].split() == [connection[0], connection[1], connection[3]]


def test_sshd_shell_is_a_login_shell(sshio_server, tmp_path):
    face = clients.OpenSSH(tmp_path)
    result = run([*face.path, *face.options(sshio_server), HOST], input=b"echo shell $0\nexit 4\n")
    assert result.status == 4 and b"shell -" in result.out, result


def test_sshd_methods_are_the_same_for_unknown_users(sshio_server, tmp_path):
    """A4: nothing tells whose account it is."""
    stranger = KeyFile(tmp_path, "stranger")
    answers = set()
    for user in (sshio_server.user, "nobody-of-that-name"):
        result = run([find_program("ssh"), "-F", "none", "-o", f"UserKnownHostsFile={sshio_server.known_hosts}",
                      "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", stranger.path, "-p", sshio_server.port,
                      f"{user}@{HOST}", "true"])
        assert result.status == OWN_FAILURE
        answers.add(result.err.split(b": ", 1)[1])
    assert answers == {b"Permission denied (publickey).\r\n"}, answers


@pytest.mark.skipif(os.getuid() != 0, reason="needs another account's view of files")
def test_sshd_authorized_keys_that_others_can_write_are_refused(identity, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(identity.public_line + "\n")
    host_key = KeyFile(tmp_path, "host_key")
    port = free_port()
    daemon = Daemon([find_built("tools/sshio"), "sshd", "-D", "-e", "-p", port, "-h", host_key.path,
                     "-o", f"ListenAddress={HOST}", "-o", f"AuthorizedKeysFile={keys}"], tmp_path / "log")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(known_hosts_line(port, host_key.public_line))
    options = ["-F", "none", "-p", port, "-i", identity.path, "-o", f"UserKnownHostsFile={known_hosts}", HOST, "echo x"]
    try:
        daemon.wait_for_port(port)
        assert ssh(*options).check().out == b"x\n"
        keys.chmod(0o666)
        assert ssh(*options).status == OWN_FAILURE
        daemon.wait_for_line(r"Authentication refused: .*: others may write it")
        keys.chmod(0o600)
        keys.write_text("restrict " + identity.public_line + "\n")
        assert ssh(*options).status == OWN_FAILURE
        daemon.wait_for_line(r"options are not supported")
    finally:
        daemon.stop()
