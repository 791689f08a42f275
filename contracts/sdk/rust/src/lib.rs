//! SDK for HuChain contracts in Rust: the same concepts, storage layout and JSON as the
//! Go SDK, so that equal contracts give equal results, events and state.
//!
//! A contract declares its records, storage, events and errors as items and lists its
//! methods in one `contract!` table. A function that takes a `&View` cannot write, by
//! type. The SDK uses no other crates and builds with Rust 1.63 or newer.
#![no_std]

extern crate alloc;
extern crate std; // for its handler of failed allocations, which stable Rust 1.63 lacks without

pub mod abi;
#[cfg(target_arch = "wasm32")]
mod heap;
pub mod call;
pub mod json;
#[macro_use]
mod macros;
pub mod schema;
pub mod state;
pub mod types;

pub use alloc::{string::String, vec::Vec};
pub use call::{invoke, sm3, verify_sm2, CallError, Caller, Chain, Ctx, Error, Event, Reader, View};
pub use state::{Index, Item, Map, Pair};
pub use types::{Address, Bytes, Did, Empty, Hash, Member, Org, Page, Paging, Time};

#[doc(hidden)]
pub use alloc::format;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub use std::println;
