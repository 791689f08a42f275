//! The allocator of a call: memory is fresh on every call, so nothing is ever freed.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;

const ARENA: usize = 256 << 10;
const PAGE: usize = 64 << 10;

/// Bump serves from a fixed arena first: growing memory costs gas and a slower reset.
struct Bump {
    arena: UnsafeCell<[u8; ARENA]>,
    next: UnsafeCell<usize>,
    end: UnsafeCell<usize>,
}

// A contract has one thread.
unsafe impl Sync for Bump {}

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        let (next, end) = (&mut *self.next.get(), &mut *self.end.get());
        if *next == 0 {
            *next = self.arena.get() as usize;
            *end = *next + ARENA;
        }
        let start = (*next + l.align() - 1) & !(l.align() - 1);
        if start + l.size() > *end {
            return self.grow(l);
        }
        *next = start + l.size();
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, p: *mut u8, l: Layout, size: usize) -> *mut u8 {
        let (next, end) = (&mut *self.next.get(), *self.end.get());
        if p as usize + l.size() == *next && p as usize + size <= end {
            *next = p as usize + size; // the last block grows in place
            return p;
        }
        let q = self.alloc(Layout::from_size_align_unchecked(size, l.align()));
        if !q.is_null() {
            core::ptr::copy_nonoverlapping(p, q, l.size().min(size));
        }
        q
    }
}

impl Bump {
    unsafe fn grow(&self, l: Layout) -> *mut u8 {
        let (next, end) = (&mut *self.next.get(), &mut *self.end.get());
        let pages = (l.size() + l.align() + PAGE - 1) / PAGE;
        let old = core::arch::wasm32::memory_grow(0, pages);
        if old == usize::MAX {
            return core::ptr::null_mut();
        }
        if *end != old * PAGE {
            *next = old * PAGE;
        }
        *end = (old + pages) * PAGE;
        let start = (*next + l.align() - 1) & !(l.align() - 1);
        *next = start + l.size();
        start as *mut u8
    }
}

#[global_allocator]
static HEAP: Bump = Bump {
    arena: UnsafeCell::new([0; ARENA]),
    next: UnsafeCell::new(0),
    end: UnsafeCell::new(0),
};
