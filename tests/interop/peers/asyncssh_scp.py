"""Copies with AsyncSSH's scp: from and to are paths, and begin with a colon where they are on the server."""

import argparse
import asyncio
import sys

import asyncssh


async def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "user", "identity", "known-hosts"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--recurse", action="store_true")
    parser.add_argument("--preserve", action="store_true")
    parser.add_argument("source")
    parser.add_argument("target")
    args = parser.parse_args()
    async with asyncssh.connect("127.0.0.1", int(args.port), config=None, username=args.user, client_keys=[args.identity],
                                known_hosts=args.known_hosts) as conn:
        ends = [(conn, path[1:]) if path.startswith(":") else path for path in (args.source, args.target)]
        try:
            await asyncssh.scp(*ends, recurse=args.recurse, preserve=args.preserve)
        except (OSError, asyncssh.Error) as error:
            sys.exit(str(error))


asyncio.run(main())
