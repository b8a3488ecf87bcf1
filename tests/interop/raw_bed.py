"""A server under test and the ways onto it for the raw peer; and the states in which a test may break a rule."""

import re

from harness import child_of
from raw_ssh import (DEBUG, EXT_INFO, IGNORE, UNIMPLEMENTED, Ended, Plain, connect, load_key, message)


class Bed:
    def __init__(self, server):
        self.server, self.user = server, server.user
        self.key = load_key(server.identity.path)

    def connect(self, **how):
        return connect(self.server.port, **how)

    def at(self, state, **how):
        """A connection that has come as far as the state."""
        peer = self.connect(**how)
        STATES[state](self, peer)
        return peer

    def check_serves(self):
        """Somebody else can log in and open a session."""
        with self.at("open") as peer:
            peer.open_session()

    # ---- the process ----

    def pid(self):
        """Of the server: timeout(1) has started it."""
        return child_of(self.server.daemon.child.pid)

    def memory(self):
        """KiB that the server holds, its share of what others hold too not counted (PSS)."""
        text = open(f"/proc/{self.pid()}/smaps_rollup").read()
        return int(re.search(r"^Pss_Anon:\s+(\d+)", text, re.MULTILINE).group(1))


# ---- states of a client's connection, each from the one before it ----

def at_version(bed, peer):
    pass


def at_kexinit(bed, peer):
    peer.exchange_versions()


def at_kex(bed, peer):
    at_kexinit(bed, peer)
    peer.exchange_kexinits()


def at_newkeys(bed, peer):
    at_kex(bed, peer)
    peer.send_kex_init()
    peer.take_kex_reply()
    peer.take_newkeys()


def at_service(bed, peer):
    peer.handshake()


def at_auth(bed, peer):
    at_service(bed, peer)
    peer.request_service()
    peer.look()


def at_open(bed, peer):
    at_service(bed, peer)
    peer.login_with_key(bed.user, bed.key)


def at_rekey(bed, peer):
    at_open(bed, peer)
    peer.exchange_kexinits()


def at_rekey_newkeys(bed, peer):
    at_rekey(bed, peer)
    peer.send_kex_init()
    peer.take_kex_reply()
    peer.take_newkeys()


STATES = {"version": at_version, "kexinit": at_kexinit, "kex": at_kex, "newkeys": at_newkeys, "service": at_service,
          "auth": at_auth, "open": at_open, "rekey": at_rekey, "rekey-newkeys": at_rekey_newkeys}

# Messages that mean nothing, and that strict key exchange forbids all the same.
OPTIONAL = {"ignore": message(IGNORE, "x"), "debug": message(DEBUG, False, "x", ""),
            "unimplemented": message(UNIMPLEMENTED, 0)}
OPTIONAL_AND_EXT_INFO = {**OPTIONAL, "ext-info": message(EXT_INFO, 0)}

LONGEST = Plain(b"\xff\xff\xff\xff")    # a length or count that nothing can have


def check_ended(peer, *reasons):
    """The other side ends the connection, with a DISCONNECT of one of these reasons. Returns how."""
    ended = peer.end()
    assert ended.reason in reasons, f"{ended!r} after {ended.before}"
    return ended


def is_alive(peer):
    try:
        peer.settle()
    except Ended:
        return False
    return True
