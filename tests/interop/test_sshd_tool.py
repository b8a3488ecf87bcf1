"""`sshio sshd` with the programs that people use: sessions, files, logins, and how the process starts and ends.

Each test has a server of its own, which serves the account that runs the tests."""

import contextlib
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import clients
from harness import (HERE, HOST, PYTHON, Daemon, KeyFile, child_of, clean_environment, find_built, find_program, free_port,
                     known_hosts_line, run)
from servers import need_python_module
from terminal import Terminal

OWN_FAILURE = 255
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


class Sshd:
    """Its face is that of the servers in servers.py, so that the clients there can use it."""

    def __init__(self, folder, identity, *, config="", options=(), before=()):
        self.folder, self.identity = folder, identity
        self.account = pwd.getpwuid(os.getuid())
        self.user = self.account.pw_name
        self.host_key = KeyFile(folder, "host_key")
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "config"
        self.port = free_port()
        self.keys = folder / "keys"
        self.keys.write_text(identity.public_line + "\n")
        self.write(config)
        self.argv = [*before, find_built("tools/sshio"), "sshd", "-f", self.config, *options]
        self.daemon = None

    def write(self, config, port=None):
        self.port = port or self.port
        self.known_hosts.write_text(known_hosts_line(self.port, self.host_key.public_line))
        self.config.write_text(f"{config}\nPort {self.port}\nListenAddress {HOST}\nHostKey {self.host_key.path}\n"
                               f"AuthorizedKeysFile {self.keys}\n")

    def start(self, *options):
        self.daemon = Daemon([*self.argv, "-D", "-e", *options], self.folder / "log", env=clean_environment(TZ="UTC"))
        self.daemon.wait_for_line("Server listening on")
        return self

    def signal(self, number):
        os.kill(child_of(self.daemon.child.pid), number)

    def options(self):
        return clients.OpenSSH(self.folder).options(self)

    def ssh(self, *words, **more):
        return run([find_program("ssh"), *self.options(), *words], **more)

    def popen(self, *words):
        return subprocess.Popen(["timeout", "60", find_program("ssh"), *map(str, self.options()), *words], env=clean_environment(),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stop(self):
        if self.daemon is not None:
            self.daemon.stop()


@pytest.fixture
def make(tmp_path, identity):
    made = []

    def make_one(**more):
        made.append(Sshd(tmp_path, identity, **more))
        return made[-1]

    yield make_one
    for server in made:
        server.stop()


@pytest.fixture
def shell_script(make, tmp_path):
    """What stands for ssh in programs that start one."""
    server = make().start()
    script = tmp_path / "ssh"
    words = " ".join(str(word) for word in server.options())
    script.write_text(f"#!/bin/sh\nexec {find_program('ssh')} {words} \"$@\"\n")
    script.chmod(0o755)
    return server, script


# ---- sessions on a terminal ----

@pytest.fixture
def terminal(make):
    server = make(config="AcceptEnv LANG LC_*").start()
    argv = [find_program("ssh"), "-tt", *server.options(), "-o", "SetEnv=LC_TEST=one OTHER=two", HOST]
    return Terminal(argv, rows=37, columns=101, term="vt220")


def test_interactive_shell(terminal):
    """Size, environment, Ctrl-C, job control, and the exit status of a shell on a terminal."""
    terminal.type(b"PS1='READY '; stty -echo\r")
    terminal.wait_for(r"READY $").type(b"stty size; stty -a | head -1; echo tty-$(tty)-$SSH_TTY- $TERM $LC_TEST -$OTHER-\r")
    terminal.wait_for(r"37 101\r\nspeed \d+ baud; rows 37; columns 101;")
    terminal.wait_for(r"tty-(/dev/pts/\d+)-\1- vt220 one --")
    terminal.resize(30, 90)
    terminal.type(b"while [ \"$(stty size)\" != '30 90' ]; do :; done; echo resized\r")
    terminal.wait_for(r"resized\r\n").type(b"trap '' USR1; echo o''ne; cat\r")    # what is typed before is the shell's
    terminal.wait_for(r"\none\r\n").type(b"line\r")
    terminal.wait_for(r"\nline\r\n").type(b"\x03")    # cat ends, and the shell goes on
    terminal.wait_for(r"READY $").type(b"echo status $?\r")
    terminal.wait_for(r"status 130").type(b"echo t''wo; cat\r")
    terminal.wait_for(r"\ntwo\r\n").type(b"words\r")
    terminal.wait_for(r"\nwords\r\n").type(b"\x1a")    # Ctrl-Z
    terminal.wait_for(r"Stopped").type(b"jobs; kill %1; fg\r")
    terminal.wait_for(r"Stopped(.|\n)*cat").type(b"exit 42\r")
    terminal.type(b"exit 42\r")    # a shell may say once that there were jobs
    assert terminal.status() == 42


def test_window_that_closes_hangs_the_shell_up(make, tmp_path):
    server = make().start()
    mark = tmp_path / "mark"
    child = server.popen("-tt", HOST, f"trap 'echo hup > {mark}; exit' HUP; echo ready; while :; do sleep 0.05; done")
    assert child.stdout.readline() == b"ready\r\n"
    os.kill(child_of(child.pid), signal.SIGKILL)
    child.communicate()
    os_wait(lambda: mark.exists())


def tell_hangup(mark):
    """A command without terminal whose pipes may be closed before the signal comes."""
    return f"exec 2> /dev/null; trap 'echo hup > {mark}; exit' HUP; echo ready; while :; do sleep 0.05; done"


def os_wait(ready, seconds=40):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_terminals_can_be_refused(make):
    result = make(config="PermitTTY no").start().ssh("-tt", HOST, "tty")
    assert result.status == OWN_FAILURE and b"PTY allocation request failed" in result.err, result


# ---- sessions without ----

def test_environment_and_folder(make):
    server = make(config="AcceptEnv LC_*\nAcceptEnv GIT_PROTOCOL").start()
    sent = "LC_A=1 GIT_PROTOCOL=version=2 HOME=/x PATH=/x LD_PRELOAD=/x OTHER=2"
    result = server.ssh("-o", f"SetEnv={sent}", HOST, "pwd; env").check().out.decode().splitlines()
    env = dict(line.split("=", 1) for line in result[1:])
    assert result[0] == server.account.pw_dir == env["HOME"]
    assert (env["LC_A"], env["GIT_PROTOCOL"], env["TZ"]) == ("1", "version=2", "UTC")
    assert (env["USER"], env["LOGNAME"]) == (server.user, server.user) and "/usr/bin" in env["PATH"]
    assert not {"LD_PRELOAD", "OTHER", "SSH_TTY", "TERM"} & set(env), env
    assert re.fullmatch(rf"{HOST} \d+ {HOST} {server.port}", env["SSH_CONNECTION"]), env


@pytest.mark.parametrize("command, status, err", [
    ("exit 0", 0, b""), ("exit 77", 77, b""), ("echo no >&2; exit 1", 1, b"no\n"), ("kill -TERM $$", OWN_FAILURE, b""),
])
def test_status_of_commands(make, command, status, err):
    result = make().start().ssh(HOST, command)
    assert (result.status, result.err) == (status, err), result


def test_bytes_go_both_ways_until_their_end(make, bulk):
    """Half-close, nothing mangled, and the status behind the data."""
    result = make().start().ssh(HOST, "sha256sum; exit 6", stdin_file=bulk.path)
    assert result.status == 6 and result.out.decode().split()[0] == bulk.sha256, result


@pytest.mark.parametrize("options, command", [
    ([], "nohup sleep 50 > /dev/null 2>&1 & echo pid $!"),
    ([], "setsid sleep 50 < /dev/null > /dev/null 2>&1 & echo pid $!"),
    (["-tt"], "trap '' HUP; nohup sleep 50 & echo pid $!"),
])
def test_survivors_do_not_hold_the_connection(make, options, command):
    result = make().start().ssh(*options, HOST, command, seconds=30).check()
    pid = int(re.search(rb"pid (\d+)", result.out).group(1))
    os.kill(pid, 0)    # it is there still
    os.kill(pid, signal.SIGKILL)


def test_client_that_goes_away_hangs_a_command_up(make, tmp_path):
    server = make().start()
    mark = tmp_path / "mark"
    child = server.popen(HOST, tell_hangup(mark))
    assert child.stdout.readline() == b"ready\n"
    os.kill(child_of(child.pid), signal.SIGKILL)
    child.communicate()
    os_wait(lambda: mark.exists())


def test_many_sessions_up_to_the_limit(make, tmp_path):
    """MaxSessions: 3 at once, and one more when one has ended."""
    server = make(config="MaxSessions 3").start()
    face = clients.AsyncSSH(tmp_path)
    face.run_sessions(server, 3)
    with pytest.raises(AssertionError, match="too many sessions|ChannelOpenError"):
        face.run_sessions(server, 4)


def test_subsystems_are_commands_of_the_configuration(make):
    server = make(config="Subsystem echo echo given\nSubsystem sftp " + SFTP_SERVER).start()
    assert server.ssh("-s", HOST, "echo").check().out == b"given\n"
    result = server.ssh("-s", HOST, "nothing")
    assert result.status == 1 and b"subsystem nothing is not served here" in result.err, result


# ---- programs that run over a session ----

def test_scp_by_its_old_protocol(make, tmp_path):
    server = make().start()
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "data").write_bytes(os.urandom(300000))
    options = ["-P" if word == "-p" else word for word in server.options()]
    options = [*options[:options.index("-l")], *options[options.index("-l") + 2:]]
    target = f"{server.user}@{HOST}:{tmp_path}"
    for argv in (["-r", source, f"{target}/there"], ["-r", f"{target}/there", tmp_path / "back"]):
        run([find_program("scp"), "-O", "-q", *options, *argv]).check()
    assert (tmp_path / "back/folder/data").read_bytes() == (source / "folder/data").read_bytes()


def test_git(shell_script, tmp_path):
    _, script = shell_script
    env = clean_environment(GIT_SSH_COMMAND=str(script), GIT_CONFIG_NOSYSTEM="1", HOME=str(tmp_path), GIT_AUTHOR_NAME="a",
                            GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")

    def git(*words, cwd=tmp_path):
        return run([find_program("git"), *words], env=env, cwd=cwd).check()

    git("init", "-q", "--bare", "origin.git")
    git("clone", "-q", f"{HOST}:{tmp_path}/origin.git", "work")
    (tmp_path / "work/file").write_bytes(os.urandom(200000))
    git("add", "file", cwd=tmp_path / "work")
    git("commit", "-q", "-m", "one", cwd=tmp_path / "work")
    git("push", "-q", "origin", "HEAD:main", cwd=tmp_path / "work")
    git("clone", "-q", "-b", "main", f"{HOST}:{tmp_path}/origin.git", "other")
    assert (tmp_path / "other/file").read_bytes() == (tmp_path / "work/file").read_bytes()


def test_rsync_both_ways(shell_script, tmp_path):
    _, script = shell_script
    source = tmp_path / "source"
    source.mkdir()
    for number in range(20):
        (source / f"file{number}").write_bytes(os.urandom(20000 * number))
    for argv in ([f"{source}/", f"{HOST}:{tmp_path}/there/"], [f"{HOST}:{tmp_path}/there/", f"{tmp_path}/back/"]):
        run([find_program("rsync"), "-a", "-e", script, *argv]).check()
    run([find_program("diff"), "-r", source, tmp_path / "back"]).check()


def test_plink_runs_a_command_and_a_shell(make, tmp_path):
    """PuTTY asks for winadj and simple mode, and sends nothing until its requests are answered."""
    server = make().start()
    face = clients.Plink(tmp_path)
    assert face.run(server, "echo $((6 * 7)); exit 3").status == 3
    argv = [word for word in face.argv(server, "", None) if word != ""]
    result = run(argv, input=b"echo shell $((6 * 7))\nexit 4\n")
    assert result.status == 4 and b"shell 42" in result.out, result


def sftp(server, batch):
    options = ["-P" if word == "-p" else word for word in server.options()]
    options = [*options[:options.index("-l")], *options[options.index("-l") + 2:]]
    return run([find_program("sftp"), "-b", "-", *options, f"{server.user}@{HOST}"], input=batch.encode())


@pytest.mark.parametrize("config", ["", "Subsystem sftp internal-sftp", "Subsystem sftp internal-sftp -l INFO -e"])
def test_files_are_served_without_another_program(make, tmp_path, config):
    """Relative paths begin in the home directory, as with OpenSSH."""
    server = make(config=config).start()
    result = sftp(server, f"pwd\nput {server.config} {tmp_path}/there\n").check()
    assert b"Remote working directory: " + os.fsencode(os.path.realpath(server.account.pw_dir)) in result.out
    assert (tmp_path / "there").read_bytes() == server.config.read_bytes()


def test_options_of_internal_sftp(make, tmp_path):
    (tmp_path / "below").mkdir()
    server = make(config=f"Subsystem sftp internal-sftp -u 077 -P mkdir -d {tmp_path}/below").start()
    assert sftp(server, f"put {server.config} file\n").check()
    assert (tmp_path / "below/file").stat().st_mode & 0o777 == 0o600
    assert b"Permission denied" in sftp(server, "mkdir dir\n").err


def test_internal_sftp_that_is_read_only(make, tmp_path):
    server = make(config="Subsystem sftp internal-sftp -R").start()
    result = sftp(server, f"put {server.config} {tmp_path}/new\n")
    assert result.status == 1 and b"Permission denied" in result.err and not (tmp_path / "new").exists(), result


@pytest.mark.parametrize("subsystem", ["internal-sftp", SFTP_SERVER])
def test_putty_sftp_as_filezilla_does(make, tmp_path, subsystem):
    """FileZilla is PuTTY's psftp with a window."""
    server = make(config=f"Subsystem sftp {subsystem}").start()
    if subsystem == SFTP_SERVER and not os.access(SFTP_SERVER, os.X_OK):
        pytest.skip("openssh-sftp-server is not installed")
    face = clients.Plink(tmp_path)
    argv = [find_program("psftp"), *face.argv(server, "", None)[1:-1]]
    data = tmp_path / "data"
    data.write_bytes(os.urandom(2_000_000))
    script = f"put {data} {tmp_path}/there\nls {tmp_path}\nmv {tmp_path}/there {tmp_path}/here\nget {tmp_path}/here {tmp_path}/back\n"
    result = run(argv, input=script.encode()).check()
    assert (tmp_path / "back").read_bytes() == data.read_bytes(), result


def run_peer(server, name, *more):
    return run([PYTHON, "-W", "ignore", HERE / "peers" / name, "--port", server.port, "--user", server.user, "--identity",
                server.identity.path, "--known-hosts", server.known_hosts, *more]).check().out.decode().splitlines()


def test_shell_with_marks_as_winscp_does(make):
    need_python_module("paramiko")
    server = make().start()
    assert run_peer(server, "paramiko_shell.py") == [
        "unset LANG -> 0 []", f"pwd -> 0 ['{server.account.pw_dir}']", "echo one; echo two -> 0 ['one', 'two']",
        "ls /no/such/folder 2>/dev/null -> 2 []", "(exit 7) -> 7 []", "status 5"]


@contextlib.contextmanager
def echo_server():
    with socket.create_server((HOST, 0)) as listener:
        def answer(conn):
            with conn:
                while data := conn.recv(65536):
                    conn.sendall(data)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_script_on_stdin_beside_connections_as_vs_code_does(make):
    need_python_module("asyncssh")
    server = make().start()
    with echo_server() as port:
        out = run_peer(server, "asyncssh_editor.py", "--echo-port", port)
    assert re.fullmatch(rf"script in {server.account.pw_dir} with {HOST} \d+ {HOST} {server.port}", out[0]), out
    assert out[1:] == [f"text {number}" for number in range(5)] + ["line from stdin", "status 3"]


@pytest.mark.parametrize("value, works", [("yes", True), ("local", True), ("no", False), ("remote", False)])
def test_connections_are_forwarded_as_configured(make, value, works):
    server = make(config=f"AllowTcpForwarding {value}").start()
    with echo_server() as port:
        result = server.ssh("-W", f"{HOST}:{port}", HOST, input=b"there and back")
    assert (result.out == b"there and back") == works, result
    assert works or b"administratively prohibited" in result.err, result


# ---- forced commands, and roots ----

def test_forced_command_runs_whatever_is_asked_for(make):
    """sshd_config(5), ForceCommand: for a shell, a command and a subsystem; SSH_ORIGINAL_COMMAND tells what was asked for."""
    server = make(config="Subsystem echo echo given\nForceCommand echo forced \"${SSH_ORIGINAL_COMMAND-none}\" $-; exit 5").start()
    for words, original in ([[HOST, "uname", "-a"], "uname -a"], [[HOST], "none"], [["-s", HOST, "echo"], "echo given"]):
        result = server.ssh(*words)
        assert result.status == 5 and result.out.startswith(f"forced {original} ".encode()), result
    assert server.ssh("-s", HOST, "other").status == 1
    assert sftp(server, "pwd\n").status == 255


def test_forced_command_on_a_terminal(make):
    server = make(config="ForceCommand tty; echo forced").start()
    person = Terminal([find_program("ssh"), "-tt", *server.options(), HOST])
    person.expect(rb"/dev/pts/\d+\r\nforced\r\n")
    assert person.status() == 0


@pytest.mark.parametrize("subsystem", ["", "Subsystem sftp internal-sftp", "Subsystem sftp /bin/false"])
def test_files_alone_by_force(make, tmp_path, subsystem):
    """ForceCommand internal-sftp, with its own options: nothing else is served."""
    server = make(config=f"{subsystem}\nForceCommand internal-sftp -P mkdir -u 077").start()
    sftp(server, f"put {server.config} {tmp_path}/there\n").check()
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o600
    assert b"Permission denied" in sftp(server, f"mkdir {tmp_path}/dir\n").err
    for words in ([HOST, "touch", tmp_path / "touched"], [HOST], ["-s", HOST, "sftp-server"]):
        result = server.ssh(*map(str, words), input=f"touch {tmp_path}/touched\n".encode())
        assert result.status == 1 and not (tmp_path / "touched").exists(), result
    assert server.ssh(HOST, "true").out == b"This service allows sftp connections only.\n"


@pytest.mark.parametrize("more", ["Subsystem sftp internal-sftp", "ForceCommand internal-sftp", "ForceCommand internal-sftp -d /below"])
def test_root_of_files(make, tmp_path, more):
    """sshd_config(5), ChrootDirectory: for internal-sftp no other files are needed, and not even root."""
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    (root / "out").symlink_to("/etc")
    server = make(config=f"ChrootDirectory {root}\n{more}").start()
    lines = [f"lcd {tmp_path}", "pwd", "-get ../../etc/hostname got", "-get /etc/hostname got", "-ls out/hostname", f"put {server.config} /below/up", "ls -1 /"]
    result = sftp(server, "\n".join(lines)).check()
    where = b"/below" if "-d" in more else b"/"
    assert b"Remote working directory: " + where + b"\n" in result.out.replace(b"\r", b"") and b"/below" in result.out
    assert (root / "below/up").read_bytes() == server.config.read_bytes() and result.err.count(b"not found") >= 2
    assert not (tmp_path / "got").exists() and b"hostname\n" not in result.out.split(b"ls out")[1].split(b"sftp>")[1]


def test_files_begin_at_home_in_the_root(make, tmp_path):
    """After the chroot the session is in the home directory, if the root has it."""
    root, home = tmp_path / "root", pwd.getpwuid(os.getuid()).pw_dir
    (root / home.lstrip("/")).mkdir(parents=True)
    server = make(config=f"ChrootDirectory {root}").start()
    assert f"Remote working directory: {home}".encode() in sftp(server, "pwd\n").check().out


@pytest.fixture
def jail():
    """What makes a root directory with programs in it, that nobody but root can change; only the server sees it."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("needs root and mount name spaces")
    links = "; ".join(f"[ -L /{name} ] && ln -s usr/{name} /mnt/jail/{name} || {{ [ -d /{name} ] && mkdir /mnt/jail/{name} && "
                      f"mount --bind /{name} /mnt/jail/{name}; }}" for name in ("bin", "lib", "lib64"))
    return ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt; chmod 755 /mnt; mkdir -p /mnt/jail/usr /mnt/jail/etc; "
            f"mount --bind /usr /mnt/jail/usr; {links}; echo jailed > /mnt/jail/etc/hostname; exec \"$@\"", "sh"]


def test_root_of_programs(make, jail):
    """ChrootDirectory for commands, shells and subsystems: chroot(2), then the home directory or /."""
    server = make(before=jail, config="ChrootDirectory /mnt/jail\nSubsystem files cat /etc/hostname").start()
    script = "cat /etc/hostname; pwd; exit 4"
    for words, status in ([[HOST, script], 4], [[HOST], 4], [["-s", HOST, "files"], 0]):
        result = server.ssh(*words, input=script.encode())
        assert result.status == status and result.out in (b"jailed\n/\n", b"jailed\n"), result
    person = Terminal([find_program("ssh"), "-tt", *server.options(), HOST, "tty; cat /etc/hostname"])
    person.expect(rb"jailed\r\n")
    person.status()


def test_root_of_programs_is_checked(make, tmp_path):
    """All components must be root's, and nobody else's to write: /tmp is not so."""
    server = make(config=f"ChrootDirectory {tmp_path}").start()
    result = server.ssh(HOST, "true")
    assert result.status == 1 and b"programs are not run here" in result.err, result
    assert b"bad ownership or modes" in server.daemon.log.read_bytes() or os.getuid() != 0


@pytest.fixture
def nobody(make):
    """A server that is not run by root, in a name space where it has no rights."""
    prefix = ["unshare", "-U", "--map-user=65534", "--map-group=65534"]
    if os.getuid() == 0 and subprocess.run([*prefix, "true"], check=False).returncode != 0:
        pytest.skip("needs user name spaces")

    def make_one(**more):
        if os.getuid() != 0:
            return make(**more)
        server = make(before=prefix, **more)
        server.user = pwd.getpwuid(65534).pw_name
        return server

    return make_one


def test_root_without_root_is_for_files(nobody, tmp_path):
    server = nobody(config=f"ChrootDirectory {tmp_path}").start()
    assert b"Remote working directory: /\n" in sftp(server, "pwd\n").check().out.replace(b"\r", b"")
    result = server.ssh(HOST, "true")
    assert result.status == 1 and b"programs are not run here" in result.err
    assert b"internal-sftp alone" in server.daemon.log.read_bytes()


def test_root_without_root_and_files_is_refused_at_the_start(nobody, tmp_path):
    result = run([*nobody(config=f"ChrootDirectory {tmp_path}\nSubsystem sftp {SFTP_SERVER}").argv, "-D", "-e"])
    assert result.status == 1 and b"for programs it takes root" in result.err, result


# ---- logins ----

@pytest.fixture
def shadow(tmp_path):
    """A shadow file of the test's own, where only the server sees it: mounted over the real one in a name space."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("needs root and mount name spaces")
    file = tmp_path / "shadow"
    prefix = ["unshare", "-m", "sh", "-c", f"mount --bind {file} /etc/shadow && exec \"$@\"", "sh"]

    def write(password, dates="19000:0:99999:7:::"):
        openssl = [find_program("openssl"), "passwd", "-6", "-stdin"]
        hashed = run(openssl, input=password.encode()).check().out.decode().strip() if password else ""
        file.write_text(f"root:{hashed}:{dates}\n")
        file.chmod(0o600)
        return prefix

    return write


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_passwords_are_checked_against_shadow(make, shadow, tmp_path, method):
    server = make(config="PermitRootLogin yes\nPerSourcePenalties yes", before=shadow("correct horse")).start()
    face = clients.OpenSSH(tmp_path)
    options = ["-o", f"PreferredAuthentications={method}", "-o", "NumberOfPasswordPrompts=1"]
    right = face.log_in(server, "echo hello", {"*": "correct horse"}, *options)
    assert (right.status, right.out) == (0, b"hello\n"), right
    for password in ("wrong", "correct horse ", "\\c"):
        wrong = face.log_in(server, "echo hello", {"*": password}, *options)
        assert (wrong.status, wrong.out) == (OWN_FAILURE, b""), wrong
    server.user = "nobody"    # the right password, but not of this account
    assert face.log_in(server, "echo hello", {"*": "correct horse"}, *options).status == OWN_FAILURE
    server.daemon.wait_for_line("Failed password for nobody from")


@pytest.mark.parametrize("config, password, dates", [
    ("", "correct horse", "19000:0:99999:7:::"),                                      # PermitRootLogin without-password
    ("PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no", "correct horse", "19000:0:99999:7:::"),
    ("PermitRootLogin yes", "", "19000:0:99999:7:::"),                                # no password is no password
    ("PermitRootLogin yes", "correct horse", "19000:0:99999:7::19001:"),              # the account has expired
    ("PermitRootLogin yes", "correct horse", "19000:0:1:7:::"),                       # the password has
])
def test_passwords_are_not_offered(make, shadow, tmp_path, config, password, dates):
    server = make(config=config, before=shadow(password, dates)).start()
    result = clients.OpenSSH(tmp_path).log_in(server, "echo hello", {"*": password}, "-o", "PubkeyAuthentication=no")
    assert result.status == OWN_FAILURE and b"Permission denied (publickey)." in result.err, result


def test_keys_and_a_password_in_a_row(make, shadow, tmp_path):
    server = make(config="PermitRootLogin yes\nAuthenticationMethods publickey,password", before=shadow("secret")).start()
    face = clients.OpenSSH(tmp_path)
    assert face.log_in(server, "echo hello", {"*": "secret"}).out == b"hello\n"
    result = server.ssh(HOST, "echo hello")
    assert result.status == OWN_FAILURE and b"Permission denied (password)." in result.err, result


FORGED = "somebody\nsshd: Accepted login of mallory"
FORGERIES = {
    "name of a user": "transport.auth_password(sys.argv[5], 'wrong')",
    "name of a host": "transport.auth_publickey(sys.argv[3], paramiko.Ed25519Key.from_private_key_file(sys.argv[4]))\n"
                      "    transport.open_channel('direct-tcpip', (sys.argv[5], 1), ('', 0))",
}


@pytest.mark.parametrize("attempt", FORGERIES.values(), ids=FORGERIES)
def test_peers_cannot_forge_lines_of_the_log(make, shadow, attempt):
    need_python_module("paramiko")
    server = make(config="PermitRootLogin yes\nAllowTcpForwarding no", before=shadow("secret")).start()
    script = ("import paramiko, sys\ntransport = paramiko.Transport((sys.argv[1], int(sys.argv[2])))\ntransport.start_client()\n"
              f"try:\n    {attempt}\nexcept paramiko.SSHException as error:\n    print(error)\ntransport.close()\n")
    result = run([PYTHON, "-c", script, HOST, server.port, server.user, server.identity.path, FORGED]).check()
    assert result.out, result
    server.stop()
    assert "\nsshd: Accepted login of mallory" not in server.daemon.text()


def test_banner_comes_before_the_login(make, tmp_path):
    banner = tmp_path / "banner"
    banner.write_text("Be kind.\n")
    server = make(config=f"Banner {banner}").start()
    result = server.ssh(HOST, "echo x").check()
    assert (result.out, result.err.replace(b"\r", b"")) == (b"x\n", b"Be kind.\n"), result


def test_number_of_tries_is_limited(make, tmp_path):
    server = make(config="MaxAuthTries 2").start()
    keys = [KeyFile(tmp_path, f"stranger{number}") for number in range(3)]
    options = [word for key in keys for word in ("-i", key.path)]
    result = run([find_program("ssh"), *options, *server.options(), HOST, "true"])
    assert result.status == OWN_FAILURE and b"Too many authentication failures" in result.err, result


def test_time_to_log_in_is_limited(make):
    server = make(config="LoginGraceTime 1").start()
    with socket.create_connection((HOST, server.port), timeout=20) as silent:
        while silent.recv(4096):
            pass
    server.daemon.wait_for_line(r"Connection from 127.0.0.1 port \d+: .*")


def test_silent_clients_are_asked_and_given_up(make):
    """ClientAliveInterval: a client that is stopped answers nothing."""
    server = make(config="ClientAliveInterval 1\nClientAliveCountMax 1").start()
    child = server.popen(HOST, "echo ready; exec cat")
    assert child.stdout.readline() == b"ready\n"
    process = child_of(child.pid)
    os.kill(process, signal.SIGSTOP)
    try:
        server.daemon.wait_for_line(r"Connection from 127.0.0.1 port \d+: .*")
    finally:
        os.kill(process, signal.SIGCONT)
        child.communicate()


def test_key_files_have_tokens_and_may_be_several(make, tmp_path):
    server = make(config=f"AuthorizedKeysFile {tmp_path}/none %%-x {tmp_path}/%u-%U").start()
    assert server.ssh(HOST, "echo x").status == OWN_FAILURE
    (tmp_path / f"{server.user}-{os.getuid()}").write_text(server.identity.public_line + "\n")
    assert server.ssh(HOST, "echo x").check().out == b"x\n"


@pytest.mark.parametrize("name", ["../other", "-oProxyCommand=x", "a/b", "a\nb", "~other"])
def test_a15_names_of_users_go_into_no_path(make, tmp_path, name):
    """A name that a peer sends is compared with our own and nothing else, so that it cannot choose which file of keys is read."""
    need_python_module("paramiko")
    (tmp_path / "names").mkdir()
    server = make(config=f"AuthorizedKeysFile {tmp_path}/names/%u").start()
    wanted = tmp_path / "names" / name
    wanted.parent.mkdir(exist_ok=True)
    wanted.write_text(server.identity.public_line + "\n")
    script = ("import paramiko, sys\ntransport = paramiko.Transport((sys.argv[1], int(sys.argv[2])))\ntransport.start_client()\n"
              "transport.auth_publickey(sys.argv[3], paramiko.Ed25519Key.from_private_key_file(sys.argv[4]))\n")
    argv = [PYTHON, "-c", script, HOST, server.port]
    refused = run([*argv, name, server.identity.path])
    assert refused.status == 1 and b"AuthenticationException" in refused.err, refused
    (tmp_path / "names" / server.user).write_text(server.identity.public_line + "\n")
    run([*argv, server.user, server.identity.path]).check()


def test_strict_modes(make, tmp_path):
    """A file that others may write, or could replace, is not read, unless StrictModes is off."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    keys = folder / "keys"
    server = make(config=f"AuthorizedKeysFile {keys}").start()
    keys.write_text(server.identity.public_line + "\n")
    keys.chmod(0o644)
    assert server.ssh(HOST, "echo x").check().out == b"x\n"
    for path, mode, reason in ((keys, 0o664, "others may write it"), (folder, 0o775, "others may write a folder above it")):
        before = path.stat().st_mode & 0o7777
        path.chmod(mode)
        assert server.ssh(HOST, "echo x").status == OWN_FAILURE
        server.daemon.wait_for_line(f"Authentication refused: {keys}: {reason}")
        path.chmod(before)
    server.stop()
    keys.chmod(0o666)
    server.write(f"StrictModes no\nAuthorizedKeysFile {keys}")
    assert server.start().ssh(HOST, "echo x").check().out == b"x\n"


def test_startups_are_limited(make):
    """MaxStartups: from 2 on all are refused; who is logged in does not count."""
    server = make(config="MaxStartups 2").start()
    child = server.popen(HOST, "echo ready; cat")
    assert child.stdout.readline() == b"ready\n"
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            assert stack.enter_context(socket.create_connection((HOST, server.port), timeout=20)).recv(4) == b"SSH-"
        with socket.create_connection((HOST, server.port), timeout=20) as third:
            assert third.recv(100) == b"Exceeded MaxStartups\r\n"
    child.communicate(b"")


def test_startups_are_refused_early_by_chance(make):
    """MaxStartups 1:50:40: of 39 that stay, some are refused, and not all."""
    server = make(config="MaxStartups 1:50:40").start()
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(socket.create_connection((HOST, server.port), timeout=20)).recv(4) for _ in range(39)]
    assert first[0] == b"SSH-" and set(first) == {b"SSH-", b"Exce"}, first


# ---- the process ----

@pytest.mark.parametrize("option", ["-t", "-T", "-G"])
def test_configuration_is_checked(make, option):
    server = make(config="MaxSessions 7\nBanner none")
    result = run([*server.argv, option]).check()
    assert (b"maxsessions 7" in result.out) == (option != "-t") and result.err == b"", result


@pytest.mark.parametrize("config, message", [
    ("MaxSessions many", b"MaxSessions"),
    ("NoSuchKeyword yes", b"Bad configuration option: NoSuchKeyword"),
    ("MaxStartups 3:2", b"MaxStartups"),
])
def test_wrong_configuration_is_told_with_its_line(make, config, message):
    server = make(config="# comment\n" + config)
    for option in ("-t", "-T", "-D"):
        result = run([*server.argv, option])
        assert result.status == 1 and message in result.err and b"line 2" in result.err, result


@pytest.mark.parametrize("config, message", [
    ("Subsystem files internal-sftp", b"internal-sftp serves the subsystem sftp alone"),
    ("Subsystem sftp internal-sftp -Z", b"unknown option -- 'Z'"),
    ("Subsystem sftp internal-sftp -P nothing", b'there is no request "nothing"'),
    ("ChrootDirectory relative", b"no absolute path"),
    ("ChrootDirectory /%x", b"unknown token"),
    ("ChrootDirectory /etc/hostname", b"there is no such directory"),
    ("ForceCommand internal-sftp -Z", b"unknown option -- 'Z'"),
    ("PerSourcePenalties often", b"bad value of PerSourcePenalties: often"),
    ("PubkeyAuthentication no\nPasswordAuthentication no\nKbdInteractiveAuthentication no", b"nobody could log in"),
])
def test_what_is_not_there_is_told_at_the_start(make, config, message):
    result = run([*make(config=config).argv, "-D", "-e"])
    assert result.status == 1 and message in result.err, result


def test_background_server_writes_its_pid(make, tmp_path):
    """Its parent returns when it listens; SIGTERM ends it and takes the file away."""
    pid_file, log = tmp_path / "pid", tmp_path / "daemon.log"
    server = make(config=f"PidFile {pid_file}", options=["-E", str(tmp_path / "daemon.log")])
    run(server.argv).check()
    pid = int(pid_file.read_text())
    try:
        assert server.ssh(HOST, "echo x").check().out == b"x\n"
    finally:
        os.kill(pid, signal.SIGTERM)
    os_wait(lambda: not pid_file.exists())
    os_wait(lambda: not os.path.exists(f"/proc/{pid}") or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text())
    assert "Server listening on 127.0.0.1" in log.read_text() and "Accepted login of" in log.read_text()
    assert run([*server.argv, "-o", "HostKey=/no/such/key"]).status == 0    # there is another one
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    os_wait(lambda: not pid_file.exists())


def test_background_server_that_cannot_start_says_so(make):
    with socket.create_server((HOST, 0)) as taken:
        server = make()
        server.write("", taken.getsockname()[1])
        result = run(server.argv)
        assert result.status == 1 and b"Cannot listen on" in result.err, result


@pytest.mark.parametrize("kind", ["socket", "pipes"])
def test_one_connection_on_stdin(make, tmp_path, kind):
    """-i, as inetd and ProxyCommand start it."""
    server = make(options=["-i", "-e", "-E", str(tmp_path / "log")])
    command = " ".join(map(str, server.argv))
    if kind == "socket":
        command = f"{PYTHON} {HERE}/on_socket.py {command}"
    options = [word for word in server.options()]
    argv = [find_program("ssh"), "-o", f"ProxyCommand={command}", *options, HOST]
    result = run([*argv, "echo to $SSH_CONNECTION; cat; exit 9"], input=b"x" * 1_000_000)
    assert result.status == 9 and result.out == b"to UNKNOWN 65535 UNKNOWN 65535\n" + b"x" * 1_000_000, result.err


def test_debugging_serves_one_connection(make):
    server = make().start("-d")
    assert server.ssh(HOST, "echo out; echo err >&2").err == b"err\n"    # nothing of the log
    assert server.daemon.child.wait(40) == 0
    assert "debug1: " in server.daemon.text()


def test_hangup_reads_the_configuration_again(make):
    """New connections have the new one; sessions go on; a wrong one changes nothing."""
    server = make(config="MaxSessions 5").start()
    child = server.popen(HOST, "echo ready; cat")
    assert child.stdout.readline() == b"ready\n"
    server.write("Subsystem greet echo hello", free_port())
    server.signal(signal.SIGHUP)
    server.daemon.wait_for_line(rf"Server listening on {HOST} port {server.port}\.")
    assert server.ssh("-s", HOST, "greet").check().out == b"hello\n"
    server.write("NoSuchKeyword yes")
    server.signal(signal.SIGHUP)
    server.daemon.wait_for_line("The configuration stays what it was")
    assert server.ssh("-s", HOST, "greet").check().out == b"hello\n"
    out, err = child.communicate(b"still there")
    assert (child.returncode, out) == (0, b"still there"), err


def test_termination_lets_sessions_finish(make):
    server = make().start()
    child = server.popen(HOST, "echo ready; cat; exit 3")
    assert child.stdout.readline() == b"ready\n"
    with socket.create_connection((HOST, server.port), timeout=20) as idle:
        idle.recv(4)
        server.signal(signal.SIGTERM)
        server.daemon.wait_for_line("1 connections may finish")
        while idle.recv(4096):    # who is not logged in is sent away
            pass
    assert server.ssh(HOST, "true").status == OWN_FAILURE
    assert server.daemon.child.poll() is None
    out, err = child.communicate(b"to the end")
    assert (child.returncode, out) == (3, b"to the end"), err
    assert server.daemon.child.wait(40) == 0


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_interrupt_and_second_termination_end_sessions(make, tmp_path, signals):
    server = make().start()
    mark = tmp_path / "mark"
    child = server.popen(HOST, tell_hangup(mark))
    assert child.stdout.readline() == b"ready\n"
    for number in signals:
        server.signal(number)
        if number == signal.SIGTERM and len(signals) > 1 and not server.daemon.text().count("may finish"):
            server.daemon.wait_for_line("may finish")
    assert server.daemon.child.wait(40) == 0
    assert child.wait(40) == OWN_FAILURE
    os_wait(lambda: mark.exists())
    child.communicate()
