#!/usr/bin/env python3
"""Writes down what real peers say when they log in and run a command, for tests/unit/engine/test_transcripts.c.

    capture_transcripts.py FOLDER

Each client logs in to the raw server and the raw client to each server; the messages of both sides go to FOLDER in plain, a
line each: "version" or "c" (from the client) or "s" (from the server), and the bytes in hex. Random values and keys
differ from run to run, what is replayed does not depend on them. A peer that is not installed is passed over.
"""

import pathlib
import sys
import tempfile

import _pytest.outcomes

import clients
import servers
from harness import KeyFile
from raw_bed import Bed
from raw_ciphers import MACS, SUITES
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_FAILURE, CHANNEL_OPEN,
                     CHANNEL_OPEN_CONFIRMATION, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_WINDOW_ADJUST, EXT_INFO,
                     GLOBAL_REQUEST, REQUEST_FAILURE, SERVICE_REQUEST, USERAUTH_FAILURE, USERAUTH_PK_OK,
                     USERAUTH_REQUEST, USERAUTH_SUCCESS, Ended, Fields, public_blob)
from raw_dialogue import Dialogue

OFFER = {"ciphers": list(dict.fromkeys(cipher for cipher, _ in SUITES)), "macs": list(MACS)}
STARTS = ("exec", "shell", "subsystem")


def answer_auth(peer, payload):
    fields = Fields(payload)
    _, _, method = (fields.text() for _ in range(3))
    if method != "publickey":
        peer.send(USERAUTH_FAILURE, "publickey", False)
        return
    signed, alg, blob = fields.boolean(), fields.text(), fields.string()
    peer.send(*((USERAUTH_SUCCESS,) if signed else (USERAUTH_PK_OK, alg, blob)))


def answer_request(peer, payload, channel):
    fields = Fields(payload)
    fields.u32()
    name, want_reply = fields.text(), fields.boolean()
    if want_reply:
        peer.send(CHANNEL_SUCCESS if name in STARTS else CHANNEL_FAILURE, channel)
    if name in STARTS:
        peer.send(CHANNEL_WINDOW_ADJUST, channel, 1000)
        peer.send(CHANNEL_DATA, channel, "hello\n")
        peer.send(CHANNEL_REQUEST, channel, "exit-status", False, 0)
        peer.send(CHANNEL_EOF, channel)
        peer.send(CHANNEL_CLOSE, channel)


def serve(peer):
    """A whole session of one client, to its end."""
    peer.handshake()
    peer.send(EXT_INFO, 1, "server-sig-algs", "ssh-ed25519")
    channel = None
    try:
        while True:
            payload = peer.read()
            if payload[0] == SERVICE_REQUEST:
                peer.send(6, "ssh-userauth")
            elif payload[0] == USERAUTH_REQUEST:
                answer_auth(peer, payload)
            elif payload[0] == CHANNEL_OPEN:
                fields = Fields(payload)
                fields.text()
                channel = fields.u32()
                peer.send(CHANNEL_OPEN_CONFIRMATION, channel, 0, 0, 2**15)
            elif payload[0] == CHANNEL_REQUEST:
                answer_request(peer, payload, channel)
            elif payload[0] == GLOBAL_REQUEST and Fields(payload).text() and payload[-1] == 1:
                peer.send(REQUEST_FAILURE)
            elif payload[0] == CHANNEL_CLOSE:
                peer.sock.shutdown(1)
    except Ended:
        pass


def log_in(bed, peer):
    """The same from the other side."""
    peer.handshake()
    peer.request_service()
    peer.ask(bed.user, "none")
    peer.ask(bed.user, "publickey", False, "ssh-ed25519", public_blob(bed.key))
    peer.send_payload(peer.signed_request(bed.user, bed.key))
    assert peer.answer_to_auth()[0] == USERAUTH_SUCCESS
    channel = peer.open_session()
    peer.send(CHANNEL_REQUEST, channel, "exec", True, bed.server.command("hello"))
    peer.read_until(CHANNEL_CLOSE)
    peer.send(CHANNEL_CLOSE, channel)


def write(path, peer, work):
    """The temporary folder, which a server may name in a debug message, is of no interest to others."""
    sides = "cs" if peer.server else "sc"
    folder = str(work).encode()
    lines = [f"version {peer.peer_version.encode().hex()}"]
    lines += [f"{sides[ours]} {payload.replace(folder, b'/' + b'x' * (len(folder) - 1)).hex()}" for ours, payload in peer.tape]
    path.write_text("\n".join(lines) + "\n")
    print(path, len(lines))


def capture_client(folder, work, identity, kind):
    home = work / f"client-{kind.name}"
    home.mkdir()
    with Dialogue(home, identity, kind) as dialogue, dialogue.raw.accept(**OFFER) as peer:
        serve(peer)
        write(folder / f"client-{kind.name}.txt", peer, work)


def capture_server(folder, work, identity, account, kind):
    home = work / f"server-{kind.name}"
    home.mkdir()
    server = kind(home, identity, "/dev/null", account)
    try:
        bed = Bed(server)
        with bed.connect(**OFFER) as peer:
            log_in(bed, peer)
            write(folder / f"server-{kind.name}.txt", peer, work)
    finally:
        server.stop()


def main():
    folder = pathlib.Path(sys.argv[1])
    account = servers.TestAccount()
    try:
        with tempfile.TemporaryDirectory() as name:
            work = pathlib.Path(name)
            work.chmod(0o755)
            identity = KeyFile(work, "identity")
            jobs = [(capture_client, (folder, work, identity, kind)) for kind in clients.ALL]
            jobs += [(capture_server, (folder, work, identity, account, kind)) for kind in servers.PLAIN]
            for job, arguments in jobs:
                try:
                    job(*arguments)
                except _pytest.outcomes.Skipped as skipped:
                    print(arguments[-1].name, skipped)
    finally:
        account.remove()


if __name__ == "__main__":
    main()
