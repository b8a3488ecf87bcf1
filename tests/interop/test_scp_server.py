"""SCP: our server with the clients of others, below a root; what a hostile client says, and where it must not get."""

import os
import pathlib
import shutil
import stat

import pytest

import clients
import servers
from harness import HERE, HOST, MEBI, PYTHON, find_program, run, sha256_of
from sftp_talk import make_tree, picture
from test_scp import followed, sayable_tree, scp


@pytest.fixture(params=[servers.SshioScp, servers.SshioScpHandlers, servers.SshioScpFactory], ids=lambda kind: kind.name)
def any_server(request, park):
    return empty(park.get(request.param))


@pytest.fixture
def server(park):
    return empty(park.get(servers.SshioScp))


def empty(server):
    for entry in server.root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return server


class Copier:
    """A program that copies; remote paths begin with a colon."""

    follows = True

    def __init__(self, server, folder):
        self.server, self.folder = server, folder

    def run(self, *words, seconds=60):
        return run(self.argv([str(word) for word in words]), seconds=seconds)

    def check(self, *words):
        return self.run(*words).check()


class OpenSSH(Copier):
    def argv(self, words):
        options = clients.OpenSSH(self.folder).options(self.server)
        at = options.index("-l")
        options = options[:at] + ["-P", str(self.server.port)]
        return [find_program("scp", why="openssh-client"), "-O", *options,
                *(f"{self.server.user}@{HOST}{word}" if word[0] == ":" else word for word in words)]


class Pscp(Copier):
    def argv(self, words):
        client = clients.Plink(self.folder)
        key = self.folder / "key.ppk"
        if not key.exists():
            run([client.convert, self.server.identity.path, "-o", key]).check()
        plain = client.plink(self.server, "", "-i", key)
        return [find_program("pscp", why="putty-tools"), "-scp", *plain[1:-2],
                *(f"{self.server.user}@{HOST}{word}" if word[0] == ":" else word for word in words)]


class AsyncSSH(Copier):
    def argv(self, words):
        servers.need_python_module("asyncssh")
        return [PYTHON, "-W", "ignore", HERE / "peers" / "asyncssh_scp.py", "--port", self.server.port, "--user", self.server.user,
                "--identity", self.server.identity.path, "--known-hosts", self.server.known_hosts,
                *({"-r": "--recurse", "-p": "--preserve"}.get(word, word) for word in words)]


class Sshio(Copier):
    def run(self, *words, seconds=60):
        letters = "".join(str(word)[1] for word in words if str(word) in ("-r", "-p")) + "n"
        return scp(self.server, letters, *(f"conn{word}" if str(word)[0] == ":" else word for word in words
                                           if str(word) not in ("-r", "-p")), seconds=seconds)


COPIERS = [OpenSSH, Pscp, AsyncSSH, Sshio]


@pytest.fixture(params=COPIERS, ids=lambda kind: kind.__name__.lower())
def copier(request, any_server, tmp_path):
    return request.param(any_server, tmp_path)


@pytest.fixture
def openssh(server, tmp_path):
    return OpenSSH(server, tmp_path)


# ---- files and trees ----

def test_file_goes_there_and_back(copier, tmp_path):
    data = os.urandom(2 * MEBI + 1)
    (tmp_path / "from").write_bytes(data)
    copier.check(tmp_path / "from", ":/there")
    assert (copier.server.root / "there").read_bytes() == data
    copier.check(":/there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_tree_goes_there_and_back(copier, tmp_path):
    tree = sayable_tree(tmp_path / "tree")
    if not isinstance(copier, (OpenSSH, Sshio)):    # others take links for something else
        for name in ("link", "folderlink"):
            (tree / name).unlink()
        wanted = picture(tree)
    else:
        wanted = followed(tree)
    copier.check("-r", tree, ":/there")
    assert picture(copier.server.root / "there") == wanted
    copier.check("-r", ":/there", tmp_path / "back")
    top = tmp_path / "back"
    assert picture(top / "there" if (top / "there").exists() else top) == wanted


def test_preserve_keeps_modes_and_times(copier, tmp_path):
    (tmp_path / "f").write_text("f")
    (tmp_path / "f").chmod(0o604)
    os.utime(tmp_path / "f", (1000000000, 1100000000))
    copier.check("-p", tmp_path / "f", ":/f")
    there = (copier.server.root / "f").stat()
    assert there.st_mtime == 1100000000
    if not isinstance(copier, Pscp):     # which sends no modes
        assert stat.S_IMODE(there.st_mode) == 0o604
    copier.check("-p", ":/f", tmp_path / "back")
    assert (tmp_path / "back").stat().st_mtime == 1100000000


def test_curl(any_server, tmp_path):
    """libssh2: the words "-pf" and "-pt", a quoted path, times."""
    data = os.urandom(2 * MEBI + 1)
    (tmp_path / "from").write_bytes(data)
    where = f"scp://{HOST}:{any_server.port}/with%20space"
    run([*clients.curl(any_server), "-T", tmp_path / "from", where]).check()
    assert (any_server.root / "with space").read_bytes() == data
    os.utime(any_server.root / "with space", (1000000000, 1100000000))
    run([*clients.curl(any_server), "-R", "-o", tmp_path / "back", where]).check()
    assert (tmp_path / "back").read_bytes() == data
    missing = run([*clients.curl(any_server), "-o", tmp_path / "none", f"scp://{HOST}:{any_server.port}/none"])
    assert missing.status != 0 and not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["a b", "quo'te\"", "$(x)", "[x]", "ü", "x" * 200, ";id", "-dash"])
def test_odd_names(openssh, tmp_path, name):
    (tmp_path / "from").write_text(name)
    quoted = "".join("\\" + c if not c.isalnum() else c for c in name)
    openssh.check(tmp_path / "from", f":/{quoted}")
    assert (openssh.server.root / name).read_text() == name
    openssh.check("-T", f":/{quoted}", tmp_path / "back")
    assert (tmp_path / "back").read_text() == name


def test_patterns_are_the_server_s(openssh, tmp_path):
    for name in ("one.c", "two.c", "three.h"):
        (openssh.server.root / name).write_text(name)
    (tmp_path / "to").mkdir()
    openssh.check(":/*.c", tmp_path / "to")
    assert sorted(os.listdir(tmp_path / "to")) == ["one.c", "two.c"]
    result = openssh.run(":/*.none", tmp_path / "to")
    assert result.status == 1 and b"No matches found" in result.err, result


def test_several_sources(openssh, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    result = openssh.run(tmp_path / "a", tmp_path / "b", ":/none")
    assert result.status == 1 and b"none" in result.err, result
    (openssh.server.root / "to").mkdir()
    openssh.check(tmp_path / "a", tmp_path / "b", ":/to")
    assert sorted(os.listdir(openssh.server.root / "to")) == ["a", "b"]


def test_loop_of_links_ends(openssh, tmp_path):
    """spec 5.15.1: the loop limit of 5.11.1 holds for what the server sends, too."""
    (openssh.server.root / "d").mkdir()
    (openssh.server.root / "d/f").write_text("f")
    for name in ("loop", "again"):
        os.symlink(".", openssh.server.root / "d" / name)
    result = openssh.run("-r", ":/d", tmp_path / "to")
    assert result.status == 1 and result.err.count(b"the directory is within itself") == 2, result
    assert os.listdir(tmp_path / "to") == ["f"]


def test_curl_uploads_and_downloads(server, tmp_path):
    curl = find_program("curl")
    login = ["-sS", "-k", "--key", server.identity.path, "--pubkey", f"{server.identity.path}.pub", "-u", f"{server.user}:"]
    data = os.urandom(300000)
    (tmp_path / "from").write_bytes(data)
    run([curl, *login, "-T", tmp_path / "from", f"scp://{HOST}:{server.port}/there"]).check()
    assert (server.root / "there").read_bytes() == data
    run([curl, *login, "-o", tmp_path / "back", f"scp://{HOST}:{server.port}/there"]).check()
    assert (tmp_path / "back").read_bytes() == data


def test_large_file(openssh, tmp_path, bulk):
    openssh.check(bulk.path, ":/bulk")
    assert sha256_of(openssh.server.root / "bulk") == bulk.sha256
    openssh.check(":/bulk", tmp_path / "back")
    assert sha256_of(tmp_path / "back") == bulk.sha256


def test_our_client_with_asyncssh(park, tmp_path):
    other = Sshio(park.get(servers.AsyncSSHSftp), tmp_path)
    tree = make_tree(tmp_path / "tree")
    for path in list(tree.iterdir()):
        if path.is_symlink() or set(path.name) & set("\n\\'\"*?[]~ ü\t") or not path.name.isprintable():
            path.unlink()
    for name in os.listdir(os.fsencode(tree)):
        if name == b"\xff\xfe":
            os.unlink(os.path.join(os.fsencode(tree), name))
    wanted = picture(tree)
    other.check("-r", "-p", tree, f":{tmp_path}/there")
    assert picture(tmp_path / "there") == wanted
    other.check("-r", "-p", f":{tmp_path}/there", tmp_path / "back")
    assert picture(tmp_path / "back") == wanted


# ---- errors and statuses ----

def test_errors_name_the_path_that_the_client_knows(openssh, tmp_path):
    result = openssh.run(":/none", tmp_path / "to")
    assert result.status == 1 and b"/none" in result.err and str(openssh.server.root).encode() not in result.err, result
    (openssh.server.root / "d").mkdir()
    result = openssh.run(":/d", tmp_path / "to")
    assert result.status == 1 and b"is a directory" in result.err, result
    os.mkfifo(openssh.server.root / "fifo")
    result = openssh.run(":/fifo", tmp_path / "to")
    assert result.status == 1 and b"not a regular file" in result.err, result


def test_failed_item_does_not_stop_the_others(openssh, tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "d" / name).write_text(name)
    (openssh.server.root / "d/b").mkdir(parents=True)
    assert openssh.run("-r", tmp_path / "d", ":/").status == 1
    assert sorted(os.listdir(openssh.server.root / "d")) == ["a", "b", "c"]


@pytest.mark.parametrize("kind", [servers.SshioScpReadOnly, servers.SshioScpNoWrites], ids=lambda kind: kind.name)
def test_x5_server_s_rules_hold_for_scp(park, tmp_path, kind):
    openssh = OpenSSH(empty(park.get(kind)), tmp_path)
    (openssh.server.root / "f").write_text("old")
    (tmp_path / "f").write_text("new")
    (tmp_path / "d").mkdir()
    result = openssh.run(tmp_path / "f", ":/f")
    assert result.status == 1 and b"ermission denied" in result.err, result
    assert openssh.run(tmp_path / "f", ":/g").status == 1
    if kind is servers.SshioScpReadOnly:
        assert openssh.run("-r", tmp_path / "d", ":/d").status == 1
        assert openssh.run("-r", "-p", tmp_path / "d", ":/").status == 1
    openssh.check(":/f", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "old" and set(os.listdir(openssh.server.root)) == {"f"}


def test_without_allow_scp_the_command_is_refused(park, tmp_path):
    class Plain(servers.SshioScp):
        name = "sshio-sftp-only"

        def start(self):
            self.root = self.folder / "root"
            self.root.mkdir()
            self.start_script([servers.find_built("tests/interop/sftp_server"), self.make_host_key(), self.authorized_keys,
                               f"root={self.root}"])

    server = park.get(Plain)
    assert OpenSSH(server, tmp_path).run(":/x", tmp_path / "to").status != 0
    assert b"exec request failed" in say(server, tmp_path, "scp -f /x", b"").err


# ---- hostile and broken clients ----

def say(server, folder, command, data):
    return run(clients.OpenSSH(folder).argv(server, command, None), input=data)


@pytest.mark.parametrize("command, message", [
    ("scp -f", "the following arguments are required: path"), ("scp x", "one of the arguments -f -t is required"),
    ("scp -t -f x", "argument -f: not allowed with argument -t"), ("scp -f -x y", "unrecognized arguments: -x"),
    ("scp -f 'x", "No closing quotation"), ("scp -f x y", "unrecognized arguments: y")])
def test_bad_commands_get_a_line_and_status_1(server, tmp_path, command, message):
    result = say(server, tmp_path, command, b"")
    assert (result.status, result.out, result.err.decode().strip()) == (1, b"", f"scp: {message}")


@pytest.mark.parametrize("data, answer", [
    (b"C0644 2 ../x\nhi\0", b"Invalid filename"), (b"C0644 2 /x\nhi\0", b"Invalid filename"),
    (b"C0644 2 ..\nhi\0", b"Invalid filename"), (b"C0644 2 \nhi\0", b"Invalid filename"),
    (b"D0777 0 .\nE\n", b"Invalid filename"), (b"D0777 0 ..\nE\n", b"Invalid filename"),
    (b"C0644 -1 x\n", b"Invalid copy or dir request"), (b"C0644 99999999999999999999 x\n", b"Invalid copy or dir request"),
    (b"D0755 0 d\nE\n", b"Directory received without recurse"), (b"T1\n", b"Invalid time request"),
    (b"C0644 2 " + b"x" * 5000, b"Line of more than 4096 bytes"), (b"rubbish\n", b"Unknown request")])
def test_x2_hostile_client_writes_nothing(server, tmp_path, data, answer):
    (server.root / "to").mkdir(mode=0o755)
    result = say(server, tmp_path, "scp -t /to", data)
    assert result.status == 1 and result.out.startswith(b"\0\x01scp: " + answer), result
    assert os.listdir(server.root) == ["to"] and os.listdir(server.root / "to") == []
    assert stat.S_IMODE((server.root / "to").stat().st_mode) == 0o755


def test_file_that_is_cut_off_is_an_error(server, tmp_path):
    assert say(server, tmp_path, "scp -t /f", b"C0644 10 f\nhalf").status == 1
    whole = say(server, tmp_path, "scp -t /g", b"C0640 2 g\nhi")     # as libssh2 does
    assert whole.status == 1 and (server.root / "g").read_text() == "hi"


@pytest.mark.parametrize("path", ["/../../secret", "../secret", "//{outside}/secret", "{outside}/secret", "/link/secret", "/file"])
def test_nothing_outside_the_root_is_read_or_written(server, tmp_path, path):
    outside = pathlib.Path(tmp_path) / "outside"
    outside.mkdir()
    (outside / "secret").write_text("canary")
    os.symlink(outside, server.root / "link")
    os.symlink(outside / "secret", server.root / "file")
    path = path.format(outside=outside)
    read = say(server, tmp_path, f"scp -f {path}", b"\0\0\0\0")
    assert read.status == 1 and b"canary" not in read.out, read
    say(server, tmp_path, f"scp -t {path}", b"C0644 3 x\nbad\0")
    say(server, tmp_path, f"scp -rt {path}", b"D0755 0 d\nC0644 3 x\nbad\0E\n")
    assert (outside / "secret").read_text() == "canary" and os.listdir(outside) == ["secret"]


def test_patterns_do_not_leave_the_root(server, tmp_path):
    outside = pathlib.Path(tmp_path) / "outside"
    outside.mkdir()
    (outside / "secret").write_text("canary")
    os.symlink(outside, server.root / "link")
    for pattern in ("/link/*", "/../*/secret", "/*/secret", "'/**/secret'"):
        assert b"canary" not in say(server, tmp_path, f"scp -f {pattern}", b"\0" * 10).out


def test_client_that_leaves_at_any_moment_leaves_nothing_open(server, tmp_path, bulk):
    """After each cut no descriptor below the root is left. (the server's own list tells)"""
    whole = b"D0755 0 d\nC0644 100000 f\n" + bytes(100000) + b"\0E\n"
    for cut in (1, 5, 12, 30, 5000, 99999, len(whole) - 3):
        say(server, tmp_path, "scp -rt /", whole[:cut])
    (server.root / "big").write_bytes(bytes(5 * MEBI))
    say(server, tmp_path, "scp -f /big", b"\0\0")
    server_pid = next(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and runs_from(pid, server))
    open_files = [os.readlink(f"/proc/{server_pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server_pid}/fd")]
    assert [name for name in open_files if name.startswith(f"{server.root}/")] == []


def runs_from(pid, server):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"/sftp_server") and f"root={server.root}".encode() in words
