"""An AsyncSSH client: one command with this program's own streams, or many sessions at once."""

import argparse
import asyncio
import sys

import asyncssh


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
    parser.add_argument("--known-hosts", required=True)
    parser.add_argument("--rekey", default="1g")
    parser.add_argument("--compression", action="append")
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("command", nargs="?")
    args = parser.parse_args()
    conn = await asyncssh.connect(
        "127.0.0.1", args.port, config=None, username=args.user, known_hosts=args.known_hosts,
        client_keys=[args.identity] if args.identity else None, password=args.password, agent_path=None,
        rekey_bytes=args.rekey, compression_algs=args.compression or ())
    async with conn:
        if args.sessions:
            return await run_sessions(conn, args.sessions)
        return await run_command(conn, args.command)


sys.exit(asyncio.run(main()))
