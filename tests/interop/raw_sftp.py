"""SFTP spoken by hand, packet by packet, with a server on a pair of pipes: what is said and what is answered, and no more.

A reply is (type, id, rest); `ask` waits for the one to its own request, and keeps others for whoever waits for them."""

import os
import struct
import subprocess

import pytest

from harness import clean_environment, find_built, under_limits

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = range(1, 11)
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK, LINK, BLOCK, UNBLOCK = range(11, 24)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED, EXTENDED_REPLY = 200, 201
VERSIONS = (3, 4, 5, 6)
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE = range(6)
OP_UNSUPPORTED, INVALID_HANDLE, NO_SUCH_PATH, FILE_ALREADY_EXISTS = 8, 9, 10, 11
INVALID_FILENAME, LINK_LOOP, CANNOT_DELETE, INVALID_PARAMETER, FILE_IS_A_DIRECTORY = 20, 21, 22, 23, 24
LOCK_CONFLICT, LOCK_REFUSED, NO_MATCHING_LOCK = 17, 26, 31
NO_ATTRS = {3: b"\0\0\0\0", 4: b"\0\0\0\0\5", 5: b"\0\0\0\0\5", 6: b"\0\0\0\0\5"}


def u32(number):
    return struct.pack(">I", number)


def u64(number):
    return struct.pack(">Q", number)


def text(value):
    value = os.fsencode(value)
    return u32(len(value)) + value


class Fields:
    """What is left of a reply."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        assert len(self.data) >= size, self.data
        part, self.data = self.data[:size], self.data[size:]
        return part

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.take(8))[0]

    def text(self):
        return self.take(self.u32())


class RawSftp:
    def __init__(self, argv, *, version=3, seconds=60, hello=True, cwd=None, env=None):
        self.child = subprocess.Popen(under_limits(argv, seconds), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, cwd=cwd, env=env or clean_environment())
        self.next_id, self.kept, self.version, self.pairs = 0, {}, version, {}
        if hello:
            self.hello(version)

    def hello(self, version, more=b""):
        self.put(bytes([INIT]) + u32(version) + more)
        kind, fields = self.get()
        assert kind == VERSION
        self.version = fields.u32()
        while fields.data:
            name = fields.text()
            self.pairs[name.decode()] = fields.text()

    def put_bytes(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def put(self, packet):
        self.put_bytes(u32(len(packet)) + packet)

    def get(self):
        """The next packet: its type, and its fields."""
        head = self.child.stdout.read(4)
        assert len(head) == 4, (head, self.child.stderr.read())
        packet = self.child.stdout.read(struct.unpack(">I", head)[0])
        return packet[0], Fields(packet[1:])

    def send(self, kind, body=b"", id=None):
        if id is None:
            id, self.next_id = self.next_id, self.next_id + 1
        self.put(bytes([kind]) + u32(id) + body)
        return id

    def reply(self, id):
        while id not in self.kept:
            kind, fields = self.get()
            self.kept[fields.u32()] = (kind, fields)
        return self.kept.pop(id)

    def ask(self, kind, body=b""):
        return self.reply(self.send(kind, body))

    def status(self, kind, body=b""):
        """The status code of a request."""
        kind, fields = self.ask(kind, body)
        assert kind == STATUS, kind
        return fields.u32()

    def extended(self, name, body=b""):
        return self.ask(EXTENDED, text(name) + body)

    def open_body(self, path, pflags=1):
        if self.version < 5:
            return text(path) + u32(pflags) + NO_ATTRS[self.version]
        flags = {1: 2, 0x1a: 1, 0x1b: 1, 0x2a: 0, 0x0a: 3, 0x03: 2, 0x02: 2}[pflags]
        access = (0x81 if pflags & 1 else 0) | (0x102 if pflags & 2 else 0)
        return text(path) + u32(access) + u32(flags) + NO_ATTRS[self.version]

    def open(self, path, pflags=1):
        kind, fields = self.ask(OPEN, self.open_body(path, pflags))
        assert kind == HANDLE, (kind, fields.data)
        return fields.text()

    def opendir(self, path):
        kind, fields = self.ask(OPENDIR, text(path))
        assert kind == HANDLE, (kind, fields.data)
        return fields.text()

    def name(self, kind, body):
        """The single name that a request is answered with; a status code when it is refused."""
        kind, fields = self.ask(kind, body)
        if kind == STATUS:
            return fields.u32()
        assert kind == NAME and fields.u32() == 1
        return fields.text()

    def listing(self, path):
        handle, names = self.opendir(path), []
        while True:
            kind, fields = self.ask(READDIR, text(handle))
            if kind == STATUS:
                assert fields.u32() == EOF
                assert self.status(CLOSE, text(handle)) == OK
                return names
            assert self.version == 3
            for _ in range(fields.u32()):
                names.append(fields.text())
                fields.text()
                flags = fields.u32()
                fields.take((8 if flags & 1 else 0) + (8 if flags & 2 else 0) + (4 if flags & 4 else 0) + (8 if flags & 8 else 0))

    def end(self, seconds=30):
        """EOF, and the exit status."""
        self.child.stdin.close()
        self.child.stdout.read()
        self.errors = self.child.stderr.read()
        status = self.child.wait(seconds)
        assert b"ERROR:" not in self.errors and b"runtime error" not in self.errors, self.errors
        return status

    def resident(self):
        """Bytes of memory of the server, as of now."""
        children = open(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read().split()
        for line in open(f"/proc/{children[0]}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            try:
                pipe.close()
            except OSError:
                pass
        self.child.terminate()
        self.child.wait(30)


# ---- servers ----

def server(*options, **more):
    return RawSftp([find_built("tools/sshio"), "sftp-server", "-e", "-l", "QUIET", *options], **more)


def rooted(root, *words, **more):
    return RawSftp([find_built("tests/interop/sftp_server"), "-", "-", f"root={root}", "version=6", *words], **more)


@pytest.fixture(params=VERSIONS)
def sftp(request, tmp_path):
    """A session in each version; it ends cleanly when the test was good."""
    with server(version=request.param, cwd=tmp_path) as session:
        assert session.version == request.param
        yield session
        assert session.end() == 0
