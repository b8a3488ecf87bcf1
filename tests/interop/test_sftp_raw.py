"""The SFTP server against what no honest client says, and against what the drafts leave to the last octet.

The server is `sshio sftp-server` on a pair of pipes, or the program sftp_server where a root is wanted."""

import os
import select
import struct
import subprocess
import sys

import pytest

from harness import find_built, run
from raw_sftp import (ATTRS, BAD_MESSAGE, BLOCK, CLOSE, DATA, EOF, EXTENDED, EXTENDED_REPLY, FAILURE, FILE_ALREADY_EXISTS,
                      FSETSTAT, FSTAT, HANDLE, INIT, INVALID_FILENAME, INVALID_HANDLE, INVALID_PARAMETER, LINK, LINK_LOOP,
                      LOCK_REFUSED, LSTAT, MKDIR, NAME, NO_ATTRS, NO_MATCHING_LOCK, NO_SUCH_FILE, OK, OP_UNSUPPORTED, OPEN,
                      OPENDIR, PERMISSION_DENIED, READ, READDIR, READLINK, REALPATH, REMOVE, RENAME, RMDIR, SETSTAT, STAT,
                      STATUS, SYMLINK, UNBLOCK, VERSIONS, WRITE, RawSftp, rooted, server, sftp, text, u32, u64)

CREATE, WRITE_NEW, READ_WRITE = 0x1a, 0x2a, 0x1b


# ---- the beginning (draft -13 section 4) ----

@pytest.mark.parametrize("offered, spoken", [(3, 3), (4, 4), (5, 5), (6, 6), (7, 6), (0xffffffff, 6)])
def test_the_lower_version_is_spoken(offered, spoken):
    with server(version=offered) as session:
        assert session.version == spoken
        assert session.end() == 0


@pytest.mark.parametrize("first", [bytes([INIT]) + u32(2), bytes([INIT]) + u32(0), bytes([INIT]) + b"\0\0", bytes([STAT]) + u32(3) + text("/"),
                                   bytes([2]) + u32(3), bytes([INIT]) + u32(3) + text("a")])
def test_a_session_that_begins_otherwise_ends_without_an_answer(first):
    with server(hello=False) as session:
        session.put(first)
        assert session.child.stdout.read() == b""
        assert session.end() == 1


def test_what_a_client_announces_is_passed_over_in_any_version():
    for version in VERSIONS:
        with server(hello=False) as session:
            session.hello(version, text("what@ever") + text("1") + text("x") + text(""))
            assert session.version == version and session.end() == 0


def test_announced_pairs(tmp_path):
    """Spec 5.4.1: their data to the octet."""
    for version in VERSIONS:
        with server(version=version) as session:
            pairs = session.pairs
            assert pairs["newline"] == b"\n" and pairs["vendor-id"].startswith(text("sshio") + text("sshio"))
            assert pairs["statvfs@openssh.com"] == b"2" and pairs["copy-data"] == b"1" and pairs["ranges@asyncssh.com"] == b"1"
            assert ("supported" in pairs) == (version == 5 or version == 5)
            assert ("supported2" in pairs) == ("acl-supported" in pairs) == ("versions" in pairs) == (version == 6)
            assert pairs["check-file"] == pairs["check-file-name"] == b"sha256,sha512,sha1,md5" and pairs["copy-file"] == b"1"
            if version == 5:
                assert pairs["supported"][:20] == struct.pack(">5I", 0x1ad, 0, 0x1f, 0x187, 261120)
            if version == 6:
                assert pairs["acl-supported"] == u32(0) and pairs["versions"] == b"3,4,5,6"
                assert pairs["supported2"][:24] == struct.pack(">5IHH", 0x1ad, 0, 0xedf, 0x187, 261120, 0x0e01, 0x0e01)
            assert session.end() == 0


def test_a_client_may_choose_another_version_first_of_all():
    with server(version=6) as session:
        assert session.status(EXTENDED, text("version-select") + text("4")) == OK
        assert session.ask(STAT, text("/") + u32(0))[0] == ATTRS
        assert session.end() == 0
    for wrong in ("9", "44", "x", ""):
        with server(version=6) as session:
            assert session.status(EXTENDED, text("version-select") + text(wrong)) == INVALID_PARAMETER
            assert session.end() == 1
    with server(version=6) as session:
        assert session.status(RMDIR, text("/nothing/there")) == NO_SUCH_FILE
        assert session.status(EXTENDED, text("version-select") + text("4")) == INVALID_PARAMETER
        assert session.end() == 1


# ---- malformed ----

@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\xff\xff\xff\xff", struct.pack(">I", 4 * 1024 * 1024 + 1025), u32(1), u32(4)])
def test_x3_length_out_of_range_ends_the_session_without_memory(length):
    """X3: what was only announced takes no memory. A packet of less than type and id is no request."""
    with server() as session:
        session.ask(REALPATH, text("."))
        before = session.resident()
        session.put_bytes(length + bytes([WRITE]) + b"\0\0\0")
        assert session.resident() < before + 2 * 1024 * 1024
        assert session.child.stdout.read() == b""
        assert session.end() == 1


def bodies(version):
    """A well-formed body of each request that takes no handle, and those that take one, with a handle that is not there."""
    attrs, none, flags = NO_ATTRS[version], text("none"), u32(0) if version >= 4 else b""
    opened = text("/nothing") + (u32(1) if version < 5 else u32(1) + u32(2)) + attrs
    found = [(OPEN, opened), (CLOSE, none), (READ, none + u64(0) + u32(1)), (WRITE, none + u64(0) + text("x")),
             (LSTAT, text("/") + flags), (FSTAT, none + flags), (SETSTAT, text("/nothing") + attrs), (FSETSTAT, none + attrs),
             (OPENDIR, text("/nothing")), (READDIR, none), (REMOVE, text("/nothing")), (MKDIR, text("/proc/x") + attrs),
             (RMDIR, text("/nothing")), (REALPATH, text("/")), (STAT, text("/") + flags), (READLINK, text("/nothing")),
             (RENAME, text("/nothing") + text("/other") + (u32(0) if version >= 5 else b"")),
             (SYMLINK, text("/proc/x") + text("/proc/y"))]
    if version == 6:
        found += [(LINK, text("/proc/x") + text("/proc/y") + b"\0"), (BLOCK, none + u64(0) + u64(1) + u32(0x240)),
                  (UNBLOCK, none + u64(0) + u64(1))]
    for name, body in (("posix-rename@openssh.com", text("/nothing") + text("/other")), ("statvfs@openssh.com", text("/")),
                       ("fstatvfs@openssh.com", none), ("hardlink@openssh.com", text("/nothing") + text("/other")),
                       ("fsync@openssh.com", none), ("lsetstat@openssh.com", text("/nothing") + attrs), ("limits@openssh.com", b""),
                       ("copy-data", none + u64(0) + u64(0) + none + u64(0)), ("ranges@asyncssh.com", none + u64(0) + u64(1)),
                       ("check-file", none + text("md5") + u64(0) + u64(0) + u32(0)),
                       ("check-file-handle", none + text("sha1") + u64(0) + u64(0) + u32(0)),
                       ("check-file-name", text("/nothing") + text("sha512") + u64(0) + u64(0) + u32(0)),
                       ("space-available", text("/")), ("copy-file", text("/nothing") + text("/other") + b"\0"),
                       ("expand-path@openssh.com", text("~")), ("home-directory", text("")),
                       ("users-groups-by-id@openssh.com", text(u32(0)) + text(u32(0)))):
        found.append((EXTENDED, text(name) + body))
    return found


def test_every_request_cut_short_anywhere_is_a_bad_message(sftp):
    optional = {LSTAT: 4, STAT: 4, FSTAT: 4} if sftp.version >= 4 else {}
    for kind, body in bodies(sftp.version):
        whole = len(body) - optional.get(kind, 0)
        for cut in range(whole):
            assert sftp.status(kind, body[:cut]) == BAD_MESSAGE, (kind, cut, body)
    assert sftp.ask(STAT, text("/"))[0] == ATTRS


def test_lengths_of_4_gib_inside_a_request_are_bad_messages(sftp):
    """P1, P3: of each string in turn."""
    before = sftp.resident()
    for kind, body in bodies(sftp.version):
        if body:
            assert sftp.status(kind, b"\xff" * 4 + body[4:]) == BAD_MESSAGE, (kind, body)
        for word in ("/nothing", "/other", "none", "/proc/x", "/proc/y", "md5", "sha1", "sha512", "x"):
            at = body.find(text(word), 1)
            if at > 0:
                assert sftp.status(kind, body[:at] + b"\xff" * 4 + body[at + 4:]) == BAD_MESSAGE, (kind, body, word)
    assert sftp.resident() < before + 8 * 1024 * 1024


def test_octets_behind_a_request(sftp):
    """Spec 5.3: an error up to version 5, ignored in 6, but for extended requests; behind what is written they are always ignored."""
    for kind, body in bodies(sftp.version):
        if kind == WRITE or kind == REALPATH and sftp.version == 6:
            continue
        answer, fields = sftp.ask(kind, body + b"\0")
        strict = sftp.version < 6 or (kind == EXTENDED and b"lsetstat" not in body)
        assert (answer == STATUS and fields.u32() == BAD_MESSAGE) == strict, (kind, body)


def test_octets_behind_what_is_written_are_ignored(sftp, tmp_path):
    """Go's package sends its whole buffer behind the length of what it has to say, and rclone with it."""
    handle = sftp.open(tmp_path / "file", 0x1a)
    assert sftp.status(WRITE, text(handle) + u64(0) + text("all of it") + b"and what was in the buffer") == OK
    assert sftp.status(CLOSE, text(handle)) == OK and (tmp_path / "file").read_text() == "all of it"


def test_unknown_requests_are_unsupported(sftp):
    known = {kind for kind, _ in bodies(6)}
    for kind in range(256):
        if kind not in known and kind != SYMLINK:
            assert sftp.status(kind, b"what") == OP_UNSUPPORTED, kind
    if sftp.version < 6:
        for kind in (LINK, BLOCK, UNBLOCK):
            assert sftp.status(kind, text("a") + text("b") + b"\0") == OP_UNSUPPORTED
    for name in ("no-such@extension", "text-seek", "", "statvfs@openssh.com\0"):
        assert sftp.status(EXTENDED, text(name)) == OP_UNSUPPORTED


def test_x3_handles_that_are_none(sftp):
    """X3: a handle is looked up, exactly; one of another kind, closed, or guessed is invalid. (libssh CVE-2025-5318)"""
    directory, file = sftp.opendir("."), sftp.open("file", CREATE)
    closed = sftp.open("file")
    assert sftp.status(CLOSE, text(closed)) == OK
    invalid = INVALID_HANDLE if sftp.version >= 4 else FAILURE
    for handle in (b"", b"\0", b"\0" * 3, b"\0" * 5, b"\0" * 256, b"\xff" * 4, closed, file + b"\0", directory[:3]):
        for kind, more in ((READ, u64(0) + u32(1)), (CLOSE, b""), (READDIR, b""), (FSTAT, b""), (WRITE, u64(0) + text("x"))):
            assert sftp.status(kind, text(handle) + more) == invalid, handle
    assert sftp.status(READ, text(directory) + u64(0) + u32(1)) == invalid
    assert sftp.status(READDIR, text(file)) == invalid


def test_a_close_that_is_refused_closes_nothing(tmp_path):
    """A malformed one, and one that -P denies: the handle stays, and is given back at the end."""
    for options, close in (([], text(b"\0\0\0\0") + b"x"), (["-P", "close"], text(b"\0\0\0\0"))):
        with server(*options, cwd=tmp_path) as session:
            handle = session.opendir(".")
            assert handle == b"\0\0\0\0" and session.status(CLOSE, close) in (BAD_MESSAGE, PERMISSION_DENIED)
            assert session.ask(READDIR, text(handle))[0] == NAME
            assert session.end() == 0


def test_paths_that_are_none(sftp, tmp_path):
    """P8: a NUL in a path is refused; one of more than 64 KiB as well, and what the system finds too long."""
    invalid = INVALID_FILENAME if sftp.version == 6 else FAILURE
    for path in (b"a\0b", b"\0", b"x" * 65537, b"/" + b"x" * 5000, b"y" * 300):
        assert sftp.status(STAT, text(path)) == invalid, path[:20]
        assert sftp.status(OPEN, sftp.open_body(path, CREATE)) == invalid
    assert not (tmp_path / "a").exists()


# ---- reading and writing ----

def test_x3_reads_at_absurd_places(sftp, tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    handle = sftp.open("file")
    for offset, length in ((10, 1), (11, 100), (2**63 - 1, 1), (2**63, 4096), (2**64 - 1, 2**32 - 1)):
        assert sftp.status(READ, text(handle) + u64(offset) + u32(length)) == EOF, (offset, length)
    for offset, length, data in ((0, 0, b""), (9, 2**32 - 1, b"9"), (0, 2**32 - 1, b"0123456789"), (3, 4, b"3456")):
        kind, fields = sftp.ask(READ, text(handle) + u64(offset) + u32(length))
        assert kind == DATA and fields.text() == data
        ends = sftp.version == 6 and length > len(data)
        assert fields.data == (b"\1" if ends else b""), (offset, length)


def test_writes_at_absurd_places(sftp, tmp_path):
    handle = sftp.open("file", CREATE)
    assert sftp.status(WRITE, text(handle) + u64(5) + text("x")) == OK
    assert (tmp_path / "file").read_bytes() == b"\0\0\0\0\0x"
    for offset in (2**63 - 1, 2**63, 2**64 - 1):
        assert sftp.status(WRITE, text(handle) + u64(offset) + text("x")) == FAILURE
    assert (tmp_path / "file").stat().st_size == 6


@pytest.mark.parametrize("open_it", [server, lambda **more: rooted(more["cwd"])], ids=["program", "library"])
def test_a_pipe_with_nothing_in_it_holds_nobody_up(open_it, tmp_path):
    """Workers are few and everybody's: whoever reads what may never come, or writes where nobody reads, is told so at once."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDWR)
    with open_it(cwd=tmp_path) as session:
        reading, writing = session.open("pipe"), session.open("pipe", 2)
        for _ in range(8):
            assert session.status(READ, text(reading) + u64(0) + u32(10)) == FAILURE
        os.write(end, b"words")
        kind, fields = session.ask(READ, text(reading) + u64(0) + u32(10))
        assert kind == DATA and fields.text() == b"words"
        for _ in range(8):
            refused = session.status(WRITE, text(writing) + u64(0) + text(bytes(100_000)))
            assert refused == FAILURE
        assert session.ask(LSTAT, text("pipe"))[0] == ATTRS
        assert session.end() == 0
    os.close(end)


def test_pipelined_requests_of_one_file_have_the_effect_of_one_after_the_other(sftp, tmp_path):
    """Spec 5.13.3: overlapping writes, then what looks at the file and its name, none of them waited for."""
    handle = sftp.open("file", READ_WRITE)
    ids = [sftp.send(WRITE, text(handle) + u64(number * 1000) + text(bytes([number]) * 5000)) for number in range(64)]
    looks = [sftp.send(FSTAT, text(handle)), sftp.send(STAT, text("file")), sftp.send(READ, text(handle) + u64(60000) + u32(200000))]
    last = [sftp.send(CLOSE, text(handle)), sftp.send(RENAME, text("file") + text("other") + (u32(0) if sftp.version >= 5 else b"")),
            sftp.send(STAT, text("other")), sftp.send(STAT, text("file"))]
    for id in ids:
        assert sftp.reply(id)[1].u32() == OK
    expected = b"".join(bytes([number]) * 1000 for number in range(63)) + bytes([63]) * 5000
    for id in looks[:2]:
        kind, fields = sftp.reply(id)
        fields.take(4 if sftp.version == 3 else 5)
        assert kind == ATTRS and fields.u64() == len(expected)
    assert sftp.reply(looks[2])[1].text() == expected[60000:]
    assert [sftp.reply(id)[0] for id in last] == [STATUS, STATUS, ATTRS, STATUS]
    assert (tmp_path / "other").read_bytes() == expected


def test_handles_of_one_file_that_are_closed_while_others_write(sftp, tmp_path):
    """Requests on two handles of a file are held against each other while one of the handles is being closed."""
    for _ in range(30):
        first, second = sftp.open("file", CREATE), sftp.open("file", 0x02)
        ids = []
        for number in range(20):
            ids.append(sftp.send(WRITE, text(first if number % 2 else second) + u64(number * 500) + text(bytes([number]) * 1000)))
        ids.append(sftp.send(CLOSE, text(first)))
        ids += [sftp.send(WRITE, text(second) + u64(number * 10) + text(b"x" * 100)) for number in range(20)]
        ids.append(sftp.send(CLOSE, text(second)))
        assert all(sftp.reply(id)[1].u32() == OK for id in ids)
    assert (tmp_path / "file").read_bytes()[:290] == b"x" * 290


def test_x3_client_that_reads_no_replies_is_not_read_any_more(tmp_path):
    """A million READs of 255 KiB: memory stays where it was, and the server goes on when somebody reads."""
    (tmp_path / "file").write_bytes(os.urandom(300000))
    with server(cwd=tmp_path) as session:
        handle = session.open("file")
        request = u32(25) + bytes([READ]) + u32(7) + text(handle) + u64(0) + u32(261120)
        before = session.resident()
        os.set_blocking(session.child.stdin.fileno(), False)
        pending, sent = request * 4000, 0
        while select.select([], [session.child.stdin], [], 1)[1] and sent < len(request) * 1000000:
            sent += os.write(session.child.stdin.fileno(), pending[sent % len(request):])
        assert sent < 200000 * len(request)
        assert session.resident() < before + 24 * 1024 * 1024
        for _ in range(20):
            kind, fields = session.get()
            assert kind == DATA and len(fields.data) == 8 + 261120


def test_x3_hundred_thousand_opens(tmp_path):
    """Above the limit each is refused, those before still work, and all are closed at the end."""
    (tmp_path / "file").write_bytes(b"data")
    with server(cwd=tmp_path, seconds=120) as session:
        limits = session.extended("limits@openssh.com")[1]
        most = [limits.u64() for _ in range(4)][3]
        assert 0 < most <= 1024
        handles, refused = [], 0
        for _ in range(100):
            ids = [session.send(OPEN, session.open_body("file")) for _ in range(50)]
            for id in ids:
                kind, fields = session.reply(id)
                handles += [fields.text()] if kind == HANDLE else []
                refused += kind == STATUS and fields.u32() == FAILURE
        assert len(handles) == most and refused == 5000 - most
        children = open(f"/proc/{session.child.pid}/task/{session.child.pid}/children").read().split()
        assert most <= len(os.listdir(f"/proc/{children[0]}/fd")) < most + 30
        for handle in (handles[0], handles[-1]):
            assert session.ask(READ, text(handle) + u64(0) + u32(9))[1].text() == b"data"
        assert session.status(CLOSE, text(handles[5])) == OK
        assert session.ask(OPEN, session.open_body("file"))[0] == HANDLE
        before = session.resident()
        for _ in range(1900):
            ids = [session.send(OPEN, session.open_body("file")) for _ in range(50)]
            assert all(session.reply(id)[0] == STATUS for id in ids)
        assert session.resident() < before + 24 * 1024 * 1024    # AddressSanitizer keeps what was freed for a while
        assert session.end() == 0


# ---- attributes ----

@pytest.mark.parametrize("version", [4, 5, 6])
def test_times_before_1970_and_nanoseconds(version, tmp_path):
    """Draft -13 section 7.7: signed seconds, and nanoseconds that go forward from them. One of both leaves the other as it was."""
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", ns=(123456789012345678, 5))
    with server(version=version, cwd=tmp_path) as session:
        attrs = u32(0x120) + b"\5" + struct.pack(">qI", -3, 999999999)
        assert session.status(SETSTAT, text("file") + attrs) == OK
        assert (tmp_path / "file").stat().st_mtime_ns == -2_000_000_001 and (tmp_path / "file").stat().st_atime_ns == 123456789012345678
        fields = session.ask(STAT, text("file"))[1]
        flags = fields.u32()
        assert flags & 0x138 == 0x138 and fields.take(1) == b"\1" and fields.u64() == 0
        assert fields.text() and fields.text() and fields.u32() == 0o644
        assert fields.take(12) == struct.pack(">qI", 123456789, 12345678) and len(fields.take(12)) == 12
        assert fields.take(12) == struct.pack(">qI", -3, 999999999)
        assert session.status(SETSTAT, text("file") + u32(0x120) + b"\5" + struct.pack(">qI", 0, 1000000000)) == BAD_MESSAGE
        assert session.end() == 0


def test_attributes_of_a_link_itself(sftp, tmp_path):
    """lsetstat@openssh.com: the link's times and owner; it has no size, and its permissions are passed over."""
    (tmp_path / "file").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("file")
    set_on_link = text("lsetstat@openssh.com") + text("link")
    times = u32(8) + u32(7) + u32(8) if sftp.version == 3 else u32(0x28) + b"\5" + u64(7) + u64(8)
    none = b"" if sftp.version == 3 else b"\5"
    assert sftp.status(EXTENDED, set_on_link + times) == OK
    assert (tmp_path / "link").lstat().st_mtime == 8 and (tmp_path / "file").stat().st_mtime != 8
    assert sftp.status(EXTENDED, set_on_link + u32(4) + none + u32(0o600)) == OK
    assert sftp.status(EXTENDED, set_on_link + u32(1) + none + u64(1)) == (INVALID_PARAMETER if sftp.version == 6 else FAILURE)
    assert (tmp_path / "file").stat().st_size == 4 and (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("version, flags, more", [(4, 0x40, text(u32(0))), (5, 0x200, u32(1)), (6, 0x400, u64(1)), (6, 0x2000, u32(2)),
                                                  (6, 0x1000, text("text/plain")), (6, 0x10, u64(1)), (6, 0x8000, u64(1))])
def test_attributes_that_cannot_be_set_change_nothing(version, flags, more, tmp_path):
    (tmp_path / "file").write_bytes(b"1234")
    with server(version=version, cwd=tmp_path) as session:
        assert session.status(SETSTAT, text("file") + u32(flags | 1) + b"\5" + u64(2) + more) in (OP_UNSUPPORTED, BAD_MESSAGE)
        assert session.status(SETSTAT, text("file") + u32(flags) + b"\5" + more) == OP_UNSUPPORTED
        assert (tmp_path / "file").stat().st_size == 4


# ---- what each version says of failures (spec 5.8) ----

def test_failures_have_the_codes_of_the_version(sftp, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "full" / "inside").mkdir(parents=True)
    (tmp_path / "loop").symlink_to("loop")
    v = sftp.version
    later = u32(0) if v >= 5 else b""
    assert sftp.status(STAT, text("nothing")) == NO_SUCH_FILE
    assert sftp.status(OPEN, sftp.open_body("file", WRITE_NEW)) == (FILE_ALREADY_EXISTS if v >= 4 else FAILURE)
    assert sftp.status(MKDIR, text("full") + NO_ATTRS[v]) == (FILE_ALREADY_EXISTS if v >= 4 else FAILURE)
    assert sftp.status(RENAME, text("file") + text("full") + later) == (FILE_ALREADY_EXISTS if v >= 4 else FAILURE)
    assert sftp.status(RMDIR, text("full")) == (18 if v == 6 else FAILURE)
    assert sftp.status(STAT, text("file/x")) == (19 if v == 6 else NO_SUCH_FILE)
    assert sftp.status(OPENDIR, text("file")) == (19 if v == 6 else NO_SUCH_FILE)
    assert sftp.status(STAT, text("loop")) == (LINK_LOOP if v == 6 else FAILURE)
    assert sftp.status(REMOVE, text("full")) == (24 if v == 6 else FAILURE)
    assert sftp.status(READLINK, text("file")) == (INVALID_PARAMETER if v == 6 else FAILURE)


def test_x3_what_a_failure_says_names_no_path(sftp):
    kind, fields = sftp.ask(STAT, text("/nothing/at/all"))
    assert kind == STATUS and fields.u32() == NO_SUCH_FILE
    assert fields.text() == b"No such file or directory" and fields.text() == b"en-US"


@pytest.mark.parametrize("version", VERSIONS)
def test_of_two_renames_to_one_name_one_wins(version, tmp_path):
    """Spec 5.13.1: no instant between the look and the move, in which another session could lose its file."""
    taken = FILE_ALREADY_EXISTS if version >= 4 else FAILURE
    flags, won = u32(0) if version >= 5 else b"", [0, 0]
    with server(version=version, cwd=tmp_path) as one, server(version=version, cwd=tmp_path) as other:
        for _ in range(300):
            for name in ("first", "second"):
                (tmp_path / name).write_text(name)
            ids = [session.send(RENAME, text(name) + text("target") + flags) for session, name in ((one, "first"), (other, "second"))]
            codes = [session.reply(id)[1].u32() for session, id in zip((one, other), ids)]
            assert sorted(codes) == [OK, taken]
            winner, loser = ("first", "second") if codes[0] == OK else ("second", "first")
            assert (tmp_path / "target").read_text() == winner and (tmp_path / loser).read_text() == loser
            won[codes.index(OK)] += 1
            (tmp_path / "target").unlink()
        assert one.end() == 0 and other.end() == 0
    assert sum(won) == 300


@pytest.mark.parametrize("version", [5, 6])
def test_dispositions_of_open(version, tmp_path):
    """Draft -13 section 8.1.1.3: each of the five, on a file that is there and one that is not."""
    with server(version=version, cwd=tmp_path) as session:
        for disposition, there, missing, left in ((0, FILE_ALREADY_EXISTS, HANDLE, 4), (1, HANDLE, HANDLE, 0), (2, HANDLE, NO_SUCH_FILE, 4),
                                                  (3, HANDLE, HANDLE, 4), (4, HANDLE, NO_SUCH_FILE, 0)):
            (tmp_path / "there").write_bytes(b"data")
            (tmp_path / "missing").unlink(missing_ok=True)
            for name, expected in (("there", there), ("missing", missing)):
                kind, fields = session.ask(OPEN, text(name) + u32(0x102) + u32(disposition) + NO_ATTRS[version])
                assert (kind if kind == HANDLE else fields.u32()) == expected, (disposition, name)
            assert (tmp_path / "there").stat().st_size == left
        parameter = INVALID_PARAMETER if version == 6 else FAILURE
        for access, flags in ((0x200, 2), (0x81, 5), (0x81, 0x22), (0x81, 0x1002), (0x10000001, 2)):
            assert session.status(OPEN, text("there") + u32(access) + u32(flags) + NO_ATTRS[version]) == parameter
        assert session.end() == 0


def test_realpath_of_version_6(tmp_path):
    """Draft -13 section 8.9: paths are composed, and looked at as asked."""
    (tmp_path / "dir").mkdir()
    with server(version=6, cwd=tmp_path) as session:
        here = os.fsencode(tmp_path)
        assert session.name(REALPATH, text("dir/../x") ) == here + b"/x"
        assert session.name(REALPATH, text("dir") + b"\1" + text("a") + text("..")) == here + b"/dir"
        assert session.name(REALPATH, text("dir") + b"\1" + text("/etc") + text("fstab")) == b"/etc/fstab"
        assert session.name(REALPATH, text("none") + b"\2") == here + b"/none"
        assert session.name(REALPATH, text("none") + b"\3") == NO_SUCH_FILE
        assert session.name(REALPATH, text("dir") + b"\3") == here + b"/dir"
        for check in (b"\0", b"\4", b"\xff"):
            assert session.name(REALPATH, text("dir") + check) == INVALID_PARAMETER
        assert session.end() == 0


def test_locks_of_version_6(tmp_path):
    """Draft -13 section 8.8: advisory ones, which another handle meets; they go with the handle."""
    with server(version=6, cwd=tmp_path) as session:
        first, second = session.open("file", READ_WRITE), session.open("file", 0x03)
        whole, part = u64(0) + u64(0), u64(10) + u64(20)
        assert session.status(BLOCK, text(first) + whole + u32(0x40)) == OP_UNSUPPORTED
        assert session.status(BLOCK, text(first) + part + u32(0x240)) == OK
        assert session.status(BLOCK, text(second) + whole + u32(0x280)) == LOCK_REFUSED
        assert session.status(UNBLOCK, text(first) + u64(10) + u64(10)) == NO_MATCHING_LOCK
        assert session.status(UNBLOCK, text(first) + part) == OK
        assert session.status(BLOCK, text(second) + whole + u32(0x280)) == OK
        assert session.status(BLOCK, text(first) + part + u32(0x280)) == OK
        assert session.status(BLOCK, text(first) + part + u32(0x240)) == LOCK_REFUSED
        assert session.status(CLOSE, text(second)) == OK
        assert session.status(BLOCK, text(first) + part + u32(0x240)) == OK
        assert session.status(BLOCK, text(b"none") + part + u32(0x240)) == INVALID_HANDLE
        assert session.end() == 0


# ---- extensions ----

def test_copy_data(sftp, tmp_path):
    """OpenSSH, PROTOCOL section 4.10; to itself it is refused, and too short a source is told."""
    data = os.urandom(700000)
    (tmp_path / "from").write_bytes(data)
    source, target = sftp.open("from", 0x03), sftp.open("to", CREATE)
    copy = text("copy-data")
    assert sftp.status(EXTENDED, copy + text(source) + u64(0) + u64(0) + text(target) + u64(0)) == OK
    assert (tmp_path / "to").read_bytes() == data
    assert sftp.status(EXTENDED, copy + text(source) + u64(100) + u64(50) + text(target) + u64(0)) == OK
    assert (tmp_path / "to").read_bytes() == data[100:150] + data[50:]
    assert sftp.status(EXTENDED, copy + text(source) + u64(699990) + u64(50) + text(target) + u64(0)) == EOF
    again = sftp.open("from", 0x02)
    parameter = INVALID_PARAMETER if sftp.version == 6 else FAILURE
    for handle in (source, again):
        assert sftp.status(EXTENDED, copy + text(source) + u64(0) + u64(0) + text(handle) + u64(9)) == parameter
    assert (tmp_path / "from").read_bytes() == data


def test_ranges_of_a_file_with_holes(sftp, tmp_path):
    with open(tmp_path / "file", "wb") as file:
        for at in (0, 8 << 20, 64 << 20):
            file.seek(at)
            file.write(b"x" * 65536)
        file.truncate(100 << 20)
    handle = sftp.open("file")

    def ranges(offset, length):
        kind, fields = sftp.extended("ranges@asyncssh.com", text(handle) + u64(offset) + u64(length))
        if kind == STATUS:
            return fields.u32()
        found = [(fields.u64(), fields.u64()) for _ in range(fields.u32())]
        assert kind == EXTENDED_REPLY and fields.data == b"\1"
        return found

    assert ranges(0, 100 << 20) == [(0, 65536), (8 << 20, 65536), (64 << 20, 65536)]
    assert ranges(100, 9 << 20) == [(100, 65436), (8 << 20, 65536)]
    assert ranges(70 << 20, 30 << 20) == EOF
    assert ranges(2**63, 2**63) == EOF


def test_owners_and_homes(sftp):
    kind, fields = sftp.extended("users-groups-by-id@openssh.com", text(u32(0) + u32(4000000000)) + text(u32(0)))
    assert kind == EXTENDED_REPLY
    assert fields.text() == text("root") + text("") and fields.text() == text("root")
    home = sftp.name(EXTENDED, text("home-directory") + text("root"))
    assert home == b"/root"
    assert sftp.name(EXTENDED, text("expand-path@openssh.com") + text("~root/x/../y")) == b"/root/y"
    assert sftp.status(EXTENDED, text("home-directory") + text("no such user")) == NO_SUCH_FILE
    assert sftp.status(EXTENDED, text("users-groups-by-id@openssh.com") + text(b"\0" * 7) + text("")) == BAD_MESSAGE
    assert sftp.status(EXTENDED, text("users-groups-by-id@openssh.com") + text(b"\0" * 4 * 5000) + text("")) == FAILURE


# ---- policies ----

def test_a_read_only_server_changes_nothing(tmp_path):
    """X5: whatever could change something is refused, creating included. (CVE-2017-15906)"""
    (tmp_path / "file").write_bytes(b"data")
    before = sorted(os.listdir(tmp_path)), (tmp_path / "file").stat().st_mtime_ns
    for version in VERSIONS:
        with server("-R", version=version, cwd=tmp_path) as session:
            attrs, file = NO_ATTRS[version], session.open("file")
            if version < 5:
                ways = [text(name) + u32(flags) + attrs for name in ("file", "new") for flags in range(64) if flags & ~1]
            else:
                ways = [text(name) + u32(access) + u32(flags) + attrs for name in ("file", "new")
                        for access, flags in ((0x2, 2), (0x4, 2), (0x100, 2), (0x81, 0), (0x81, 1), (0x81, 3), (0x81, 4), (0x1, 0xb))]
            for body in ways:
                assert session.status(OPEN, body) == PERMISSION_DENIED, body
            if version == 6:    # to be deleted when it is closed: not even announced
                assert session.status(OPEN, text("file") + u32(0x81) + u32(0x802) + attrs) == INVALID_PARAMETER
            changes = [(WRITE, text(file) + u64(0) + text("x")), (SETSTAT, text("file") + attrs), (FSETSTAT, text(file) + attrs),
                       (REMOVE, text("file")), (MKDIR, text("new") + attrs), (RMDIR, text("new")),
                       (RENAME, text("file") + text("new") + (u32(0) if version >= 5 else b"")), (SYMLINK, text("new") + text("file")),
                       (EXTENDED, text("posix-rename@openssh.com") + text("file") + text("new")),
                       (EXTENDED, text("hardlink@openssh.com") + text("file") + text("new")),
                       (EXTENDED, text("lsetstat@openssh.com") + text("file") + attrs),
                       (EXTENDED, text("fsync@openssh.com") + text(file)),
                       (EXTENDED, text("copy-file") + text("file") + text("new") + b"\1"),
                       (EXTENDED, text("copy-data") + text(file) + u64(0) + u64(0) + text(file) + u64(0))]
            for kind, body in changes + ([(LINK, text("new") + text("file") + b"\1")] if version == 6 else []):
                assert session.status(kind, body) == PERMISSION_DENIED, (kind, body)
            assert "posix-rename@openssh.com" not in session.pairs and "limits@openssh.com" in session.pairs
            assert session.ask(READ, text(file) + u64(0) + u32(9))[1].text() == b"data"
            assert session.end() == 0
    assert before == (sorted(os.listdir(tmp_path)), (tmp_path / "file").stat().st_mtime_ns)


def test_lists_of_requests(tmp_path):
    """sftp-server(8), -P and -p: what is refused, and what alone is served."""
    with server("-P", "remove,statvfs,realpath", cwd=tmp_path) as session:
        assert session.status(REMOVE, text("x")) == PERMISSION_DENIED
        assert session.status(EXTENDED, text("statvfs@openssh.com") + text("/")) == PERMISSION_DENIED
        assert session.name(REALPATH, text(".")) == PERMISSION_DENIED
        assert session.status(RMDIR, text("x")) == NO_SUCH_FILE and "statvfs@openssh.com" not in session.pairs
    with server("-p", "stat,limits", cwd=tmp_path) as session:
        assert session.ask(STAT, text("."))[0] == ATTRS and session.status(LSTAT, text(".")) == PERMISSION_DENIED
        assert [name for name in session.pairs if "openssh" in name] == ["limits@openssh.com"]


def test_options_of_the_program(tmp_path):
    tool = [find_built("tools/sshio"), "sftp-server"]
    names = run([*tool, "-Q", "requests"]).check().out.decode().split()
    assert {"open", "close", "readdir", "posix-rename", "users-groups-by-id"} <= set(names)
    for wrong in (["-Q", "x"], ["-P", "nothing"], ["-u", "8"], ["-u", "7777"], ["-l", "LOUD"], ["-f", "X"], ["-d", "%z"], ["-Z"], ["word"]):
        result = run([*tool, *wrong])
        assert result.status == 1 and result.err, result
    for argv in ([*tool, "-h"], [*tool, "--help"]):
        assert b"-R" in run(argv).check().out
    (tmp_path / "below").mkdir()
    with server("-u", "027", "-d", str(tmp_path / "below")) as session:
        session.open("file", CREATE)
        assert session.status(MKDIR, text("dir") + NO_ATTRS[3]) == OK
        assert session.end() == 0
    assert (tmp_path / "below/file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "below/dir").stat().st_mode & 0o777 == 0o750


def test_the_name_that_it_is_called_by(tmp_path):
    (tmp_path / "sftp-server").symlink_to(find_built("tools/sshio"))
    with RawSftp([tmp_path / "sftp-server", "-e"]) as session:
        assert session.name(REALPATH, text("/")) == b"/" and session.end() == 0


def test_the_log_tells_files_and_bytes(tmp_path):
    (tmp_path / "a\x1b[31m").write_bytes(b"12345")
    with RawSftp([find_built("tools/sshio"), "sftp-server", "-e", "-l", "INFO"], cwd=tmp_path) as session:
        handle = session.open("a\x1b[31m")
        session.ask(READ, text(handle) + u64(0) + u32(100))
        session.status(CLOSE, text(handle))
        assert session.end() == 0
    assert b'close "a\\x1b[31m" bytes read 5 written 0' in session.errors


# ---- the root (spec 5.13.4, X3) ----

@pytest.fixture
def jail(tmp_path):
    """A root with links of every kind, and a canary beside it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "dir" / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "canary").write_bytes(b"outside")
    (root / "file").write_bytes(b"inside")
    (root / "dir" / "file").write_bytes(b"in dir")
    (root / "etc").mkdir()
    for name, target in (("abs-out", outside), ("rel-out", "../outside"), ("deep-out", "../../../../../../etc"), ("abs-in", root / "dir"),
                         ("rel-in", "dir/deep"), ("dots-in", "dir/deep/../../file"), ("proc", "/proc/self/root/etc/passwd"),
                         ("loop", "loop"), ("chain", "abs-out/canary"), ("root", root), ("slash", "/"), ("sibling", str(root) + "-x")):
        (root / name).symlink_to(target)
    (root / "dir" / "up").symlink_to("../file")
    (tmp_path / "root-x").mkdir()
    (tmp_path / "root-x" / "canary").write_bytes(b"outside")
    return root


ESCAPES = ["/..", "/../outside/canary", "../outside/canary", "../../../../../etc/passwd", "//etc/passwd", "///etc/passwd", "/abs-out/canary",
           "abs-out", "rel-out", "rel-out/canary", "deep-out/passwd", "proc", "chain", "dir/../../outside/canary",
           "dir/deep/../../../outside/canary", "slash/etc/passwd", "sibling/canary", "./../outside/canary", "root/../outside/canary"]


@pytest.mark.parametrize("handlers", [[], ["handlers=default"]])
@pytest.mark.parametrize("path", ESCAPES)
def test_x3_no_path_leads_out_of_the_root(jail, handlers, path):
    """Whatever is asked for, what comes is inside or not there at all."""
    root_id = jail.stat()
    with rooted(jail, *handlers, version=3) as session:
        for kind, body in ((OPEN, session.open_body(path)), (OPEN, session.open_body(path, 0x02)), (OPEN, session.open_body(path, CREATE)),
                           (OPENDIR, text(path)), (STAT, text(path))):
            answer, fields = session.ask(kind, body)
            if answer == HANDLE and kind == OPEN:
                answer, data = session.ask(READ, text(fields.text()) + u64(0) + u32(100))
                assert answer != DATA or data.text() not in (b"outside", open("/etc/passwd", "rb").read(100))
            if answer == HANDLE and kind == OPENDIR:
                assert path in ("/..",), path
        assert session.status(MKDIR, text(path + "/new") + NO_ATTRS[3]) in (OK, NO_SUCH_FILE, FAILURE, PERMISSION_DENIED)
        session.ask(RENAME, text("/file") + text(path))
        session.ask(EXTENDED, text("hardlink@openssh.com") + text(path) + text("/linked"))
        session.ask(SETSTAT, text(path) + u32(4) + u32(0o777))
        session.ask(REMOVE, text(path))
        session.ask(RMDIR, text(path))
        assert session.end() == 0
    parent = jail.parent
    assert sorted(os.listdir(parent)) == ["outside", "root", "root-x"]
    assert os.listdir(parent / "outside") == ["canary"] and (parent / "outside/canary").read_bytes() == b"outside"
    assert (parent / "outside").stat().st_mode & 0o777 == 0o755 and os.listdir(parent / "root-x") == ["canary"]
    assert not os.path.exists("/etc/new") and jail.stat().st_ino == root_id.st_ino


@pytest.mark.parametrize("path, real", [(".", "/"), ("", "/"), ("/..", "/"), ("dir/..", "/"), ("//dir//deep/", "/dir/deep"), ("abs-in", "/dir"),
                                        ("rel-in", "/dir/deep"), ("dots-in", "/file"), ("dir/up", "/file"), ("none/at/all", "/none/at/all"),
                                        ("root/root/dir", "/dir"), ("../../dir", "/dir"), ("abs-in/up", "/file"),
                                        ("abs-out", NO_SUCH_FILE), ("rel-out", "/outside"), ("loop", FAILURE)])
def test_x3_real_paths_are_seen_from_the_root(jail, path, real):
    with rooted(jail, version=3) as session:
        found = session.name(REALPATH, text(path))
        assert found == (real if isinstance(real, int) else os.fsencode(real)), path


def test_x3_links_are_read_and_made_inside(jail):
    """Absolute texts are stored below the root and shown without it; those that climb out are cut."""
    with rooted(jail, version=6) as session:
        def link(target, name):
            assert session.status(LINK, text(name) + text(target) + b"\1") == OK
            return os.readlink(jail / name.lstrip("/"))

        assert link("/dir/file", "/a") == f"{jail}/dir/file" and session.name(READLINK, text("/a")) == b"/dir/file"
        assert link("/", "/b") == f"{jail}/" and session.name(READLINK, text("/b")) == b"/"
        assert link("//etc/../../dir", "/c") == f"{jail}/dir" and session.name(READLINK, text("/c")) == b"/dir"
        assert link("../../file", "/d") == "file" and session.name(READLINK, text("/d")) == b"file"
        assert link("../../../x", "/dir/e") == "../x" and session.name(READLINK, text("/dir/e")) == b"../x"
        assert link("deep/../file", "/dir/f") == "deep/../file"
        assert session.name(READLINK, text("abs-in")) == b"/dir" and session.name(READLINK, text("root")) == b"/"
        for name in ("abs-out", "rel-out", "deep-out", "proc", "sibling"):
            assert session.name(READLINK, text(name)) == NO_SUCH_FILE, name
        kind, fields = session.ask(OPEN, session.open_body("/a"))
        assert session.ask(READ, text(fields.text()) + u64(0) + u32(9))[1].text() == b"in dir"
        assert session.status(EXTENDED, text("hardlink@openssh.com") + text("abs-out") + text("/x")) == OP_UNSUPPORTED
        assert session.end() == 0


def test_links_that_lead_out_are_followed_when_that_is_asked_for(jail):
    with rooted(jail, "follow", version=3) as session:
        handle = session.open("/abs-out/canary")
        assert session.ask(READ, text(handle) + u64(0) + u32(9))[1].text() == b"outside"


def test_x3_root_names_no_accounts(jail):
    with rooted(jail, version=3) as session:
        for name in ("home-directory", "expand-path@openssh.com", "users-groups-by-id@openssh.com"):
            assert name not in session.pairs and session.status(EXTENDED, text(name) + text("")) == OP_UNSUPPORTED
        assert b".." in session.listing("/")
        inside = session.ask(LSTAT, text("/"))[1].data
        handle = session.opendir("/")
        names = session.ask(READDIR, text(handle))[1]
        count, seen = names.u32(), {}
        for _ in range(count):
            name, _, flags = names.text(), names.text(), names.u32()
            seen[name] = u32(flags) + names.take(28)
        assert seen[b".."] == seen[b"."] == inside


def test_x3_link_that_is_swapped_all_the_time_never_leads_out(jail):
    """The race that a check before the use would lose: a directory and a link out of the root change places."""
    (jail / "swap").mkdir()
    (jail / "swap" / "canary").write_bytes(b"inside")
    (jail / "other").symlink_to("../outside")
    script = ("import ctypes, sys\nlibc = ctypes.CDLL(None)\nprint('ready', flush=True)\n"
              "while True:\n    libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)\n")
    swapper = subprocess.Popen([sys.executable, "-c", script, jail / "swap", jail / "other"], stdout=subprocess.PIPE)
    try:
        assert swapper.stdout.readline() == b"ready\n"
        with rooted(jail, version=3, seconds=120) as session:
            seen = set()
            for number in range(4000):
                kind, fields = session.ask(OPEN, session.open_body("/swap/canary"))
                if kind == HANDLE:
                    handle = fields.text()
                    seen.add(session.ask(READ, text(handle) + u64(0) + u32(9))[1].text())
                    session.status(CLOSE, text(handle))
                session.ask(MKDIR, text(f"/swap/new{number}") + NO_ATTRS[3])
            assert seen == {b"inside"}
    finally:
        swapper.terminate()
        swapper.wait()
    assert os.listdir(jail.parent / "outside") == ["canary"]


# ---- the end ----

def test_what_is_under_way_at_the_end_is_answered(sftp, tmp_path):
    handle = sftp.open("file", CREATE)
    ids = [sftp.send(WRITE, text(handle) + u64(number * 200000) + text(b"x" * 200000)) for number in range(20)]
    ids.append(sftp.send(CLOSE, text(handle)))
    sftp.child.stdin.close()
    assert all(sftp.reply(id)[1].u32() == OK for id in ids)
    assert (tmp_path / "file").stat().st_size == 4000000


def test_a_packet_that_is_cut_off_by_the_end_is_told():
    with server() as session:
        session.put_bytes(u32(100) + bytes([STAT]) + u32(1))
        assert session.end() == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_handlers_that_do_the_default_make_no_difference(version, tmp_path):
    """Each operation through the application and back: the same answers, octet by octet."""
    answers = []
    for words in ([], ["handlers=default"]):
        folder = tmp_path / f"run{len(answers)}"
        folder.mkdir()
        (folder / "file").write_bytes(b"data" * 1000)
        os.utime(folder / "file", ns=(1, 10**18))
        found = []
        with rooted(folder, *words, version=version) as session:
            handle, fields = session.open("file", 0x03), None
            for kind, body in ((FSTAT, text(handle)), (READ, text(handle) + u64(100) + u32(300)), (WRITE, text(handle) + u64(0) + text("x")),
                               (READ, text(handle) + u64(0) + u32(2)), (EXTENDED, text("fstatvfs@openssh.com") + text(b"none")),
                               (FSETSTAT, text(handle) + NO_ATTRS[version]), (CLOSE, text(handle)), (MKDIR, text("d") + NO_ATTRS[version]),
                               (RENAME, text("file") + text("d/f") + (u32(0) if version >= 5 else b"")), (REALPATH, text("d/../d/f")),
                               (SYMLINK, text("d/l") + text("f")), (READLINK, text("d/f")), (REMOVE, text("d/l")), (REMOVE, text("f")),
                               (RMDIR, text("d")), (STAT, text("nothing")), (OPENDIR, text("nothing")), (OPEN, session.open_body("no/f")),
                               (EXTENDED, text("posix-rename@openssh.com") + text("d/f") + text("g")), (RMDIR, text("d")),
                               (EXTENDED, text("hardlink@openssh.com") + text("g") + text("h")), (REMOVE, text("h")), (REMOVE, text("g"))):
                answer, fields = session.ask(kind, body)
                found.append((kind, answer, fields.data if kind not in (FSTAT, STAT) else len(fields.data)))
            for number in range(300):
                (folder / f"n{number}").touch()
            if version == 3:
                found.append(sorted(session.listing("/")))
            assert session.end() == 0
            assert (b"exit, no channel" in session.errors) == bool(words)
        answers.append(found)
    assert answers[0] == answers[1]
