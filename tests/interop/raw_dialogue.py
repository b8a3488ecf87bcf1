"""A client under test and the raw server that it talks to; and the states in which a test may break a rule."""

import subprocess

import clients
from harness import HOST, clean_environment, known_hosts_line, limit_child, under_limits
from raw_ssh import (CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION, CHANNEL_REQUEST, CHANNEL_SUCCESS, KEX_INIT,
                     USERAUTH_REQUEST, Fields, RawServer, public_line)

OWN_FAILURE = 255
WINDOW, PACKET = 2**21, 2**15


class Dialogue:
    """A client that talks to the raw server: accept() takes its connection, and finish() its end."""

    def __init__(self, folder, identity, kind=clients.Sshio, *, host_key=None, options=()):
        self.raw = RawServer()
        self.port, self.user, self.identity = self.raw.port, "somebody", identity
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(known_hosts_line(self.port, public_line(host_key or self.raw.host_key)))
        argv = kind(folder).argv(self, "whatever", None)
        if options:
            place = argv.index(HOST)
            argv = [*argv[:place], *options, *argv[place:]]
        self.child = subprocess.Popen(under_limits(argv, 60), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, env=clean_environment(), preexec_fn=limit_child)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.listener.close()
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()

    def at(self, state, **how):
        peer = self.raw.accept(**how)
        STATES[state](peer)
        return peer

    def finish(self):
        out, err = self.child.communicate(timeout=60)
        assert "Sanitizer" not in err.decode(errors="replace"), err
        return self.child.returncode, out, err.decode()

    def check_failed(self, text=""):
        """The client says so and exits with 255."""
        status, out, err = self.finish()
        assert status == OWN_FAILURE and text in err, (status, out, err)
        return err


# ---- states of a server's connection ----

def at_version(peer):
    pass


def at_kexinit(peer):
    peer.exchange_versions()


def at_kex(peer):
    at_kexinit(peer)
    peer.exchange_kexinits()
    peer.read_until(KEX_INIT)


def at_newkeys(peer):
    """Only our NEWKEYS is missing."""
    at_kexinit(peer)
    peer.exchange_kexinits()
    peer.serve_kex_init()
    peer.take_newkeys()


def at_service(peer):
    peer.handshake()


def at_auth(peer):
    at_service(peer)
    peer.accept_service()
    peer.read_until(USERAUTH_REQUEST)
    peer.look()


def at_open(peer):
    """Logged in; the client's channel is being opened."""
    at_service(peer)
    peer.let_in()
    fields = Fields(peer.read_until(CHANNEL_OPEN))
    assert fields.text() == "session" and fields.u32() == 0


def at_channel(peer, window=WINDOW, max_packet=PACKET):
    """Its command runs, on its channel 0, which is our 5."""
    at_open(peer)
    peer.send(CHANNEL_OPEN_CONFIRMATION, 0, 5, window, max_packet)
    fields = Fields(peer.read_until(CHANNEL_REQUEST))
    assert fields.u32() == 5
    while fields.text() != "exec":
        fields = Fields(peer.read_until(CHANNEL_REQUEST))
        fields.u32()
    if fields.boolean():
        peer.send(CHANNEL_SUCCESS, 0)
    peer.look()


def at_rekey(peer):
    at_channel(peer)
    peer.exchange_kexinits()
    peer.read_until(KEX_INIT)


STATES = {"version": at_version, "kexinit": at_kexinit, "kex": at_kex, "newkeys": at_newkeys, "service": at_service,
          "auth": at_auth, "open": at_open, "channel": at_channel, "rekey": at_rekey}
