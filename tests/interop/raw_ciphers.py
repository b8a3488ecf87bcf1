"""The packet ciphers of the raw peer (raw_ssh.py): how a packet is sealed and opened under each.

A cipher has one direction and its own state. seal() takes the plain packet without its length (padding_length, payload,
padding); open() takes a function that reads that many bytes from the wire. (RFC 4253 6, RFC 5647, RFC 4344, OpenSSH's
PROTOCOL and PROTOCOL.chacha20poly1305)
"""

import hmac
import struct

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.poly1305 import Poly1305


class BadTag(Exception):
    pass


def pack_length(length):
    return struct.pack(">I", length)


def unpack_length(data):
    return struct.unpack(">I", data)[0]


class Clear:
    """Before the first NEWKEYS."""

    block, tag, counts_length = 8, 0, True

    def seal(self, seq, plain, length):
        return pack_length(length) + plain

    def open(self, seq, read):
        return read(unpack_length(read(4)))


class Gcm:
    """The length is not encrypted but authenticated; the nonce counts packets."""

    block, tag, counts_length, iv_len, mac_len = 16, 16, False, 12, 0

    def __init__(self, key, iv, mac_key):
        self.cipher, self.fixed, self.count = AESGCM(key), iv[:4], int.from_bytes(iv[4:], "big")

    def next_nonce(self):
        nonce = self.fixed + self.count.to_bytes(8, "big")
        self.count = (self.count + 1) % 2**64
        return nonce

    def seal(self, seq, plain, length):
        head = pack_length(length)
        return head + self.cipher.encrypt(self.next_nonce(), plain, head)

    def open(self, seq, read):
        head = read(4)
        try:
            return self.cipher.decrypt(self.next_nonce(), read(unpack_length(head) + self.tag), head)
        except InvalidTag:
            raise BadTag() from None


class ChaCha:
    """The nonce is the sequence number; the first half of the key is the packet's, the second the length's."""

    block, tag, counts_length, iv_len, mac_len = 8, 16, False, 0, 0

    def __init__(self, key, iv, mac_key):
        self.key, self.length_key = key[:32], key[32:]

    @staticmethod
    def apply(key, counter, seq, data):
        nonce = counter.to_bytes(8, "little") + seq.to_bytes(8, "big")
        return Cipher(algorithms.ChaCha20(key, nonce), None).encryptor().update(data)

    def tag_key(self, seq):
        return self.apply(self.key, 0, seq, bytes(32))

    def seal(self, seq, plain, length):
        sealed = self.apply(self.length_key, 0, seq, pack_length(length)) + self.apply(self.key, 1, seq, plain)
        return sealed + Poly1305.generate_tag(self.tag_key(seq), sealed)

    def open(self, seq, read):
        head = read(4)
        body = read(unpack_length(self.apply(self.length_key, 0, seq, head)))
        try:
            Poly1305.verify_tag(self.tag_key(seq), head + body, read(self.tag))
        except InvalidSignature:
            raise BadTag() from None
        return self.apply(self.key, 1, seq, body)


class Ctr:
    """AES in counter mode with an HMAC over the plain packet."""

    block, iv_len = 16, 16
    counts_length = True

    def __init__(self, key, iv, mac_key):
        self.cipher = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()    # the same both ways
        self.mac_key = mac_key

    def mac(self, seq, data):
        return hmac.digest(self.mac_key, pack_length(seq) + data, self.digest)

    def check(self, seq, data, tag):
        if not hmac.compare_digest(self.mac(seq, data), tag):
            raise BadTag()

    def seal(self, seq, plain, length):
        whole = pack_length(length) + plain
        return self.cipher.update(whole) + self.mac(seq, whole)

    def open(self, seq, read):
        head = self.cipher.update(read(4))
        plain = self.cipher.update(read(unpack_length(head)))
        self.check(seq, head + plain, read(self.tag))
        return plain


class CtrEtm(Ctr):
    """The same with the length in the clear and the HMAC over what is sent."""

    counts_length = False

    def seal(self, seq, plain, length):
        whole = pack_length(length) + self.cipher.update(plain)
        return whole + self.mac(seq, whole)

    def open(self, seq, read):
        head = read(4)
        sealed = read(unpack_length(head))
        self.check(seq, head + sealed, read(self.tag))
        return self.cipher.update(sealed)


AEAD = {"aes128-gcm@openssh.com": (Gcm, 16), "aes256-gcm@openssh.com": (Gcm, 32),
        "chacha20-poly1305@openssh.com": (ChaCha, 64)}
COUNTER = {"aes128-ctr": 16, "aes192-ctr": 24, "aes256-ctr": 32}
MACS = {"hmac-sha2-256": (Ctr, "sha256", 32), "hmac-sha2-512": (Ctr, "sha512", 64), "hmac-sha1": (Ctr, "sha1", 20),
        "hmac-sha2-256-etm@openssh.com": (CtrEtm, "sha256", 32),
        "hmac-sha2-512-etm@openssh.com": (CtrEtm, "sha512", 64), "hmac-sha1-etm@openssh.com": (CtrEtm, "sha1", 20)}

# Every pair that the raw peer has; the MAC of an AEAD cipher is part of it.
SUITES = [(name, None) for name in AEAD] + [("aes128-ctr", mac) for mac in MACS] + [("aes256-ctr", "hmac-sha2-256")]


def make_cipher(cipher, mac, derive):
    """derive(kind, length) gives the key material: kind is "iv", "key" or "mac"."""
    if cipher in AEAD:
        kind, key_len = AEAD[cipher]
        return kind(derive("key", key_len), derive("iv", kind.iv_len), b"")
    kind, digest, mac_len = MACS[mac]
    made = kind(derive("key", COUNTER[cipher]), derive("iv", kind.iv_len), derive("mac", mac_len))
    made.digest, made.tag = digest, mac_len
    return made
