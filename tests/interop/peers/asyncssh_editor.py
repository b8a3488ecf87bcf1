"""What VS Code does: a shell without terminal that reads a script from stdin, and connections through the server beside
it, all on one connection. Prints what the script said, and what came back through each forwarded connection."""

import argparse
import asyncio

import asyncssh

SCRIPT = """echo "script in $PWD with $SSH_CONNECTION"
read line
echo "line $line"
exit 3
"""


async def through(conn, port, text):
    reader, writer = await conn.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "echo-port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("user", "identity", "known-hosts"):
        parser.add_argument(f"--{name}", required=True)
    o = parser.parse_args()
    async with asyncssh.connect("127.0.0.1", o.port, username=o.user, client_keys=[o.identity], known_hosts=o.known_hosts,
                                config=None, agent_path=None) as conn:
        process = await conn.create_process("sh")
        process.stdin.write(SCRIPT)
        print((await process.stdout.readline()).strip())
        print(*await asyncio.gather(*[through(conn, o.echo_port, b"text %d" % number) for number in range(5)]), sep="\n")
        process.stdin.write("from stdin\n")
        print((await process.stdout.readline()).strip())
        await process.wait()
        print("status", process.exit_status)


asyncio.run(asyncio.wait_for(main(), 40))
