#!/usr/bin/env python3
"""Checks vectors.json by docs/proofs.md alone: a verifier that shares nothing with the Go code.

SM3 comes from hashlib where OpenSSL has it, else from the lines below; SM2 verification is
the textbook's. Needs Python 3.8 and nothing else.

    python3 verify.py vectors.json
"""
import hashlib
import json
import sys


# SM3 (GB/T 32905-2016)

def sm3_plain(data):
    mask = 0xFFFFFFFF
    rol = lambda x, n: ((x << (n % 32)) | ((x & mask) >> (32 - n % 32))) & mask if n % 32 else x & mask
    v = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    size = len(data) * 8
    data += b"\x80" + b"\0" * ((55 - len(data)) % 64) + size.to_bytes(8, "big")
    for at in range(0, len(data), 64):
        w = [int.from_bytes(data[at + 4 * i:at + 4 * i + 4], "big") for i in range(16)]
        for i in range(16, 68):
            x = w[i - 16] ^ w[i - 9] ^ rol(w[i - 3], 15)
            w.append(x ^ rol(x, 15) ^ rol(x, 23) ^ rol(w[i - 13], 7) ^ w[i - 6])
        a, b, c, d, e, f, g, h = v
        for i in range(64):
            t = 0x79CC4519 if i < 16 else 0x7A879D8A
            s1 = rol(rol(a, 12) + e + rol(t, i), 7)
            s2 = s1 ^ rol(a, 12)
            ff = a ^ b ^ c if i < 16 else (a & b) | (a & c) | (b & c)
            gg = e ^ f ^ g if i < 16 else (e & f) | (~e & mask & g)
            t1 = (ff + d + s2 + (w[i] ^ w[i + 4])) & mask
            t2 = (gg + h + s1 + w[i]) & mask
            a, b, c, d, e, f, g, h = t1, a, rol(b, 9), c, t2 ^ rol(t2, 9) ^ rol(t2, 17), e, rol(f, 19), g
        v = [x ^ y for x, y in zip(v, (a, b, c, d, e, f, g, h))]
    return b"".join(x.to_bytes(4, "big") for x in v)


def sm3(*parts):
    data = b"".join(parts)
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", data).digest()
    return sm3_plain(data)


# SM2 (GB/T 32918-2016), verification

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
     0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)


def add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] + A) * pow(2 * p[1], P - 2, P)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], P - 2, P)
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def times(k, p):
    out = None
    for bit in bin(k)[2:]:
        out = add(out, out)
        if bit == "1":
            out = add(out, p)
    return out


def word(n):
    return n.to_bytes(32, "big")


def sm2_verify(key, message, signature):
    """key: 04 ‖ x ‖ y, signature: r ‖ s; the user id is the standard's default."""
    if len(key) != 65 or key[0] != 4 or len(signature) != 64:
        return False
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    if x >= P or y >= P or (y * y - x * x * x - A * x - B) % P:
        return False
    uid = b"1234567812345678"
    z = sm3((len(uid) * 8).to_bytes(2, "big"), uid, word(A), word(B), word(G[0]), word(G[1]), key[1:])
    e = int.from_bytes(sm3(z, message), "big")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N) or t == 0:
        return False
    point = add(times(s, G), times(t, (x, y)))
    return point is not None and (e + point[0]) % N == r


# Reading

class Refused(Exception):
    pass


def need(ok, why):
    if not ok:
        raise Refused(why)


class Reader:
    def __init__(self, data):
        self.rest = data

    def take(self, n):
        need(len(self.rest) >= n, "it is cut short")
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def blob(self, most):
        n = self.number(4)
        need(n <= most, "a part is too long")
        return self.take(n)

    def hash(self):
        return self.take(32)

    def end(self):
        need(not self.rest, "trailing bytes")


def fields(data):
    """Protobuf as types/huchain.proto has it: [(number, value)], in order."""
    r, out = Reader(data), []

    def varint():
        n = shift = 0
        while True:
            b = r.number(1)
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return n
    while r.rest:
        tag = varint()
        if tag & 7 == 0:
            out.append((tag >> 3, varint()))
        elif tag & 7 == 1:
            out.append((tag >> 3, int.from_bytes(r.take(8), "little")))
        elif tag & 7 == 2:
            out.append((tag >> 3, r.take(varint())))
        else:
            raise Refused("unknown wire type")
    return out


def one(data, number, default=b""):
    return next((v for n, v in fields(data) if n == number), default)


# Trees

ZERO = bytes(32)


def inner(left, right):
    return sm3(b"\x01", left, right)


def bit(kh, i):
    return kh[i // 8] >> (7 - i % 8) & 1


def key_hash(ns, key):
    return sm3(bytes([len(ns)]), ns, key)


def value_hash(height, tx, value):
    return sm3(b"\x02", height.to_bytes(8, "big"), tx.to_bytes(4, "big"), value)


def tombstone_hash(height, tx):
    return sm3(b"\x03", height.to_bytes(8, "big"), tx.to_bytes(4, "big"))


def leaf(kh, vh):
    return sm3(b"\x00", kh, vh)


def list_leaf(item):
    return sm3(b"\x00", item)


def list_root(items):
    if not items:
        return ZERO
    if len(items) == 1:
        return list_leaf(items[0])
    k = 1
    while 2 * k < len(items):
        k *= 2
    return inner(list_root(items[:k]), list_root(items[k:]))


def same_prefix(a, b, n):
    return all(bit(a, i) == bit(b, i) for i in range(n))


# Parts: each returns the content leaf's position and hash

def state_part(r, header_height):
    ns = r.take(r.number(1))
    key = r.blob(256)
    ending, depth = r.number(1), r.number(2)
    need(ending <= 3 and depth <= 256, "unknown ending, or path too long")
    bitmap = r.take((depth + 7) // 8)
    need(not any(bitmap[i // 8] & (0x80 >> i % 8) for i in range(depth, 8 * len(bitmap))), "unused bits are set")
    siblings = []
    for i in range(depth):
        here = bitmap[i // 8] & (0x80 >> i % 8)
        siblings.append(r.hash() if here else ZERO)
        need(not here or siblings[-1] != ZERO, "an empty sibling is not left out")
    kh, h = key_hash(ns, key), ZERO
    if ending in (1, 2):
        height, tx = r.number(8), r.number(4)
        need(height <= header_height, "the row is later than the header")
        h = leaf(kh, value_hash(height, tx, r.blob(64 << 10)) if ending == 1 else tombstone_hash(height, tx))
    elif ending == 3:
        fk, fv = r.hash(), r.hash()
        need(fk != kh and same_prefix(fk, kh, depth), "the foreign leaf is not on the key's path")
        h = leaf(fk, fv)
    for i in reversed(range(depth)):
        h = inner(siblings[i], h) if bit(kh, i) else inner(h, siblings[i])
    return 0, sm3(b"\x00\x00", h)


def list_part(r, position, item):
    index, count = r.number(8), r.number(8)
    need(index < count <= 1 << 32, "the index is beyond the list")
    h, at, n = list_leaf(item), index, count
    while n > 1:
        if at % 2:
            h = inner(r.hash(), h)
        elif at + 1 < n:
            h = inner(h, r.hash())
        at, n = at // 2, (n + 1) // 2
    return position, counted(position, h, count)


def counted(position, root, count):
    return sm3(b"\x00", bytes([position]), root, count.to_bytes(8, "big"))


def write_part(r, header_height):
    w = Reader(r.blob(1 << 20))
    ns = w.take(w.number(1))
    key, flags, tx = w.blob(256), w.number(1), w.number(4)
    height, prev = w.number(8), w.number(4)
    need(flags <= 3 and (flags & 2 or (height, prev) == (0, 0)), "unknown flags, or a writing before the first")
    need(not flags & 1 or not w.rest, "a deletion with a value")
    vh = tombstone_hash(header_height, tx) if flags & 1 else value_hash(header_height, tx, w.rest)
    item = sm3(key_hash(ns, key), vh, bytes([flags >> 1]), height.to_bytes(8, "big"), prev.to_bytes(4, "big"), tx.to_bytes(4, "big"))
    link = {"key": (ns, key), "height": header_height, "tx": tx, "previous": (height, prev) if flags & 2 else None}
    return list_part(r, 1, item), link


# Many keys, many items

def states_part(r, header_height):
    keys = []
    n = r.number(4)
    need(0 < n <= 4096, "too many keys")
    for _ in range(n):
        ns = r.take(r.number(1))
        keys.append(key_hash(ns, r.blob(256)))
    need(keys == sorted(set(keys)), "keys are not in order")
    results = ["absent"] * n

    def walk(lo, hi, level):
        kind = r.number(1)
        if kind in (0x00, 0x01, 0x81, 0x02, 0x82):
            mid = next((i for i in range(lo, hi) if bit(keys[i], level)), hi)
            fits = 0 if lo < mid < hi else 1 if mid == hi else 2
            need(kind & 0x7F == fits, "a step does not fit the keys")
            if fits == 0:
                left = walk(lo, mid, level + 1)
                return inner(left, walk(mid, hi, level + 1))
            sibling = ZERO if kind & 0x80 else r.hash()
            need(kind & 0x80 or sibling != ZERO, "an empty sibling is not left out")
            below = walk(lo, hi, level + 1)
            return inner(below, sibling) if fits == 1 else inner(sibling, below)
        if kind == 0x03:
            return ZERO
        if kind in (0x04, 0x05):
            at, height, tx = r.number(4), r.number(8), r.number(4)
            need(lo <= at < hi and height <= header_height, "a leaf of another key, or later than the header")
            results[at] = "value" if kind == 4 else "deleted"
            return leaf(keys[at], value_hash(height, tx, r.blob(64 << 10)) if kind == 4 else tombstone_hash(height, tx))
        need(kind == 0x06, "unknown step")
        fk, fv = r.hash(), r.hash()
        need(all(fk != keys[i] and same_prefix(fk, keys[i], level) for i in range(lo, hi)), "the foreign leaf is not on the keys' path")
        return leaf(fk, fv)

    root = walk(0, n, 0)
    return (0, sm3(b"\x00\x00", root)), results


def items_part(r):
    position, count, n = r.number(1), r.number(8), r.number(4)
    need(2 <= position <= 4 and 0 < n <= 4096, "unknown list, or too many items")
    level = {}
    last = -1
    for _ in range(n):
        index = r.number(8)
        need(last < index < count <= 1 << 32, "items are not in order")
        level[index], last = list_leaf(sm3(r.blob(8 << 20))), index
    size = count
    while size > 1:
        up = {}
        for at in sorted(level):
            if at // 2 in up:
                continue
            if at ^ 1 in level:
                pair = level[at & ~1], level[at | 1]
            elif at % 2:
                pair = r.hash(), level[at]
            elif at + 1 < size:
                pair = level[at], r.hash()
            else:
                pair = None
            up[at // 2] = inner(*pair) if pair else level[at]
        level, size = up, (size + 1) // 2
    return position, counted(position, level[0], count)


# Proofs

verified = {}


def certified(header, certificate, validators, trust):
    need(one(header, 2) == trust["genesis"], "it is of another chain")
    need(validators == trust["validators"] and sm3(validators) == one(header, 9), "it is of another validator set")
    voters = [(one(v, 1), one(v, 3, 0)) for _, v in fields(validators)]
    need(one(certificate, 1, 0) == one(header, 3, 0), "the certificate is of another height")
    signed, last = 0, -1
    for number, s in fields(certificate):
        if number != 2:
            continue
        index = one(s, 1, 0)
        need(last < index < len(voters), "signatures are not in order")
        key, power = voters[index]
        what = (key, header, one(s, 2))
        if what not in verified:
            verified[what] = sm2_verify(*what)
        need(verified[what], "a signature does not verify")
        signed, last = signed + power, index
    need(3 * signed > 2 * sum(power for _, power in voters), "not more than two thirds signed")


def check(data, trust, magic=b"HCP\x01"):
    """Verifies a proof or a multi-proof; returns what it shows where that is asked for."""
    need(sm3(data[:-8])[:8] == data[-8:], "altered or cut short: the checksum differs")
    r = Reader(data[:-8])
    need(r.take(4) == magic, "not a proof of this version")
    kind = r.number(1)
    header, certificate, validators = r.blob(1 << 10), r.blob(16 << 10), r.blob(32 << 10)
    path = [r.hash() for _ in range(3)]
    height, shown = one(header, 3, 0), None
    if magic == b"HCM\x01":
        need(kind in (1, 2), "unknown kind")
        if kind == 1:
            (position, h), shown = states_part(r, height)
        else:
            position, h = items_part(r)
    elif kind == 1:
        position, h = state_part(r, height)
    elif kind == 5:
        (position, h), shown = write_part(r, height)
    else:
        need(2 <= kind <= 4, "unknown kind")
        position, h = list_part(r, kind, sm3(r.blob(1 << 20)))
    r.end()
    for i, sibling in enumerate(path):
        h = inner(sibling, h) if position >> i & 1 else inner(h, sibling)
    need(h == one(header, 7), "it does not lead to the header's content root")
    certified(header, certificate, validators, trust)
    return shown


def check_history(data, trust):
    r = Reader(data)
    need(r.take(4) == b"HCH\x01", "not a history of this version")
    n = r.number(4)
    need(0 < n <= 1000, "too many writings")
    later = None
    for _ in range(n):
        link = check(r.blob(1 << 20), trust)
        need(link is not None, "a link is no write")
        if later:
            need(link["key"] == later["key"] and later["previous"] == (link["height"], link["tx"]), "a link is not the writing before")
        later = link
    r.end()


def main(file):
    with open(file, encoding="utf-8") as f:
        v = json.load(f)
    trust = {k: bytes.fromhex(x) for k, x in v["trust"].items()}
    done = wrong = 0

    def expect(name, ok, told):
        nonlocal done, wrong
        done += 1
        if not ok:
            wrong += 1
            print("WRONG", name, told)

    def verdict(fn, *args):
        try:
            return True, fn(*args)
        except Refused as why:
            return False, str(why)

    expect("SM3 of its own", sm3_plain(b"abc" * 50) == sm3(b"abc" * 50), "")
    for c in v["hashes"]:
        expect(c["name"], sm3(bytes.fromhex(c["bytes"])).hex() == c["hash"], "")
    for c in v["lists"]:
        expect("list", list_root([bytes.fromhex(x) for x in c["items"] or []]).hex() == c["root"], "")
    for c in v["proofs"]:
        ok, told = verdict(check, bytes.fromhex(c["compact"]), trust)
        expect(c["name"], ok == c["valid"], told)
    for c in v["multi"]:
        ok, told = verdict(check, bytes.fromhex(c["compact"]), trust, b"HCM\x01")
        expect(c["name"], ok == c["valid"] and (not ok or (told or []) == c.get("results", [])), told)
    for c in v["history"]:
        ok, told = verdict(check_history, bytes.fromhex(c["compact"]), trust)
        expect(c["name"], ok == c["valid"], told)
    print("%d vectors, %d wrong" % (done, wrong))
    return wrong > 0 or done < 20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
