"""What an AsyncSSH client sees of open files on a server: a line for each observation, for comparing servers with each other."""

import argparse
import asyncio

import asyncssh

MODES = ["r", "w", "a", "x", "r+", "w+", "a+", "x+", "rb", "xb+"]
STEPS = {
    "write": lambda file: file.write(b"ab"),
    "tell": lambda file: file.tell(),
    "read": lambda file: file.read(4),
    "write at 1": lambda file: file.write(b"c", 1),
    "tell again": lambda file: file.tell(),
    "read at 0": lambda file: file.read(100, 0),
    "seek back": lambda file: file.seek(-3, asyncssh.SEEK_END),
    "seek on": lambda file: file.seek(1, asyncssh.SEEK_CUR),
    "read rest": lambda file: file.read(),
    "read at end": lambda file: file.read(5),
    "truncate": lambda file: file.truncate(4),
    "size": lambda file: size_of(file),
}


async def size_of(file):
    return (await file.stat()).size


async def observe(coroutine):
    """What comes of it: a value, or the class of an error."""
    try:
        return repr(await coroutine)
    except asyncssh.SFTPError as error:
        return type(error).__name__


async def try_mode(sftp, path, mode, content):
    if content is not None:
        async with sftp.open(path, "wb") as file:
            await file.write(content)
    try:
        file = await sftp.open(path, mode, encoding=None)
    except asyncssh.SFTPError as error:
        print(mode, content, "open", type(error).__name__)
        return
    for name, step in STEPS.items():
        print(mode, content, name, await observe(step(file)))
    await file.close()
    async with sftp.open(path, "rb") as file:
        print(mode, content, "left", await file.read())


async def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "user", "identity", "known-hosts", "folder", "version"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    async with asyncssh.connect("127.0.0.1", int(args.port), config=None, username=args.user, client_keys=[args.identity],
                                known_hosts=args.known_hosts) as connection:
        async with connection.start_sftp_client(sftp_version=int(args.version)) as sftp:
            for mode in MODES:
                for name, content in (("there", b"0123456789"), ("missing", None)):
                    await try_mode(sftp, f"{args.folder}/{name}-{mode}", mode, content)
    print("done")


asyncio.run(main())
