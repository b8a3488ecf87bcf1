"""An AsyncSSH server of files, in the version that is asked for. Prints `listening PORT`, then serves until it is ended."""

import argparse
import asyncio

import asyncssh


class ShortReads(asyncssh.SFTPServer):
    """Never gives more than 4096 bytes at a time."""

    def read(self, file_obj, offset, size):
        return super().read(file_obj, offset, min(size, 4096))


class FailingWrite(asyncssh.SFTPServer):
    """One block in the middle of a file cannot be written; those around it can."""

    def write(self, file_obj, offset, data):
        if offset <= 1000000 < offset + len(data):
            raise asyncssh.SFTPError(4, "this block is not for writing")
        return super().write(file_obj, offset, data)


class OddStatus(asyncssh.SFTPServer):
    """Answers with a status that nobody has heard of."""

    def stat(self, path):
        raise asyncssh.SFTPError(99, "ninety-nine")


KINDS = {"plain": asyncssh.SFTPServer, "short": ShortReads, "failing": FailingWrite, "odd": OddStatus}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-key", required=True)
    parser.add_argument("--authorized-keys", required=True)
    parser.add_argument("--kind", default="plain")
    args = parser.parse_args()
    server = await asyncssh.listen(
        "127.0.0.1", 0, config=None, server_host_keys=[args.host_key], authorized_client_keys=args.authorized_keys,
        sftp_factory=KINDS[args.kind], sftp_version=6, allow_scp=True)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


asyncio.run(main())
