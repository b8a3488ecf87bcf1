"""An AsyncSSH SFTP client in one version: everything that it can do, with what came of it on the disk; or a tree there or back."""

import argparse
import asyncio
import os
import pathlib
import stat

import asyncssh
from asyncssh import sftp as names


async def fails(kind, call):
    """The call fails with just this exception."""
    try:
        await call
    except asyncssh.SFTPError as error:
        assert type(error) is kind, (type(error), error)
        return
    raise AssertionError(f"no {kind.__name__}")


async def files(sftp, here):
    data = os.urandom(1000000)
    async with sftp.open("file", "wb") as file:
        await file.write(data)
        assert await file.tell() == len(data)
    assert (here / "file").read_bytes() == data
    async with sftp.open("file", "rb") as file:
        assert await file.read(1000, 5000) == data[5000:6000] and await file.read() == data[6000:]
        assert (await file.stat()).size == len(data)
        vfs = await file.statvfs()
        assert vfs.bsize == os.statvfs(here).f_bsize and vfs.files == os.statvfs(here).f_files
        await file.fsync()
    async with sftp.open("file", "ab") as file:
        await file.write(b"end", 5)
    assert (here / "file").read_bytes() == data + b"end"
    await sftp.truncate("file", 3)
    assert (here / "file").read_bytes() == data[:3]
    async with sftp.open("file", "r+b") as file:
        await file.truncate(10)
        await file.chmod(0o640)
        await file.utime((5, 6))
    found = (here / "file").stat()
    assert found.st_size == 10 and found.st_mode & 0o777 == 0o640 and (found.st_atime, found.st_mtime) == (5, 6)
    await fails(asyncssh.SFTPFailure if sftp.version == 3 else names.SFTPFileAlreadyExists, sftp.open("file", "xb"))
    await fails(asyncssh.SFTPNoSuchFile, sftp.open("none", "rb"))


async def attributes(sftp, here):
    await sftp.chmod("file", 0o4711)
    await sftp.chown("file", os.getuid(), os.getgid())
    if sftp.version >= 4:
        await sftp.utime("file", ns=(1_111_111_111_123_456_789, 3_000_000_001))
        assert (here / "file").stat().st_mtime_ns == 3_000_000_001 and (here / "file").stat().st_atime_ns == 1_111_111_111_123_456_789
    await sftp.chmod("file", 0o4711)
    attrs, found = await sftp.stat("file"), (here / "file").stat()
    assert attrs.size == found.st_size and attrs.permissions & 0o7777 == 0o4711 and attrs.type == names.FILEXFER_TYPE_REGULAR
    if sftp.version == 3:
        assert attrs.permissions == found.st_mode and (attrs.uid, attrs.gid) == (found.st_uid, found.st_gid)
    else:
        assert attrs.owner == "root" or os.getuid() != 0
        assert attrs.mtime == found.st_mtime_ns // 10**9 and attrs.mtime_ns == found.st_mtime_ns % 10**9
    if sftp.version == 6:
        assert attrs.nlink == 1 and attrs.ctime == int(found.st_ctime)
    for owner in (("no such user", "root"), ("root", "no such group")) if sftp.version >= 4 else ():
        kind = names.SFTPFailure if sftp.version < 6 else names.SFTPOwnerInvalid if owner[1] == "root" else names.SFTPGroupInvalid
        await fails(kind, sftp.setstat("file", names.SFTPAttrs(owner=owner[0], group=owner[1])))
    if sftp.version == 6:
        await fails(names.SFTPOpUnsupported, sftp.setstat("file", names.SFTPAttrs(nlink=2)))


async def links(sftp, here):
    await sftp.symlink(here / "file", here / "symbolic")    # it composes the wrong one of both

    assert os.readlink(here / "symbolic") == str(here / "file") and await sftp.readlink("symbolic") == str(here / "file")
    assert (await sftp.lstat("symbolic")).type == names.FILEXFER_TYPE_SYMLINK
    await sftp.link("file", "hard")
    assert (here / "hard").stat().st_ino == (here / "file").stat().st_ino
    await fails(names.SFTPFailure if sftp.version == 3 else names.SFTPFileAlreadyExists, sftp.rename("symbolic", "hard"))
    await sftp.posix_rename("symbolic", "hard")
    assert os.readlink(here / "hard") == str(here / "file")
    await sftp.remove("hard")


async def directories(sftp, here):
    await sftp.makedirs("a/b/c")
    await sftp.mkdir("mode", names.SFTPAttrs(permissions=0o700))
    assert (here / "mode").stat().st_mode & 0o777 == 0o700
    for number in range(700):
        (here / "a" / f"name-{number}").touch()
    found = sorted(await sftp.listdir("a"))
    assert found == sorted([".", "..", *os.listdir(here / "a")])
    entries = {entry.filename: entry for entry in await sftp.readdir("a")}
    assert entries["b"].attrs.type == names.FILEXFER_TYPE_DIRECTORY
    if sftp.version == 3:
        line = entries["name-1"].longname
        assert line[56:] == "name-1" and line.startswith("-rw-"), line
    await fails(names.SFTPFailure if sftp.version < 6 else names.SFTPDirNotEmpty, sftp.rmdir("a"))
    await sftp.rmtree("a")
    await sftp.rmdir("mode")
    assert not (here / "a").exists()
    assert await sftp.realpath("x/../file") == str(here / "file")
    if sftp.version == 6:
        real = await sftp.realpath("file", check=names.FXRP_STAT_ALWAYS)
        assert os.fsdecode(real.filename) == str(here / "file") and real.attrs.size == 10, (real, here)
    await fails(names.SFTPNoSuchFile if sftp.version < 6 else names.SFTPNotADirectory, sftp.listdir("file"))


async def odd_names(sftp, here):
    for name in ("with space", "new\nline", "-dash", "\u00fcml\u00e4ut", "x" * 255, "quote'\"`$(id)", "tab\t", "*?[a]"):
        async with sftp.open(name, "wb") as file:
            await file.write(name.encode())
        assert (here / name).read_bytes() == name.encode() and name in await sftp.listdir(".")
        await sftp.remove(name)
    raw = b"\xff\xfe not utf-8"
    async with sftp.open(raw, "wb") as file:
        await file.write(b"x")
    assert raw in os.listdir(os.fsencode(here)) and raw in await sftp.listdir(b".")
    await sftp.remove(raw)


async def locks(sftp, here):
    async with sftp.open("file", "r+b") as file:
        if sftp.version < 6:
            return
        flags = 0x240    # FXF_BLOCK_READ and FXF_BLOCK_ADVISORY, which it has no names for
        await file.lock(0, 10, flags)
        async with sftp.open("file", "r+b") as other:
            await fails(names.SFTPByteRangeLockRefused, other.lock(5, 1, flags))
            await fails(names.SFTPNoMatchingByteRangeLock, other.unlock(5, 1))
        await file.unlock(0, 10)


async def check(sftp, here):
    await sftp.chdir(str(here))
    for part in (files, attributes, links, directories, odd_names, locks):
        await part(sftp, here)
        print(part.__name__)
    tree = here / "tree"
    await sftp.put(str(here / "source"), "tree", recurse=True, preserve=True)
    await sftp.get("tree", str(here / "back"), recurse=True, preserve=True)
    assert stat.S_ISDIR(tree.stat().st_mode)


async def main():
    parser = argparse.ArgumentParser()
    for name in ("--port", "--version"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--user", "--identity", "--known-hosts"):
        parser.add_argument(name, required=True)
    parser.add_argument("--folder", type=pathlib.Path, help="where to try everything")
    for name in ("--put", "--get"):
        parser.add_argument(name, nargs=2, type=os.fsencode)
    args = parser.parse_args()
    async with asyncssh.connect("127.0.0.1", args.port, username=args.user, client_keys=[args.identity],
                                known_hosts=args.known_hosts, config=None) as conn:
        async with conn.start_sftp_client(sftp_version=args.version) as sftp:
            assert sftp.version == args.version
            if args.put:
                await sftp.put(*args.put, recurse=True, preserve=True)
            if args.get:
                await sftp.get(*args.get, recurse=True, preserve=True)
            if args.folder:
                await check(sftp, args.folder)


asyncio.run(main())
