//! The bundle's schema, which a contract's native program prints.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::call::{Ctx, Error, Event, View};
use crate::format;
use crate::json::Json;
use crate::state::{Index, Item, Key, Map};

/// The named types met so far.
#[derive(Default)]
pub struct Defs(BTreeMap<&'static str, String>);

impl Defs {
    /// Notes a named object type once and returns a reference to it.
    pub fn object(&mut self, name: &'static str, fields: impl FnOnce(&mut Defs) -> Vec<(&'static str, String, bool)>) -> String {
        if !self.0.contains_key(name) {
            self.0.insert(name, String::new()); // ends recursion
            let fields = fields(self);
            let join = |it: Vec<String>| it.join(",");
            let properties = join(fields.iter().map(|f| format!("\"{}\":{}", f.0, f.1)).collect());
            let order = join(fields.iter().map(|f| format!("\"{}\"", f.0)).collect());
            let required = join(fields.iter().filter(|f| !f.2).map(|f| format!("\"{}\"", f.0)).collect());
            let def = format!(
                "{{\"type\":\"object\",\"properties\":{{{}}},\"x-order\":[{}],\"required\":[{}],\"additionalProperties\":false}}",
                properties, order, required
            );
            self.0.insert(name, def);
        }
        format!("{{\"$ref\":\"#/$defs/{}\"}}", name)
    }
}

/// Schema collects what a contract declares.
#[derive(Default)]
pub struct Schema {
    defs: Defs,
    methods: BTreeMap<&'static str, String>,
    events: BTreeMap<&'static str, String>,
    records: BTreeMap<&'static str, String>,
    errors: Vec<&'static str>,
    init: Option<String>,
    migrate: bool,
}

/// A declared piece of storage.
pub trait Storage {
    fn describe(&self, s: &mut Schema);
}

impl<V: Json> Storage for Item<V> {
    fn describe(&self, s: &mut Schema) {
        let value = V::schema(&mut s.defs);
        s.records.insert(self.name, format!("{{\"storage\":\"item\",\"value\":{}}}", value));
    }
}

impl<K: Key, V: Json> Storage for Map<K, V> {
    fn describe(&self, s: &mut Schema) {
        let value = V::schema(&mut s.defs);
        s.records.insert(self.name, format!("{{\"storage\":\"map\",\"key\":{},\"value\":{}}}", K::schema(), value));
    }
}

impl<P: Key, K: Key> Storage for Index<P, K> {
    fn describe(&self, s: &mut Schema) {
        s.records.insert(self.name, format!("{{\"storage\":\"index\",\"key\":{}}}", K::schema()));
    }
}

impl Schema {
    fn method<A: Json, R: Json>(&mut self, name: &'static str, writes: bool) {
        let (args, result) = (A::schema(&mut self.defs), R::schema(&mut self.defs));
        self.methods.insert(name, format!("{{\"writes\":{},\"args\":{},\"result\":{}}}", writes, args, result));
    }
    pub fn call<A: Json, R: Json>(&mut self, name: &'static str, _: fn(&Ctx, A) -> Result<R, Error>) {
        self.method::<A, R>(name, true)
    }
    pub fn query<A: Json, R: Json>(&mut self, name: &'static str, _: fn(&View, A) -> Result<R, Error>) {
        self.method::<A, R>(name, false)
    }
    pub fn init<P: Json>(&mut self, _: fn(&Ctx, P) -> Result<(), Error>) {
        self.init = Some(P::schema(&mut self.defs));
    }
    pub fn migrate(&mut self, _: fn(&Ctx, &str) -> Result<(), Error>) {
        self.migrate = true;
    }
    pub fn event<T: Json>(&mut self, e: &Event<T>) {
        let t = T::schema(&mut self.defs);
        self.events.insert(e.name, t);
    }
    pub fn error(&mut self, e: &Error) {
        self.errors.push(e.name);
    }

    /// The text of schema.json, but for its layout.
    pub fn json(mut self) -> String {
        self.errors.sort_unstable();
        let map = |m: &BTreeMap<&str, String>| m.iter().map(|(k, v)| format!("\"{}\":{}", k, v)).collect::<Vec<_>>().join(",");
        let errors = self.errors.iter().map(|e| format!("\"{}\"", e)).collect::<Vec<_>>().join(",");
        format!(
            "{{\"schema\":1,\"methods\":{{{}}},{}{}\"events\":{{{}}},\"errors\":[{}],\"records\":{{{}}},\"$defs\":{{{}}}}}",
            map(&self.methods),
            self.init.as_ref().map_or(String::new(), |t| format!("\"init\":{},", t)),
            if self.migrate { "\"migrate\":true," } else { "" },
            map(&self.events),
            errors,
            map(&self.records),
            map(&self.defs.0),
        )
    }
}
