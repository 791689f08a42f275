//! The JSON of contracts, strict as in the Go SDK: no unknown and no repeated fields,
//! all fields present unless optional, no null, integers of up to 32 bits as numbers
//! without fraction or exponent, 64-bit integers as decimal strings, bytes as
//! lower-case hex, valid UTF-8, at most 32 levels.

use alloc::string::String;
use alloc::vec::Vec;

/// Largest document in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
pub const MAX_DEPTH: u32 = 32;

/// What can be read from and written as JSON.
pub trait Json: Sized {
    fn read(r: &mut Reader) -> Option<Self>;
    fn write(&self, b: &mut Vec<u8>);
    /// The JSON Schema of the type where it is used; named types note theirs in defs.
    fn schema(defs: &mut crate::schema::Defs) -> String;
    /// The value of a field that is missing: None for a required one.
    fn absent() -> Option<Self> {
        None
    }
    /// Whether a field holding the value is left out.
    fn is_absent(&self) -> bool {
        false
    }
    /// Whether a field of the type may be missing.
    const OPTIONAL: bool = false;
}

/// Reader walks one document. Every function returns None after a fault; the first
/// fault sticks.
pub struct Reader<'a> {
    b: &'a [u8],
    i: usize,
    depth: u32,
    first: bool,
    field: String,
    fault: Option<(&'static str, usize)>,
}

impl<'a> Reader<'a> {
    pub fn new(b: &'a [u8]) -> Self {
        let mut r = Reader { b, i: 0, depth: 0, first: false, field: String::new(), fault: None };
        if b.len() > MAX_BYTES {
            r.fail::<()>("document too large");
        }
        r
    }

    /// Notes a fault, unless one was noted before.
    pub fn fail<T>(&mut self, what: &'static str) -> Option<T> {
        if self.fault.is_none() {
            self.fault = Some((what, self.i));
            self.i = self.b.len();
        }
        None
    }

    /// Describes the first fault: the field, what was expected, the byte.
    pub fn fault(&self) -> String {
        let mut s = String::new();
        if let Some((what, at)) = self.fault {
            if !self.field.is_empty() {
                s.extend(self.field.chars().take(64));
                s.push_str(": ");
            }
            s.push_str(what);
            s.push_str(" (byte ");
            let mut d = Vec::new();
            write_uint(&mut d, at as u64);
            s.extend(d.iter().map(|c| *c as char));
            s.push(')');
        }
        s
    }

    /// Refuses anything but white space after the value and reports success.
    pub fn done(&mut self) -> bool {
        if self.fault.is_none() {
            self.next();
            if self.i != self.b.len() {
                self.field.clear();
                self.fail::<()>("data after the value");
            }
        }
        self.fault.is_none()
    }

    fn next(&mut self) -> u8 {
        while let Some(c) = self.b.get(self.i) {
            match c {
                b' ' | b'\t' | b'\n' | b'\r' => self.i += 1,
                _ => return *c,
            }
        }
        0
    }

    fn open(&mut self, c: u8, what: &'static str) -> Option<()> {
        if self.fault.is_some() || self.next() != c {
            return self.fail(what);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        self.i += 1;
        self.first = true;
        Some(())
    }

    fn more(&mut self, closing: u8) -> Option<bool> {
        let c = self.next();
        if c == closing {
            self.i += 1;
            self.depth -= 1;
            self.first = false;
            return Some(false);
        }
        if !self.first {
            if c != b',' {
                return self.fail("comma or end expected");
            }
            self.i += 1;
        }
        self.first = false;
        if self.fault.is_some() {
            return None;
        }
        Some(true)
    }

    /// Enters an object.
    pub fn object(&mut self) -> Option<()> {
        self.open(b'{', "object expected")
    }

    /// Moves to the value of the next field and returns its place in names; Some(None)
    /// at the object's end.
    pub fn field(&mut self, names: &[&str], seen: &mut u64) -> Option<Option<usize>> {
        if !self.more(b'}')? {
            return Some(None);
        }
        let k = self.string()?;
        if self.next() != b':' {
            return self.fail("colon expected");
        }
        self.i += 1;
        let place = names.iter().position(|n| *n == k);
        self.field = k;
        match place {
            None => self.fail("unknown field"),
            Some(i) if *seen & 1 << i != 0 => self.fail("field occurs twice"),
            Some(i) => {
                *seen |= 1 << i;
                Some(Some(i))
            }
        }
    }

    /// The value of a field that the object did not hold.
    pub fn missing<T: Json>(&mut self, name: &str) -> Option<T> {
        let v = T::absent();
        if v.is_none() && self.fault.is_none() {
            self.field = String::from(name);
            return self.fail("field missing");
        }
        v
    }

    /// Enters a list.
    pub fn list(&mut self) -> Option<()> {
        self.open(b'[', "list expected")
    }

    /// Moves to the next element of the list; Some(false) at its end.
    pub fn element(&mut self) -> Option<bool> {
        self.more(b']')
    }

    pub fn bool(&mut self) -> Option<bool> {
        self.next();
        for (word, v) in [("true", true), ("false", false)] {
            if self.b[self.i..].starts_with(word.as_bytes()) {
                self.i += word.len();
                return Some(v);
            }
        }
        self.fail("true or false expected")
    }

    pub fn string(&mut self) -> Option<String> {
        if self.next() != b'"' {
            return self.fail("string expected");
        }
        self.i += 1;
        let start = self.i;
        while let Some(c) = self.b.get(self.i) {
            match c {
                b'"' => {
                    let s = &self.b[start..self.i];
                    self.i += 1;
                    return self.utf8(s.to_vec());
                }
                b'\\' => return self.unescape(start),
                0..=0x1f => return self.fail("control character in string"),
                _ => self.i += 1,
            }
        }
        self.fail("string without end")
    }

    fn utf8(&mut self, b: Vec<u8>) -> Option<String> {
        match String::from_utf8(b) {
            Ok(s) => Some(s),
            Err(_) => self.fail("string is not UTF-8"),
        }
    }

    fn unescape(&mut self, start: usize) -> Option<String> {
        let mut out = self.b[start..self.i].to_vec();
        while let Some(&c) = self.b.get(self.i) {
            self.i += 1;
            match c {
                b'"' => return self.utf8(out),
                0..=0x1f => return self.fail("control character in string"),
                b'\\' => {
                    if self.escape(&mut out).is_none() {
                        return self.fail("malformed escape");
                    }
                }
                _ => out.push(c),
            }
        }
        self.fail("string without end")
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let c = *self.b.get(self.i)?;
        self.i += 1;
        out.push(match c {
            b'"' | b'\\' | b'/' => c,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut u = self.hex4()?;
                if (0xD800..0xDC00).contains(&u) && self.b[self.i..].starts_with(b"\\u") {
                    self.i += 2;
                    let low = self.hex4()?;
                    if !(0xDC00..0xE000).contains(&low) {
                        return None;
                    }
                    u = ((u - 0xD800) << 10 | (low - 0xDC00)) + 0x10000;
                }
                let mut buf = [0; 4];
                out.extend_from_slice(char::from_u32(u)?.encode_utf8(&mut buf).as_bytes());
                return Some(());
            }
            _ => return None,
        });
        Some(())
    }

    fn hex4(&mut self) -> Option<u32> {
        let mut v = 0;
        for c in self.b.get(self.i..self.i + 4)? {
            v = v << 4 | (*c as char).to_digit(16)?;
        }
        self.i += 4;
        Some(v)
    }

    /// Reads an integer number between lo and hi.
    pub fn number(&mut self, lo: i64, hi: i64) -> Option<i64> {
        let c = self.next();
        if c != b'-' && !c.is_ascii_digit() {
            return self.fail("integer expected");
        }
        let b = self.b;
        let v = digits(&b[self.i..]);
        match v {
            Some((v, n)) if v >= lo as i128 && v <= hi as i128 => {
                self.i += n;
                if let Some(b'.' | b'e' | b'E' | b'0'..=b'9') = self.b.get(self.i) {
                    return self.fail("integer without fraction or exponent expected");
                }
                Some(v as i64)
            }
            _ => self.fail("integer out of range"),
        }
    }

    /// Reads a 64-bit integer written as a string.
    pub fn quoted(&mut self, lo: i128, hi: i128) -> Option<i128> {
        let s = self.string()?;
        match digits(s.as_bytes()) {
            Some((v, n)) if n == s.len() && v >= lo && v <= hi => Some(v),
            _ => self.fail("64-bit integer as a string expected"),
        }
    }

    /// Reads a string of lower-case hex digits, two for each byte of dst.
    pub fn hex(&mut self, dst: &mut [u8]) -> Option<()> {
        let s = self.string()?;
        if s.len() != 2 * dst.len() || !decode_hex(dst, s.as_bytes()) {
            return self.fail("lower-case hex digits expected");
        }
        Some(())
    }
}

/// Reads an integer in its only form and how many bytes it takes; at most 20 digits.
fn digits(b: &[u8]) -> Option<(i128, usize)> {
    let negative = b.first() == Some(&b'-');
    let first = negative as usize;
    let (mut v, mut n) = (0i128, first);
    while let Some(c @ b'0'..=b'9') = b.get(n) {
        v = v * 10 + (*c - b'0') as i128;
        n += 1;
        if n - first > 20 {
            return None;
        }
    }
    if n == first || b[first] == b'0' && (n > first + 1 || negative) {
        return None;
    }
    Some((if negative { -v } else { v }, n))
}

/// Fills dst from 2·dst.len() lower-case hex digits.
pub fn decode_hex(dst: &mut [u8], src: &[u8]) -> bool {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if src.len() != 2 * dst.len() {
        return false;
    }
    for (d, s) in dst.iter_mut().zip(src.chunks_exact(2)) {
        match (digit(s[0]), digit(s[1])) {
            (Some(hi), Some(lo)) => *d = hi << 4 | lo,
            _ => return false,
        }
    }
    true
}

/// Appends two lower-case hex digits per byte.
pub fn write_hex_digits(b: &mut Vec<u8>, v: &[u8]) {
    for c in v {
        for d in [c >> 4, c & 15] {
            b.push(if d < 10 { b'0' + d } else { b'a' + d - 10 });
        }
    }
}

/// Appends a string of lower-case hex digits.
pub fn write_hex(b: &mut Vec<u8>, v: &[u8]) {
    b.push(b'"');
    write_hex_digits(b, v);
    b.push(b'"');
}

/// Appends a JSON string.
pub fn write_string(b: &mut Vec<u8>, s: &str) {
    b.push(b'"');
    for &c in s.as_bytes() {
        match c {
            b'"' | b'\\' => b.extend_from_slice(&[b'\\', c]),
            b'\n' => b.extend_from_slice(b"\\n"),
            b'\r' => b.extend_from_slice(b"\\r"),
            b'\t' => b.extend_from_slice(b"\\t"),
            8 => b.extend_from_slice(b"\\b"),
            12 => b.extend_from_slice(b"\\f"),
            0..=0x1f => {
                b.extend_from_slice(b"\\u00");
                write_hex_digits(b, &[c]);
            }
            _ => b.push(c),
        }
    }
    b.push(b'"');
}

/// Appends a number.
pub fn write_uint(b: &mut Vec<u8>, mut v: u64) {
    let mut t = [0u8; 20];
    let mut i = t.len();
    loop {
        i -= 1;
        t[i] = b'0' + (v % 10) as u8;
        v /= 10;
        if v == 0 {
            break;
        }
    }
    b.extend_from_slice(&t[i..]);
}

/// Appends a number.
pub fn write_int(b: &mut Vec<u8>, v: i64) {
    if v < 0 {
        b.push(b'-');
    }
    write_uint(b, v.unsigned_abs());
}

/// Appends a comma unless an object or list has just begun.
pub fn write_comma(b: &mut Vec<u8>) {
    if !matches!(b.last(), Some(b'{' | b'[')) {
        b.push(b',');
    }
}

/// The JSON of a value, as it is stored and returned.
pub fn to_vec<T: Json>(v: &T) -> Vec<u8> {
    let mut b = Vec::with_capacity(256);
    v.write(&mut b);
    b
}

/// Reads a whole document.
pub fn from_slice<T: Json>(b: &[u8]) -> Result<T, String> {
    let mut r = Reader::new(b);
    let v = T::read(&mut r);
    match v {
        Some(v) if r.done() => Ok(v),
        _ => {
            r.fail::<()>("malformed");
            Err(r.fault())
        }
    }
}
