//! Typed storage, laid out as by the Go SDK: values are JSON; keys are
//! name (Item), name/key (Map) and name/partition 0x00 key (Index, value 1), where a
//! key is text whose byte order is the order of its type. The first part of a Pair and
//! an index's partition end with 0x00; a 0x00 within them is written 0x00 0xFF.

use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::abi;
use crate::call::{Ctx, Reader};
use crate::json::{decode_hex, from_slice, to_vec, write_hex_digits, Json};
use crate::types::{Address, Did, Hash, Member, Org, Page, Paging, Time};

const BATCH: u32 = 64;

/// What can be a key.
pub trait Key: Sized {
    fn append(&self, b: &mut Vec<u8>);
    fn decode(b: &[u8]) -> Option<Self>;
    fn schema() -> String;
}

macro_rules! text_key {
    ($t:ty, $make:expr, $str:expr) => {
        impl Key for $t {
            fn append(&self, b: &mut Vec<u8>) {
                b.extend_from_slice($str(self).as_bytes())
            }
            fn decode(b: &[u8]) -> Option<Self> {
                String::from_utf8(b.to_vec()).ok().map($make)
            }
            fn schema() -> String {
                <$t as Json>::schema(&mut Default::default())
            }
        }
    };
}

text_key!(String, |s| s, |s: &String| -> String { s.clone() });
text_key!(Member, Member, |s: &Member| -> String { s.0.clone() });
text_key!(Org, Org, |s: &Org| -> String { s.0.clone() });
text_key!(Did, Did, |s: &Did| -> String { s.0.clone() });

macro_rules! number_key {
    ($t:ty, $u:ty, $flip:expr) => {
        impl Key for $t {
            fn append(&self, b: &mut Vec<u8>) {
                write_hex_digits(b, &(*self as $u ^ $flip).to_be_bytes())
            }
            fn decode(b: &[u8]) -> Option<Self> {
                let mut v = (0 as $u).to_be_bytes();
                if !decode_hex(&mut v, b) {
                    return None;
                }
                Some((<$u>::from_be_bytes(v) ^ $flip) as $t)
            }
            fn schema() -> String {
                <$t as Json>::schema(&mut Default::default())
            }
        }
    };
}

number_key!(u32, u32, 0);
number_key!(u64, u64, 0);
number_key!(i64, u64, 1 << 63);

macro_rules! hex_key {
    ($t:ident) => {
        impl Key for $t {
            fn append(&self, b: &mut Vec<u8>) {
                write_hex_digits(b, &self.0)
            }
            fn decode(b: &[u8]) -> Option<Self> {
                let mut v = $t::default();
                if decode_hex(&mut v.0, b) {
                    return Some(v);
                }
                None
            }
            fn schema() -> String {
                <$t as Json>::schema(&mut Default::default())
            }
        }
    };
}

hex_key!(Hash);
hex_key!(Address);

impl Key for Time {
    fn append(&self, b: &mut Vec<u8>) {
        Time::append(self, b)
    }
    fn decode(b: &[u8]) -> Option<Self> {
        Time::parse(b)
    }
    fn schema() -> String {
        <Time as Json>::schema(&mut Default::default())
    }
}

/// A key of two parts, ordered by the first, then the second.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair<A, B>(pub A, pub B);

impl<A: Key, B: Key> Key for Pair<A, B> {
    fn append(&self, b: &mut Vec<u8>) {
        append_terminated(b, &self.0);
        self.1.append(b);
    }
    fn decode(b: &[u8]) -> Option<Self> {
        let mut first = Vec::new();
        let mut i = 0;
        while i < b.len() {
            if b[i] == 0 {
                if b.get(i + 1) != Some(&0xFF) {
                    return Some(Pair(A::decode(&first)?, B::decode(&b[i + 1..])?));
                }
                i += 1;
                first.push(0);
            } else {
                first.push(b[i]);
            }
            i += 1;
        }
        None
    }
    fn schema() -> String {
        String::from(r#"{"type":"string","format":"key"}"#)
    }
}

/// Appends a key that others follow: its zero bytes escaped, a zero byte at its end.
fn append_terminated(b: &mut Vec<u8>, k: &impl Key) {
    let mut part = Vec::with_capacity(64);
    k.append(&mut part);
    for c in part {
        b.push(c);
        if c == 0 {
            b.push(0xFF);
        }
    }
    b.push(0);
}

fn row(name: &str, f: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut b = Vec::with_capacity(abi::MAX_KEY);
    b.extend_from_slice(name.as_bytes());
    b.push(b'/');
    f(&mut b);
    if b.len() > abi::MAX_KEY {
        abi::fail("bad_arguments", &crate::format!("key too long for {}", name));
    }
    b
}

fn decode<V: Json>(raw: &[u8]) -> V {
    match from_slice(raw) {
        Ok(v) => v,
        Err(fault) => abi::fail("internal", &crate::format!("malformed row: {}", fault)),
    }
}

fn decode_key<K: Key>(b: &[u8]) -> K {
    match K::decode(b) {
        Some(k) => k,
        None => abi::fail("internal", "malformed key"),
    }
}

/// A single value. The name is camelCase and unique in the contract.
pub struct Item<V> {
    pub(crate) name: &'static str,
    holds: PhantomData<fn() -> V>,
}

impl<V> Item<V> {
    pub const fn new(name: &'static str) -> Self {
        Item { name, holds: PhantomData }
    }
}

impl<V: Json> Item<V> {
    /// The value, if there is one.
    pub fn get(&self, _: &impl Reader) -> Option<V> {
        abi::get(self.name.as_bytes()).map(|raw| decode(&raw))
    }
    /// Sets the value.
    pub fn put(&self, _: &Ctx, v: &V) {
        abi::put(self.name.as_bytes(), &to_vec(v))
    }
    /// Removes the value.
    pub fn delete(&self, _: &Ctx) {
        abi::delete(self.name.as_bytes())
    }
}

/// A V under each K. The name is camelCase, singular and unique in the contract.
pub struct Map<K, V> {
    pub(crate) name: &'static str,
    holds: PhantomData<fn(K) -> V>,
}

impl<K, V> Map<K, V> {
    pub const fn new(name: &'static str) -> Self {
        Map { name, holds: PhantomData }
    }
}

impl<K: Key, V: Json> Map<K, V> {
    fn row(&self, k: &K) -> Vec<u8> {
        row(self.name, |b| k.append(b))
    }
    /// The value under k, if there is one.
    pub fn get(&self, _: &impl Reader, k: &K) -> Option<V> {
        abi::get(&self.row(k)).map(|raw| decode(&raw))
    }
    /// Whether there is a value under k.
    pub fn has(&self, _: &impl Reader, k: &K) -> bool {
        abi::get(&self.row(k)).is_some()
    }
    /// Sets the value under k.
    pub fn put(&self, _: &Ctx, k: &K, v: &V) {
        abi::put(&self.row(k), &to_vec(v))
    }
    /// Removes the value under k.
    pub fn delete(&self, _: &Ctx, k: &K) {
        abi::delete(&self.row(k))
    }
    /// Hands the rows from k ≥ from to k < to to f, ascending, until it returns false.
    /// Each row read costs gas: bound what f accepts.
    pub fn range(&self, _: &impl Reader, from: &K, to: &K, f: impl FnMut(K, V) -> bool) {
        self.scan(self.row(from), Some(self.row(to)), f)
    }
    /// Hands the rows whose key text begins with prefix to f.
    pub fn prefix(&self, _: &impl Reader, prefix: &str, f: impl FnMut(K, V) -> bool) {
        let start = row(self.name, |b| b.extend_from_slice(prefix.as_bytes()));
        let end = after(&start);
        self.scan(start, end, f)
    }
    /// A page of all values in ascending order of keys.
    pub fn list(&self, _: &impl Reader, p: &Paging) -> Page<V> {
        let (rows, next) = page(row(self.name, |_| ()), p);
        Page { items: rows.iter().map(|r| decode(&r.1)).collect(), next }
    }

    fn scan(&self, start: Vec<u8>, end: Option<Vec<u8>>, mut f: impl FnMut(K, V) -> bool) {
        let skip = self.name.len() + 1;
        scan(start, end, |k, v| f(decode_key(&k[skip..]), decode(v)))
    }
}

/// Sets of keys: under each partition P the Ks that belong to it, in ascending order.
pub struct Index<P, K> {
    pub(crate) name: &'static str,
    holds: PhantomData<fn(P) -> K>,
}

impl<P, K> Index<P, K> {
    pub const fn new(name: &'static str) -> Self {
        Index { name, holds: PhantomData }
    }
}

impl<P: Key, K: Key> Index<P, K> {
    fn base(&self, p: &P) -> Vec<u8> {
        row(self.name, |b| append_terminated(b, p))
    }
    fn row(&self, p: &P, k: &K) -> Vec<u8> {
        row(self.name, |b| {
            append_terminated(b, p);
            k.append(b)
        })
    }
    /// Adds k to partition p.
    pub fn put(&self, _: &Ctx, p: &P, k: &K) {
        abi::put(&self.row(p, k), b"1")
    }
    /// Takes k out of partition p.
    pub fn delete(&self, _: &Ctx, p: &P, k: &K) {
        abi::delete(&self.row(p, k))
    }
    /// Whether k is in partition p.
    pub fn has(&self, _: &impl Reader, p: &P, k: &K) -> bool {
        abi::get(&self.row(p, k)).is_some()
    }
    /// Hands the keys of partition p to f, ascending, until it returns false.
    pub fn each(&self, _: &impl Reader, p: &P, mut f: impl FnMut(K) -> bool) {
        let base = self.base(p);
        let (skip, end) = (base.len(), after(&base));
        scan(base, end, |k, _| f(decode_key(&k[skip..])))
    }
    /// Hands the keys of partition p from k ≥ from to k < to to f, ascending.
    pub fn range(&self, _: &impl Reader, p: &P, from: &K, to: &K, mut f: impl FnMut(K) -> bool) {
        let skip = self.base(p).len();
        scan(self.row(p, from), Some(self.row(p, to)), |k, _| f(decode_key(&k[skip..])))
    }
    /// One page of the keys of partition p and the cursor of the next.
    pub fn page(&self, _: &impl Reader, p: &P, q: &Paging) -> (Vec<K>, String) {
        let base = self.base(p);
        let skip = base.len();
        let (rows, next) = page(base, q);
        (rows.iter().map(|r| decode_key(&r.0[skip..])).collect(), next)
    }
}

/// The smallest key above all that begin with prefix.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last != 0xFF {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

fn chunk<'a>(b: &mut &'a [u8]) -> &'a [u8] {
    if b.len() >= 4 {
        let n = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize;
        if n <= b.len() - 4 {
            let item = &b[4..4 + n];
            *b = &b[4 + n..];
            return item;
        }
    }
    abi::fail("internal", "malformed scan")
}

fn scan(mut start: Vec<u8>, end: Option<Vec<u8>>, mut f: impl FnMut(&[u8], &[u8]) -> bool) {
    loop {
        if end.as_ref().map_or(false, |e| start >= *e) {
            return;
        }
        let (raw, more) = abi::scan(&start, end.as_deref(), BATCH);
        let mut rest = &raw[..];
        let mut last: &[u8] = &[];
        while !rest.is_empty() {
            last = chunk(&mut rest);
            if !f(last, chunk(&mut rest)) {
                return;
            }
        }
        if !more || last.is_empty() {
            return;
        }
        start = last.to_vec();
        start.push(0);
    }
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads one page of the rows whose keys begin with base. The cursor is the rest of
/// the last key, in hex.
fn page(base: Vec<u8>, p: &Paging) -> (Rows, String) {
    let mut start = base.clone();
    if let Some(cursor) = p.after.as_ref().filter(|c| !c.is_empty()) {
        let mut tail = alloc::vec![0; cursor.len() / 2];
        if tail.len() > abi::MAX_KEY || !decode_hex(&mut tail, cursor.as_bytes()) {
            abi::fail("bad_arguments", "after: not a cursor of this list");
        }
        start.extend_from_slice(&tail);
        start.push(0);
    }
    let (mut rows, mut next) = (Rows::new(), Vec::new());
    let end = after(&base);
    scan(start, end, |k, v| {
        if rows.len() == p.size() {
            write_hex_digits(&mut next, &rows[rows.len() - 1].0[base.len()..]);
            return false;
        }
        rows.push((k.to_vec(), v.to_vec()));
        true
    });
    (rows, String::from_utf8_lossy(&next).into_owned())
}
