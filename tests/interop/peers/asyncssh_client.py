"""An AsyncSSH client: one command with this program's own streams, or many sessions at once."""

import argparse
import asyncio
import sys

import asyncssh


class Client(asyncssh.SSHClient):
    """Answers what it was given answers for, and says on stderr what it was asked."""

    def __init__(self, args):
        self._args = args
        self._dialogues = 0

    def kbdint_auth_requested(self):
        self._dialogues += 1
        if not self._args.answer:
            return NotImplemented
        return "" if self._dialogues == 1 else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        print("challenge", name, instructions, prompts, file=sys.stderr)
        return [self._args.answer.pop(0) for _ in prompts]

    def password_change_requested(self, prompt, lang):
        print("change", prompt, file=sys.stderr)
        return self._args.password, self._args.new.pop(0)

    def password_changed(self):
        print("password_changed", file=sys.stderr)

    def password_change_failed(self):
        print("password_change_failed", file=sys.stderr)


async def run_command(conn, command):
    process = await conn.create_process(command, encoding=None, stdin=sys.stdin.buffer, stdout=sys.stdout.buffer,
                                        stderr=sys.stderr.buffer)
    result = await process.wait()
    return result.exit_status


async def talk(conn, number, barrier):
    """Opens `cat`, waits until all are open, and expects its own line back."""
    process = await conn.create_process("cat", encoding="utf-8")
    await barrier()
    process.stdin.write(f"line {number}\n")
    process.stdin.write_eof()
    result = await process.wait()
    assert result.exit_status == 0 and result.stdout == f"line {number}\n", (number, result.exit_status, result.stdout)


async def run_sessions(conn, count):
    opened, everybody = 0, asyncio.Event()

    async def barrier():
        nonlocal opened
        opened += 1
        if opened == count:
            everybody.set()
        await everybody.wait()

    await asyncio.gather(*[talk(conn, number, barrier) for number in range(count)])
    print("sessions", count)
    return 0


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--identity")
    parser.add_argument("--password")
    parser.add_argument("--new", action="append", default=[], help="password to change to")
    parser.add_argument("--answer", action="append", default=[], help="to keyboard-interactive prompts, in order")
    parser.add_argument("--known-hosts", required=True)
    parser.add_argument("--rekey", default="1g")
    parser.add_argument("--compression", action="append")
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("command", nargs="?")
    args = parser.parse_args()
    conn = await asyncssh.connect(
        "127.0.0.1", args.port, config=None, username=args.user, known_hosts=args.known_hosts,
        client_keys=[args.identity] if args.identity else None, password=args.password, agent_path=None,
        rekey_bytes=args.rekey, compression_algs=args.compression or (), client_factory=lambda: Client(args))
    async with conn:
        if args.sessions:
            return await run_sessions(conn, args.sessions)
        return await run_command(conn, args.command)


sys.exit(asyncio.run(main()))
