//! The call a method serves: caller, block, events, errors, other contracts.

use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::abi;
use crate::json::{from_slice, to_vec, Json};
use crate::types::{Address, Did, Empty, Hash, Member, Org, Time};

/// A call that can read: a Ctx or a View.
pub trait Reader {
    /// Who signed the transaction or query; empty for a query without a signature. In a
    /// nested call it is still the member at the start.
    fn caller(&self) -> Caller {
        parse_caller(&abi::caller())
    }
    /// The DID that contract identity binds to the caller, if it has one that is neither
    /// frozen nor closed. Reads state, and costs as much gas.
    fn caller_did(&self) -> Option<Did> {
        let did = String::from_utf8_lossy(&abi::caller_did()).into_owned();
        Some(did).filter(|d| !d.is_empty()).map(Did)
    }
    /// Which chain this is.
    fn chain(&self) -> Chain {
        let b = abi::chain();
        if b.len() < 32 {
            abi::fail("internal", "malformed chain");
        }
        let mut c = Chain { name: String::from_utf8_lossy(&b[32..]).into_owned(), ..Chain::default() };
        c.genesis.0.copy_from_slice(&b[..32]);
        c
    }
    /// The block time, in whole seconds.
    fn time(&self) -> Time {
        Time(abi::block().1.div_euclid(1000))
    }
    /// The height of the block being executed, or of the tip in a query.
    fn height(&self) -> u64 {
        abi::block().0
    }
    /// The id of the transaction, zero in a query.
    fn tx_id(&self) -> Hash {
        Hash(abi::tx_id())
    }
    /// Writes up to 1 KiB to the node's debug log, without effect on results.
    fn log(&self, text: &str) {
        abi::log(text)
    }
}

/// A read-only call.
pub struct View(());
/// A call that can write.
pub struct Ctx(());

impl Reader for View {}
impl Reader for Ctx {}

/// A member of the chain.
#[derive(Clone, Default, Debug)]
pub struct Caller {
    pub member: Member,
    pub org: Org,
    pub address: Address,
    pub roles: Vec<String>,
}

/// Names a chain; the genesis hash tells it from any other of the same name.
#[derive(Clone, Default, Debug)]
pub struct Chain {
    pub name: String,
    pub genesis: Hash,
}

fn parse_caller(mut b: &[u8]) -> Caller {
    let mut part = || {
        let n = *b.first().unwrap_or(&0) as usize;
        if n + 1 > b.len() {
            abi::fail("internal", "malformed caller");
        }
        let v = &b[1..1 + n];
        b = &b[1 + n..];
        v
    };
    let text = |v: &[u8]| String::from_utf8_lossy(v).into_owned();
    let mut c = Caller { member: Member(text(part())), org: Org(text(part())), ..Caller::default() };
    let address = part();
    if address.len() == 20 {
        c.address.0.copy_from_slice(address);
    }
    c.roles = text(part()).split(',').filter(|r| !r.is_empty()).map(String::from).collect();
    c
}

/// A refusal of the contract: its code is "<bundle>.<name>", its words stand in
/// bundle.yaml. It undoes all the call has written.
#[derive(Clone, Debug)]
pub struct Error {
    pub name: &'static str,
    pub text: String,
}

impl Error {
    /// Declares an error; the name is snake_case. Errors are declared as constants.
    pub const fn new(name: &'static str) -> Self {
        Error { name, text: String::new() }
    }
    /// Adds particulars of this case, in English.
    pub fn with(mut self, text: &str) -> Self {
        self.text = String::from(text);
        self
    }
}

/// A kind of announcement that carries a T; the name is past tense in camelCase.
pub struct Event<T> {
    pub(crate) name: &'static str,
    carries: PhantomData<fn() -> T>,
}

impl<T> Event<T> {
    pub const fn new(name: &'static str) -> Self {
        Event { name, carries: PhantomData }
    }
}

impl<T: Json> Event<T> {
    /// Announces v once the call succeeds.
    pub fn emit(&self, _: &Ctx, v: &T) {
        abi::emit(self.name, &to_vec(v))
    }
}

/// The refusal of a called contract. What that contract wrote is undone.
#[derive(Clone, Debug)]
pub struct CallError {
    pub text: String,
}

impl CallError {
    /// "<bundle>.<error>".
    pub fn code(&self) -> &str {
        self.text.split(':').next().unwrap_or("")
    }
}

/// Calls a method of another contract, which bundle.yaml lists under uses. The chain
/// enforces that a read-only call reaches read-only methods alone, and that the callee
/// permits the caller.
pub fn invoke<A: Json, R: Json>(_: &impl Reader, contract: &str, method: &str, args: &A) -> Result<R, CallError> {
    match abi::call(contract, method, &to_vec(args)) {
        Ok(b) => from_slice(&b).map_err(|text| CallError { text }),
        Err(b) => Err(CallError { text: String::from_utf8_lossy(&b).into_owned() }),
    }
}

/// SM3 of data (GB/T 32905-2016), outside the guest.
pub fn sm3(data: &[u8]) -> Hash {
    Hash(abi::sm3(data))
}

/// Whether sig, r‖s, is an SM2-with-SM3 signature of msg under an uncompressed key.
pub fn verify_sm2(key: &[u8; 65], msg: &[u8], sig: &[u8; 64]) -> bool {
    abi::sm2_verify(key, msg, sig)
}

fn run<A: Json, R: Json>(f: impl FnOnce(A) -> Result<R, Error>) {
    match from_slice(&abi::args()) {
        Err(fault) => abi::fail("bad_arguments", &fault),
        Ok(args) => match f(args) {
            Err(e) => abi::fail(e.name, &e.text),
            Ok(out) => abi::output(&to_vec(&out)),
        },
    }
}

/// Serves a call of a method that writes.
pub fn run_call<A: Json, R: Json>(f: fn(&Ctx, A) -> Result<R, Error>) {
    run(|a| f(&Ctx(()), a))
}

/// Serves a call of a method that reads.
pub fn run_query<A: Json, R: Json>(f: fn(&View, A) -> Result<R, Error>) {
    run(|a| f(&View(()), a))
}

/// Serves installation.
pub fn run_init<P: Json>(f: fn(&Ctx, P) -> Result<(), Error>) {
    run(|p| f(&Ctx(()), p).map(|()| Empty))
}

crate::record! {
    /// Tells a migrate entry which version's state it meets.
    pub struct MigrateArgs { from: String = "from" }
}

/// Serves an upgrade.
pub fn run_migrate(f: fn(&Ctx, &str) -> Result<(), Error>) {
    run(|a: MigrateArgs| f(&Ctx(()), &a.from).map(|()| Empty))
}
