"""A paramiko SFTP client: what its users do, with what came of it on the disk; or a tree there or back."""

import argparse
import hashlib
import io
import os
import pathlib
import shutil
import stat

import paramiko


def transfers(sftp, here):
    data = os.urandom(3000000)
    sftp.putfo(io.BytesIO(data), "file", file_size=len(data))
    assert (here / "file").read_bytes() == data
    back = io.BytesIO()
    sftp.getfo("file", back, prefetch=True)
    assert back.getvalue() == data
    with sftp.open("file", "r") as file:
        assert file.readv([(0, 100), (2999990, 100), (70000, 65536)]).__next__() == data[:100]
        assert file.stat().st_size == len(data)
        for name in ("sha256", "sha1", "md5"):
            assert file.check(name) == hashlib.new(name, data).digest()
        assert file.check("md5", 10, 600, 256) == b"".join(hashlib.md5(data[at:min(at + 256, 610)]).digest() for at in (10, 266, 522))
    with sftp.open("piped", "w") as file:
        file.set_pipelined(True)
        for at in range(0, len(data), 30000):
            file.write(data[at:at + 30000])
    assert (here / "piped").read_bytes() == data
    with sftp.open("file", "a") as file:
        file.write(b"end")
    assert (here / "file").stat().st_size == len(data) + 3
    sftp.truncate("file", 5)
    assert (here / "file").read_bytes() == data[:5]


def names(sftp, here):
    sftp.chmod("file", 0o600)
    sftp.chown("file", os.getuid(), os.getgid())
    sftp.utime("file", (100, 200))
    found = sftp.stat("file")
    assert (found.st_size, found.st_mode & 0o777, found.st_atime, found.st_mtime) == (5, 0o600, 100, 200)
    sftp.symlink("file", "link")
    assert os.readlink(here / "link") == "file" and sftp.readlink("link") == "file" and sftp.lstat("link").st_size == 4
    sftp.mkdir("dir", 0o711)
    for number in range(300):
        (here / "dir" / str(number)).touch()
    assert {entry.filename for entry in sftp.listdir_iter("dir")} == {str(number) for number in range(300)}
    sftp.rename("link", "dir/link")
    try:
        sftp.rename("dir/link", "file")
        raise AssertionError("a rename replaced a file")
    except OSError:
        pass
    sftp.posix_rename("dir/link", "file")
    sftp.remove("file")
    assert sftp.normalize("dir/..") == str(here)
    for call in (lambda: sftp.stat("none"), lambda: sftp.open("none"), lambda: sftp.listdir("none")):
        try:
            call()
            raise AssertionError("no error")
        except FileNotFoundError:
            pass


class Disk:
    """The local side of a copy, with the names of the remote one."""

    lstat, listdir, readlink, symlink = map(staticmethod, (os.lstat, os.listdir, os.readlink, os.symlink))
    mkdir, chmod, utime, open = map(staticmethod, (os.mkdir, os.chmod, os.utime, open))


def copy_tree(source, target, one, other):
    """Content, links, permissions and times."""
    found = one.lstat(source)
    if stat.S_ISLNK(found.st_mode):
        other.symlink(one.readlink(source), target)
        return
    if stat.S_ISDIR(found.st_mode):
        other.mkdir(target)
        for name in one.listdir(source):
            copy_tree(f"{source}/{name}", f"{target}/{name}", one, other)
    else:
        with one.open(source, "rb") as reader, other.open(target, "wb") as writer:
            if isinstance(one, paramiko.SFTPClient):
                reader.prefetch(found.st_size)
            else:
                writer.set_pipelined(True)
            shutil.copyfileobj(reader, writer, 32768)
    other.chmod(target, stat.S_IMODE(found.st_mode))
    other.utime(target, (found.st_mtime, found.st_mtime))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("--user", "--identity", "--known-hosts"):
        parser.add_argument(name, required=True)
    parser.add_argument("--folder", type=pathlib.Path, help="where to try everything")
    for name in ("--put", "--get"):
        parser.add_argument(name, nargs=2)
    args = parser.parse_args()
    transport = paramiko.Transport(("127.0.0.1", args.port))
    key = paramiko.HostKeys(args.known_hosts).lookup(f"[127.0.0.1]:{args.port}")["ssh-ed25519"]
    transport.connect(key, args.user, pkey=paramiko.Ed25519Key.from_private_key_file(args.identity))
    sftp = paramiko.SFTPClient.from_transport(transport)
    if args.put:
        copy_tree(*args.put, Disk, sftp)
    if args.get:
        copy_tree(*args.get, sftp, Disk)
    if args.folder:
        sftp.chdir(str(args.folder))
        transfers(sftp, args.folder)
        names(sftp, args.folder)
    transport.close()


main()
