//! Version 1 of the boundary between a contract and the chain. Contracts use the
//! modules above it. Compiled for other targets the functions panic: a contract's
//! native program prints its schema and calls none of them.

use alloc::vec::Vec;

/// Longest state key in bytes.
pub const MAX_KEY: usize = 256;

#[cfg(target_arch = "wasm32")]
mod host {
    #[link(wasm_import_module = "huchain")]
    extern "C" {
        pub fn method(p: *mut u8, cap: usize) -> usize;
        pub fn args(p: *mut u8, cap: usize) -> usize;
        pub fn output(p: *const u8, n: usize);
        pub fn fail(name: *const u8, nlen: usize, text: *const u8, tlen: usize);
        pub fn state_get(k: *const u8, klen: usize, p: *mut u8, cap: usize) -> i32;
        pub fn state_put(k: *const u8, klen: usize, v: *const u8, vlen: usize);
        pub fn state_delete(k: *const u8, klen: usize);
        pub fn state_scan(s: *const u8, slen: usize, e: *const u8, elen: i32, limit: u32, p: *mut u8, cap: usize) -> i32;
        pub fn emit(name: *const u8, nlen: usize, d: *const u8, dlen: usize);
        pub fn call(c: *const u8, clen: usize, m: *const u8, mlen: usize, a: *const u8, alen: usize) -> i32;
        pub fn call_result(p: *mut u8, cap: usize) -> usize;
        pub fn caller(p: *mut u8, cap: usize) -> usize;
        pub fn caller_did(p: *mut u8, cap: usize) -> usize;
        pub fn chain(p: *mut u8, cap: usize) -> usize;
        pub fn block(p: *mut u8);
        pub fn tx_id(p: *mut u8);
        pub fn sm3(p: *const u8, n: usize, out: *mut u8);
        pub fn sm2_verify(key: *const u8, msg: *const u8, n: usize, sig: *const u8) -> u32;
        pub fn log(p: *const u8, n: usize);
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::missing_safety_doc, unused_variables)]
mod host {
    fn none() -> ! {
        panic!("there is no chain outside WASM")
    }
    pub unsafe fn method(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn args(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn output(p: *const u8, n: usize) { none() }
    pub unsafe fn fail(name: *const u8, nlen: usize, text: *const u8, tlen: usize) { none() }
    pub unsafe fn state_get(k: *const u8, klen: usize, p: *mut u8, cap: usize) -> i32 { none() }
    pub unsafe fn state_put(k: *const u8, klen: usize, v: *const u8, vlen: usize) { none() }
    pub unsafe fn state_delete(k: *const u8, klen: usize) { none() }
    pub unsafe fn state_scan(s: *const u8, slen: usize, e: *const u8, elen: i32, limit: u32, p: *mut u8, cap: usize) -> i32 { none() }
    pub unsafe fn emit(name: *const u8, nlen: usize, d: *const u8, dlen: usize) { none() }
    pub unsafe fn call(c: *const u8, clen: usize, m: *const u8, mlen: usize, a: *const u8, alen: usize) -> i32 { none() }
    pub unsafe fn call_result(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn caller(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn caller_did(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn chain(p: *mut u8, cap: usize) -> usize { none() }
    pub unsafe fn block(p: *mut u8) { none() }
    pub unsafe fn tx_id(p: *mut u8) { none() }
    pub unsafe fn sm3(p: *const u8, n: usize, out: *mut u8) { none() }
    pub unsafe fn sm2_verify(key: *const u8, msg: *const u8, n: usize, sig: *const u8) -> u32 { none() }
    pub unsafe fn log(p: *const u8, n: usize) { none() }
}

/// Runs one of the host's copy functions, again with a larger buffer if needed.
fn copied(guess: usize, f: impl Fn(*mut u8, usize) -> usize) -> Vec<u8> {
    let mut b = Vec::with_capacity(guess);
    let mut n = f(b.as_mut_ptr(), guess);
    if n > guess {
        b = Vec::with_capacity(n);
        n = f(b.as_mut_ptr(), n);
    }
    unsafe { b.set_len(n) };
    b
}

/// The name of the method called.
pub fn method() -> Vec<u8> {
    copied(64, |p, c| unsafe { host::method(p, c) })
}

/// The argument bytes.
pub fn args() -> Vec<u8> {
    copied(1024, |p, c| unsafe { host::args(p, c) })
}

/// Sets the result; the last call wins.
pub fn output(b: &[u8]) {
    unsafe { host::output(b.as_ptr(), b.len()) }
}

/// Ends the call as a contract error.
pub fn fail(name: &str, text: &str) -> ! {
    unsafe { host::fail(name.as_ptr(), name.len(), text.as_ptr(), text.len()) };
    panic!() // not reached: the host ends the call
}

/// Reads a row.
pub fn get(key: &[u8]) -> Option<Vec<u8>> {
    let mut absent = false;
    let b = {
        let absent = core::cell::Cell::from_mut(&mut absent);
        copied(1024, |p, c| {
            let n = unsafe { host::state_get(key.as_ptr(), key.len(), p, c) };
            absent.set(n < 0);
            n.max(0) as usize
        })
    };
    if absent {
        return None;
    }
    Some(b)
}

/// Writes a row.
pub fn put(key: &[u8], value: &[u8]) {
    unsafe { host::state_put(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
}

/// Removes a row.
pub fn delete(key: &[u8]) {
    unsafe { host::state_delete(key.as_ptr(), key.len()) }
}

/// Reads rows of [start, end) packed as u32le length and bytes of key, then of value;
/// the flag says that more follow. No end is the namespace's end.
pub fn scan(start: &[u8], end: Option<&[u8]>, limit: u32) -> (Vec<u8>, bool) {
    let (e, elen) = end.map_or((core::ptr::null(), -1), |e| (e.as_ptr(), e.len() as i32));
    let mut cap = 16 << 10;
    loop {
        let mut b: Vec<u8> = Vec::with_capacity(cap);
        let n = unsafe { host::state_scan(start.as_ptr(), start.len(), e, elen, limit, b.as_mut_ptr(), cap) };
        let size = (n as u32 & 0x7fff_ffff) as usize;
        if size <= cap {
            unsafe { b.set_len(size) };
            return (b, n < 0);
        }
        cap = (n as i64).unsigned_abs() as usize; // a single row needs -n bytes
    }
}

/// Announces an event.
pub fn emit(name: &str, data: &[u8]) {
    unsafe { host::emit(name.as_ptr(), name.len(), data.as_ptr(), data.len()) }
}

/// Enters another contract; Err holds its error text.
pub fn call(contract: &str, method: &str, args: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let n = unsafe {
        host::call(contract.as_ptr(), contract.len(), method.as_ptr(), method.len(), args.as_ptr(), args.len())
    };
    let b = copied(n.max(256) as usize, |p, c| unsafe { host::call_result(p, c) });
    if n < 0 {
        return Err(b);
    }
    Ok(b)
}

/// The packed caller.
pub fn caller() -> Vec<u8> {
    copied(256, |p, c| unsafe { host::caller(p, c) })
}

/// The caller's DID, empty if it has none.
pub fn caller_did() -> Vec<u8> {
    copied(256, |p, c| unsafe { host::caller_did(p, c) })
}

/// The genesis hash, 32 bytes, and the chain's name.
pub fn chain() -> Vec<u8> {
    copied(256, |p, c| unsafe { host::chain(p, c) })
}

/// Height, and time in Unix milliseconds.
pub fn block() -> (u64, i64) {
    let mut b = [0u8; 16];
    unsafe { host::block(b.as_mut_ptr()) };
    let half = |i: usize| {
        let mut x = [0u8; 8];
        x.copy_from_slice(&b[i..i + 8]);
        x
    };
    (u64::from_le_bytes(half(0)), i64::from_le_bytes(half(8)))
}

/// The transaction's id.
pub fn tx_id() -> [u8; 32] {
    let mut b = [0u8; 32];
    unsafe { host::tx_id(b.as_mut_ptr()) };
    b
}

/// Hashes data.
pub fn sm3(data: &[u8]) -> [u8; 32] {
    let mut out = [0u8; 32];
    unsafe { host::sm3(data.as_ptr(), data.len(), out.as_mut_ptr()) };
    out
}

/// Checks a 64-byte signature under a 65-byte key.
pub fn sm2_verify(key: &[u8; 65], msg: &[u8], sig: &[u8; 64]) -> bool {
    unsafe { host::sm2_verify(key.as_ptr(), msg.as_ptr(), msg.len(), sig.as_ptr()) == 1 }
}

/// Writes to the debug log.
pub fn log(text: &str) {
    unsafe { host::log(text.as_ptr(), text.len()) }
}
