"""Servers of other projects, each started on loopback with a fresh host key.

A server knows its port, the user to log in as, its host key and what it can do. `command` gives the text of a
command that does one of the things the tests need; where there is a shell it is a shell command.
"""

import functools
import os
import pathlib
import pwd
import re
import secrets
import shutil

from harness import (FRANK, HERE, HOST, PYTHON, Daemon, KeyFile, build_folder, clean_environment, find_built, find_program,
                     free_port, known_hosts_line, missing, run)

ACCOUNT_PREFIX = "sshiotest"

SHELL_COMMANDS = {
    "hello": "echo hello",
    "exit": "exit {status}",
    "both": "echo to-out; echo to-err >&2",
    "source": "cat {file}",
    "sink": "sha256sum",
    "cat": "cat",
}


class Server:
    """What the tests know of a server. Subclasses set these and start it in `start`."""

    name = None
    has_rekey_limit = False     # can it be told to rekey after 1 MiB?
    has_many_sessions = False   # does it take 50 sessions on one connection?
    max_sessions = 100          # of those that can be told
    takes_password = False
    host_key_kind = "ed25519"
    commands = SHELL_COMMANDS

    def __init__(self, folder, identity, data_file, account):
        self.folder = pathlib.Path(folder)
        self.identity, self.data_file, self.account = identity, data_file, account
        self.user = account.name
        self.port, self.daemon = None, None
        self.authorized_keys = self.folder / "authorized_keys"
        self.authorized_keys.write_text(identity.public_line + "\n")
        self.start()
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(known_hosts_line(self.port, self.host_key_line()))

    def start(self):
        raise NotImplementedError

    def make_host_key(self):
        self.host_key = KeyFile(self.folder, "host_key", self.host_key_kind)
        return self.host_key.path

    def host_key_line(self):
        return self.host_key.public_line

    def command(self, what, **values):
        return self.commands[what].format(file=self.data_file, **values)

    def log(self):
        return self.daemon.text()

    def stop(self):
        self.daemon.stop()


class OpenSSH(Server):
    name = "openssh"
    has_rekey_limit = True
    has_many_sessions = True

    def start(self, **more):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.port = free_port()
        options = {
            "Port": self.port, "ListenAddress": HOST, "HostKey": self.make_host_key(),
            "AuthorizedKeysFile": self.authorized_keys, "PidFile": self.folder / "pid", "UsePAM": "no",
            "StrictModes": "no", "PermitRootLogin": "yes", "MaxSessions": self.max_sessions, "MaxStartups": 200,
            "PrintMotd": "no", "LogLevel": "VERBOSE", "Subsystem": "sftp internal-sftp", "AcceptEnv": "LANG LC_*",
            **more}
        config = self.folder / "sshd_config"
        config.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        sshd = find_program("sshd", why="openssh-server")
        self.daemon = Daemon([sshd, "-D", "-e", "-f", config], self.folder / "log").wait_for_port(self.port)


class HostileScp(OpenSSH):
    """Its scp is peers/hostile_scp.py: it says what the file `says` holds, and what it hears goes to `heard`."""

    name = "hostile-scp"

    def start(self):
        self.says, self.heard = self.folder / "says", self.folder / "heard"
        self.heard.touch(mode=0o666)
        self.heard.chmod(0o666)
        super().start(ForceCommand=f"{PYTHON} {HERE / 'peers' / 'hostile_scp.py'} {self.says} {self.heard}")


class OpenSSHRekeying(OpenSSH):
    name = "openssh-rekeying"

    def start(self):
        super().start(RekeyLimit="1M none")


class OpenSSHTwoFactors(OpenSSH):
    name = "openssh-two-factors"

    def start(self):
        super().start(AuthenticationMethods="publickey,password", PasswordAuthentication="yes",
                      Banner=self.make_banner())

    def make_banner(self):
        banner = self.folder / "banner"
        banner.write_text("mind the step\n")
        return banner


class OpenSSHPam(OpenSSH):
    """Asks for the password by PAM, in a keyboard-interactive dialogue."""

    name = "openssh-pam"

    def start(self):
        super().start(UsePAM="yes", KbdInteractiveAuthentication="yes", PasswordAuthentication="no")


class OwnAccount:
    """The account that runs the tests. Its start-up files run with every command of a real server."""

    is_own = True

    def __init__(self):
        entry = pwd.getpwuid(os.getuid())
        self.name, self.home = entry.pw_name, pathlib.Path(entry.pw_dir)

    def run_as(self, argv):
        return argv

    def own(self, path):
        pass

    def remove(self):
        pass


class TestAccount:
    """An account of its own, made when root runs the tests: a plain shell without start-up files, and a home below
    /home, because tinysshd refuses keys when any folder above them can be written by others."""

    __test__ = False
    is_own = False

    def __init__(self):
        self._remove_abandoned()
        self.name = f"{ACCOUNT_PREFIX}{os.getpid()}"        # of this run alone: others may be under way
        run([find_program("useradd"), "--create-home", "--home-dir", f"/home/{self.name}", "--shell", "/bin/sh",
             "--password", self._hash(), self.name]).check()
        entry = pwd.getpwnam(self.name)
        self.uid, self.gid, self.home = entry.pw_uid, entry.pw_gid, pathlib.Path(entry.pw_dir)
        self._make_private(self.home)
        self._make_private(self.home / ".ssh")

    def _hash(self):
        self.password = secrets.token_hex(16)
        openssl = find_program("openssl")
        return run([openssl, "passwd", "-6", self.password]).check().out.decode().strip()

    def _remove_abandoned(self):
        """Accounts of runs that were killed."""
        for entry in pwd.getpwall():
            number = entry.pw_name.removeprefix(ACCOUNT_PREFIX)
            if number != entry.pw_name and number.isdigit() and not pathlib.Path(f"/proc/{number}").exists():
                run([find_program("userdel"), "--remove", "--force", entry.pw_name])

    def allow(self, identity):
        keys = self.home / ".ssh" / "authorized_keys"
        keys.write_text(identity.public_line + "\n")
        self.own(keys)

    def own(self, path):
        """Makes a file one that only this account can read."""
        os.chown(path, self.uid, self.gid)
        os.chmod(path, 0o600)

    def run_as(self, argv):
        return [find_program("setpriv"), f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", *argv]

    def _make_private(self, folder):
        folder.mkdir(exist_ok=True)
        os.chown(folder, self.uid, self.gid)
        os.chmod(folder, 0o700)

    def remove(self):
        run([find_program("userdel"), "--remove", "--force", self.name])


class KeysAtHome(Server):
    """Servers that read keys nowhere but in the account's home, which is not ours to change."""

    def start(self):
        if self.account.is_own:
            missing(f"{self.name} needs an account with keys of its own, and making one needs root")
        self.account.allow(self.identity)
        self.start_daemon()


class Dropbear(KeysAtHome):
    name = "dropbear"
    has_many_sessions = True

    def start_daemon(self):
        key = self.folder / "host_key"
        kind, _, bits = self.host_key_kind.partition("-")
        made = run([find_program("dropbearkey", why="dropbear-bin"), "-t", kind, *(["-s", bits] if bits else []),
                    "-f", key]).check()
        self._public = re.search(rb"^(ssh|ecdsa)-\S+ \S+", made.out, re.MULTILINE).group().decode()
        self.port = free_port()
        self.daemon = Daemon([find_program("dropbear", why="dropbear-bin"), "-F", "-E", "-s", "-r", key,
                              "-p", f"{HOST}:{self.port}", "-P", self.folder / "pid"],
                             self.folder / "log").wait_for_port(self.port)

    def host_key_line(self):
        return self._public


class TinySSH(KeysAtHome):
    """One process for each connection, started by socat."""

    name = "tinysshd"

    def start_daemon(self):
        tinysshd = find_program("tinysshd")
        keys = self.folder / "keys"
        run([find_program("tinysshd-makekey", why="tinysshd"), "-q", keys]).check()
        self.port = free_port()
        self.daemon = Daemon([find_program("socat"), f"TCP-LISTEN:{self.port},bind={HOST},reuseaddr,fork,backlog=64",
                              f"EXEC:{tinysshd} -v -l {keys}"], self.folder / "log").wait_for_port(self.port)
        self._keys = keys

    def host_key_line(self):
        """tinysshd keeps raw keys; ask it for the public half in the way any client would."""
        scan = run([find_program("ssh-keyscan"), "-t", "ed25519", "-p", str(self.port), HOST]).check()
        return re.search(rb"ssh-ed25519 \S+", scan.out).group().decode()


class Scripted(Server):
    """A server that we wrote with another library; it chooses its port and prints it."""

    environment = {}

    def start_script(self, argv, env=None):
        env = {**clean_environment(**self.environment), **(env or {})}
        self.daemon = Daemon(argv, self.folder / "log", env=env)
        self.port = int(self.daemon.wait_for_line(r"^listening (\d+)$", 60).group(1))


class AsyncSSH(Scripted):
    name = "asyncssh"
    has_rekey_limit = True
    has_many_sessions = True
    takes_password = True
    password = "correct horse"

    def start(self, *more):
        need_python_module("asyncssh")
        self.start_script([PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_server.py", "--host-key",
                           self.make_host_key(), "--authorized-keys", self.authorized_keys, "--password",
                           self.password, *more])


class Gesftp(OpenSSH):
    """Files in SFTP versions 3 to 6, by gesftpserver."""

    name = "gesftp"

    def start(self):
        program = find_program("/usr/libexec/gesftpserver", why="gesftpserver")
        super().start(Subsystem=f"sftp {program}")


class HostileSftp(OpenSSH):
    """Files of a server that breaks the rules: the one that the file `how` names, in peers/hostile_sftp.py."""

    name = "hostile-sftp"

    def start(self):
        self.how = self.folder / "how"
        super().start(Subsystem=f"sftp {PYTHON} {HERE / 'peers' / 'hostile_sftp.py'} {self.how}")


class FloodingSftp(HostileSftp, Scripted):
    """The same below AsyncSSH, which passes on what the program says on stderr; OpenSSH's server does not."""

    name = "flooding-sftp"

    def start(self):
        need_python_module("asyncssh")
        self.how = self.folder / "how"
        self.start_script([PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_sftp_server.py", "--host-key", self.make_host_key(),
                           "--authorized-keys", self.authorized_keys, "--program", HERE / "peers" / "hostile_sftp.py", self.how])


class AsyncSSHSftp(Scripted):
    """Files in SFTP versions 3 to 6, as whoever runs the tests."""

    name = "asyncssh-sftp"
    kind = "plain"

    def start(self):
        need_python_module("asyncssh")
        self.start_script([PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_sftp_server.py", "--host-key",
                           self.make_host_key(), "--authorized-keys", self.authorized_keys, "--kind", self.kind])


class AsyncSSHShortReads(AsyncSSHSftp):
    name, kind = "asyncssh-short-reads", "short"


class AsyncSSHFailingWrite(AsyncSSHSftp):
    name, kind = "asyncssh-failing-write", "failing"


class AsyncSSHOddStatus(AsyncSSHSftp):
    name, kind = "asyncssh-odd-status", "odd"


class Proftpd(Server):
    """Files in SFTP versions 3 to 6. It needs root, and serves only root here."""

    name = "proftpd"
    host_key_kind = "rsa-3072"

    def start(self):
        if os.getuid() != 0:
            missing("proftpd is started by root alone")
        proftpd = find_program("proftpd", why="proftpd-core, proftpd-mod-crypto")
        self.user = "root"
        self.port = free_port()
        key = self.make_host_key()
        run([find_program("ssh-keygen"), "-q", "-p", "-N", "", "-m", "PEM", "-f", key]).check()
        keys, passwords = self.folder / "keys", self.folder / "passwords"
        keys.write_bytes(run([find_program("ssh-keygen"), "-e", "-f", f"{self.identity.path}.pub"]).check().out)
        passwords.touch(mode=0o600)
        passwords.write_text("root:*:0:0::/root:/bin/sh\n")
        config = self.folder / "proftpd.conf"
        config.write_text(f"""ModulePath /usr/lib/proftpd
LoadModule mod_sftp.c
ServerType standalone
Port 0
DefaultServer off
SocketBindTight on
UseReverseDNS off
PidFile {self.folder}/pid
ScoreboardFile {self.folder}/score
SystemLog {self.folder}/system.log
DelayEngine off
WtmpLog off
TransferLog none
User root
Group root
<VirtualHost {HOST}>
 Port {self.port}
 SFTPEngine on
 SFTPLog {self.folder}/sftp.log
 SFTPHostKey {key}
 SFTPAuthorizedUserKeys file:{keys}
 SFTPAuthMethods publickey
 AuthOrder mod_auth_file.c
 AuthUserFile {passwords}
 RequireValidShell off
 RootLogin on
 UseFtpUsers off
 AllowOverwrite on
 AllowStoreRestart on
</VirtualHost>
""")
        self.daemon = Daemon([proftpd, "-n", "-c", config], self.folder / "log").wait_for_port(self.port)


class LibsshSftp(Scripted):
    """Files as whoever runs the tests."""

    name = "libssh-sftp"

    def start(self):
        program = build_c("libssh_files_server", header="libssh/libssh.h", library="-lssh")
        key = self.folder / "allowed.pub"
        key.write_text(self.identity.public_line + "\n")
        self.start_script([program, free_port(), self.make_host_key(), key])


class Rclone(Server):
    """Files through its own file system in between, which knows contents and times, and nothing else."""

    name = "rclone"

    def start(self):
        self.port = free_port()
        self.daemon = Daemon([find_program("rclone"), "--config", "/dev/null", "serve", "sftp", "/", "--addr", f"{HOST}:{self.port}", "--key",
                              self.make_host_key(), "--authorized-keys", self.authorized_keys, "--vfs-cache-mode", "writes", "--vfs-write-back",
                              "0", "--dir-cache-time", "0", "--cache-dir", self.folder / "cache"],
                             self.folder / "log").wait_for_port(self.port)


class SshioScp(Scripted):
    """The program programs/sftp_server.c with SCP, whose root is the folder `root`, as whoever runs the tests."""

    name = "sshio-scp"
    words = []

    def start(self):
        self.root = self.folder / "root"
        self.root.mkdir()
        self.start_script([find_built("tests/interop/sftp_server"), self.make_host_key(), self.authorized_keys,
                           f"root={self.root}", "scp", *self.words])


class SshioScpHandlers(SshioScp):
    """The same where each operation is a handler."""

    name, words = "sshio-scp-handlers", ["handlers=default"]


class SshioScpFactory(SshioScp):
    name, words = "sshio-scp-factory", ["handlers=factory"]


class SshioScpReadOnly(SshioScp):
    name, words = "sshio-scp-read-only", ["read_only"]


class SshioScpNoWrites(SshioScp):
    name, words = "sshio-scp-no-writes", ["deny=write"]


class AsyncSSHRekeying(AsyncSSH):
    name = "asyncssh-rekeying"

    def start(self):
        super().start("--rekey", "1m")


class Go(Scripted):
    name = "go"
    has_rekey_limit = True
    has_many_sessions = True
    rekey = []

    def start(self):
        self.start_script([build_go("server"), "-host-key", self.make_host_key(), "-authorized-keys",
                           self.authorized_keys, *self.rekey])


class GoRekeying(Go):
    name = "go-rekeying"
    rekey = ["-rekey", "1048576"]


class Paramiko(Scripted):
    """It has no AEAD ciphers."""

    name = "paramiko"

    def start(self):
        need_python_module("paramiko")
        self.start_script([PYTHON, "-W", "ignore", HERE / "peers" / "paramiko_server.py", "--host-key",
                           self.make_host_key(), "--authorized-keys", self.authorized_keys])


class Libssh(Scripted):
    """The program peers/libssh_server.c. One session a connection."""

    name = "libssh"

    def start(self):
        self.start_script([build_c("libssh_server", header="libssh/server.h", library="-lssh"), self.make_host_key(),
                           f"{self.identity.path}.pub"])


class Erlang(Scripted):
    """Its commands are words that the script knows; Erlang has no way to close just the input of a child."""

    name = "erlang"
    has_rekey_limit = True
    has_many_sessions = True
    rekey = "0"
    sftp_version = 3
    environment = {"ERL_CRASH_DUMP_BYTES": "0"}
    commands = {"hello": "hello", "exit": "exit {status}", "both": "both", "source": "source {file}", "sink": "sink",
                "cat": "cat"}

    def start(self, methods="publickey", *account):
        escript = find_program("escript", why="erlang-ssh")
        system, user = self.folder / "system", self.folder / "user"
        system.mkdir(), user.mkdir()
        shutil.copy(self.make_host_key(), system / f"ssh_host_{self.host_key_kind.partition('-')[0]}_key")
        shutil.copy(self.authorized_keys, user / "authorized_keys")
        self.start_script([escript, HERE / "peers" / "erlang_server.escript", system, user, self.rekey, methods,
                           self.sftp_version, *account])


class ErlangPassword(Erlang):
    name = "erlang-password"
    rekey = "0"
    password = "correct horse"

    def start(self):
        super().start("password,keyboard-interactive", self.user, self.password)


class ErlangRekeying(Erlang):
    name = "erlang-rekeying"
    rekey = "1048576"


class ErlangSftp(Erlang):
    """Files as whoever runs the tests, in one version."""

    name = "erlang-sftp"


class ErlangSftp5(ErlangSftp):
    name, sftp_version = "erlang-sftp-5", 5


class ErlangSftp6(ErlangSftp):
    name, sftp_version = "erlang-sftp-6", 6


def copy_of_tool(folder):
    """Another account may not be able to enter the build folder: the tool, and beside it the library that it loads."""
    program = find_built("tools/sshio")
    (folder / "tools").mkdir(parents=True)
    shutil.copy(build_folder() / "libsshio.so.0", folder)
    return shutil.copy(program, folder / "tools")


class Sshio(Server):
    """Our own, as the account whose shell it starts."""

    name = "sshio"
    has_rekey_limit = True
    has_many_sessions = True
    options = []
    environment = {}

    def start(self):
        program = copy_of_tool(self.folder / "built")
        key = self.make_host_key()
        for file in (key, self.authorized_keys):
            self.account.own(file)
        self.port = free_port()
        argv = [program, "sshd", "-D", "-e", "-p", self.port, "-h", key, "-o", f"ListenAddress={HOST}", "-o",
                f"AuthorizedKeysFile={self.authorized_keys}", "-o", f"MaxSessions={self.max_sessions}", "-o", "MaxStartups=100",
                *self.options]
        self.daemon = Daemon(self.account.run_as(argv), self.folder / "log",
                             env=clean_environment(HOME=str(self.account.home), **self.environment)).wait_for_port(self.port)


class SshioRekeying(Sshio):
    name = "sshio-rekeying"
    options = ["-o", "RekeyLimit=1M"]


class SshioTight(Sshio):
    """A sanitizer that keeps no freed memory back, so that the process shows what the server itself holds."""

    name = "sshio-tight"
    environment = FRANK


class SshioManyKeys(Sshio):
    """With a host key of each type."""

    name = "sshio-many-keys"
    kinds = ["ed25519", "ecdsa-256", "rsa-2048"]

    def make_host_key(self):
        self.host_keys = {kind: KeyFile(self.folder, f"host_key_{kind}", kind) for kind in self.kinds}
        first, *others = [key.path for key in self.host_keys.values()]
        for path in others:
            self.account.own(path)
        self.options = [word for path in others for word in ("-h", path)]
        self.host_key = self.host_keys[self.kinds[0]]
        return first


@functools.cache
def with_host_key(kind, host_key_kind):
    """The same server with a host key of another type. One class a pair, so that the park starts one server for it."""
    return type(kind.__name__, (kind,), {"name": f"{kind.name}-{host_key_kind}", "host_key_kind": host_key_kind})


class SshioAuth(Scripted):
    """The program programs/auth_server.c, with all methods of authentication. A subclass says what a login takes, and
    limits as "name=number"."""

    name = "sshio-auth"
    password = "correct horse"
    required = []
    limits = []

    def start(self):
        program = find_built("tests/interop/auth_server")
        self.start_script([program, self.make_host_key(), self.authorized_keys, self.user, self.password,
                           *self.limits, *self.required])


class SshioSession(Scripted):
    """The program programs/session_server.c, whose sessions tell what they are told."""

    name = "sshio-session"

    def start(self):
        self.start_script([find_built("tests/interop/session_server"), self.make_host_key(), self.authorized_keys])


class SshioRelay(Scripted):
    """The program programs/relay_server.c before another server, whose commands its clients run."""

    has_many_sessions = True
    commands = SHELL_COMMANDS

    def __init__(self, behind, *arguments):
        self.behind = behind
        super().__init__(*arguments)

    def start(self):
        self.start_script([find_built("tests/interop/relay_server"), self.make_host_key(), self.authorized_keys, self.behind.port,
                           self.behind.user, self.identity.path, self.behind.known_hosts])


class SshioSftp(Scripted):
    """The program programs/sftp_server.c, which serves files and nothing else."""

    name = "sshio-sftp"
    words = []

    def start(self):
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.start_script([find_built("tests/interop/sftp_server"), self.make_host_key(), self.authorized_keys, "version=6", *self.words])


class SshioSftpHandlers(SshioSftp):
    name = "sshio-sftp-handlers"
    words = ["handlers=default"]


class SshioSftpPassword(SshioSftp):
    name = "sshio-sftp-password"
    password = "correct horse"
    words = [f"password={password}"]


class SshioSftpFactory(SshioSftp):
    name = "sshio-sftp-factory"
    words = ["handlers=factory"]


class OpenSSHOurSftp(OpenSSH):
    """OpenSSH's server, which runs our sftp-server."""

    name = "openssh-our-sftp"

    def start(self):
        super().start(Subsystem=f"sftp {copy_of_tool(self.folder / 'built')} sftp-server -l VERBOSE -e")


class SshioPassword(SshioAuth):
    name = "sshio-password"
    required = ["password"]


class SshioTwoFactors(SshioAuth):
    name = "sshio-two-factors"
    required = ["publickey,password", "publickey,keyboard-interactive"]


def need_python_module(name):
    if run([PYTHON, "-W", "ignore", "-c", f"import {name}"]).status != 0:
        missing(f"the Python module {name} is not installed for {PYTHON}")


def build_go(which):
    """The Go programs, built once into the build folder from Debian's copies of x/crypto and pkg/sftp."""
    go = find_program("go", why="golang-go")
    for package, why in (("golang.org/x/crypto/ssh", "golang-golang-x-crypto-dev"), ("github.com/pkg/sftp", "golang-github-pkg-sftp-dev")):
        if not pathlib.Path("/usr/share/gocode/src", package).is_dir():
            missing(f"{why} is not installed")
    cache = build_folder() / "interop-go"
    cache.mkdir(parents=True, exist_ok=True)
    program = cache / which
    source = HERE / "peers" / "go" / which
    newest = max(file.stat().st_mtime for file in source.glob("*.go"))
    if not program.exists() or program.stat().st_mtime < newest:
        env = clean_environment(GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(cache / "cache"))
        run([go, "build", "-o", program, "."], env=env, cwd=source, seconds=240).check()
    return program


def build_c(name, more=(), *, header, library):
    """The C program NAME.c of peers/, and more of its files, built once into the build folder; it is no part of the project's own build."""
    compiler = find_program("cc")
    if not pathlib.Path("/usr/include", header).exists():
        missing(f"{header} is not installed")
    sources = [HERE / "peers" / source for source in (f"{name}.c", *more)]
    program = build_folder() / f"interop-{name.replace('_', '-')}"
    program.parent.mkdir(parents=True, exist_ok=True)
    if not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        files = [source for source in sources if source.suffix == ".c"]
        run([compiler, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wno-deprecated-declarations", "-o", program, *files, library]).check()
    return program


PLAIN = [OpenSSH, Dropbear, TinySSH, AsyncSSH, Go, Erlang]
REKEYING = [OpenSSHRekeying, AsyncSSHRekeying, GoRekeying, ErlangRekeying]
