#!/usr/bin/env python3
"""Writes the seeds of fuzz_sftp_client: a good server's replies to what the target asks, in each version.

usage: make_sftp_client_seeds.py tests/fuzz/corpus/sftp_client"""

import pathlib
import struct
import sys

STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 101, 102, 103, 104, 105, 201
REGULAR, FOLDER = 1, 2


def u32(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def u64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def string(data):
    return u32(len(data)) + data


def reply(kind, number, body):
    return u32(len(body) + 5) + bytes([kind]) + u32(number) + body


def status(number, code):
    return reply(STATUS, number, u32(code) + string(b"said") + string(b"en"))


def attrs(version, kind):
    mode = {REGULAR: 0o100644, FOLDER: 0o40755}[kind]
    if version == 3:
        return u32(0xF) + u64(70000) + u32(1, 2) + u32(mode) + u32(3, 4)
    times = u64(5) + u32(6) + u64(7) + u32(8)
    return u32(0x1AD) + bytes([kind]) + u64(70000) + string(b"owner") + string(b"group") + u32(mode & 0o777) + times


def names(version, *entries):
    body = u32(len(entries))
    for name, kind in entries:
        body += string(name) + (string(name) if version == 3 else b"") + attrs(version, kind)
    return body


def session(version):
    """Replies in the order in which the requests are made: 0 to 8 at first, and what follows from the replies."""
    return b"".join([
        reply(ATTRS, 0, attrs(version, REGULAR)), status(1, 0), reply(NAME, 2, names(version, (b"/", FOLDER))),
        reply(HANDLE, 3, string(b"d")), reply(EXTENDED_REPLY, 4, u64(*range(11))),
        reply(EXTENDED_REPLY, 5, u32(2) + u64(0, 10, 20, 30) + b"\1"), reply(HANDLE, 6, string(b"f")),
        reply(ATTRS, 7, attrs(version, FOLDER)), reply(HANDLE, 8, string(b"g")),
        reply(NAME, 9, names(version, (b"x", REGULAR), (b"..", FOLDER), (b"y", FOLDER))),
        reply(DATA, 10, string(b"data" * 4096)), reply(DATA, 11, string(b"")), reply(HANDLE, 12, string(b"h")),
        reply(NAME, 13, names(version, (b"x1", REGULAR), (b"sub", FOLDER))), status(14, 1), status(15, 1), status(16, 1),
        *(status(number, number % 3) for number in range(17, 30))])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for version in (3, 4, 5, 6):
        for piece in (0, 63):
            (folder / f"v{version}_{piece}").write_bytes(bytes([version - 3 | piece << 2]) + session(version))


main()
