"""`sshio ssh` in the hands of a person: terminals, questions about hosts, passwords, jumps and -W, against OpenSSH's server."""

import os
import stat

import pytest

import servers
from harness import HOST, KeyFile, child_of, clean_environment, find_built, find_program, free_port, known_hosts_line, run
from terminal import SMALL, Terminal, work_in_a_shell

OWN_FAILURE = 255


@pytest.fixture
def home(tmp_path):
    """A home of its own: nothing of the user's, and nothing known."""
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def ssh(openssh_server, home):
    return Ssh(openssh_server, home)


class Ssh:
    """How to run the tool: collected, or on a terminal."""

    def __init__(self, server, home):
        self.server, self.home = server, home
        self.known_hosts = home / ".ssh" / "known_hosts"
        self.options = ["-F", "none", "-p", server.port, "-l", server.user]
        self.identity = ["-i", server.identity.path]

    def env(self, **more):
        return {**clean_environment(), "HOME": str(self.home), **more}

    def argv(self, *words):
        return [find_built("tools/sshio"), "ssh", *self.options, *words]

    def know(self, key=None):
        self.known_hosts.write_text(known_hosts_line(self.server.port, key or self.server.host_key_line()))
        return self

    def run(self, *words, env=None, **more):
        """Without a terminal, also one of the test run's own."""
        return run([find_program("setsid"), "--wait", *self.argv(*words)], env=env or self.env(), **more)

    def terminal(self, *words, env=None, **more):
        return Terminal([str(word) for word in self.argv(*words)], env=env or self.env(), **more)


# ---- terminals ----

def test_person_works_in_a_shell(ssh):
    person = ssh.know().terminal(*ssh.identity, HOST, **SMALL)
    work_in_a_shell(person)
    person.expect(rb"Connection to 127\.0\.0\.1 closed\.\r")
    assert person.status() == 9


def test_editor_draws_and_quits(ssh):
    person = ssh.know().terminal(*ssh.identity, "-t", HOST, f"{find_program('vim')} -u NONE -i NONE /tmp/none-{os.getpid()}")
    person.expect(rb"\[New")
    person.type(b"iwords\x1b:s/words/texts/|echo line('$') getline(1)\r")
    person.expect(rb"1 texts")
    person.type(b":q!\r")
    assert person.status() == 0


@pytest.mark.parametrize("words", [["exit 0"], ["kill -9 $$"], ["sleep 100"]], ids=["exit", "signal", "killed here"])
def test_terminal_is_given_back(ssh, words):
    """Whatever ends it: the modes and the flags of the descriptors are those of before."""
    ssh.know()
    command = " ".join(f"'{word}'" for word in ssh.argv(*ssh.identity, "-t", HOST, "echo run''ning; " + words[0]))
    script = (f"before=$(stty -g); {command} & pid=$!; fg >/dev/null 2>&1 || wait $pid; "
              f"[ \"$(stty -g)\" = \"$before\" ] && echo same''again; "
              f"grep -q '^flags:.*4...$' /proc/$$/fdinfo/0 && echo non''blocking; exit 0")
    person = Terminal([find_program("bash"), "-m", "-c", script], env=ssh.env())
    person.expect(rb"running")
    if words == ["sleep 100"]:
        os.kill(child_of(person.pid), 15)
    found = person.expect(rb"(sameagain|nonblocking)")
    assert found[1] == b"sameagain"
    person.status()


@pytest.mark.parametrize("words, terminal", [
    (["HOST", "tty"], False), (["-t", "HOST", "tty"], True), (["-tT", "HOST", "tty"], False),
    (["-o", "RequestTTY=yes", "HOST", "tty"], True), (["-o", "RequestTTY=force", "HOST", "tty"], True),
    (["-t", "-n", "HOST", "tty"], False), (["-tt", "-n", "HOST", "tty"], True),
])
def test_when_there_is_a_terminal(ssh, words, terminal):
    person = ssh.know().terminal(*ssh.identity, *[HOST if word == "HOST" else word for word in words])
    person.expect(rb"/dev/pts/\d+" if terminal else rb"not a tty")
    person.status()


def test_no_terminal_for_pipes_unless_forced(ssh):
    result = ssh.know().run(*ssh.identity, "-t", HOST, "tty")
    assert b"not a tty" in result.out and b"Pseudo-terminal will not be allocated" in result.err
    assert b"/dev/pts/" in ssh.run(*ssh.identity, "-tt", HOST, "tty").out


def test_escape_sequence_exchanges_keys(ssh, tmp_path):
    person = ssh.know().terminal("-v", "-E", tmp_path / "log", *ssh.identity, HOST)
    person.type(b"echo rea''dy\r")
    person.expect(rb"ready\r\n")
    person.type(b"~R")
    person.expect(rb"~R\r\n")
    person.type(b"exit 4\r")
    assert person.status() == 4
    assert (tmp_path / "log").read_text().count("Completed key re-exchange") == 1


@pytest.mark.parametrize("option", ["-e~~", "-oEscapeChar ^1", "-e^BB"])
def test_escape_character_is_a_single_one(ssh, option):
    result = ssh.run(option, "-G", HOST)
    assert result.status == OWN_FAILURE and b"Bad escape character" in result.err, result


# ---- hosts ----

def question(ssh):
    return (rb"The authenticity of host '\[127\.0\.0\.1\]:%d [^\n]*' can't be established\.\r\n"
            rb"ED25519 key fingerprint is (SHA256:\S+)\.\r\n(?s:.*)"
            rb"Are you sure you want to continue connecting \(yes/no/\[fingerprint\]\)\? " % ssh.server.port)


@pytest.mark.parametrize("answer", ["yes", "fingerprint"])
def test_unknown_host_is_asked_about_and_remembered(ssh, answer):
    person = ssh.terminal(*ssh.identity, HOST, "echo in''side")
    found = person.expect(question(ssh))
    assert found[1].decode() == ssh.server.host_key.fingerprint()
    person.type(b"perhaps\r")
    person.expect(rb"Please type 'yes', 'no' or the fingerprint: ")
    person.type(b"yes\r" if answer == "yes" else found[1] + b"\r")
    person.expect(rb"Warning: Permanently added '\[127\.0\.0\.1\]:\d+' \(ED25519\) to the list of known hosts\.\r\n")
    person.expect(rb"inside")
    assert person.status() == 0
    assert ssh.known_hosts.read_text() == known_hosts_line(ssh.server.port, ssh.server.host_key_line())
    assert stat.S_IMODE(ssh.known_hosts.stat().st_mode) == 0o600
    assert ssh.run(*ssh.identity, HOST, "echo again").check().out == b"again\n"


def test_no_is_an_answer(ssh):
    person = ssh.terminal(*ssh.identity, HOST, "echo in''side")
    person.expect(question(ssh))
    person.type(b"no\r")
    person.expect(rb"Host key verification failed\.")
    assert person.status() == OWN_FAILURE and not ssh.known_hosts.exists()


@pytest.mark.parametrize("option, lets_in", [("StrictHostKeyChecking=yes", False), ("BatchMode=yes", False),
                                             ("StrictHostKeyChecking=accept-new", True), ("StrictHostKeyChecking=no", True)])
def test_unknown_host_without_a_question(ssh, option, lets_in):
    result = ssh.run(*ssh.identity, "-o", option, HOST, "echo inside")
    assert ssh.known_hosts.exists() == lets_in
    if lets_in:
        assert result.check().out == b"inside\n" and b"Warning: Permanently added" in result.err
    else:
        assert result.status == OWN_FAILURE and b"Host key verification failed." in result.err


def test_nothing_is_written_to_the_null_device(ssh):
    result = ssh.run(*ssh.identity, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                     HOST, "echo inside")
    assert (result.check().out, result.err) == (b"inside\n", b"") and not ssh.known_hosts.exists()


@pytest.mark.parametrize("option", ["StrictHostKeyChecking=ask", "StrictHostKeyChecking=accept-new"])
def test_changed_host_key_is_refused_in_a_box(ssh, tmp_path, option):
    ssh.know(KeyFile(tmp_path, "other").public_line)
    result = ssh.run(*ssh.identity, "-o", option, HOST, "echo inside")
    assert (result.status, result.out) == (OWN_FAILURE, b"")
    for text in ("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", ssh.server.host_key.fingerprint(),
                 f"Offending key in {ssh.known_hosts}:1", f'ssh-keygen -f "{ssh.known_hosts}" -R "[{HOST}]:{ssh.server.port}"',
                 "Host key verification failed."):
        assert text.encode() in result.err, result


def test_changed_host_key_takes_no_passwords(ssh, tmp_path):
    """StrictHostKeyChecking no goes on, with what a wrong host cannot misuse."""
    ssh.know(KeyFile(tmp_path, "other").public_line)
    result = ssh.run(*ssh.identity, "-o", "StrictHostKeyChecking=no", HOST, "echo inside")
    assert result.check().out == b"inside\n" and b"HAS CHANGED" in result.err
    person = ssh.terminal("-o", "StrictHostKeyChecking=no", "-o", "PubkeyAuthentication=no", HOST, "true")
    person.expect(rb"Permission denied \(")
    assert person.status() == OWN_FAILURE


# ---- passwords ----

needs_password = pytest.mark.skipif(os.getuid() != 0, reason="passwords are of accounts that root makes")


def askpass(folder, answer):
    program = folder / "askpass"
    program.write_text(f"#!/bin/sh\necho \"$1\" >>{folder}/asked\necho '{answer}'\n")
    program.chmod(0o755)
    return program


@needs_password
def test_password_is_asked_for_on_the_terminal(ssh, account):
    person = ssh.know().terminal("-o", "PubkeyAuthentication=no", HOST, "echo in''side")
    prompt = f"{account.name}@{HOST}'s password: ".encode()
    person.expect(prompt)
    person.type(b"wrong\r")
    person.expect(rb"Permission denied, please try again\.\r\n" + prompt)
    person.type(account.password.encode() + b"\r")
    person.expect(rb"inside")
    assert person.status() == 0
    assert account.password.encode() not in person.text


@needs_password
@pytest.mark.parametrize("prompts", [1, 2])
def test_number_of_password_prompts(ssh, account, prompts):
    person = ssh.know().terminal("-o", "PubkeyAuthentication=no", "-o", f"NumberOfPasswordPrompts={prompts}", HOST, "true")
    for _ in range(prompts):
        person.expect(rb"password: ")
        person.type(b"wrong\r")
    person.expect(f"{account.name}@{HOST}: Permission denied \\(publickey,password[^)]*\\)\\.".encode())
    assert person.status() == OWN_FAILURE


@needs_password
@pytest.mark.parametrize("variables, asks", [
    ({"DISPLAY": "nonsense"}, True), ({}, False), ({"SSH_ASKPASS_REQUIRE": "force"}, True),
    ({"DISPLAY": "nonsense", "SSH_ASKPASS_REQUIRE": "never"}, False),
])
def test_askpass_without_a_terminal(ssh, account, tmp_path, variables, asks):
    env = ssh.env(SSH_ASKPASS=str(askpass(tmp_path, account.password)), **variables)
    result = ssh.know().run("-o", "PubkeyAuthentication=no", HOST, "echo inside", env=env)
    assert (result.out == b"inside\n") == asks, result
    assert (tmp_path / "asked").exists() == asks
    if asks:
        assert (tmp_path / "asked").read_text() == f"{account.name}@{HOST}'s password: \n"


@needs_password
def test_askpass_is_preferred_when_told(ssh, account, tmp_path):
    env = ssh.env(SSH_ASKPASS=str(askpass(tmp_path, account.password)), SSH_ASKPASS_REQUIRE="prefer", DISPLAY=":99")
    person = ssh.know().terminal("-o", "PubkeyAuthentication=no", HOST, "echo in''side", env=env)
    person.expect(rb"inside")
    assert person.status() == 0


@needs_password
def test_batch_mode_asks_nothing(ssh):
    person = ssh.know().terminal("-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", HOST, "true")
    person.expect(rb"Permission denied \(publickey,password[^)]*\)")
    assert person.status() == OWN_FAILURE


@needs_password
def test_dialogue_is_answered_on_the_terminal(park, home):
    server = park.get(servers.OpenSSHPam)
    ssh = Ssh(server, home).know()
    person = ssh.terminal("-o", "PubkeyAuthentication=no", HOST, "echo in''side")
    person.expect(f"\\({server.user}@{HOST}\\) Password: ".encode())
    person.type(server.account.password.encode() + b"\r")
    person.expect(rb"inside")
    assert person.status() == 0


# ---- other places ----

def test_stdin_and_stdout_of_another_place(ssh):
    result = ssh.know().run(*ssh.identity, "-W", f"{HOST}:{ssh.server.port}", HOST)
    assert result.check().out.startswith(b"SSH-2.0-OpenSSH")


@pytest.mark.parametrize("place, message", [(f"{HOST}:1", b"stdio forwarding failed"), ("nowhere", b"Bad stdio forwarding"),
                                            (f"{HOST}:0", b"Bad stdio forwarding"),
                                            (f"[{HOST}]text:1", b"Bad stdio forwarding"), ("::1:22", b"Bad stdio forwarding"),
                                            (f"[{HOST}]:1", b"stdio forwarding failed")])
def test_places_that_are_none(ssh, place, message):
    result = ssh.know().run(*ssh.identity, "-W", place, HOST)
    assert result.status == OWN_FAILURE and message in result.err, result


def config_of(ssh, *more):
    """A config file, since hosts on the way read nothing else."""
    lines = ["Host *", f"  User {ssh.server.user}", f"  Port {ssh.server.port}", f"  IdentityFile {ssh.server.identity.path}",
             f"  UserKnownHostsFile {ssh.know().known_hosts}", *more]
    file = ssh.home / "config"
    file.write_text("\n".join(lines) + "\n")
    return [find_built("tools/sshio"), "ssh", "-F", file]


@pytest.mark.parametrize("way", [HOST, f"{HOST},{HOST}", f"root@{HOST}:{{port}}", f"ssh://{HOST}:{{port}}/"],
                         ids=["one", "two", "named", "uri"])
def test_jump(ssh, account, way):
    way = way.format(port=ssh.server.port).replace("root", account.name)
    result = run([*config_of(ssh), "-J", way, HOST, "echo $SSH_CONNECTION; cat; exit 3"], input=b"input\n", env=ssh.env())
    assert result.status == 3 and result.out.endswith(b"input\n"), result


def test_bulk_data_through_a_jump(ssh, bulk):
    result = run([*config_of(ssh), "-J", HOST, HOST, "sha256sum"], stdin_file=bulk.path, env=ssh.env(), seconds=300)
    assert result.check().out.split()[0].decode() == bulk.sha256


def test_jump_by_configuration(ssh):
    argv = config_of(ssh, "Host inner", f"  Hostname {HOST}", f"  ProxyJump {HOST}")
    env = ssh.env()
    ssh.known_hosts.write_text(ssh.known_hosts.read_text())
    assert run([*argv, "inner", "echo inside"], env=env).check().out == b"inside\n"
    log = run([*argv, "-v", "-o", "ProxyJump=none", "inner", "echo inside"], env=env).check()
    assert log.err.count(b"Completed key exchange") < run([*argv, "-v", "inner", "true"], env=env).err.count(b"Completed key exchange")


def test_jumps_in_a_circle_end(ssh):
    argv = config_of(ssh, "Host a", "  ProxyJump b", "Host b", "  ProxyJump a")
    result = run([*argv, "a", "true"], env=ssh.env())
    assert result.status == OWN_FAILURE and b"circle" in result.err, result


def test_jump_that_fails_says_where(ssh):
    result = run([*config_of(ssh), "-J", f"{HOST}:{free_port()}", HOST, "true"], env=ssh.env())
    assert result.status == OWN_FAILURE and b"Connection refused" in result.err
    result = run([*config_of(ssh), "-J", HOST, "-p", str(free_port()), HOST, "true"], env=ssh.env())
    assert result.status == OWN_FAILURE and b"through a tunnel" in result.err, result


@pytest.mark.parametrize("way, target", [(f"stranger@{HOST},{HOST}", HOST), (f"{HOST},stranger@{HOST}", HOST),
                                         (f"{HOST},{HOST}", f"stranger@{HOST}")], ids=["first", "second", "last"])
def test_refused_login_on_the_way_is_named(ssh, way, target):
    result = run([*config_of(ssh), "-J", way, target, "true"], env=ssh.env())
    assert result.status == OWN_FAILURE, result
    assert result.err.startswith(f"stranger@{HOST}: Permission denied (publickey".encode()), result
    assert result.err.count(b"\n") == 1, result


def test_unknown_host_on_the_way_is_named(ssh):
    argv = config_of(ssh, "  BatchMode yes")
    ssh.known_hosts.write_text("")
    result = run([*argv, "-J", HOST, "elsewhere", "true"], env=ssh.env())
    assert result.status == OWN_FAILURE and b"Host key verification failed" in result.err, result
    assert b"elsewhere" not in result.err, result


def test_proxy_command_with_our_own_forwarding(ssh):
    argv = config_of(ssh)
    proxy = " ".join(str(word) for word in [*argv, "-W", "%h:%p", HOST])
    result = run([*argv, "-o", f"ProxyCommand={proxy}", HOST, "echo inside"], env=ssh.env())
    assert result.check().out == b"inside\n"


# ---- the rest ----

def test_background_begins_after_the_login(ssh, tmp_path):
    file = ssh.home / "written"
    ssh.know()
    result = ssh.run("-f", *ssh.identity, HOST, f"echo inside; cat")
    assert result.check().out == b"inside\n"
    result = ssh.run("-f", "-o", "BatchMode=yes", HOST, "true")
    assert result.status == OWN_FAILURE and b"Permission denied" in result.err
    result = ssh.run("-f", HOST)
    assert result.status == OWN_FAILURE and b"Cannot fork into background" in result.err
    assert not file.exists()


def test_log_goes_to_a_file(ssh, tmp_path):
    result = ssh.know().run("-v", "-E", tmp_path / "log", *ssh.identity, HOST, "echo inside")
    assert (result.check().out, result.err) == (b"inside\n", b"")
    assert "debug1: " in (tmp_path / "log").read_text()


@pytest.mark.parametrize("options", [
    ["-axk2", "-S", "none", "-e", "none"],
    ["-oForwardX11 no", "-oForwardAgent no", "-oPermitLocalCommand no", "-oClearAllForwardings yes", "-oProtocol 2"],
    ["-oControlMaster auto", "-oControlPersist 60s", "-oControlPath=~/.cm/%C"],
    ["-oPreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey"],
])
def test_what_is_off_anyway_is_accepted_silently(ssh, options):
    result = ssh.know().run(*options, *ssh.identity, HOST, "echo inside")
    assert (result.check().out, result.err) == (b"inside\n", b""), result


def test_sharing_is_noted_with_v(ssh):
    result = ssh.know().run("-v", "-o", "ControlMaster=auto", *ssh.identity, HOST, "true")
    assert b"ControlMaster" in result.check().err
