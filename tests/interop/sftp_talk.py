"""What the tests of SFTP share: the program programs/sftp_client.c and what it is told; places for files; a way that ends."""

import os
import pathlib
import shutil
import socket
import subprocess
import threading
import urllib.parse

from harness import HOST, find_built, known_hosts_line, run


def escape(word):
    """A word as the program reads it."""
    data = word if isinstance(word, bytes) else os.fsencode(str(word))
    return urllib.parse.quote_from_bytes(data, safe="/").encode()


def unescape(word):
    return urllib.parse.unquote_to_bytes(word)


class Answer(str):
    """A line of the program: "ok" and words, or "error" and the name of a code."""

    @property
    def ok(self):
        return self.startswith("ok") or "] ok" in self

    @property
    def code(self):
        return self.split()[self.split().index("error") + 1].removeprefix("SSHIO_E") if not self.ok else ""

    def words(self):
        assert self.ok, self
        return self.split()[1:]

    def value(self, name):
        return dict(word.split("=", 1) for word in self.words() if "=" in word)[name]


class Client:
    """Runs commands, a list of words each, on a session of its own."""

    def __init__(self, server, version=3, lenient=False):
        self.server, self.version, self.lenient = server, version, lenient

    def argv(self):
        return [find_built("tests/interop/sftp_client"), self.server.port, self.server.user,
                self.server.identity.path, self.server.known_hosts, self.version, *(["replace"] if self.lenient else [])]

    def run(self, *commands, seconds=60):
        lines = b"".join(b"\t".join(map(escape, command)) + b"\n" for command in commands)
        result = run(self.argv(), input=lines, seconds=seconds)
        assert b"Sanitizer" not in result.err, result.err.decode(errors="replace")
        return [Answer(line) for line in result.out.decode().splitlines()]

    def one(self, *words, seconds=60):
        return self.run(words, seconds=seconds)[-1]

    def check(self, *words, seconds=60):
        answer = self.one(*words, seconds=seconds)
        assert answer.ok, (words, answer)
        return answer


def open_place(workshop, name):
    """A folder that every account can write into, empty."""
    folder = pathlib.Path(workshop) / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def make_tree(top):
    """Odd names, links, an empty folder, depth; all readable by all."""
    (top / "sub" / "deeper" / "deepest").mkdir(parents=True)
    (top / "empty").mkdir()
    names = ["plain", "with space", "new\nline", "tab\there", "quo'te\"", "back\\slash", "*star?[x]", "-dash", "~tilde", "ü", "x" * 255]
    for number, name in enumerate(names):
        (top / name).write_bytes(name.encode() * number * 100)
    with open(os.path.join(os.fsencode(top), b"\xff\xfe"), "wb") as file:
        file.write(b"not UTF-8")
    (top / "sub" / "deeper" / "deepest" / "leaf").write_bytes(os.urandom(70000))
    (top / "sub" / "large").write_bytes(os.urandom(1500000))
    (top / "zero").touch()
    os.symlink("plain", top / "link")
    os.symlink("/nowhere/at/all", top / "dangling")
    os.symlink("sub", top / "folderlink")
    (top / "mode").write_text("x")
    (top / "mode").chmod(0o640)
    for path in top.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o644 if path.name != "mode" else 0o755)
    return top


def picture(top):
    """A tree as a dict: what is where."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(top)):
        for name in folders + files:
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, os.fsencode(top))
            if os.path.islink(path):
                found[shown] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[shown] = ("folder",)
            else:
                with open(path, "rb") as file:
                    found[shown] = ("file", file.read())
    return found


def start(client):
    """The program in the background, for tests that cut it off."""
    return subprocess.Popen([str(word) for word in client.argv()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class Cutter:
    """A way to a server that ends after so many bytes in one direction, if that is said, and counts them."""

    def __init__(self, server, folder):
        self.server, self.user, self.identity = server, server.user, server.identity
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(known_hosts_line(self.port, server.host_key_line()))
        self.passed = 0     # in both directions

    def cut_after(self, size, downwards):
        """Takes one connection, in a thread. size None: to its end."""
        threading.Thread(target=self._serve, args=(size, downwards), daemon=True).start()

    def _serve(self, size, downwards):
        client, _ = self.listener.accept()
        server = socket.create_connection((HOST, self.server.port))
        limits = {client: None if downwards else size, server: size if downwards else None}
        ways = [threading.Thread(target=self._pump, args=pair, daemon=True)
                for pair in ((client, server, limits[client]), (server, client, limits[server]))]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        client.close(), server.close()

    def _pump(self, source, target, limit):
        try:
            while data := source.recv(65536):
                data = data if limit is None else data[:limit]
                self.passed += len(data)
                target.sendall(data)
                limit = None if limit is None else limit - len(data)
                if limit == 0:
                    break
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
