"""Clients of other projects, all with one face: run a command on a server, or open many sessions on one connection."""

import contextlib
import pathlib
import shutil
import subprocess

from harness import HERE, HOST, PYTHON, Daemon, clean_environment, find_built, find_program, limit_child, run, under_limits
from servers import build_c, build_go, need_python_module


class Client:
    name = None
    has_rekey_limit = False
    has_many_sessions = False

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.prepare()

    def prepare(self):
        pass

    def argv(self, server, command, rekey):
        raise NotImplementedError

    def run(self, server, command, *, rekey=None, **more):
        """rekey: bytes after which the client starts a new key exchange."""
        return run(self.argv(server, command, rekey), **more)

    def run_sessions(self, server, count):
        raise NotImplementedError


class OpenSSH(Client):
    name = "openssh"
    has_rekey_limit = True
    has_many_sessions = True
    program = "ssh"

    def prepare(self):
        self.path = [find_program("ssh", why="openssh-client")]

    def options(self, server, rekey=None):
        limit = ["-o", f"RekeyLimit={rekey}"] if rekey else []
        return ["-F", "none", "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
                "-i", str(server.identity.path), "-l", server.user, "-p", str(server.port), *limit]

    def argv(self, server, command, rekey):
        return [*self.path, *self.options(server, rekey), HOST, command]

    @contextlib.contextmanager
    def master(self, server):
        """A connection whose sessions are small ssh that hand their streams to it: its socket."""
        control = self.folder / "control"
        master = Daemon([*self.path, *self.options(server), "-o", f"ControlPath={control}", "-M", "-N", HOST],
                        self.folder / "master.log")
        try:
            master.wait_until(control.exists, "control socket", 20)
            yield control
        finally:
            master.stop()

    def run_sessions(self, server, count):
        with self.master(server) as control:
            self._talk(server, count, control)

    def login_with_password(self, server, password):
        return self.log_in(server, "echo hello", {"*": password}, "-o", "PreferredAuthentications=password", "-o",
                           "NumberOfPasswordPrompts=1")

    def log_in(self, server, command, answers, *options):
        """ssh asks a program when there is no terminal; answers maps patterns of its question to what it says."""
        askpass = self.folder / "askpass"
        cases = "".join(f"{pattern}) echo '{answer}' ;;\n" for pattern, answer in answers.items())
        askpass.write_text(f"#!/bin/sh\ncase $1 in\n{cases}esac\n")
        askpass.chmod(0o700)
        own = ["BatchMode=no" if word == "BatchMode=yes" else word for word in self.options(server)]
        env = clean_environment(SSH_ASKPASS=str(askpass), SSH_ASKPASS_REQUIRE="force")
        return run([*self.path, *options, *own, HOST, command], env=env)

    def _talk(self, server, count, control):
        argv = under_limits([*self.path, *self.options(server), "-o", f"ControlPath={control}",
                             "-o", "ControlMaster=no", HOST, "cat"], 60)
        children = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=clean_environment(), preexec_fn=limit_child) for _ in range(count)]
        for number, child in enumerate(children):    # each answers before any of them ends: all are open at once
            child.stdin.write(b"line %d\n" % number)
            child.stdin.flush()
        lines = [child.stdout.readline() for child in children]
        errors = [child.communicate()[1] for child in children]
        assert lines == [b"line %d\n" % number for number in range(count)], errors
        assert [child.returncode for child in children] == [0] * count, errors


class Dbclient(Client):
    """Keys are in dropbear's own format; the host key is checked against ~/.ssh/known_hosts only."""

    name = "dropbear"

    def prepare(self):
        self.path = find_program("dbclient", why="dropbear-bin")
        self.convert = find_program("dropbearconvert", why="dropbear-bin")

    def argv(self, server, command, rekey):
        key = self.folder / "dropbear_key"
        if not key.exists():
            run([self.convert, "openssh", "dropbear", server.identity.path, key]).check()
        home = self.folder / ".ssh"
        home.mkdir(exist_ok=True)
        (home / "known_hosts").write_text(server.known_hosts.read_text().replace(f"[{HOST}]:{server.port}", HOST))
        return ["env", f"HOME={self.folder}", self.path, "-i", key, "-p", server.port, "-l", server.user, HOST, command]


class Plink(Client):
    name = "putty"
    more = []

    def prepare(self):
        self.path = find_program("plink", why="putty-tools")
        self.convert = find_program("puttygen", why="putty-tools")

    def argv(self, server, command, rekey):
        key = self.folder / "key.ppk"
        if not key.exists():
            run([self.convert, server.identity.path, "-o", key]).check()
        return self.plink(server, command, "-i", key)

    def plink(self, server, command, *options):
        scan = run([find_program("ssh-keygen"), "-l", "-f", server.known_hosts]).check().out.decode()
        return [self.path, *self.more, "-batch", "-noagent", "-P", server.port, *options, "-hostkey", scan.split()[1],
                f"{server.user}@{HOST}", command]

    def log_in(self, server, command, *options):
        return run(self.plink(server, command, *options))


class AsyncSSH(Client):
    name = "asyncssh"
    has_rekey_limit = True
    has_many_sessions = True

    def prepare(self):
        need_python_module("asyncssh")

    more = []

    def base(self, server):
        return [PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_client.py", "--port", server.port, "--user",
                server.user, "--identity", server.identity.path, "--known-hosts", server.known_hosts, *self.more]

    def argv(self, server, command, rekey):
        return [*self.base(server), *(["--rekey", rekey] if rekey else []), command]

    def run_sessions(self, server, count):
        assert run([*self.base(server), "--sessions", count]).check().out == b"sessions %d\n" % count

    def login_with_password(self, server, password):
        return self.log_in(server, "echo hello", "--password", password)

    def log_in(self, server, command, *options):
        return run([PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_client.py", "--port", server.port, "--user",
                    server.user, "--known-hosts", server.known_hosts, *options, command])


class Go(Client):
    name = "go"
    has_rekey_limit = True
    has_many_sessions = True

    def prepare(self):
        self.path = build_go("client")

    def base(self, server):
        return [self.path, "-port", server.port, "-user", server.user, "-identity", server.identity.path,
                "-known-hosts", server.known_hosts]

    def argv(self, server, command, rekey):
        return [*self.base(server), *(["-rekey", rekey] if rekey else []), command]

    def run_sessions(self, server, count):
        assert run([*self.base(server), "-sessions", count]).check().out == b"sessions %d\n" % count

    def log_in(self, server, command, *options):
        return run([self.path, "-port", server.port, "-user", server.user, "-known-hosts", server.known_hosts,
                    *options, command])


class Libssh(Client):
    name = "libssh"
    has_rekey_limit = True
    has_many_sessions = True

    def prepare(self):
        self.path = build_client("libssh", header="libssh/libssh.h", library="-lssh")

    def argv(self, server, command, rekey):
        return [self.path, server.port, server.user, server.identity.path, server.known_hosts, rekey or 0, 0, command]

    def run_sessions(self, server, count):
        argv = [self.path, server.port, server.user, server.identity.path, server.known_hosts, 0, count, "cat"]
        assert run(argv).check().out == b"sessions %d\n" % count


class Libssh2(Client):
    """It has neither AEAD ciphers nor MACs of the ciphertext."""

    name = "libssh2"
    compression = 0

    def prepare(self):
        self.path = build_client("libssh2", header="libssh2.h", library="-lssh2")

    def argv(self, server, command, rekey):
        return [self.path, server.port, server.user, server.identity.path, server.known_hosts, self.compression, command]


def curl(server):
    """curl, which is libssh2 for scp:// and sftp://, up to what it is to do."""
    return [find_program("curl"), "-sS", "--insecure", "--key", server.identity.path, "--pubkey", f"{server.identity.path}.pub", "-u",
            f"{server.user}:"]


class Paramiko(Client):
    """It has no AEAD ciphers."""

    name = "paramiko"

    def prepare(self):
        need_python_module("paramiko")

    def argv(self, server, command, rekey):
        return [PYTHON, "-W", "ignore", HERE / "peers" / "paramiko_client.py", "--port", server.port, "--user", server.user,
                "--identity", server.identity.path, "--known-hosts", server.known_hosts, command]

    def take_steps(self, server, *steps):
        """One step of authentication after the other, as a test says: see peers/paramiko_auth.py."""
        return run([PYTHON, "-W", "ignore", HERE / "peers" / "paramiko_auth.py", server.port, *steps])


def build_client(name, *, header, library):
    """A client of peers/, with what it does to files."""
    return build_c(f"{name}_client", [f"{name}_files.c", f"{name}_files.h", "tree_copy.c", "tree_copy.h"], header=header, library=library)


class Sshio(OpenSSH):
    """Our own: the same options as OpenSSH's."""

    name = "sshio"

    def prepare(self):
        self.path = [find_built("tools/sshio"), "ssh"]

    def options(self, server, rekey=None):
        """It has no agent, asks for nothing and reads no global files, so there is less to switch off."""
        limit = ["-o", f"RekeyLimit={rekey}"] if rekey else []
        return ["-F", "none", "-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "StrictHostKeyChecking=yes",
                "-i", str(server.identity.path), "-l", server.user, "-p", str(server.port), *limit]

    def run_sessions(self, server, count):
        argv = [find_built("tests/interop/many_channels"), server.port, server.user, server.identity.path,
                server.known_hosts, count]
        assert run(argv).check().out == b"sessions %d\n" % count

    def login_with_password(self, server, password):
        return self.log_in(server, "echo hello", f"password={password}")

    def log_in(self, server, command, *options):
        """By programs/auth_client.c, which takes options and answers of all kinds."""
        return run([find_built("tests/interop/auth_client"), server.port, server.user, server.known_hosts, *options,
                    command])


class Erlang(Client):
    """Takes seconds to start, so that it is in no matrix."""

    name = "erlang"

    def prepare(self):
        self.path = find_program("escript", why="erlang-ssh")

    def act(self, server, what, *more):
        """What it does, and its output: see peers/erlang_client.escript."""
        home = self.folder / "erlang"
        home.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(server.identity.path, home / "id_ed25519")
        shutil.copy(server.known_hosts, home / "known_hosts")
        return run([self.path, HERE / "peers" / "erlang_client.escript", server.port, server.user, home, what, *more])

    def run(self, server, command, **more):
        return self.act(server, "run", command)

    def run_sessions(self, server, count):
        assert self.act(server, "sessions", count).check().out == b"sessions %d\n" % count


ALL = [OpenSSH, Dbclient, Plink, AsyncSSH, Go, Libssh]
