//! The types that records are built from.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::*;
use crate::schema::Defs;

macro_rules! plain {
    ($t:ty, $read:expr, $write:expr, $schema:expr) => {
        impl Json for $t {
            fn read(r: &mut Reader) -> Option<Self> {
                $read(r)
            }
            fn write(&self, b: &mut Vec<u8>) {
                $write(b, self)
            }
            fn schema(_: &mut Defs) -> String {
                String::from($schema)
            }
        }
    };
}

macro_rules! number {
    ($t:ty) => {
        impl Json for $t {
            fn read(r: &mut Reader) -> Option<Self> {
                r.number(<$t>::MIN as i64, <$t>::MAX as i64).map(|v| v as $t)
            }
            fn write(&self, b: &mut Vec<u8>) {
                write_int(b, *self as i64)
            }
            fn schema(_: &mut Defs) -> String {
                let mut b = b"{\"type\":\"integer\",\"minimum\":".to_vec();
                write_int(&mut b, <$t>::MIN as i64);
                b.extend_from_slice(b",\"maximum\":");
                write_int(&mut b, <$t>::MAX as i64);
                b.push(b'}');
                String::from_utf8_lossy(&b).into_owned()
            }
        }
    };
}

number!(u8);
number!(u16);
number!(u32);
number!(i8);
number!(i16);
number!(i32);

plain!(String, |r: &mut Reader| r.string(), |b: &mut Vec<u8>, v: &String| write_string(b, v), r#"{"type":"string"}"#);
plain!(bool, |r: &mut Reader| r.bool(), |b: &mut Vec<u8>, v: &bool| b.extend_from_slice(if *v { b"true" } else { b"false" }), r#"{"type":"boolean"}"#);
plain!(
    u64,
    |r: &mut Reader| r.quoted(0, u64::MAX as i128).map(|v| v as u64),
    |b: &mut Vec<u8>, v: &u64| {
        b.push(b'"');
        write_uint(b, *v);
        b.push(b'"');
    },
    r#"{"type":"string","format":"uint64","pattern":"^(0|[1-9][0-9]{0,19})$"}"#
);
plain!(
    i64,
    |r: &mut Reader| r.quoted(i64::MIN as i128, i64::MAX as i128).map(|v| v as i64),
    |b: &mut Vec<u8>, v: &i64| {
        b.push(b'"');
        write_int(b, *v);
        b.push(b'"');
    },
    r#"{"type":"string","format":"int64","pattern":"^(0|-?[1-9][0-9]{0,18})$"}"#
);

/// An optional field is an Option: left out where it is None.
impl<T: Json> Json for Option<T> {
    fn read(r: &mut Reader) -> Option<Self> {
        T::read(r).map(Some)
    }
    fn write(&self, b: &mut Vec<u8>) {
        if let Some(v) = self {
            v.write(b)
        }
    }
    fn schema(defs: &mut Defs) -> String {
        T::schema(defs)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    const OPTIONAL: bool = true;
}

impl<T: Json> Json for Vec<T> {
    fn read(r: &mut Reader) -> Option<Self> {
        let mut out = Vec::new();
        r.list()?;
        while r.element()? {
            out.push(T::read(r)?);
        }
        Some(out)
    }
    fn write(&self, b: &mut Vec<u8>) {
        b.push(b'[');
        for v in self {
            write_comma(b);
            v.write(b);
        }
        b.push(b']');
    }
    fn schema(defs: &mut Defs) -> String {
        crate::format!("{{\"type\":\"array\",\"items\":{}}}", T::schema(defs))
    }
}

/// For methods without arguments or without a result; its JSON is {}. (Go calls it None.)
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Empty;

impl Json for Empty {
    fn read(r: &mut Reader) -> Option<Self> {
        r.object()?;
        r.field(&[], &mut 0)?;
        Some(Empty)
    }
    fn write(&self, b: &mut Vec<u8>) {
        b.extend_from_slice(b"{}")
    }
    fn schema(_: &mut Defs) -> String {
        String::from(r#"{"type":"object","additionalProperties":false}"#)
    }
}

macro_rules! fixed {
    ($(#[$doc:meta])* $t:ident, $n:literal, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub struct $t(pub [u8; $n]);

        impl Default for $t {
            fn default() -> Self {
                $t([0; $n])
            }
        }

        impl Json for $t {
            fn read(r: &mut Reader) -> Option<Self> {
                let mut v = $t::default();
                r.hex(&mut v.0)?;
                Some(v)
            }
            fn write(&self, b: &mut Vec<u8>) {
                write_hex(b, &self.0)
            }
            fn schema(_: &mut Defs) -> String {
                String::from($schema)
            }
        }
    };
}

fixed!(
    /// An SM3 digest; its text is 64 lower-case hex digits.
    Hash,
    32,
    r#"{"type":"string","format":"sm3","pattern":"^[0-9a-f]{64}$"}"#
);
fixed!(
    /// The first 20 bytes of SM3(public key). Records refer to Member instead.
    Address,
    20,
    r#"{"type":"string","format":"address","pattern":"^[0-9a-f]{40}$"}"#
);

/// Binary data; its text is lower-case hex.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Bytes(pub Vec<u8>);

plain!(
    Bytes,
    |r: &mut Reader| {
        let s = r.string()?;
        let mut v = alloc::vec![0; s.len() / 2];
        if !decode_hex(&mut v, s.as_bytes()) {
            return r.fail("lower-case hex digits expected");
        }
        Some(Bytes(v))
    },
    |b: &mut Vec<u8>, v: &Bytes| write_hex(b, &v.0),
    r#"{"type":"string","format":"bytes","pattern":"^([0-9a-f]{2})*$"}"#
);

/// Whether s has the form of an organisation's or member's name.
pub fn valid_name(s: &str) -> bool {
    let b = s.as_bytes();
    !b.is_empty()
        && b.len() <= 32
        && b[0].is_ascii_lowercase()
        && b.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
}

/// Whether s has the form org/name.
pub fn valid_member(s: &str) -> bool {
    s.find('/').map_or(false, |i| valid_name(&s[..i]) && valid_name(&s[i + 1..]))
}

macro_rules! text {
    ($(#[$doc:meta])* $t:ident, $valid:expr, $want:literal, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub struct $t(pub String);

        impl $t {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Json for $t {
            fn read(r: &mut Reader) -> Option<Self> {
                let s = r.string()?;
                if !$valid(&s) {
                    return r.fail($want);
                }
                Some($t(s))
            }
            fn write(&self, b: &mut Vec<u8>) {
                write_string(b, &self.0)
            }
            fn schema(_: &mut Defs) -> String {
                String::from($schema)
            }
        }
    };
}

text!(
    /// The stable identity of a member, "org/name".
    Member,
    valid_member,
    "member id of the form org/name expected",
    r#"{"type":"string","format":"member","pattern":"^[a-z][a-z0-9-]{0,31}/[a-z][a-z0-9-]{0,31}$"}"#
);
text!(
    /// An organisation's name.
    Org,
    valid_name,
    "organisation name expected",
    r#"{"type":"string","format":"org","pattern":"^[a-z][a-z0-9-]{0,31}$"}"#
);
text!(
    /// A decentralised identifier, "did:method:id".
    Did,
    |s: &str| s.len() >= 7 && s.len() <= 255 && s.starts_with("did:"),
    "DID expected",
    r#"{"type":"string","format":"did","pattern":"^did:.{3,251}$"}"#
);

impl Member {
    /// The organisation's name.
    pub fn org(&self) -> &str {
        self.0.find('/').map_or("", |i| &self.0[..i])
    }
}

/// A moment in Unix seconds; its text is RFC 3339 in UTC, for the years 1 to 9999.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Time(pub i64);

impl Time {
    pub const MIN: Time = Time(-62135596800);
    pub const MAX: Time = Time(253402300799);

    /// Appends the RFC 3339 form (Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms": years begin in March, so that leap days come last).
    pub fn append(&self, b: &mut Vec<u8>) {
        let t = self.0.clamp(Time::MIN.0, Time::MAX.0);
        let (days, secs) = (t.div_euclid(86400) + 719468, t.rem_euclid(86400));
        let era = days / 146097;
        let doe = days - era * 146097;
        let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + (month <= 2) as i64;
        let parts = [
            (year / 100, 0),
            (year % 100, b'-'),
            (month, b'-'),
            (day, b'T'),
            (secs / 3600, b':'),
            (secs / 60 % 60, b':'),
            (secs % 60, b'Z'),
        ];
        for (v, sep) in parts {
            b.push(b'0' + (v / 10) as u8);
            b.push(b'0' + (v % 10) as u8);
            if sep != 0 {
                b.push(sep);
            }
        }
    }

    /// Reads the RFC 3339 form in whole seconds of UTC.
    pub fn parse(s: &[u8]) -> Option<Time> {
        if s.len() != 20 {
            return None;
        }
        let two = |i: usize| match (s[i], s[i + 1]) {
            (h @ b'0'..=b'9', l @ b'0'..=b'9') => Some(((h - b'0') * 10 + l - b'0') as i64),
            _ => None,
        };
        let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
        let era = y.div_euclid(400);
        let yoe = y - era * 400;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1;
        let t = Time((era * 146097 + doe - 719468) * 86400 + two(11)? * 3600 + two(14)? * 60 + two(17)?);
        let mut again = Vec::with_capacity(20);
        t.append(&mut again);
        if again == s && year >= 1 {
            return Some(t);
        }
        None
    }
}

plain!(
    Time,
    |r: &mut Reader| match Time::parse(r.string()?.as_bytes()) {
        Some(t) => Some(t),
        None => r.fail("time as 2026-03-02T01:00:00Z expected"),
    },
    |b: &mut Vec<u8>, v: &Time| {
        b.push(b'"');
        v.append(b);
        b.push(b'"');
    },
    r#"{"type":"string","format":"date-time","pattern":"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}"#
);

/// Asks for one page: at most limit items (none: 20, above 100: 100) behind the cursor,
/// which is the next of the page before.
#[derive(Clone, Default)]
pub struct Paging {
    pub after: Option<String>,
    pub limit: Option<u32>,
}

impl Paging {
    /// The limit within its bounds.
    pub fn size(&self) -> usize {
        match self.limit.unwrap_or(0) {
            0 => 20,
            n => n.min(100) as usize,
        }
    }
}

/// A list as all methods return it; an empty next says that it ends here.
#[derive(Clone, Default)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: String,
}

impl<T: Json> Json for Page<T> {
    fn read(r: &mut Reader) -> Option<Self> {
        const NAMES: &[&str] = &["items", "next"];
        let (mut items, mut next, mut seen) = (None, None, 0);
        r.object()?;
        while let Some(i) = r.field(NAMES, &mut seen)? {
            match i {
                0 => items = Some(Vec::read(r)?),
                _ => next = Some(r.string()?),
            }
        }
        match (items, next) {
            (Some(items), Some(next)) => Some(Page { items, next }),
            _ => r.fail("items and next expected"),
        }
    }
    fn write(&self, b: &mut Vec<u8>) {
        b.extend_from_slice(b"{\"items\":");
        self.items.write(b);
        b.extend_from_slice(b",\"next\":");
        write_string(b, &self.next);
        b.push(b'}');
    }
    fn schema(defs: &mut Defs) -> String {
        crate::format!(
            "{{\"type\":\"object\",\"properties\":{{\"items\":{},\"next\":{{\"type\":\"string\"}}}},\
             \"x-order\":[\"items\",\"next\"],\"required\":[\"items\",\"next\"],\"additionalProperties\":false}}",
            Vec::<T>::schema(defs)
        )
    }
}
