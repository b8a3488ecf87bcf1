"""Clients of other projects that carry whole trees to our SFTP server and back, all with one face.

`loses` says what a client cannot carry: "links"; "modes"; "times", "folder times" alone; "raw" names that are not UTF-8; names with a
"backslash" or with "control" characters; "nanoseconds"; "empty" folders. What is lost is taken out of the tree before, or is not compared.
"""

import contextlib
import os
import pathlib
import shutil
import stat
import urllib.parse

import clients
import servers
from harness import HERE, HOST, PYTHON, clean_environment, find_program, run
from sftp_talk import Client, make_tree, picture

LONG = "deep" * 24
LEVELS = 30
RAW = b"\xff\xfe"
MTIME_NS = 1_600_000_000_123_456_789
LIMIT = 900 if os.environ.get("SSHIO_DEEP") == "1" else 60


def make_full_tree(top):
    """Everything that a copy has to carry: odd names, links, depth, a file with holes, one with two names, a folder that is listed in
    several answers."""
    make_tree(top)
    deepest = top.joinpath("depth", *[LONG] * LEVELS)
    deepest.mkdir(parents=True)
    (deepest / "bottom").write_text("far down")
    with open(top / "sparse", "wb") as file:
        file.seek(2**20)
        file.write(b"middle")
        file.truncate(2 * 2**20)
    os.link(top / "plain", top / "hard")
    (top / "many").mkdir()
    for number in range(140):
        (top / "many" / f"{number:04}").write_text(str(number))
    for path in top.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.name == "mode" else 0o640 if path.name == "zero" else 0o644)
    return top


def set_times(top):
    for folder, _, files in os.walk(os.fsencode(top), topdown=False):
        for name in [*files, b"."]:
            path = os.path.join(folder, name)
            at = MTIME_NS + len(name) * 1_000_000_001
            os.utime(path, ns=(at, at), follow_symlinks=False)


def remove_named(top, lost):
    """Names that contain what is lost."""
    for folder, folders, files in os.walk(os.fsencode(top), topdown=False):
        for name in files + folders:
            if lost in name:
                os.unlink(os.path.join(folder, name))


def remove_links(top):
    for path in top.rglob("*"):
        if path.is_symlink():
            path.unlink()


def remove_empty(top):
    for path in list(top.rglob("*")):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


LOSSES = {"links": remove_links, "empty": remove_empty, "raw": lambda top: remove_named(top, RAW),
          "control": lambda top: [remove_named(top, c) for c in (b"\n", b"\t")], "backslash": lambda top: remove_named(top, b"\\")}


class TreeClient:
    name, version = None, 3
    loses = ()
    has_nanoseconds = False

    def prepare(self, top):
        """Takes out what it cannot carry."""
        for lost in self.loses:
            LOSSES.get(lost, lambda top: None)(top)
        set_times(top)
        return self.picture(top)

    def picture(self, top):
        """What a copy of the tree must have: contents, and the modes and times that this client carries."""
        shown = picture(top)
        for name, what in shown.items():
            found = os.lstat(os.path.join(os.fsencode(top), name))
            kept = () if "modes" in self.loses else (stat.S_IMODE(found.st_mode),)
            if "times" not in self.loses and not (what[0] == "folder" and "folder times" in self.loses):
                kept += (found.st_mtime_ns if self.has_nanoseconds else found.st_mtime_ns // 10**9,)
            shown[name] = what if what[0] == "link" else (*what, *kept)
        return shown

    def __init__(self, server, folder):
        self.server, self.folder = server, pathlib.Path(folder)

    def put(self, source, target):
        raise NotImplementedError

    def get(self, source, target):
        raise NotImplementedError

    def run(self, argv, *, input=""):
        env = clean_environment(HOME=str(self.folder), ERL_CRASH_DUMP_BYTES="0")
        return run(argv, input=input.encode(), seconds=LIMIT, env=env).check()

    def ssh(self):
        """An ssh without the words that say which host."""
        return " ".join(["ssh", "-a", "-x", *clients.OpenSSH.options(None, self.server)[:-4]])


def tool_options(server):
    """What sftp and scp take of ssh's options."""
    options = clients.OpenSSH.options(None, server)
    user = options.index("-l")
    options = options[:user] + options[user + 2:]
    return ["-P" if word == "-p" else word for word in options]


class Sftp(TreeClient):
    """OpenSSH's, which follows links on their way up and leaves them out on their way back."""

    name, loses = "sftp", ("links",)

    def batch(self, line):
        return self.run([find_program("sftp"), "-q", "-b", "-", *tool_options(self.server), f"{self.server.user}@{HOST}"], input=f"{line}\n")

    def put(self, source, target):
        self.batch(f"put -rp {source} {target}")

    def get(self, source, target):
        self.batch(f"get -rp {source} {target}")


class Scp(TreeClient):
    """In its SFTP mode, which follows links."""

    name, loses = "scp", ("links",)

    def copy(self, *words):
        self.run([find_program("scp"), "-q", "-s", "-r", "-p", *tool_options(self.server), *words])

    def put(self, source, target):
        self.copy(source, f"{self.server.user}@{HOST}:{target}")

    def get(self, source, target):
        self.copy(f"{self.server.user}@{HOST}:{source}", target)


class Psftp(TreeClient):
    name, loses = "psftp", ("links", "modes", "times", "control")

    def words(self):
        return clients.Plink(self.folder).argv(self.server, "", None)[1:-2]

    def batch(self, line):
        return self.run([find_program("psftp"), *self.words(), f"{self.server.user}@{HOST}"], input=f"{line}\nquit\n")

    def put(self, source, target):
        self.batch(f"put -r {source} {target}")

    def get(self, source, target):
        self.batch(f"get -r {source} {target}")


class Pscp(Psftp):
    name, loses = "pscp", ("links", "modes", "folder times", "control", "backslash")

    def copy(self, name, target, *words):
        """Folders go into folders that are there, by their names."""
        target.mkdir()
        self.run([find_program("pscp"), "-sftp", "-q", "-r", "-p", *self.words(), *words])
        came = (target / name).rename(target.with_name("came"))
        target.rmdir()
        came.rename(target)

    def put(self, source, target):
        self.copy(source.name, target, source, f"{self.server.user}@{HOST}:{target}")

    def get(self, source, target):
        self.copy(source.name, target, f"{self.server.user}@{HOST}:{source}", target)


class Lftp(TreeClient):
    """It sets the times of folders before it fills them."""

    name, loses = "lftp", ("folder times",)

    def mirror(self, *words):
        script = (f"debug -o {self.folder}/log 9; set net:max-retries 1; set net:timeout 60; set sftp:protocol-version {self.version}; "
                  f"set sftp:connect-program '{self.ssh()}'; open -u {self.server.user}, -p {self.server.port} sftp://{HOST}; "
                  f"mirror --no-umask {' '.join(map(str, words))}")
        self.run([find_program("lftp"), "-c", script])
        assert f"protocol version set to {self.version}" in (self.folder / "log").read_text(errors="replace")

    def put(self, source, target):
        self.mirror("-R", source, target)

    def get(self, source, target):
        self.mirror(source, target)


class Lftp4(Lftp):
    name, version, loses = "lftp-v4", 4, ("folder times", "raw")


class Lftp5(Lftp4):
    name, version = "lftp-v5", 5


class Lftp6(Lftp4):
    """It has the arguments of LINK in the wrong order."""

    name, version, loses = "lftp-v6", 6, ("folder times", "raw", "links")


class Rclone(TreeClient):
    """It says what it cannot write in other letters."""

    name, loses = "rclone", ("links", "modes", "folder times", "raw", "control")

    def words(self):
        server = self.server
        self.remote = (f":sftp,host={HOST},port={server.port},user={server.user},key_file={server.identity.path},"
                       f"known_hosts_file={server.known_hosts},shell_type=none,disable_hashcheck=true:")
        return [find_program("rclone"), "--config", "/dev/null"]

    def copy(self, *words):
        self.run([*words[:3], "copy", "--create-empty-src-dirs", *words[3:]])

    def put(self, source, target):
        self.copy(*self.words(), source, f"{self.remote}{target}")

    def get(self, source, target):
        self.copy(*self.words(), f"{self.remote}{source}", target)


class Curl(TreeClient):
    """One file after the other on one connection, of a tree that is known."""

    name, loses = "curl", ("links", "modes", "times", "empty")

    def transfer(self, top, option, source, target):
        """`option`, and which of both paths is the local one, differ; names are bytes."""
        lines = []
        for folder, _, files in os.walk(os.fsencode(top)):
            for file in files:
                name = os.path.relpath(os.path.join(folder, file), os.fsencode(top))
                url = f"sftp://{HOST}:{self.server.port}{urllib.parse.quote(str(target if option == 'upload-file' else source))}/".encode()
                local = os.fsencode(source if option == "upload-file" else target) + b"/" + name
                quoted = local.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n").replace(b"\t", b"\\t")
                lines.append(b'url = "' + url + urllib.parse.quote_from_bytes(name).encode() + b'"\n' + option.encode() + b' = "' + quoted + b'"\n')
        config = self.folder / "config"
        config.write_bytes(b"".join(lines))
        self.run([*clients.curl(self.server), "--fail-early", "--globoff", "--ftp-create-dirs", "--create-dirs", "-K", config])

    def put(self, source, target):
        self.transfer(source, "upload-file", source, target)

    def get(self, source, target):
        self.transfer(source, "output", source, target)


class Sshfs(TreeClient):
    """cp -a into a mounted folder, and out of it. What it does to a link's owner and times, it does to what the link names."""

    name, loses = "sshfs", ("links",)

    @contextlib.contextmanager
    def mounted(self, far):
        mount = self.folder / "mount"
        mount.mkdir(exist_ok=True)
        run([find_program("sshfs"), f"{self.server.user}@{HOST}:{far}", mount, "-o", f"ssh_command={self.ssh()}", "-p",
             str(self.server.port)]).check()
        try:
            yield mount
        finally:
            run([find_program("fusermount3"), "-u", mount]).check()

    def put(self, source, target):
        with self.mounted(target.parent) as mount:
            self.run(["cp", "-a", source, mount / target.name])

    def get(self, source, target):
        with self.mounted(source.parent) as mount:
            self.run(["cp", "-a", mount / source.name, target])


class Script(TreeClient):
    """Programs of peers/ in Python."""

    def start(self, *words):
        servers.need_python_module(self.name.partition("-")[0])
        return self.run([PYTHON, "-W", "ignore", HERE / "peers" / self.script, "--port", self.server.port, "--user", self.server.user,
                         "--identity", self.server.identity.path, "--known-hosts", self.server.known_hosts, *words])

    def put(self, source, target):
        self.start("--put", source, target)

    def get(self, source, target):
        self.start("--get", source, target)


class Paramiko(Script):
    name, script, loses = "paramiko", "paramiko_sftp.py", ("raw",)


class AsyncSSH(Script):
    """It follows links for the attributes that it keeps, also those to what has not been copied yet."""

    name, script, loses = "asyncssh", "asyncssh_sftp.py", ("links",)

    def start(self, *words):
        return super().start("--version", self.version, *words)


class AsyncSSH4(AsyncSSH):
    name, version, has_nanoseconds = "asyncssh-v4", 4, True


class AsyncSSH5(AsyncSSH4):
    name, version = "asyncssh-v5", 5


class AsyncSSH6(AsyncSSH4):
    name, version = "asyncssh-v6", 6


class Program(TreeClient):
    """Programs of peers/ that take the words put, get and check; `check` tries what their library can do."""

    def do(self, *words):
        raise NotImplementedError

    def put(self, source, target):
        self.do("put", source, target)

    def get(self, source, target):
        self.do("get", source, target)

    def check(self, folder):
        self.do("check", folder)


class Go(Program):
    name = "go"

    def do(self, what, *paths):
        self.run([*clients.Go(self.folder).base(self.server), "-files", what, *paths])


class Libssh(Program):
    name = "libssh"

    def do(self, *words):
        self.run([*clients.Libssh(self.folder).argv(self.server, "files", None)[:-2], "files", *words])


class Libssh2(Program):
    name = "libssh2"

    def do(self, *words):
        self.run([*clients.Libssh2(self.folder).argv(self.server, "files", None), *words])


class Erlang(Program):
    name = "erlang"
    loses = ("raw",)

    def do(self, *words):
        user = self.folder / "erlang"
        user.mkdir(exist_ok=True)
        shutil.copy(self.server.identity.path, user / "id_ed25519")
        shutil.copy(self.server.known_hosts, user / "known_hosts")
        self.run([find_program("escript", why="erlang-ssh"), HERE / "peers" / "erlang_files.escript", self.server.port, self.server.user,
                  user, self.version, *words])


class Erlang5(Erlang):
    """Its version 4 sends no type of a file, and its version 6 knows fewer attributes than the draft: both agree with itself alone."""

    name, version = "erlang-v5", 5


class Ours(TreeClient):
    """Our own, with a server in one of its versions that loses something."""

    def __init__(self, server, folder, version, loses):
        super().__init__(server, folder)
        self.version, self.loses = version, loses
        self.has_nanoseconds = version >= 4 and "nanoseconds" not in loses
        self.options = "r" if "times" in loses else "rp"

    def do(self, what, source, target):
        Client(self.server, self.version).check(what, source, target, self.options, seconds=LIMIT)

    def put(self, source, target):
        self.do("put", source, target)

    def get(self, source, target):
        self.do("get", source, target)


ALL = [Sftp, Scp, Psftp, Pscp, Lftp, Lftp4, Lftp5, Lftp6, Rclone, Curl, Sshfs, Paramiko, AsyncSSH, AsyncSSH4, AsyncSSH5, AsyncSSH6, Go,
       Libssh, Libssh2, Erlang, Erlang5]
BETWEEN = [Lftp4, Lftp5, AsyncSSH4, AsyncSSH5, Erlang5]     # like others but for their version
