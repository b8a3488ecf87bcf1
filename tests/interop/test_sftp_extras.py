"""What few SFTP clients know: open flags of versions 5 and 6, checksums, free space, copies by name.

The server is `sshio sftp-server` on a pair of pipes, or the program sftp_server where a root is wanted."""

import hashlib
import os

import pytest

from raw_sftp import (CLOSE, EOF, EXTENDED, EXTENDED_REPLY, FAILURE, FILE_ALREADY_EXISTS, FILE_IS_A_DIRECTORY, HANDLE, INVALID_HANDLE, INVALID_PARAMETER,
                      LINK_LOOP, LOCK_CONFLICT, LSTAT, NO_ATTRS, NO_SUCH_FILE, OK, OP_UNSUPPORTED, OPEN, PERMISSION_DENIED, STATUS, WRITE, rooted, server,
                      sftp, text, u32, u64)

OPEN_EXISTING, OPEN_OR_CREATE, TRUNCATE_EXISTING = 2, 3, 4
APPEND_ATOMIC, BLOCK_READERS, BLOCK_WRITERS, BLOCK_REMOVAL, ADVISORY, NOFOLLOW, DELETE = 0x10, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800


# ---- open flags ----

@pytest.fixture
def six(tmp_path):
    """A session of version 6, and how it opens files: the handle, or the status."""
    with server(version=6, cwd=tmp_path) as session:
        def opened(path, flags, access=0x103):
            kind, fields = session.ask(OPEN, text(path) + u32(access) + u32(flags) + NO_ATTRS[6])
            return fields.text() if kind == HANDLE else fields.u32()
        yield session, opened
        assert session.end() == 0


def test_nofollow_opens_no_link(six, tmp_path):
    """Draft -13 section 8.1.1.3: SSH_FXF_NOFOLLOW fails with SSH_FX_LINK_LOOP on a link."""
    session, opened = six
    (tmp_path / "file").write_bytes(b"data")
    (tmp_path / "link").symlink_to("file")
    assert opened("link", OPEN_EXISTING | NOFOLLOW) == LINK_LOOP and opened("link", TRUNCATE_EXISTING | NOFOLLOW) == LINK_LOOP
    assert isinstance(opened("link", OPEN_EXISTING), bytes) and isinstance(opened("file", OPEN_EXISTING | NOFOLLOW), bytes)
    assert (tmp_path / "file").read_bytes() == b"data"


def test_delete_on_close_removes_the_file_that_was_opened(six, tmp_path):
    """Draft -13 section 8.1.1.3; at the end of the session as well. What has come to stand there since then stays."""
    session, opened = six
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"data")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dir").mkdir()
    first = opened("a", OPEN_EXISTING | DELETE)
    assert (tmp_path / "a").exists() and session.status(CLOSE, text(first)) == OK and not (tmp_path / "a").exists()
    second = opened("b", OPEN_EXISTING | DELETE)
    (tmp_path / "b").rename(tmp_path / "elsewhere")
    (tmp_path / "b").write_bytes(b"other")
    assert session.status(CLOSE, text(second)) == OK
    assert (tmp_path / "b").read_bytes() == b"other" and (tmp_path / "elsewhere").exists()
    assert opened("link", OPEN_EXISTING | DELETE) == LINK_LOOP
    assert opened("dir", OPEN_EXISTING | DELETE, 1) == FILE_IS_A_DIRECTORY
    assert isinstance(opened("c", OPEN_EXISTING | DELETE), bytes) and isinstance(opened("new", OPEN_OR_CREATE | DELETE), bytes)
    ids = [session.send(CLOSE, text(opened("c2", OPEN_OR_CREATE | DELETE))), session.send(LSTAT, text("c2") + u32(0))]
    assert [session.reply(id)[0] for id in ids] == [STATUS, STATUS]
    assert session.end() == 0
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["b", "dir", "elsewhere", "link"]


def test_a_root_holds_for_files_that_go_when_they_are_closed(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "out").write_bytes(b"data")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "root" / "file").write_bytes(b"data")
    with rooted(tmp_path / "root", version=6) as session:
        def opened(path):
            return session.ask(OPEN, text(path) + u32(0x81) + u32(OPEN_EXISTING | DELETE) + NO_ATTRS[6])
        assert [opened(path)[0] for path in ("/link", "/../out", "/../../out")] == [STATUS] * 3
        kind, fields = opened("/../file")
        assert kind == HANDLE and session.status(CLOSE, text(fields.text())) == OK
        assert session.end() == 0
    assert not (tmp_path / "root" / "file").exists() and (tmp_path / "out").exists()


def test_what_is_refused_does_not_come_in_by_a_flag_or_another_request(tmp_path):
    """sftp-server -P: of requests that another one, or a flag of open, would do as well."""
    (tmp_path / "file").write_bytes(b"data")

    def answers(denied, what, body, version=6):
        with server("-P", denied, version=version, cwd=tmp_path) as session:
            return session.status(EXTENDED, text(what) + body) if what != "open" else session.status(OPEN, body)

    opened = text("file") + u32(0x103)
    assert answers("remove", "open", opened + u32(OPEN_EXISTING | DELETE) + NO_ATTRS[6]) == INVALID_PARAMETER
    assert answers("block", "open", opened + u32(OPEN_EXISTING | BLOCK_WRITERS | ADVISORY) + NO_ATTRS[6]) == INVALID_PARAMETER
    hashed = text("md5") + u64(0) + u64(0) + u32(0)
    for denied in ("read", "open"):
        assert answers(denied, "check-file-name", text("file") + hashed) == PERMISSION_DENIED
    assert answers("read", "check-file", text(bytes(4)) + hashed) in (PERMISSION_DENIED, INVALID_HANDLE)
    for denied in ("read", "write", "open", "copy-file"):
        assert answers(denied, "copy-file", text("file") + text("new") + b"\0") == PERMISSION_DENIED
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_advisory_locks_of_open(six, tmp_path):
    """Draft -13 section 8.1.1.3: SSH_FX_LOCK_CONFLICT. What is locked is not emptied; mandatory ones there are not."""
    session, opened = six
    (tmp_path / "file").write_bytes(b"data")
    first = opened("file", OPEN_EXISTING | BLOCK_READERS | ADVISORY)
    for flags in (BLOCK_READERS | ADVISORY, BLOCK_WRITERS | ADVISORY, BLOCK_READERS | BLOCK_WRITERS | ADVISORY):
        assert opened("file", TRUNCATE_EXISTING | flags) == LOCK_CONFLICT
    assert (tmp_path / "file").read_bytes() == b"data"
    assert isinstance(opened("file", OPEN_EXISTING), bytes)
    assert session.status(CLOSE, text(first)) == OK
    assert all(isinstance(opened("file", OPEN_EXISTING | BLOCK_WRITERS | ADVISORY), bytes) for _ in range(2))
    assert opened("file", TRUNCATE_EXISTING | BLOCK_READERS | ADVISORY) == LOCK_CONFLICT
    assert opened("file", OPEN_EXISTING | BLOCK_READERS) == opened("file", OPEN_EXISTING | ADVISORY) == OP_UNSUPPORTED
    assert opened("file", OPEN_EXISTING | BLOCK_REMOVAL | ADVISORY) == INVALID_PARAMETER
    assert (tmp_path / "file").read_bytes() == b"data"


def test_atomic_appending(six, tmp_path):
    session, opened = six
    handles = [opened("file", OPEN_OR_CREATE | APPEND_ATOMIC, 0x104) for _ in range(2)]
    for number in range(10):
        assert session.status(WRITE, text(handles[number % 2]) + u64(0) + text(str(number))) == OK
    assert (tmp_path / "file").read_bytes() == b"0123456789"


# ---- requests ----

def checksums(session, name, what, hashes, offset, length, block):
    """The name of the hash and the hashes, or the status."""
    kind, fields = session.extended(name, text(what) + text(hashes) + u64(offset) + u64(length) + u32(block))
    if kind == STATUS:
        return fields.u32()
    assert kind == EXTENDED_REPLY and fields.text() == b"check-file"
    return fields.text().decode(), bytes(fields.data)


def test_checksums_of_files(sftp, tmp_path):
    """draft-ietf-secsh-filexfer-extensions-00 section 3; paramiko calls the first of them "check-file"."""
    data = os.urandom(300_001)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "empty").write_bytes(b"")
    handle = sftp.open("file")
    for request, what in (("check-file", handle), ("check-file-handle", handle), ("check-file-name", "file")):
        for name in ("sha256", "sha512", "sha1", "md5"):
            assert checksums(sftp, request, what, name, 0, 0, 0) == (name, hashlib.new(name, data).digest())
        assert checksums(sftp, request, what, "crc32,,sha1,md5", 10, 1000, 0) == ("sha1", hashlib.sha1(data[10:1010]).digest())
        blocks = [hashlib.md5(data[at:at + 65537]).digest() for at in range(5, len(data), 65537)]
        assert checksums(sftp, request, what, "md5", 5, 0, 65537) == ("md5", b"".join(blocks))
        assert checksums(sftp, request, what, "md5", 0, 512, 256) == ("md5", hashlib.md5(data[:256]).digest() + hashlib.md5(data[256:512]).digest())
        assert checksums(sftp, request, what, "md5", 300_000, 99, 0) == ("md5", hashlib.md5(data[-1:]).digest())
        assert checksums(sftp, request, what, "crc32", 0, 0, 0) == checksums(sftp, request, what, "", 0, 0, 0) == OP_UNSUPPORTED
        assert checksums(sftp, request, what, "md5", 300_001, 0, 0) == checksums(sftp, request, what, "md5", 2**64 - 1, 0, 0) == EOF
        parameter = INVALID_PARAMETER if sftp.version == 6 else FAILURE
        assert checksums(sftp, request, what, "md5", 0, 0, 255) == parameter
    assert checksums(sftp, "check-file-name", "empty", "md5", 0, 0, 0) == ("md5", hashlib.md5(b"").digest())
    assert checksums(sftp, "check-file-name", "missing", "md5", 0, 0, 0) == NO_SUCH_FILE
    assert checksums(sftp, "check-file-name", "/dev/zero", "md5", 0, 0, 0) == OP_UNSUPPORTED
    assert checksums(sftp, "check-file-name", ".", "md5", 0, 0, 0) == (FILE_IS_A_DIRECTORY if sftp.version == 6 else FAILURE)


def test_checksums_of_too_many_blocks_are_refused(tmp_path):
    """A reply has at most 64 KiB of them, however large the file is."""
    with open(tmp_path / "file", "wb") as file:
        file.truncate(1 << 40)
    with server(version=6, cwd=tmp_path) as session:
        assert checksums(session, "check-file-name", "file", "md5", 0, 4096 * 256, 256)[0] == "md5"
        assert checksums(session, "check-file-name", "file", "md5", 0, 4097 * 256, 256) == INVALID_PARAMETER
        assert session.end() == 0


def test_free_space(sftp, tmp_path):
    kind, fields = sftp.extended("space-available", text("."))
    system = os.statvfs(tmp_path)
    total, free, mine, mine_free, unit = fields.u64(), fields.u64(), fields.u64(), fields.u64(), fields.u32()
    assert kind == EXTENDED_REPLY and fields.data == b"" and unit == system.f_frsize
    assert total == system.f_blocks * system.f_frsize and 0 < mine_free <= free <= total and mine_free <= mine <= total
    assert sftp.status(EXTENDED, text("space-available") + text("missing")) == NO_SUCH_FILE


def test_copies_by_name(sftp, tmp_path):
    """draft-ietf-secsh-filexfer-extensions-00 section 6."""
    data = os.urandom(700_000)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("missing")
    (tmp_path / "hard").hardlink_to(tmp_path / "file")
    exists = FILE_ALREADY_EXISTS if sftp.version >= 4 else FAILURE
    parameter = INVALID_PARAMETER if sftp.version == 6 else FAILURE

    def copied(source, target, overwrite):
        return sftp.status(EXTENDED, text("copy-file") + text(source) + text(target) + bytes([overwrite]))

    assert copied("file", "copy", 0) == OK and (tmp_path / "copy").read_bytes() == data
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o640
    (tmp_path / "copy").write_bytes(b"x" * 800_000)
    assert copied("file", "copy", 0) == exists and copied("file", "link", 0) == exists
    assert (tmp_path / "copy").stat().st_size == 800_000
    assert copied("file", "copy", 1) == OK and (tmp_path / "copy").read_bytes() == data
    assert copied("file", "hard", 1) == copied("file", "file", 1) == parameter and (tmp_path / "file").read_bytes() == data
    assert copied(".", "x", 0) == (FILE_IS_A_DIRECTORY if sftp.version == 6 else FAILURE)
    assert copied("/dev/zero", "x", 0) == OP_UNSUPPORTED and copied("missing", "x", 0) == NO_SUCH_FILE
    assert not (tmp_path / "x").exists()


def test_copies_and_checksums_by_name_stay_below_the_root(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"data")
    (root / "file").write_bytes(b"data")
    (root / "out").symlink_to(tmp_path / "secret")
    with rooted(root) as session:
        for path in ("/out", "/../secret", "../../secret", str(tmp_path / "secret")):
            assert checksums(session, "check-file-name", path, "md5", 0, 0, 0) == NO_SUCH_FILE, path
            assert session.status(EXTENDED, text("copy-file") + text(path) + text("/got") + b"\0") == NO_SUCH_FILE
        for path in ("/out", "/file/../out"):
            assert session.status(EXTENDED, text("copy-file") + text("/file") + text(path) + b"\1") == NO_SUCH_FILE
        assert session.end() == 0
    assert not (root / "got").exists() and (tmp_path / "secret").read_bytes() == b"data"
