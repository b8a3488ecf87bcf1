"""An AsyncSSH server of files, in the version that is asked for, or of a program that speaks SFTP. Prints `listening PORT`, then
serves until it is ended."""

import argparse
import asyncio
import sys

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


class Program(asyncssh.SSHServerSession):
    """A program that speaks SFTP. What it says on stderr becomes extended data of the channel."""

    def __init__(self, words):
        self.words, self.received, self.may_write = words, asyncio.Queue(), asyncio.Event()
        self.may_write.set()

    def connection_made(self, chan):
        self.chan = chan

    def subsystem_requested(self, subsystem):
        return subsystem == "sftp"

    def session_started(self):
        self.running = asyncio.ensure_future(self.serve())

    def data_received(self, data, datatype):
        self.received.put_nowait(data)

    def eof_received(self):
        self.received.put_nowait(b"")
        return True

    def pause_writing(self):
        self.may_write.clear()

    def resume_writing(self):
        self.may_write.set()

    def connection_lost(self, exc):
        self.running.cancel()

    async def serve(self):
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(sys.executable, *self.words, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            await asyncio.gather(self.feed(child.stdin), self.pass_on(child.stdout, self.chan.write), self.pass_on(child.stderr, self.chan.write_stderr))
            self.chan.exit(await child.wait())
        finally:
            if child.returncode is None:
                child.kill()

    async def feed(self, stdin):
        while data := await self.received.get():
            stdin.write(data)
            await stdin.drain()
        stdin.close()

    async def pass_on(self, source, write):
        while data := await source.read(65536):
            await self.may_write.wait()
            write(data)


class ProgramServer(asyncssh.SSHServer):
    words = []

    def session_requested(self):
        return Program(self.words)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-key", required=True)
    parser.add_argument("--authorized-keys", required=True)
    parser.add_argument("--kind", default="plain")
    parser.add_argument("--program", nargs="+")
    args = parser.parse_args()
    ProgramServer.words = args.program
    serving = {"server_factory": ProgramServer, "encoding": None} if args.program else {
        "sftp_factory": KINDS[args.kind], "sftp_version": 6, "allow_scp": True}
    server = await asyncssh.listen(
        "127.0.0.1", 0, config=None, server_host_keys=[args.host_key], authorized_client_keys=args.authorized_keys, **serving)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


asyncio.run(main())
