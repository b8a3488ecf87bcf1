"""An AsyncSSH server that runs shell commands. Prints `listening PORT`, then serves until it is ended."""

import argparse
import asyncio

import asyncssh


class Server(asyncssh.SSHServer):
    """"open" gets in without a login, "trivial" after a challenge that asks nothing; everybody else by the password
    ("old" has to be changed to it), or by the answers blue and 1234, and then yes."""

    def __init__(self, password):
        self._password, self._username = password, None

    def begin_auth(self, username):
        self._username = username
        return username != "open"

    def password_auth_supported(self):
        return self._password is not None

    def validate_password(self, username, password):
        if password == "old":
            raise asyncssh.PasswordChangeRequired("Your password is too old")
        return password == self._password

    def change_password(self, username, old_password, new_password):
        if new_password != self._password:
            raise asyncssh.PasswordChangeRequired("That one will not do")
        return old_password == "old"

    def kbdint_auth_supported(self):
        return self._password is not None

    def get_kbdint_challenge(self, username, lang, submethods):
        if username == "trivial":
            return "", "hello", "", []
        return "Login", "Two questions", "", [("Colour: ", True), ("PIN: ", False)]

    def validate_kbdint_response(self, username, responses):
        if len(responses) == 0:
            return True
        if len(responses) == 1:
            return ("", "Well done", "", []) if responses[0] == "yes" else False
        return ("", "", "", [("Once more: ", False)]) if responses == ["blue", "1234"] else False


async def copy_in(process, child):
    while data := await process.stdin.read(65536):
        child.stdin.write(data)
        await child.stdin.drain()
    child.stdin.close()


async def copy_out(source, target):
    while data := await source.read(65536):
        target.write(data)
        await target.drain()


async def report(process):
    """Tells what the session is told; ends by the signal that it gets."""
    size = " ".join(str(number) for number in process.term_size)
    modes = " ".join(f"{op}={value}" for op, value in sorted(process.term_modes.items()))
    process.stdout.write(f"pty {process.term_type} {size}\nmodes {modes}\n".encode())
    for name, value in sorted(process.env.items()):
        process.stdout.write(f"env {name}={value}\n".encode())
    process.channel.set_xon_xoff(True)
    process.stdout.write(b"ready\n")
    while True:
        try:
            if not await process.stdin.read(100):
                process.exit(5)
                return
        except asyncssh.TerminalSizeChanged as exc:
            process.stdout.write(f"size {exc.width} {exc.height} {exc.pixwidth} {exc.pixheight}\n".encode())
        except asyncssh.BreakReceived as exc:
            process.stdout.write(f"break {exc.msec}\n".encode())
        except asyncssh.SignalReceived as exc:
            process.stdout.write(f"signal {exc.signal}\n".encode())
            process.exit_with_signal(exc.signal, True, "as you wish")
            return


async def handle(process):
    if process.command == "report":
        await report(process)
        return
    child = await asyncio.create_subprocess_shell(
        process.command or "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    feeder = asyncio.ensure_future(copy_in(process, child))
    await asyncio.gather(copy_out(child.stdout, process.stdout), copy_out(child.stderr, process.stderr))
    status = await child.wait()
    feeder.cancel()
    process.exit(status)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-key", required=True)
    parser.add_argument("--authorized-keys", required=True)
    parser.add_argument("--password")
    parser.add_argument("--rekey", default="1g")
    args = parser.parse_args()
    server = await asyncssh.listen(
        "127.0.0.1", 0, config=None, server_factory=lambda: Server(args.password), server_host_keys=[args.host_key],
        authorized_client_keys=args.authorized_keys, process_factory=handle, encoding=None, line_editor=False, rekey_bytes=args.rekey)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


asyncio.run(main())
