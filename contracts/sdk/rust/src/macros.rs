//! The two macros of a contract.

/// Declares a record: a struct with a JSON name for each field. A field of type
/// Option<T> may be missing.
///
/// ```ignore
/// record! {
///     /// What a member holds.
///     pub struct Balance { owner: Member = "owner", amount: u64 = "amount" }
/// }
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($field:ident: $t:ty = $json:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug)]
        $vis struct $name { $(pub $field: $t),* }

        impl $crate::json::Json for $name {
            fn read(r: &mut $crate::json::Reader) -> Option<Self> {
                const NAMES: &[&str] = &[$($json),*];
                $(let mut $field: Option<$t> = None;)*
                let mut seen = 0u64;
                r.object()?;
                while let Some(i) = r.field(NAMES, &mut seen)? {
                    match NAMES[i] {
                        $($json => $field = Some(<$t as $crate::json::Json>::read(r)?),)*
                        _ => {}
                    }
                }
                Some($name { $($field: match $field {
                    Some(v) => v,
                    None => r.missing::<$t>($json)?,
                }),* })
            }
            fn write(&self, b: &mut $crate::Vec<u8>) {
                b.push(b'{');
                $(if !$crate::json::Json::is_absent(&self.$field) {
                    $crate::json::write_comma(b);
                    b.extend_from_slice(concat!("\"", $json, "\":").as_bytes());
                    $crate::json::Json::write(&self.$field, b);
                })*
                b.push(b'}');
            }
            fn schema(defs: &mut $crate::schema::Defs) -> $crate::String {
                defs.object(stringify!($name), |defs| {
                    let mut fields = $crate::Vec::new();
                    $(fields.push(($json, <$t as $crate::json::Json>::schema(defs), <$t as $crate::json::Json>::OPTIONAL));)*
                    fields
                })
            }
        }
    };
}

/// Lists all a contract consists of, once: entries, methods, storage, events, errors.
/// In WASM it exports the entry that the chain calls; natively it makes a main that
/// prints the schema.
#[macro_export]
macro_rules! contract {
    (
        $(init: $init:expr,)?
        $(migrate: $migrate:expr,)?
        calls: { $($c:literal => $cf:expr),* $(,)? },
        queries: { $($q:literal => $qf:expr),* $(,)? },
        storage: [$($s:expr),* $(,)?],
        events: [$($e:expr),* $(,)?],
        errors: [$($x:expr),* $(,)?] $(,)?
    ) => {
        #[cfg(target_arch = "wasm32")]
        #[no_mangle]
        pub extern "C" fn huchain_call() {
            let name = $crate::abi::method();
            $(if name == $c.as_bytes() { return $crate::call::run_call($cf); })*
            $(if name == $q.as_bytes() { return $crate::call::run_query($qf); })*
            $(if name == b"init" { return $crate::call::run_init($init); })?
            $(if name == b"migrate" { return $crate::call::run_migrate($migrate); })?
            $crate::abi::fail("unknown_method", "")
        }

        #[cfg(not(target_arch = "wasm32"))]
        pub fn main() {
            let mut s = $crate::schema::Schema::default();
            $(s.call($c, $cf);)*
            $(s.query($q, $qf);)*
            $(s.init($init);)?
            $(s.migrate($migrate);)?
            $($crate::schema::Storage::describe(&$s, &mut s);)*
            $(s.event(&$e);)*
            $(s.error(&$x);)*
            $crate::println!("{}", s.json());
        }
    };
}
