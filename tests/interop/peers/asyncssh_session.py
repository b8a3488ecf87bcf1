"""A session of AsyncSSH's with terminal, environment, window change, break and signals: what the server says goes to
stdout, and what else it tells as lines of our own."""

import argparse
import asyncio
import sys

import asyncssh

MODES = {asyncssh.PTY_ECHO: 0, asyncssh.PTY_OP_OSPEED: 38400}


class Session(asyncssh.SSHClientSession):
    def connection_made(self, chan):
        self._chan, self._seen, self.closed = chan, "", asyncio.get_running_loop().create_future()

    def data_received(self, data, datatype):
        sys.stdout.write(data)
        first = "ready" not in self._seen
        self._seen += data
        if first and "ready" in self._seen:
            self._chan.change_terminal_size(132, 43, 5, 6)
            self._chan.send_break(700)
            self._chan.send_signal("USR1")
            self._chan.terminate()

    def xon_xoff_requested(self, client_can_do):
        print("xon-xoff", int(client_can_do))

    def exit_signal_received(self, signal, core_dumped, msg, lang):
        print("ended by", signal, int(core_dumped), msg)

    def connection_lost(self, exc):
        self.closed.set_result(exc)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--known-hosts", required=True)
    args = parser.parse_args()
    async with asyncssh.connect("127.0.0.1", args.port, config=None, username=args.user, client_keys=[args.identity],
                                known_hosts=args.known_hosts, agent_path=None) as conn:
        _, session = await conn.create_session(Session, "report", term_type="ansi", term_size=(100, 30, 1, 2),
                                               term_modes=MODES, env={"LC_A": "1"})
        assert await session.closed is None


asyncio.run(main())
