"""A small SSH peer of our own on a plain socket, client or server, for tests that break the rules.

It keeps to the protocol only as far as a test asks it to: every step (version line, KEXINIT, the exchange, NEWKEYS,
logging in) is a method of its own, and between any two of them a test may send what it likes. What comes back is read
packet by packet; the end of a connection is the exception Ended, which tells how it ended and why.

    peer = connect(port)
    peer.handshake()                            versions and keys
    peer.login_with_key("user", key)
    peer.send(CHANNEL_OPEN, "session", 0, 2**20, 2**15)
    peer.settle()                               what was answered; Ended if the connection is gone

A message is its number and its fields: int is a uint32, bool a boolean, str and bytes a string, list a name-list, and
Plain(b"...") stands for itself. There is no waiting for a time: settle() sends a message with an unassigned number,
and the UNIMPLEMENTED that must come for it says that everything before it was dealt with.
(RFC 4253, RFC 4252, RFC 4254, RFC 8731, RFC 8709)
"""

import hashlib
import itertools
import os
import socket
import struct
import zlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from harness import HOST
from raw_ciphers import Clear, make_cipher

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = range(1, 8)
UNASSIGNED = 8
KEXINIT, NEWKEYS = 20, 21
KEX_INIT, KEX_REPLY = 30, 31
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER = range(50, 54)
USERAUTH_PK_OK, USERAUTH_INFO_RESPONSE = 60, 61
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = range(80, 83)
CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION, CHANNEL_OPEN_FAILURE, CHANNEL_WINDOW_ADJUST, CHANNEL_DATA, \
    CHANNEL_EXTENDED_DATA, CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE = range(90, 101)
PING, PONG = 192, 193

PATIENCE = 30    # s; longer than anything here takes, so that a hang is a failure
KEX = "curve25519-sha256"
HOST_KEY_ALG = "ssh-ed25519"
STRICT = {False: "kex-strict-c-v00@openssh.com", True: "kex-strict-s-v00@openssh.com"}
EXT_INFO_MARK = {False: "ext-info-c", True: "ext-info-s"}


class Ended(Exception):
    """The other side ended the connection. reason and text are those of its DISCONNECT, or None; how is "closed" or
    "reset"; before is what it sent since the test last looked."""

    def __init__(self, how, reason=None, text=None, before=()):
        super().__init__(how, reason, text)
        self.how, self.reason, self.text, self.before = how, reason, text, list(before)


class Plain(bytes):
    """Bytes that go into a message as they are."""


# ---- messages ----

def field(value):
    if isinstance(value, Plain):
        return bytes(value)
    if isinstance(value, bool):
        return b"\1" if value else b"\0"
    if isinstance(value, int):
        return struct.pack(">I", value)
    if isinstance(value, (list, tuple)):
        value = ",".join(value)
    if isinstance(value, str):
        value = value.encode()
    return struct.pack(">I", len(value)) + value


def message(number, *fields):
    return bytes([number]) + b"".join(map(field, fields))


def mpint(data):
    data = data.lstrip(b"\0")
    return field((b"\0" if data and data[0] & 0x80 else b"") + data)


class Fields:
    """Reads a message from its front; what is missing raises struct.error."""

    def __init__(self, payload):
        self.left = payload[1:]

    def take(self, size):
        if len(self.left) < size:
            raise struct.error("message too short")
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def boolean(self):
        return self.take(1) != b"\0"

    def string(self):
        return self.take(self.u32())

    def text(self):
        return self.string().decode()

    def names(self):
        text = self.text()
        return text.split(",") if text else []


# ---- keys ----

def load_key(path):
    return serialization.load_ssh_private_key(open(path, "rb").read(), None)


def new_key():
    return Ed25519PrivateKey.generate()


def public_blob(key):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return field(HOST_KEY_ALG) + field(raw)


def public_line(key):
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def signature_blob(key, data, alg=HOST_KEY_ALG):
    return field(alg) + field(key.sign(data))


def raw_public(x25519):
    return x25519.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Kexinit:
    """The lists of a KEXINIT that was received."""

    def __init__(self, payload):
        fields = Fields(payload)
        fields.take(16)
        (self.kex, self.host_key, self.cipher_c2s, self.cipher_s2c, self.mac_c2s, self.mac_s2c, self.compression_c2s,
         self.compression_s2c, _, _) = [fields.names() for _ in range(10)]
        self.follows = fields.boolean()


class Peer:
    """One connection. Fields that tests set before handshake(): what is offered, and whether strict key exchange is."""

    def __init__(self, sock, *, server=False, host_key=None, ciphers=("aes128-gcm@openssh.com",), macs=("hmac-sha2-256",),
                 compression=("none",), strict=True, ext_info=True, version="SSH-2.0-raw_1.0"):
        self.sock, self.server, self.host_key = sock, server, host_key
        self.offer_ciphers, self.offer_macs, self.offer_compression = list(ciphers), list(macs), list(compression)
        self.offer_strict, self.offer_ext_info = strict, ext_info
        self.version, self.peer_version = version, None
        self.send_cipher, self.recv_cipher = Clear(), Clear()
        self.deflate = self.inflate = None    # from the login on, where compression was agreed
        self.send_seq = self.recv_seq = 0
        self.own_kexinit = self.peer_kexinit = None
        self.session_id = self.hash = self.secret = None
        self.strict = False
        self.unread = b""
        self.unseen = []    # messages since the test last looked
        self.tape = []      # all messages: whether it is ours, and the payload
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # ---- bytes ----

    def send_bytes(self, data):
        """A connection that was ended under our hands shows when the test reads."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = None
        if not data:
            raise Ended("closed" if data == b"" else "reset", before=self.look())
        return data

    def read_bytes(self, size):
        while len(self.unread) < size:
            self.unread += self.receive()
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def read_line(self):
        while b"\n" not in self.unread:
            self.unread += self.receive()
        line, _, self.unread = self.unread.partition(b"\n")
        return line.removesuffix(b"\r")

    # ---- packets ----

    def frame(self, payload, *, padding=None, padding_byte=None, packet_len=None, align=True, is_deflated=False):
        """The next packet as bytes. padding: how many bytes; padding_byte and packet_len: what is said instead of the
        truth; align: no makes the length odd; is_deflated: the test has compressed the payload, or claims so."""
        cipher = self.send_cipher
        self.tape.append((True, payload))
        if self.deflate and not is_deflated:
            payload = self.deflate.compress(payload) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        if padding is None:
            padding = -(len(payload) + 1 + (4 if cipher.counts_length else 0)) % cipher.block
            padding += cipher.block if padding < 4 else 0
        if not align:
            padding += 1
        plain = bytes([padding if padding_byte is None else padding_byte]) + payload + os.urandom(padding)
        sealed = cipher.seal(self.send_seq, plain, len(plain) if packet_len is None else packet_len)
        self.send_seq = (self.send_seq + 1) % 2**32
        return sealed

    def send(self, number, *fields):
        self.send_payload(message(number, *fields))

    def send_payload(self, payload):
        self.send_bytes(self.frame(payload))

    def send_many(self, payloads):
        """In one write, so that all of them are there when the first is read."""
        self.send_bytes(b"".join(map(self.frame, payloads)))

    def read_packet(self):
        plain = self.recv_cipher.open(self.recv_seq, self.read_bytes)
        self.recv_seq = (self.recv_seq + 1) % 2**32
        assert 4 <= plain[0] <= len(plain) - 2, f"padding of {plain[0]} bytes in a packet of {len(plain)}"
        payload = plain[1:-plain[0]]
        if self.inflate:
            payload = self.inflate.decompress(payload)
        self.tape.append((False, payload))
        return payload

    def read(self):
        """The next message. After a DISCONNECT nothing else may come (RFC 4253 11.1)."""
        payload = self.read_packet()
        if payload[0] != DISCONNECT:
            self.unseen.append(payload)
            return payload
        fields = Fields(payload)
        reason, text = fields.u32(), fields.string().decode()
        try:
            more = self.unread or self.receive()
        except Ended as end:
            raise Ended(end.how, reason, text, end.before) from None
        raise AssertionError(f"{len(more)} bytes after DISCONNECT {reason} {text!r}")

    def look(self):
        """What has come since the last look."""
        seen, self.unseen = self.unseen, []
        return seen

    def read_until(self, *numbers):
        """The next message of these; others are kept for look()."""
        while True:
            payload = self.read()
            if payload[0] in numbers:
                self.unseen.pop()
                return payload

    def expect(self, number):
        payload = self.read()
        assert payload[0] == number, f"message {payload[0]} instead of {number}: {payload!r}"
        self.unseen.pop()
        return payload

    def settle(self):
        """All that is answered to what was sent so far. Ended when the connection is over."""
        seq = self.send_seq
        self.send(UNASSIGNED)
        while self.read() != message(UNIMPLEMENTED, seq):
            continue
        return self.look()[:-1]

    def end(self):
        """How the other side ends the connection; it must, without our doing more."""
        try:
            while True:
                self.read()
        except Ended as ended:
            return ended

    # ---- versions and keys ----

    def send_version(self):
        self.send_bytes(self.version.encode() + b"\r\n")

    def read_version(self):
        line = self.read_line()
        assert line.startswith(b"SSH-2.0-"), line
        self.peer_version = line.decode()

    def exchange_versions(self):
        self.send_version()
        self.read_version()

    def kexinit(self, *, kex=(KEX,), host_key=(HOST_KEY_ALG,), ciphers=None, macs=None, compression=None,
                follows=False, markers=None):
        first = self.session_id is None
        names = list(kex)
        if markers is None:
            markers = first
        if markers and self.offer_ext_info:
            names.append(EXT_INFO_MARK[self.server])
        if markers and self.offer_strict:
            names.append(STRICT[self.server])
        ciphers = list(ciphers or self.offer_ciphers)
        macs = list(macs or self.offer_macs)
        compression = list(compression or self.offer_compression)
        lists = [names, list(host_key), ciphers, ciphers, macs, macs, compression, compression, [], []]
        return message(KEXINIT, Plain(os.urandom(16)), *lists, follows, 0)

    def send_kexinit(self, payload=None, **lists):
        self.own_kexinit = payload or self.kexinit(**lists)
        self.send_payload(self.own_kexinit)

    def take_kexinit(self, payload=None):
        self.peer_kexinit = payload or self.read_until(KEXINIT)
        if self.session_id is None:
            self.strict = self.offer_strict and STRICT[not self.server] in Kexinit(self.peer_kexinit).kex

    def exchange_kexinits(self, **lists):
        self.send_kexinit(**lists)
        self.take_kexinit()

    def send_kex_init(self, public=None):
        """A client's value; public: another than the true one."""
        self.own_secret = X25519PrivateKey.generate()
        self.send(KEX_INIT, raw_public(self.own_secret) if public is None else public)

    def take_kex_reply(self, payload=None):
        fields = Fields(payload or self.read_until(KEX_REPLY))
        host_key, public, signature = fields.string(), fields.string(), Fields(b"\0" + fields.string())
        self.agree(host_key, raw_public(self.own_secret), public, public)
        assert signature.text() == HOST_KEY_ALG
        Ed25519PublicKey.from_public_bytes(host_key[-32:]).verify(signature.string(), self.hash)
        self.peer_host_key = host_key

    def serve_kex_init(self, payload=None, *, host_key=None, signature=None, public=None):
        """A server's answer; host_key: with this one instead; signature and public: said instead of the truth."""
        client_public = Fields(payload or self.read_until(KEX_INIT)).string()
        key = host_key or self.host_key
        self.own_secret = X25519PrivateKey.generate()
        own = raw_public(self.own_secret) if public is None else public
        self.agree(public_blob(key), client_public, own, client_public)
        self.send(KEX_REPLY, public_blob(key), own, signature or signature_blob(key, self.hash))

    def agree(self, host_key, client_public, server_public, peer_public):
        client, server = (self.peer_version, self.version) if self.server else (self.version, self.peer_version)
        kexinits = (self.peer_kexinit, self.own_kexinit) if self.server else (self.own_kexinit, self.peer_kexinit)
        self.secret = mpint(self.own_secret.exchange(X25519PublicKey.from_public_bytes(peer_public)))
        parts = [client, server, *kexinits, host_key, client_public, server_public]
        self.hash = hashlib.sha256(b"".join(map(field, parts)) + self.secret).digest()
        self.session_id = self.session_id or self.hash

    def derive(self, letter, size):
        key = b""
        while len(key) < size:
            key += hashlib.sha256(self.secret + self.hash + (key or letter + self.session_id)).digest()
        return key[:size]

    def new_cipher(self, sending):
        from_client = sending != self.server
        letters = dict(zip(("iv", "key", "mac"), b"ACE" if from_client else b"BDF"))
        own, peer = Kexinit(self.own_kexinit), Kexinit(self.peer_kexinit)
        client, server = (peer, own) if self.server else (own, peer)
        side = "c2s" if from_client else "s2c"
        chosen = [next((name for name in getattr(client, f"{what}_{side}") if name in getattr(server, f"{what}_{side}")),
                       None) for what in ("cipher", "mac")]
        return make_cipher(*chosen, lambda kind, size: self.derive(bytes([letters[kind]]), size))

    def send_newkeys(self):
        self.send(NEWKEYS)
        self.send_cipher = self.new_cipher(True)
        self.deflate = self.deflate and zlib.compressobj()
        if self.strict:
            self.send_seq = 0

    def take_newkeys(self):
        self.read_until(NEWKEYS)
        self.recv_cipher = self.new_cipher(False)
        self.inflate = self.inflate and zlib.decompressobj()
        if self.strict:
            self.recv_seq = 0

    def run_method(self):
        if self.server:
            self.serve_kex_init()
            self.send_newkeys()
            self.take_newkeys()
        else:
            self.send_kex_init()
            self.take_kex_reply()
            self.take_newkeys()
            self.send_newkeys()

    def exchange_keys(self):
        self.exchange_kexinits()
        self.run_method()

    def handshake(self):
        self.exchange_versions()
        self.exchange_keys()

    def answer_rekey(self, payload):
        """The other side has sent a KEXINIT."""
        self.take_kexinit(payload)
        self.send_kexinit()
        self.run_method()

    # ---- logging in, as a client ----

    def request_service(self, name="ssh-userauth"):
        self.send(SERVICE_REQUEST, name)
        self.read_until(SERVICE_ACCEPT)

    def send_auth(self, user, method, *fields, service="ssh-connection"):
        self.send(USERAUTH_REQUEST, user, service, method, *fields)

    def answer_to_auth(self):
        return self.read_until(USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_PK_OK)

    def ask(self, user, method, *fields, service="ssh-connection"):
        self.send_auth(user, method, *fields, service=service)
        return self.answer_to_auth()

    def signed_request(self, user, key, *, blob=None, alg=HOST_KEY_ALG, signature=None, signed_user=None):
        """A publickey request; the keyword arguments are said instead of the truth."""
        blob = public_blob(key) if blob is None else blob
        signed = message(USERAUTH_REQUEST, signed_user or user, "ssh-connection", "publickey", True, alg, blob)
        if signature is None:
            signature = signature_blob(key, field(self.session_id) + signed)
        return message(USERAUTH_REQUEST, user, "ssh-connection", "publickey", True, alg, blob, signature)

    def logged_in(self):
        """Delayed compression begins, if the first that we offered was taken."""
        self.look()
        if self.offer_compression[0] == "zlib@openssh.com":
            self.deflate, self.inflate = zlib.compressobj(), zlib.decompressobj()

    def login_with_key(self, user, key):
        self.request_service()
        self.send_payload(self.signed_request(user, key))
        assert self.answer_to_auth()[0] == USERAUTH_SUCCESS
        self.logged_in()

    def login_with_password(self, user, password):
        self.request_service()
        assert self.ask(user, "password", False, password)[0] == USERAUTH_SUCCESS
        self.logged_in()

    # ---- letting in, as a server ----

    def accept_service(self):
        assert Fields(self.read_until(SERVICE_REQUEST)).text() == "ssh-userauth"
        self.send(SERVICE_ACCEPT, "ssh-userauth")

    def let_in(self):
        """Whoever asks, by the first method tried."""
        self.accept_service()
        self.read_until(USERAUTH_REQUEST)
        self.send(USERAUTH_SUCCESS)
        self.look()

    # ---- channels ----

    def open_session(self, number=0, window=2**21, max_packet=2**15):
        """The other side's number of the new channel."""
        self.send(CHANNEL_OPEN, "session", number, window, max_packet)
        fields = Fields(self.read_until(CHANNEL_OPEN_CONFIRMATION))
        assert fields.u32() == number
        return fields.u32()

    def request(self, channel, name, *fields):
        """Whether the request succeeded."""
        self.send(CHANNEL_REQUEST, channel, name, True, *fields)
        return self.read_until(CHANNEL_SUCCESS, CHANNEL_FAILURE)[0] == CHANNEL_SUCCESS

    def run(self, command, number=0):
        """A command's output, read to the end of its channel."""
        channel = self.open_session(number)
        assert self.request(channel, "exec", command)
        out = b""
        while (payload := self.read_until(CHANNEL_DATA, CHANNEL_CLOSE))[0] == CHANNEL_DATA:
            fields = Fields(payload)
            fields.u32()
            out += fields.string()
        self.send(CHANNEL_CLOSE, channel)
        self.look()
        return out


def connect(port, **how):
    return Peer(socket.create_connection((HOST, port), PATIENCE), **how)


class RawServer:
    """Listens for clients under test."""

    def __init__(self, host_key=None):
        self.host_key = host_key or new_key()
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self, **how):
        return Peer(self.listener.accept()[0], server=True, host_key=self.host_key, **how)


def numbers(payloads):
    """The message numbers alone, repetitions taken together."""
    return [number for number, _ in itertools.groupby(payload[0] for payload in payloads)]
