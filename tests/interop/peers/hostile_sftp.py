"""An SFTP server on stdin and stdout that breaks a rule: the one whose name stands in a file. It shows a folder with
one file of 100,000 bytes, and whatever the rule adds to that. In version 3, unless the name ends in a version: "x@6"."""

import os
import struct
import sys

(INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH,
 STAT, RENAME, READLINK, SYMLINK) = range(1, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
OK, EOF, NO_SUCH_FILE, FAILURE, UNSUPPORTED = 0, 1, 2, 4, 8
SIZE = 100000
CONTENT = bytes(range(250)) * (SIZE // 250)
FOLDER, REGULAR, LINK = 0o40755, 0o100644, 0o120777


def u32(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data


class Server:
    """One that keeps the rules."""

    entries = {b"file": REGULAR}
    max_read = 16384

    def __init__(self, version):
        self.version, self.listed = version, set()

    # ---- the wire ----

    def write(self, data):
        while data:
            data = data[os.write(1, data):]

    def packet(self, kind, body):
        self.write(u32(len(body) + 1) + bytes([kind]) + body)

    def reply(self, kind, number, body):
        self.packet(kind, u32(number) + body)

    def status(self, number, code, text="no"):
        self.reply(STATUS, number, u32(code) + string(text) + string(""))

    def read(self, size):
        data = b""
        while len(data) < size:
            part = os.read(0, size - len(data))
            if not part:
                sys.exit(0)
            data += part
        return data

    def serve(self):
        while True:
            body = self.read(*struct.unpack(">I", self.read(4)))
            if body[0] == INIT:
                self.hello()
            else:
                number, = struct.unpack(">I", body[1:5])
                self.request(body[0], number, body[5:])

    # ---- what is asked ----

    def hello(self):
        self.packet(VERSION, u32(self.version))

    def attrs(self, mode, size=SIZE):
        if self.version == 3:
            return u32(5) + struct.pack(">Q", size) + u32(mode)
        kind = {FOLDER: 2, REGULAR: 1, LINK: 3}[mode]
        return u32(5) + bytes([kind]) + struct.pack(">Q", size) + u32(mode & 0o777)

    def mode_of(self, path):
        return self.entries.get(path.rpartition(b"/")[2], FOLDER)

    def request(self, kind, number, body):
        length, = struct.unpack(">I", body[:4]) if len(body) >= 4 else (0,)
        first, rest = body[4:4 + length], body[4 + length:]
        if kind in (STAT, LSTAT):
            self.stat(number, first)
        elif kind in (OPEN, OPENDIR):
            self.listed.discard(first[-200:])
            self.reply(HANDLE, number, string(first[-200:]))
        elif kind == READ:
            offset, wanted = struct.unpack(">QI", rest[:12])
            self.read_file(number, offset, wanted)
        elif kind == READDIR:
            self.read_folder(number, first)
        elif kind == REALPATH:
            self.reply(NAME, number, u32(1) + self.entry(first or b"/", FOLDER))
        elif kind == READLINK:
            self.reply(NAME, number, u32(1) + self.entry(b"/etc", LINK))
        elif kind == FSTAT:
            self.reply(ATTRS, number, self.attrs(REGULAR))
        elif kind == CLOSE:
            self.status(number, OK)
        else:
            self.status(number, UNSUPPORTED)

    def stat(self, number, path):
        self.reply(ATTRS, number, self.attrs(self.mode_of(path)))

    def entry(self, name, mode):
        return string(name) + (string(name) if self.version == 3 else b"") + self.attrs(mode)

    def read_file(self, number, offset, wanted):
        data = CONTENT[offset:offset + min(wanted, self.max_read)]
        if data:
            self.reply(DATA, number, string(data))
        else:
            self.status(number, EOF)

    def read_folder(self, number, handle):
        if handle in self.listed:
            self.status(number, EOF)
            return
        self.listed.add(handle)
        self.names(number, list(self.entries.items()))

    def names(self, number, entries):
        self.reply(NAME, number, u32(len(entries)) + b"".join(self.entry(*entry) for entry in entries))


# ---- versions ----

class Version2(Server):
    def hello(self):
        self.packet(VERSION, u32(2))


class Version99(Server):
    def hello(self):
        self.packet(VERSION, u32(99))


class VersionAbove(Server):
    def hello(self):
        self.packet(VERSION, u32(self.version + 1))


class VersionShort(Server):
    def hello(self):
        self.packet(VERSION, b"\0\0")


class VersionNone(Server):
    def hello(self):
        self.status(0, OK)


class VersionEnd(Server):
    def hello(self):
        sys.exit(0)


class VersionPairs(Server):
    def hello(self):
        self.packet(VERSION, u32(self.version) + (string("x") + string("y")) * 300)


class VersionCut(Server):
    def hello(self):
        self.packet(VERSION, u32(self.version) + string("newline") + u32(1000))


# ---- packets ----

class LengthZero(Server):
    def stat(self, number, path):
        self.write(u32(0))


class LengthHuge(Server):
    def stat(self, number, path):
        self.write(u32(0xffffffff) + bytes([ATTRS]))


class LengthLong(Server):
    def stat(self, number, path):
        self.write(u32(2 << 20) + bytes([ATTRS]))


class UnknownId(Server):
    def stat(self, number, path):
        self.reply(ATTRS, number + 1000, self.attrs(REGULAR))


class Twice(Server):
    def stat(self, number, path):
        super().stat(number, path)
        super().stat(number, path)


class WrongType(Server):
    """The session lives on."""

    def stat(self, number, path):
        if path.endswith(b"wrong"):
            self.reply(HANDLE, number, string("h"))
        else:
            super().stat(number, path)


class OkForData(Server):
    def stat(self, number, path):
        if path.endswith(b"wrong"):
            self.status(number, OK)
        else:
            super().stat(number, path)


class ShortBody(Server):
    def stat(self, number, path):
        if path.endswith(b"wrong"):
            self.reply(ATTRS, number, u32(5) + b"\0")
        else:
            super().stat(number, path)


class Trailing(Server):
    def stat(self, number, path):
        self.reply(ATTRS, number, self.attrs(self.mode_of(path)) + b"x")


class BareStatus(Server):
    """Without message and language, as some devices send it."""

    def stat(self, number, path):
        self.reply(STATUS, number, u32(NO_SUCH_FILE))


class Latin1Status(Server):
    def stat(self, number, path):
        self.reply(STATUS, number, u32(FAILURE) + string(b"caf\xe9") + string(""))


class HugeHandle(Server):
    def request(self, kind, number, body):
        if kind == OPEN:
            self.reply(HANDLE, number, string(b"h" * 257))
        else:
            super().request(kind, number, body)


class NoNames(Server):
    def request(self, kind, number, body):
        if kind == REALPATH:
            self.reply(NAME, number, u32(0))
        else:
            super().request(kind, number, body)


class TwoNames(Server):
    def request(self, kind, number, body):
        if kind == REALPATH:
            self.names(number, [(b"a", FOLDER), (b"b", FOLDER)])
        else:
            super().request(kind, number, body)


# ---- data ----

class Reversed(Server):
    """Answers to reads come in the wrong order; the session must not mind."""

    held = None

    def __init__(self, version):
        super().__init__(version)
        self.held = []

    def read_file(self, number, offset, wanted):
        self.held.append((number, offset, wanted))
        if len(self.held) == 4 or offset + wanted >= SIZE:
            for one in reversed(self.held):
                super().read_file(*one)
            self.held = []


class Short(Server):
    """Never more than 700 bytes."""

    max_read = 700


class DataTwice(Server):
    def read_file(self, number, offset, wanted):
        super().read_file(number, offset, wanted)
        super().read_file(number, offset, wanted)


class Noise(Server):
    """Twenty megabytes beside the replies, more than a window has."""

    def read_file(self, number, offset, wanted):
        os.write(2, b"noise\x1b[31m\n" * 200000)
        super().read_file(number, offset, wanted)


class Empty(Server):
    def read_file(self, number, offset, wanted):
        self.reply(DATA, number, string(b""))


class TooMuch(Server):
    def read_file(self, number, offset, wanted):
        self.reply(DATA, number, string(b"x" * (wanted + 1)))


class DataCut(Server):
    def read_file(self, number, offset, wanted):
        self.reply(DATA, number, u32(1000) + b"abc")


class LiesLarger(Server):
    """The file is said to be larger than it is."""

    def attrs(self, mode, size=SIZE):
        return super().attrs(mode, size + 5000 if mode == REGULAR else size)


class LiesSmaller(Server):
    """… and smaller: what was promised is copied."""

    def attrs(self, mode, size=SIZE):
        return super().attrs(mode, size - 5000 if mode == REGULAR else size)


class LiesHuge(Server):
    def attrs(self, mode, size=SIZE):
        return super().attrs(mode, 2 ** 63 if mode == REGULAR else size)


class Failing(Server):
    def read_file(self, number, offset, wanted):
        if offset <= SIZE // 2 < offset + wanted:
            self.status(number, FAILURE, "bad sector\x1b[31m")
        else:
            super().read_file(number, offset, wanted)


class Never(Server):
    """Reads are not answered."""

    def read_file(self, number, offset, wanted):
        pass


class Cut(Server):
    """Ends in the middle of a reply."""

    def read_file(self, number, offset, wanted):
        if offset > SIZE // 2:
            self.write(u32(5000) + bytes([DATA]) + u32(number) + u32(4000) + b"x" * 100)
            sys.exit(0)
        super().read_file(number, offset, wanted)


class Takes(Server):
    """What is written is taken, and forgotten."""

    def request(self, kind, number, body):
        if kind == WRITE:
            self.status(number, OK)
        elif kind in (STAT, LSTAT):
            self.status(number, NO_SUCH_FILE)
        else:
            super().request(kind, number, body)


class FailsClose(Takes):
    """What was taken did not find room in the end."""

    def request(self, kind, number, body):
        if kind == CLOSE:
            self.status(number, FAILURE, "disk full")
        else:
            super().request(kind, number, body)


class NoRename(Takes):
    """A whole file under its other name stays there."""

    def request(self, kind, number, body):
        if kind == RENAME:
            self.status(number, FAILURE, "not that name")
        else:
            super().request(kind, number, body)


# ---- names ----

class CountHuge(Server):
    def read_folder(self, number, handle):
        self.reply(NAME, number, u32(0xffffffff) + self.entry(b"x", REGULAR))


class NamesUp(Server):
    entries = {b"good": REGULAR, b"../planted": REGULAR, b"..": FOLDER, b".": FOLDER, b"/tmp/planted": REGULAR,
               b"sub/planted": REGULAR, b"": REGULAR}


class NamesNul(Server):
    entries = {b"pla\0nted": REGULAR}


class RealLies(Server):
    """Another real path each time, and none of them is below what was asked for."""

    entries = {b"file": REGULAR, b"d": FOLDER}
    asked = 0

    def request(self, kind, number, body):
        if kind == REALPATH:
            self.asked += 1
            self.reply(NAME, number, u32(1) + self.entry(b"../../etc/%d/.." % self.asked, FOLDER))
        else:
            super().request(kind, number, body)


class NamesTwice(Server):
    """First a link that leads out, then a folder of that name: what is put into it must not follow."""

    def read_folder(self, number, handle):
        if handle in self.listed:
            self.status(number, EOF)
            return
        self.listed.add(handle)
        inner = handle.endswith(b"trap")
        self.names(number, [(b"planted", REGULAR)] if inner else [(b"trap", LINK), (b"trap", FOLDER)])

    def mode_of(self, path):
        return REGULAR if path.endswith(b"planted") else FOLDER


class Plant(Server):
    """A folder where the receiver has a link."""

    entries = {b"trap": FOLDER}

    def read_folder(self, number, handle):
        self.entries = {b"planted": REGULAR} if handle.endswith(b"trap") else {b"trap": FOLDER}
        super().read_folder(number, handle)

    def mode_of(self, path):
        return REGULAR if path.endswith(b"planted") else FOLDER


class Deep(Server):
    """A folder in a folder in a folder …"""

    entries = {b"d": FOLDER}


class Endless(Server):
    """A folder whose listing does not end; what was read of it can be given back at any time."""

    def read_folder(self, number, handle):
        self.names(number, [(b"x%d" % i, REGULAR) for i in range(100)])


class Setuid(Server):
    entries = {b"file": 0o104755}

    def attrs(self, mode, size=SIZE):
        return super().attrs(mode, size)


class LinksOut(Server):
    entries = {b"link": LINK}


KINDS = {kind.__name__: kind for kind in list(globals().values()) if isinstance(kind, type) and issubclass(kind, Server)}

if __name__ == "__main__":
    name, _, version = open(sys.argv[1], encoding="ascii").read().strip().partition("@")
    KINDS[name](int(version or "3")).serve()
